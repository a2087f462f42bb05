/*
 * archive.c - the directory of a zip file, believed only where it agrees with everything else.
 *
 *     for each entry     header, 30 bytes and more; its data; a descriptor, 16 or 24 bytes, if flag 3 says so
 *     for each entry     a record of the directory, 46 bytes and more: sizes, CRC, offset of the header
 *     zip64              56 and 20 bytes, if anything is too large for 16 or 32 bits, or if the writer likes to
 *     the end            22 bytes: where the directory is
 *
 * Programs that unpack zip files disagree about those in which these places contradict each other, and what one of them
 * has checked another then reads differently. So there is nothing before the first entry, between two, or behind the end,
 * and whatever is said twice is said alike.
 */
#include "model/import/archive.h"
#include "model/sizes.h"
#include "model/text.h"

#include <stdlib.h>
#include <string.h>

enum { HEADER = 30, RECORD = 46, WIDE_END = 56, LOCATOR = 20, END = 22 };
enum { ENCRYPTED = 1 | 1 << 6 | 1 << 13, DESCRIPTOR = 1 << 3, KNOWN = ENCRYPTED | DESCRIPTOR | 6 | 1 << 11 };

#define ENTRIES_MAX   65535u
#define RATIO_MAX     1032u                /* of inflated bytes to deflated ones: 258 bytes cost two bits at least */
#define INFLATED_MAX  ((uint64_t)16 << 20) /* bytes of all deflated entries, and so many times the file more */
#define INFLATED_MORE 100u
#define NARROW_MAX    0xffffffffu

/* Where the directory is. */
typedef struct {
    uint64_t start, end, count;
} directory;

static lsq_status malformed(const lsq_mapping *file, uint64_t offset, const char *what, lsq_error *err)
{
    return lsq_fail(err, LSQ_E_MALFORMED, file->path, "offset %llu: %s", (unsigned long long)offset, what);
}

lsq_status lsq_archive_fail(const lsq_archive *archive, const lsq_archive_entry *entry, lsq_status status,
                            const char *what, lsq_error *err)
{
    return lsq_fail(err, status, archive->file->path, "entry \"%.*s\": %s",
                    (int)(entry->length < 100 ? entry->length : 100), entry->name, what);
}

/* ---- The end ---------------------------------------------------------------------------------------------------- */

/* There is no end record where one should be. Is there one before that place? */
static lsq_status missing_end(const lsq_mapping *file, lsq_error *err)
{
    const uint64_t furthest = file->size > END + 65535 ? file->size - END - 65535 : 0;
    for (uint64_t at = file->size < END ? 0 : file->size - END; at > furthest; at--)
        if (memcmp(file->bytes + at - 1, "PK\5\6", 4) == 0)
            return malformed(file, at - 1 + END, "a comment, or bytes after the end of the archive, expected neither",
                             err);
    return lsq_fail(err, LSQ_E_TRUNCATED, file->path, "offset %zu: the file ends, expected the end of a zip archive",
                    file->size);
}

/* The zip64 record, if its locator stands before the end record. `at` moves from the latter to the former. */
static lsq_status read_wide_end(const lsq_mapping *file, uint64_t *at, directory *d, uint64_t *size, lsq_error *err)
{
    const uint8_t *end = file->bytes + *at;
    if (*at < LOCATOR + WIDE_END || memcmp(end - LOCATOR, "PK\6\7", 4) != 0)
        return LSQ_OK;
    const uint8_t *locator = end - LOCATOR, *record = locator - WIDE_END;
    const uint64_t narrow[3] = {d->count, *size, d->start};
    const uint64_t wide[3] = {lsq_little_endian(record + 32, 8), lsq_little_endian(record + 40, 8),
                              lsq_little_endian(record + 48, 8)};
    *at -= LOCATOR + WIDE_END;
    if (memcmp(record, "PK\6\6", 4) != 0 || lsq_little_endian(record + 4, 8) != WIDE_END - 12 ||
        lsq_little_endian(locator + 8, 8) != *at)
        return malformed(file, *at, "expected the zip64 record that the locator behind it is about", err);
    if (lsq_little_endian(record + 16, 8) != 0 || lsq_little_endian(locator + 4, 4) != 0 ||
        lsq_little_endian(locator + 16, 4) > 1 || lsq_little_endian(record + 24, 8) != wide[0])
        return lsq_fail(err, LSQ_E_UNSUPPORTED, file->path, "offset %llu: an archive of several files",
                        (unsigned long long)*at);
    for (unsigned i = 0; i < 3; i++)
        if (narrow[i] != wide[i] && narrow[i] != (i == 0 ? 0xffffu : NARROW_MAX))
            return malformed(file, *at, "the zip64 record contradicts the end of the archive", err);
    d->count = wide[0];
    *size = wide[1];
    d->start = wide[2];
    return LSQ_OK;
}

