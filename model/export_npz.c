/*
 * export_npz.c - tensors as a .npz file: a zip archive of .npy files that are stored as they are, which NumPy reads.
 *
 *     for each entry     header, 30 bytes | name | zip64, 20 bytes, if its sizes do not fit into 32 bits | the .npy file
 *     for each entry     record, 46 bytes | name | zip64 with those of sizes and offset that do not fit
 *     zip64              56 and 20 bytes, if the directory's own numbers do not fit
 *     the end            22 bytes
 *
 * Sizes are known before, the CRC afterwards, and is then put into the header. Times are those of 1980, so that the same tensors give the same bytes.
 */
#include "model/export.h"

#if LSQ_ZLIB

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define NARROW_MAX 0xffffffffu /* what 32 bits cannot hold is written as this, and so is the number itself */
#define COUNT_MAX  0xffffu
#define PLAIN      20 /* the version that it takes to read an entry */
#define WIDE       45
#define UTF8_NAME  (1u << 11)
#define NEW_YEAR   0x00210000u /* 1980-01-01, 00:00:00 */
#define CRC_AT     14
#define LOCATOR    0x07064b50u

/* An entry, and what is written. */
typedef struct {
    lsq_export_job *job;
    uint64_t header, size;
    uLong crc;
} entry;

static lsq_form form_of(const lsq_export_job *job, const lsq_tensor *tensor)
{
    uint8_t head[LSQ_NPY_HEAD_MAX];
    const lsq_form form = lsq_export_form(job, tensor);
    return lsq_npy_head(tensor, lsq_form_dtype(form, tensor), head) ? form : LSQ_FORM_F32;
}

/* The numbers of one structure after the other, as pairs of bytes and value. */
static lsq_status put_numbers(lsq_export_job *job, size_t count, const uint64_t numbers[][2])
{
    lsq_status status = LSQ_OK;
    for (size_t i = 0; i < count && status == LSQ_OK; i++)
        status = lsq_export_number(job, (size_t)numbers[i][0], numbers[i][1]);
    return status;
}

static uint64_t narrow(uint64_t number)
{
    return number < NARROW_MAX ? number : NARROW_MAX;
}

static lsq_status put_name(lsq_export_job *job, const char *name)
{
    const lsq_status status = lsq_export_put(job, name, strlen(name));
    return status == LSQ_OK ? lsq_export_put(job, ".npy", 4) : status;
}

static uint64_t flags_of(const char *name)
{
    for (; *name; name++)
        if ((uint8_t)*name >= 0x80)
            return UTF8_NAME;
    return 0;
}

/* ---- Entries ----------------------------------------------------------------------------------------------------- */

static lsq_status put_header(const entry *e, const char *name)
{
    const int wide = e->size >= NARROW_MAX;
    const uint64_t header[][2] = {
        {4, 0x04034b50},       {2, wide ? WIDE : PLAIN},
        {2, flags_of(name)},   {2, 0},
        {4, NEW_YEAR},         {4, 0},
        {4, narrow(e->size)},  {4, narrow(e->size)},
        {2, strlen(name) + 4}, {2, wide ? 20 : 0},
    };
    const uint64_t both[][2] = {{2, 1}, {2, 16}, {8, e->size}, {8, e->size}};
    lsq_status status = put_numbers(e->job, sizeof header / sizeof *header, header);
    if (status == LSQ_OK)
        status = put_name(e->job, name);
    return status == LSQ_OK && wide ? put_numbers(e->job, sizeof both / sizeof *both, both) : status;
}

static lsq_status put_piece(void *arg, const lsq_piece *piece)
{
    entry *e = arg;
    if (piece->size)
        e->crc = crc32_z(e->crc, piece->bytes, piece->size);
    return lsq_export_piece(e->job, piece);
}

