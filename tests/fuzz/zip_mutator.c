/*
 * zip_mutator.c - mutates what the entries of a zip file hold, for libFuzzer.
 *
 * Bytes of a zip file are guarded by checksums, sizes and offsets that no mutation keeps right. Three times of four one
 * entry, or its name, is mutated and the file is made anew around it; else the file as it is, whose faults are to be found too.
 */
#include "model/import/archive.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t most);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned seed);

enum { HEADER = 30, RECORD = 46, END = 22, ROOM = 1 << 16 };

/* A file that is made; what does not fit makes it no file at all. */
typedef struct {
    uint8_t bytes[ROOM];
    size_t size;
    int full;
} buffer;

static void put(buffer *b, const void *bytes, size_t size)
{
    b->full |= size > ROOM - b->size;
    if (!b->full && size)
        memcpy(b->bytes + b->size, bytes, size);
    b->size += b->full ? 0 : size;
}

static void put_number(buffer *b, uint64_t number, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        put(b, &(uint8_t){(uint8_t)(number >> (8 * i))}, 1);
}

/* What a header and a record of the directory say alike. */
static void put_fields(buffer *b, int deflated, uint32_t crc, size_t stored, size_t size, size_t length)
{
    put_number(b, 20, 2);
    put_number(b, 0, 2);
    put_number(b, deflated ? 8 : 0, 2);
    put_number(b, 0, 4);
    put_number(b, crc, 4);
    put_number(b, stored, 4);
    put_number(b, size, 4);
    put_number(b, length, 2);
    put_number(b, 0, 2);
}

static void put_entry(buffer *file, buffer *directory, const char *name, size_t length, const uint8_t *data,
                      size_t size, int deflated)
{
    static uint8_t packed[ROOM + 1024];
    uLongf stored = size;
    const size_t at = file->size;
    if (deflated) {
        z_stream z = {.next_in = (Bytef *)(uintptr_t)data,
                      .avail_in = (uInt)size,
                      .next_out = packed,
                      .avail_out = sizeof packed};
        if (deflateInit2(&z, 1, Z_DEFLATED, -9, 1, Z_DEFAULT_STRATEGY) != Z_OK || deflate(&z, Z_FINISH) != Z_STREAM_END)
            abort();
        stored = z.total_out;
        deflateEnd(&z);
    }
    const uint32_t crc = (uint32_t)crc32(crc32(0, NULL, 0), data, (uInt)size);
    put(file, "PK\3\4", 4);
    put_fields(file, deflated, crc, stored, size, length);
    put(file, name, length);
    put(file, deflated ? packed : data, stored);
    put(directory, "PK\1\2\24\0", 6);
    put_fields(directory, deflated, crc, stored, size, length);
    put_number(directory, 0, 8);
    put_number(directory, 0, 2);
    put_number(directory, at, 4);
    put(directory, name, length);
}

static void put_end(buffer *file, const buffer *directory, size_t count)
{
    const size_t start = file->size;
    put(file, directory->bytes, directory->size);
    put(file, "PK\5\6", 4);
    put_number(file, 0, 4);
    put_number(file, count, 2);
    put_number(file, count, 2);
    put_number(file, directory->size, 4);
    put_number(file, start, 4);
    put_number(file, 0, 2);
}

/* The entry as a block of its own, with room for mutations; its size, or ROOM if it does not fit. */
static size_t contents_of(const lsq_archive *archive, const lsq_archive_entry *e, uint8_t *to)
{
    uint8_t *inflated = NULL;
    if (e->size >= ROOM || (e->deflated && lsq_archive_inflate(archive, e, &inflated, NULL) != LSQ_OK))
        return ROOM;
    if (e->size)
        memcpy(to, inflated ? inflated : e->bytes, (size_t)e->size);
    free(inflated);
    return (size_t)e->size;
}

/* Makes the archive anew with one thing changed. Returns whether it could be done. */
static int make_anew(const lsq_archive *archive, unsigned seed, buffer *file)
{
    static uint8_t data[ROOM];
    static buffer directory;
    const size_t chosen = seed / 64 % archive->count;
    const unsigned change = seed / 4 % 16; /* of the name, the way it is stored, the contents */
    directory.size = file->size = 0;
    directory.full = file->full = 0;
    for (size_t i = 0; i < archive->count; i++) {
        const lsq_archive_entry *e = &archive->entries[i];
        size_t size = contents_of(archive, e, data), length = e->length;
        char name[256];
        if (size == ROOM || length > sizeof name)
            return 0;
        memcpy(name, e->name, length);
        if (i == chosen && change == 0)
            length = LLVMFuzzerMutate((uint8_t *)name, length, sizeof name);
        else if (i == chosen && change > 1)
            size = LLVMFuzzerMutate(data, size, ROOM - 1);
        put_entry(file, &directory, name, length, data, size, e->deflated != (i == chosen && change == 1));
    }
    put_end(file, &directory, archive->count);
    return !file->full && !directory.full;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned seed)
{
    static buffer made;
    const lsq_mapping file = {.path = "memory", .bytes = data, .size = size};
    lsq_archive archive = {.file = NULL};
    const int anew = seed % 4 && lsq_archive_open(&archive, &file, NULL) == LSQ_OK && archive.count > 0 &&
                     make_anew(&archive, seed, &made) && made.size <= most;
    lsq_archive_close(&archive);
    if (!anew)
        return LLVMFuzzerMutate(data, size, most);
    memcpy(data, made.bytes, made.size);
    return made.size;
}