static lsq_status find_directory(const lsq_mapping *file, directory *d, lsq_error *err)
{
    if (file->size < END || memcmp(file->bytes + file->size - END, "PK\5\6", 4) != 0)
        return missing_end(file, err);
    uint64_t at = file->size - END, size, end;
    const uint8_t *b = file->bytes + at;
    if (lsq_little_endian(b + 20, 2) != 0)
        return malformed(file, at + 20, "a comment that is longer than the file", err);
    if (lsq_little_endian(b + 4, 4) != 0 || lsq_little_endian(b + 8, 2) != lsq_little_endian(b + 10, 2))
        return lsq_fail(err, LSQ_E_UNSUPPORTED, file->path, "offset %llu: an archive of several files",
                        (unsigned long long)at);
    d->count = lsq_little_endian(b + 10, 2);
    size = lsq_little_endian(b + 12, 4);
    d->start = lsq_little_endian(b + 16, 4);
    const lsq_status status = read_wide_end(file, &at, d, &size, err);
    if (status)
        return status;
    d->end = at;
    if (!lsq_size_add(d->start, size, &end) || end != at)
        return malformed(file, at, "the directory does not end here, where the end of the archive begins", err);
    if (d->count > ENTRIES_MAX)
        return lsq_fail(err, LSQ_E_LIMIT, file->path, "%llu entries, expected at most %u", (unsigned long long)d->count,
                        ENTRIES_MAX);
    if (d->count > size / RECORD)
        return malformed(file, d->start, "the directory is too short for its entries", err);
    return LSQ_OK;
}

/* ---- Records of the directory ----------------------------------------------------------------------------------- */

/* The fields behind a name: 16-bit id and length each. *wide is the zip64 field, or NULL. Returns whether they fit. */
static int find_wide(const uint8_t *extra, size_t length, const uint8_t **wide, size_t *wide_length)
{
    *wide = NULL;
    *wide_length = 0;
    while (length > 0) {
        if (length < 4 || lsq_little_endian(extra + 2, 2) > length - 4)
            return 0;
        const size_t size = (size_t)lsq_little_endian(extra + 2, 2);
        if (lsq_little_endian(extra, 2) == 1) {
            if (*wide)
                return 0;
            *wide = extra + 4;
            *wide_length = size;
        }
        extra += 4 + size;
        length -= 4 + size;
    }
    return 1;
}

static const char *name_fault(const char *name, size_t length)
{
    const char *fault = lsq_name_fault(name, length);
    if (fault)
        return fault;
    if (name[0] == '/')
        return "is absolute";
    if (memchr(name, '\\', length))
        return "has a backslash";
    for (size_t begin = 0, end; begin <= length; begin = end + 1) {
        const char *slash = begin < length ? memchr(name + begin, '/', length - begin) : NULL;
        end = slash ? (size_t)(slash - name) : length;
        if (end == begin)
            return "is that of a folder, or has an empty part";
        if (name[begin] == '.' && (end - begin == 1 || (end - begin == 2 && name[begin + 1] == '.')))
            return "has a part \".\" or \"..\"";
    }
    return NULL;
}

