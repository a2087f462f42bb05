/*
 * zip_sample.h - zip files made entry by entry, with the places that a test wants to damage.
 */
#ifndef LSQ_TESTS_ZIP_SAMPLE_H
#define LSQ_TESTS_ZIP_SAMPLE_H

#include <check.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { ZIP_DEFLATE = 1, ZIP_DESCRIPTOR = 2, ZIP_WIDE = 4 }; /* WIDE: zip64 fields though nobody needs them */

typedef struct {
    uint8_t *bytes, *records;
    size_t size, records_size, count;
    size_t header[16], data[16], after[16], record[16], record_extra[16]; /* offsets; those of records within them */
    size_t directory, wide_end, end;                                      /* once finished */
} zip_sample;

static inline void zip_put(uint8_t **bytes, size_t *size, const void *more, size_t count)
{
    *bytes = realloc(*bytes, *size + count + 1);
    ck_assert_ptr_nonnull(*bytes);
    if (count)
        memcpy(*bytes + *size, more, count);
    *size += count;
}

/* Numbers of so many bytes each, up to a width of 0. */
static inline void zip_numbers(uint8_t **bytes, size_t *size, const uint64_t (*numbers)[2])
{
    for (; (*numbers)[1]; numbers++)
        for (unsigned i = 0; i < (*numbers)[1]; i++)
            zip_put(bytes, size, &(uint8_t){(uint8_t)((*numbers)[0] >> (8 * i))}, 1);
}

static inline uint8_t *zip_deflate(const void *data, size_t size, size_t *deflated)
{
    z_stream z = {.next_in = (Bytef *)(uintptr_t)data, .avail_in = (uInt)size};
    ck_assert_int_eq(deflateInit2(&z, 9, Z_DEFLATED, -15, 9, Z_DEFAULT_STRATEGY), Z_OK);
    const size_t room = deflateBound(&z, size);
    uint8_t *to = malloc(room + 1);
    ck_assert_ptr_nonnull(to);
    z.next_out = to;
    z.avail_out = (uInt)room;
    ck_assert_int_eq(deflate(&z, Z_FINISH), Z_STREAM_END);
    *deflated = room - z.avail_out;
    deflateEnd(&z);
    return to;
}

static inline void zip_add(zip_sample *z, const char *name, const void *data, size_t size, unsigned flags)
{
    const unsigned wide = flags & ZIP_WIDE ? 1 : 0, descriptor = flags & ZIP_DESCRIPTOR ? 8 : 0,
                   method = flags & ZIP_DEFLATE ? 8 : 0;
    const uint64_t crc = crc32(crc32(0, NULL, 0), data, (uInt)size);
    const size_t length = strlen(name);
    size_t stored = size;
    uint8_t *deflated = method ? zip_deflate(data, size, &stored) : NULL;
    const uint64_t shown = wide         ? 0xffffffff
                           : descriptor ? 0
                                        : stored,
                   shown_size = wide         ? shown
                                : descriptor ? 0
                                             : size;
    ck_assert_uint_lt(z->count, 16);
    z->header[z->count] = z->size;
    zip_put(&z->bytes, &z->size, "PK\3\4", 4);
    zip_numbers(&z->bytes, &z->size,
                (const uint64_t[][2]){{20, 2},
                                      {descriptor, 2},
                                      {method, 2},
                                      {0, 4},
                                      {descriptor ? 0 : crc, 4},
                                      {shown, 4},
                                      {shown_size, 4},
                                      {length, 2},
                                      {wide ? 20 : 0, 2},
                                      {0, 0}});
    zip_put(&z->bytes, &z->size, name, length);
    if (wide)
        zip_numbers(
            &z->bytes, &z->size,
            (const uint64_t[][2]){{1, 2}, {16, 2}, {descriptor ? 0 : size, 8}, {descriptor ? 0 : stored, 8}, {0, 0}});
    z->data[z->count] = z->size;
    zip_put(&z->bytes, &z->size, deflated ? deflated : data, stored);
    free(deflated);
    z->after[z->count] = z->size;
    if (descriptor) {
        zip_put(&z->bytes, &z->size, "PK\7\10", 4);
        zip_numbers(&z->bytes, &z->size,
                    (const uint64_t[][2]){{crc, 4}, {stored, wide ? 8 : 4}, {size, wide ? 8 : 4}, {0, 0}});
    }
    z->record[z->count] = z->records_size;
    zip_put(&z->records, &z->records_size, "PK\1\2", 4);
    zip_numbers(&z->records, &z->records_size,
                (const uint64_t[][2]){{20, 2},
                                      {20, 2},
                                      {descriptor, 2},
                                      {method, 2},
                                      {0, 4},
                                      {crc, 4},
                                      {wide ? shown : stored, 4},
                                      {wide ? shown : size, 4},
                                      {length, 2},
                                      {wide ? 28 : 0, 2},
                                      {0, 8},
                                      {0, 2},
                                      {wide ? shown : z->header[z->count], 4},
                                      {0, 0}});
    zip_put(&z->records, &z->records_size, name, length);
    z->record_extra[z->count] = z->records_size;
    if (wide)
        zip_numbers(&z->records, &z->records_size,
                    (const uint64_t[][2]){{1, 2}, {24, 2}, {size, 8}, {stored, 8}, {z->header[z->count], 8}, {0, 0}});
    z->count++;
}

static inline void zip_finish(zip_sample *z, unsigned flags)
{
    const uint64_t wide = flags & ZIP_WIDE, count = z->count, size = z->records_size, start = z->size;
    z->directory = z->size;
    zip_put(&z->bytes, &z->size, z->records, z->records_size);
    free(z->records);
    z->records = NULL;
    z->wide_end = z->size;
    if (wide) {
        zip_put(&z->bytes, &z->size, "PK\6\6", 4);
        zip_numbers(
            &z->bytes, &z->size,
            (const uint64_t[][2]){
                {44, 8}, {45, 2}, {45, 2}, {0, 4}, {0, 4}, {count, 8}, {count, 8}, {size, 8}, {start, 8}, {0, 0}});
        zip_put(&z->bytes, &z->size, "PK\6\7", 4);
        zip_numbers(&z->bytes, &z->size, (const uint64_t[][2]){{0, 4}, {z->wide_end, 8}, {1, 4}, {0, 0}});
    }
    z->end = z->size;
    zip_put(&z->bytes, &z->size, "PK\5\6", 4);
    zip_numbers(&z->bytes, &z->size,
                (const uint64_t[][2]){{0, 4},
                                      {wide ? 0xffff : count, 2},
                                      {wide ? 0xffff : count, 2},
                                      {wide ? 0xffffffff : size, 4},
                                      {wide ? 0xffffffff : start, 4},
                                      {0, 2},
                                      {0, 0}});
}

#endif
