/*
 * archive_data.c - what the entries of a zip file hold: their checksums, and inflating those that are deflated.
 */
#include "model/import/archive.h"
#include "model/mapping.h"

#include <stdlib.h>
#include <zlib.h>

enum { PIECE = 4 << 20 }; /* zlib counts in 32 bits, and pages are given back so often */

/* The CRC of any number of bytes. Those of a mapped model are given back on the way. */
static uint32_t crc_of(const lsq_model *model, const uint8_t *bytes, uint64_t size)
{
    uLong crc = crc32(0, NULL, 0);
    for (uint64_t at = 0, piece; at < size; at += piece) {
        piece = size - at < PIECE ? size - at : PIECE;
        crc = crc32(crc, bytes + at, (uInt)piece);
        if (model)
            lsq_mapping_release(model, bytes + at, (size_t)piece);
    }
    return (uint32_t)crc;
}

lsq_status lsq_archive_verify(const lsq_model *model, const lsq_archive *archive, lsq_error *err)
{
    for (size_t i = 0; i < archive->count; i++) {
        const lsq_archive_entry *e = &archive->entries[i];
        if (!e->deflated && crc_of(model, e->bytes, e->stored) != e->crc)
            return lsq_archive_fail(archive, e, LSQ_E_CHECKSUM, "does not match its checksum", err);
    }
    return LSQ_OK;
}

/*
 * Inflates all of the entry into `to`, which has room for a byte more than it claims to hold: one that holds more is
 * found by it. LSQ_E_MALFORMED, LSQ_E_NOMEM.
 */
static lsq_status inflate_entry(const lsq_archive_entry *e, uint8_t *to)
{
    uint64_t given = 0, room = 0; /* of the input, and of the output, what zlib has been told of */
    z_stream z = {.next_in = NULL};
    int code = inflateInit2(&z, -15); /* without a header of zlib's own */
    if (code != Z_OK)
        return LSQ_E_NOMEM;
    while (code == Z_OK) {
        if (z.avail_in == 0) {
            z.next_in = (Bytef *)(uintptr_t)(e->bytes + given);
            z.avail_in = (uInt)(e->stored - given < PIECE ? e->stored - given : PIECE);
            given += z.avail_in;
        }
        if (z.avail_out == 0) {
            z.next_out = to + room;
            z.avail_out = (uInt)(e->size + 1 - room < PIECE ? e->size + 1 - room : PIECE);
            room += z.avail_out;
        }
        code = inflate(&z, Z_NO_FLUSH);
    }
    const int whole = code == Z_STREAM_END && given == e->stored && z.avail_in == 0 && room - z.avail_out == e->size;
    inflateEnd(&z);
    return code == Z_MEM_ERROR ? LSQ_E_NOMEM : whole ? LSQ_OK : LSQ_E_MALFORMED;
}

lsq_status lsq_archive_inflate(const lsq_archive *archive, const lsq_archive_entry *entry, uint8_t **bytes,
                               lsq_error *err)
{
    uint8_t *to = entry->size < SIZE_MAX / 2 ? malloc((size_t)entry->size + 1) : NULL;
    const lsq_status status = to ? inflate_entry(entry, to) : LSQ_E_NOMEM;
    const int wrong = !status && crc_of(NULL, to, entry->size) != entry->crc;
    if (!status && !wrong) {
        *bytes = to;
        return LSQ_OK;
    }
    free(to);
    if (wrong)
        return lsq_archive_fail(archive, entry, LSQ_E_CHECKSUM, "does not match its checksum", err);
    return lsq_archive_fail(archive, entry, status,
                            status == LSQ_E_NOMEM ? "no memory to inflate it"
                                                  : "its deflated data are damaged, or not as long as it claims",
                            err);
}