static lsq_status check_entry(const lsq_archive *a, const lsq_archive_entry *e, unsigned method, lsq_error *err)
{
    const char *fault = name_fault(e->name, e->length);
    if (fault)
        return lsq_fail(err, LSQ_E_MALFORMED, a->file->path, "the name of an entry, \"%.*s\", %s",
                        (int)(e->length < 100 ? e->length : 100), e->name, fault);
    if (e->flags & ENCRYPTED)
        return lsq_archive_fail(a, e, LSQ_E_UNSUPPORTED, "is encrypted", err);
    if (e->flags & ~(unsigned)KNOWN)
        return lsq_archive_fail(a, e, LSQ_E_UNSUPPORTED, "flags whose meaning is not known here", err);
    if (method != 0 && method != 8)
        return lsq_archive_fail(a, e, LSQ_E_UNSUPPORTED, "neither stored nor deflated", err);
    if (method == 0 && e->stored != e->size)
        return lsq_archive_fail(a, e, LSQ_E_MALFORMED, "stored as it is, but with two sizes", err);
    if (e->size / RATIO_MAX > e->stored || (e->stored == 0 && e->size > 0))
        return lsq_archive_fail(a, e, LSQ_E_MALFORMED,
                                "claims more than 1032 times the bytes that it takes, which no data give", err);
    return LSQ_OK;
}

/* Takes what the record says of sizes and place; the numbers that do not fit are in the zip64 field, in this order. */
static int read_sizes(const uint8_t *record, const uint8_t *wide, size_t wide_length, lsq_archive_entry *e)
{
    uint64_t *const numbers[3] = {&e->size, &e->stored, &e->begin};
    static const unsigned at[3] = {24, 20, 42};
    for (unsigned i = 0; i < 3; i++) {
        *numbers[i] = lsq_little_endian(record + at[i], 4);
        if (*numbers[i] != NARROW_MAX)
            continue;
        if (wide_length < 8)
            return 0;
        *numbers[i] = lsq_little_endian(wide, 8);
        wide += 8;
        wide_length -= 8;
    }
    return wide_length == 0;
}

static lsq_status read_record(const lsq_archive *a, uint64_t *at, uint64_t end, lsq_archive_entry *e, lsq_error *err)
{
    const uint8_t *b = a->file->bytes + *at, *wide;
    size_t wide_length;
    if (end - *at < RECORD || memcmp(b, "PK\1\2", 4) != 0)
        return malformed(a->file, *at, "expected a record of the directory", err);
    const uint64_t extra = lsq_little_endian(b + 30, 2), comment = lsq_little_endian(b + 32, 2);
    *e = (lsq_archive_entry){.name = (const char *)b + RECORD, .length = (size_t)lsq_little_endian(b + 28, 2)};
    if (e->length + extra + comment > end - *at - RECORD)
        return malformed(a->file, *at, "a record that reaches beyond the directory", err);
    e->flags = (unsigned)lsq_little_endian(b + 8, 2);
    e->deflated = lsq_little_endian(b + 10, 2) == 8;
    e->crc = (uint32_t)lsq_little_endian(b + 16, 4);
    if (lsq_little_endian(b + 34, 2) != 0)
        return lsq_archive_fail(a, e, LSQ_E_UNSUPPORTED, "is in another file", err);
    if (!find_wide(b + RECORD + e->length, (size_t)extra, &wide, &wide_length) || !read_sizes(b, wide, wide_length, e))
        return lsq_archive_fail(a, e, LSQ_E_MALFORMED,
                                "fields that do not fit, or a zip64 field of other numbers than those that need it",
                                err);
    *at += RECORD + e->length + extra + comment;
    return check_entry(a, e, (unsigned)lsq_little_endian(b + 10, 2), err);
}

/* ---- Entries ---------------------------------------------------------------------------------------------------- */