static lsq_status put_entry(entry *e, size_t i)
{
    uint8_t head[LSQ_NPY_HEAD_MAX];
    const lsq_tensor *tensor = lsq_model_tensor(e->job->model, i);
    const lsq_form form = form_of(e->job, tensor);
    const lsq_dtype dtype = lsq_form_dtype(form, tensor);
    const size_t length = lsq_npy_head(tensor, dtype, head);
    e->header = lsq_export_size(e->job);
    e->size = length + tensor->elements * lsq_dtype_bytes(dtype);
    e->crc = crc32_z(0, head, length);
    lsq_status status = put_header(e, tensor->name);
    if (status == LSQ_OK)
        status = lsq_export_put(e->job, head, length);
    if (status == LSQ_OK)
        status = lsq_model_visit(e->job->model, i, form, put_piece, e, e->job->err);
    return status == LSQ_OK ? lsq_export_patch(e->job, e->header + CRC_AT, 4, e->crc) : status;
}

/* ---- The directory ----------------------------------------------------------------------------------------------- */

static lsq_status put_record(const entry *e, const char *name)
{
    const uint64_t sizes = e->size >= NARROW_MAX ? 16 : 0, offset = e->header >= NARROW_MAX ? 8 : 0;
    const uint64_t wide = sizes + offset;
    const uint64_t record[][2] = {
        {4, 0x02014b50},
        {2, wide ? WIDE : PLAIN},
        {2, wide ? WIDE : PLAIN},
        {2, flags_of(name)},
        {2, 0},
        {4, NEW_YEAR},
        {4, e->crc},
        {4, narrow(e->size)},
        {4, narrow(e->size)},
        {2, strlen(name) + 4},
        {2, wide ? 4 + wide : 0},
        {2, 0},
        {2, 0},
        {2, 0},
        {4, 0},
        {4, narrow(e->header)},
    };
    const uint64_t field[][2] = {{2, 1}, {2, wide}}, both[][2] = {{8, e->size}, {8, e->size}};
    lsq_status status = put_numbers(e->job, sizeof record / sizeof *record, record);
    if (status == LSQ_OK)
        status = put_name(e->job, name);
    if (status == LSQ_OK && wide)
        status = put_numbers(e->job, 2, field);
    if (status == LSQ_OK && sizes)
        status = put_numbers(e->job, 2, both);
    return status == LSQ_OK && offset ? lsq_export_number(e->job, 8, e->header) : status;
}

static lsq_status put_end(lsq_export_job *job, uint64_t start)
{
    const uint64_t end = lsq_export_size(job), size = end - start, count = job->count;
    const uint64_t wide[][2] = {
        {4, 0x06064b50}, {8, 44},   {2, WIDE},  {2, WIDE},    {4, 0}, {4, 0},   {8, count},
        {8, count},      {8, size}, {8, start}, {4, LOCATOR}, {4, 0}, {8, end}, {4, 1},
    };
    const uint64_t last[][2] = {
        {4, 0x06054b50}, {2, 0}, {2, 0}, {2, count}, {2, count}, {4, narrow(size)}, {4, narrow(start)}, {2, 0},
    };
    lsq_status status = LSQ_OK;
    if (count == COUNT_MAX || size >= NARROW_MAX || start >= NARROW_MAX)
        status = put_numbers(job, sizeof wide / sizeof *wide, wide);
    return status == LSQ_OK ? put_numbers(job, sizeof last / sizeof *last, last) : status;
}

lsq_status lsq_write_npz(lsq_export_job *job)
{
    if (job->count > COUNT_MAX)
        return lsq_fail(job->err, LSQ_E_LIMIT, job->path, "%zu tensors, a .npz file holds at most %u", job->count,
                        COUNT_MAX);
    entry *entries = calloc(job->count + 1, sizeof *entries);
    if (!entries)
        return lsq_fail(job->err, LSQ_E_NOMEM, job->path, "no memory for %zu tensors", job->count);
    lsq_status status = LSQ_OK;
    for (size_t k = 0; k < job->count && status == LSQ_OK; k++) {
        entries[k].job = job;
        status = put_entry(&entries[k], job->tensors[k]);
    }
    const uint64_t start = lsq_export_size(job);
    for (size_t k = 0; k < job->count && status == LSQ_OK; k++)
        status = put_record(&entries[k], lsq_model_tensor(job->model, job->tensors[k])->name);
    free(entries);
    return status == LSQ_OK ? put_end(job, start) : status;
}

#else

lsq_status lsq_write_npz(lsq_export_job *job)
{
    return lsq_fail(job->err, LSQ_E_UNSUPPORTED, job->path, "this build has no zlib, which .npz files take");
}

#endif