/* A number of a header is that of the directory, or 0 if a descriptor says it later. */
static int agrees(const lsq_archive_entry *e, uint64_t here, uint64_t there)
{
    return here == there || (here == 0 && (e->flags & DESCRIPTOR));
}

/* Compares the header with the directory; *at moves from it to the data. *wide: sizes of the descriptor are 64 bits. */
static lsq_status read_header(const lsq_archive *a, uint64_t *at, uint64_t end, lsq_archive_entry *e, int *is_wide,
                              lsq_error *err)
{
    const uint8_t *b = a->file->bytes + *at, *wide;
    size_t wide_length;
    if (end - *at < HEADER || memcmp(b, "PK\3\4", 4) != 0)
        return malformed(a->file, *at, "expected the header of an entry", err);
    const uint64_t extra = lsq_little_endian(b + 28, 2);
    uint64_t stored = lsq_little_endian(b + 18, 4), size = lsq_little_endian(b + 22, 4);
    if (lsq_little_endian(b + 26, 2) != e->length || e->length + extra > end - *at - HEADER ||
        memcmp(b + HEADER, e->name, e->length) != 0)
        return lsq_archive_fail(a, e, LSQ_E_MALFORMED, "has another name in its header", err);
    if (!find_wide(b + HEADER + e->length, (size_t)extra, &wide, &wide_length))
        return lsq_archive_fail(a, e, LSQ_E_MALFORMED, "fields of its header that do not fit", err);
    if (wide_length >= 16) { /* there is one also where nothing is large */
        if ((size != NARROW_MAX && !agrees(e, size, e->size)) ||
            (stored != NARROW_MAX && !agrees(e, stored, e->stored)))
            return lsq_archive_fail(a, e, LSQ_E_MALFORMED, "its header contradicts the directory", err);
        size = lsq_little_endian(wide, 8);
        stored = lsq_little_endian(wide + 8, 8);
    }
    if (lsq_little_endian(b + 6, 2) != e->flags || lsq_little_endian(b + 8, 2) != (e->deflated ? 8u : 0u) ||
        !agrees(e, lsq_little_endian(b + 14, 4), e->crc) || !agrees(e, stored, e->stored) || !agrees(e, size, e->size))
        return lsq_archive_fail(a, e, LSQ_E_MALFORMED, "its header contradicts the directory", err);
    *is_wide = wide != NULL;
    *at += HEADER + e->length + extra;
    return LSQ_OK;
}

static lsq_status read_entry(const lsq_archive *a, uint64_t *at, uint64_t end, lsq_archive_entry *e, lsq_error *err)
{
    int wide = 0;
    const lsq_status status = read_header(a, at, end, e, &wide, err);
    if (status)
        return status;
    if (e->stored > end - *at)
        return lsq_archive_fail(a, e, LSQ_E_MALFORMED, "its data reach into the directory", err);
    e->bytes = a->file->bytes + *at;
    *at += e->stored;
    if (!(e->flags & DESCRIPTOR))
        return LSQ_OK;
    const unsigned bytes = wide ? 8 : 4;
    const uint8_t *b = a->file->bytes + *at;
    if (end - *at < 8 + 2 * bytes || memcmp(b, "PK\7\10", 4) != 0 || lsq_little_endian(b + 4, 4) != e->crc ||
        lsq_little_endian(b + 8, bytes) != e->stored || lsq_little_endian(b + 8 + bytes, bytes) != e->size)
        return lsq_archive_fail(a, e, LSQ_E_MALFORMED, "no descriptor behind its data that agrees with the directory",
                                err);
    *at += 8 + 2 * bytes;
    return LSQ_OK;
}

static int by_place(const void *pa, const void *pb)
{
    const lsq_archive_entry *a = pa, *b = pb;
    return a->begin < b->begin ? -1 : a->begin > b->begin;
}

/* The entries lie one behind the other, from the first byte to the directory. */
static lsq_status cover(lsq_archive *a, uint64_t end, lsq_error *err)
{
    uint64_t covered = 0;
    qsort(a->entries, a->count, sizeof(*a->entries), by_place);
    for (size_t i = 0; i < a->count; i++) {
        lsq_archive_entry *e = &a->entries[i];
        if (e->begin != covered)
            return lsq_archive_fail(a, e, LSQ_E_MALFORMED,
                                    e->begin < covered ? "overlaps another"
                                    : i > 0            ? "the bytes before it belong to no entry"
                                                       : "is the first, but not at the start of the file",
                                    err);
        const lsq_status status = read_entry(a, &covered, end, e, err);
        if (status)
            return status;
    }
    return covered == end ? LSQ_OK : malformed(a->file, covered, "bytes that belong to no entry", err);
}

/* Zeros take a thousandth of their size. So much of them is allowed as a small model may have, and a large one in proportion. */
static lsq_status check_inflated(const lsq_archive *a, lsq_error *err)
{
    const uint64_t most = INFLATED_MAX + INFLATED_MORE * (uint64_t)a->file->size;
    uint64_t sum = 0;
    for (size_t i = 0; i < a->count; i++) /* each at most 1032 times the file */
        sum += a->entries[i].deflated ? a->entries[i].size : 0;
    if (sum <= most)
        return LSQ_OK;
    return lsq_fail(
        err, LSQ_E_LIMIT, a->file->path,
        "entries of %llu bytes when inflated, expected at most 16 MiB and 100 times the file: save it uncompressed",
        (unsigned long long)sum);
}

/* ---- Names ------------------------------------------------------------------------------------------------------ */

static int compare_names(const lsq_archive_entry *e, const char *name, size_t length)
{
    const int order = memcmp(e->name, name, e->length < length ? e->length : length);
    return order ? order : e->length < length ? -1 : e->length > length;
}

static int by_name(const void *pa, const void *pb)
{
    const lsq_archive_entry *const *a = pa, *const *b = pb;
    return compare_names(*a, (*b)->name, (*b)->length);
}

static lsq_status sort_names(lsq_archive *a, lsq_error *err)
{
    for (size_t i = 0; i < a->count; i++)
        a->by_name[i] = &a->entries[i];
    qsort(a->by_name, a->count, sizeof(*a->by_name), by_name);
    for (size_t i = 1; i < a->count; i++)
        if (by_name(&a->by_name[i - 1], &a->by_name[i]) == 0)
            return lsq_archive_fail(a, a->by_name[i], LSQ_E_MALFORMED, "is there twice", err);
    return LSQ_OK;
}

const lsq_archive_entry *lsq_archive_find(const lsq_archive *archive, const char *name, size_t length)
{
    size_t low = 0, high = archive->count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        const int order = compare_names(archive->by_name[middle], name, length);
        if (order == 0)
            return archive->by_name[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

/* ---- All of it -------------------------------------------------------------------------------------------------- */

lsq_status lsq_archive_open(lsq_archive *archive, const lsq_mapping *file, lsq_error *err)
{
    directory d = {0, 0, 0};
    *archive = (lsq_archive){.file = file};
    lsq_status status = find_directory(file, &d, err);
    if (status)
        return status;
    archive->entries = malloc(((size_t)d.count + 1) * sizeof(*archive->entries));
    archive->by_name = malloc(((size_t)d.count + 1) * sizeof(*archive->by_name));
    if (!archive->entries || !archive->by_name)
        return lsq_fail(err, LSQ_E_NOMEM, file->path, "no memory for %llu entries", (unsigned long long)d.count);
    uint64_t at = d.start;
    for (; archive->count < d.count && !status; archive->count++)
        status = read_record(archive, &at, d.end, &archive->entries[archive->count], err);
    if (!status && at != d.end)
        status = malformed(file, at, "more in the directory than its entries", err);
    if (!status)
        status = cover(archive, d.start, err);
    if (!status)
        status = check_inflated(archive, err);
    return status ? status : sort_names(archive, err);
}

void lsq_archive_close(lsq_archive *archive)
{
    free(archive->entries);
    free(archive->by_name);
}
