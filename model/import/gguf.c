/*
 * gguf.c - the reader of GGUF files, versions 2 and 3, little-endian.
 *
 *     0     "GGUF" | u32 version | u64 tensors | u64 pairs
 *     24    pairs    string key | u32 type | value
 *     ..    tensors  string name | u32 rank | u64 shape[rank], the fastest dimension first | u32 type | u64 offset
 *     ..    up to a multiple of the alignment: general.alignment, or 32
 *     ..    data     each tensor at an offset from here, a multiple of the alignment
 *
 * A string is a u64 length and its bytes; the value that is an array, u32 type | u64 count | the elements. The tensors, with the
 * padding behind each, cover the data without a hole. Quantised ones stay as they are until they are read (gguf_blocks.c).
 */
#include "model/import/gguf.h"
#include "model/import/gguf_blocks.h"
#include "model/sizes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RANK_MAX       4
#define ALIGNMENT      32u                 /* unless general.alignment says otherwise */
#define PAIR_BYTES_MIN (8 + 1 + 4 + 1)     /* of a key of one letter, and a byte */
#define INFO_BYTES_MIN (8 + 1 + 4 + 4 + 8) /* of a name of one letter, and a single number */

int lsq_is_gguf(const lsq_mapping *file)
{
    const size_t size = file->size < 4 ? file->size : 4;
    return size > 0 && memcmp(file->bytes, "GGUF", size) == 0;
}

/* ---- Tensors ----------------------------------------------------------------------------------------------------- */

/* Types that are numbers as they stand, by what ggml calls them; returns 0 if this is none of them. */
static int plain_type(uint64_t type, lsq_dtype *dtype)
{
    static const struct {
        uint64_t type;
        lsq_dtype dtype;
    } plain[] = {{0, LSQ_F32},  {1, LSQ_F16},  {24, LSQ_I8},  {25, LSQ_I16},
                 {26, LSQ_I32}, {27, LSQ_I64}, {28, LSQ_F64}, {30, LSQ_BF16}};
    for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++) {
        if (plain[i].type == type) {
            *dtype = plain[i].dtype;
            return 1;
        }
    }
    return 0;
}

/* Those that are not read, for messages. */
static const char *other_type(uint64_t type)
{
    static const char *const names[] = {[9] = "Q8_1", [41] = "Q1_0"};
    return type < sizeof names / sizeof names[0] && names[type] ? names[type] : "unknown";
}

static lsq_status take_shape(lsq_gguf *c, lsq_tensor *t)
{
    uint64_t rank = 0;
    lsq_status status = lsq_gguf_number(c, 4, "the rank of a tensor", &rank);
    if (status == LSQ_OK && rank > RANK_MAX)
        return lsq_fail(c->err, LSQ_E_LIMIT, c->path, "tensor \"%s\": rank %llu, expected at most %d", t->name,
                        (unsigned long long)rank, RANK_MAX);
    if (status == LSQ_OK)
        t->rank = (unsigned)rank;
    for (unsigned axis = t->rank; axis-- > 0 && status == LSQ_OK;)
        status = lsq_gguf_number(c, 8, "the shape of a tensor", &t->shape[axis]);
    return status;
}

static lsq_status read_info(lsq_gguf *c)
{
    char name[LSQ_NAME_MAX + 1];
    lsq_tensor t = {.name = name, .dtype = LSQ_F32};
    lsq_entry *entry;
    uint64_t type = 0, offset = 0;
    lsq_status status = lsq_gguf_name(c, "the name of a tensor", name);
    if (status == LSQ_OK)
        status = take_shape(c, &t);
    if (status == LSQ_OK)
        status = lsq_gguf_number(c, 4, "the type of a tensor", &type);
    if (status == LSQ_OK)
        status = lsq_gguf_number(c, 8, "the offset of a tensor", &offset);
    if (status != LSQ_OK)
        return status;
    const lsq_block_type *blocks = lsq_gguf_block_type((uint32_t)type);
    if (!blocks && !plain_type(type, &t.dtype))
        return lsq_fail(c->err, LSQ_E_UNSUPPORTED, c->path,
                        "tensor \"%s\": type %llu, %s, is not one of those read here", name, (unsigned long long)type,
                        other_type(type));
    const uint64_t row = t.rank ? t.shape[t.rank - 1] : 1;
    if (blocks && row % blocks->numbers != 0)
        return lsq_fail(c->err, LSQ_E_MALFORMED, c->path, "tensor \"%s\": rows of %llu, no multiple of the %u of %s",
                        name, (unsigned long long)row, blocks->numbers, blocks->name);
    status = lsq_tensor_complete(&t, LSQ_E_MALFORMED, c->path, c->err);
    if (status == LSQ_OK)
        status = lsq_model_add(c->model, c->path, &t, NULL, NULL, &entry, c->err);
    if (status == LSQ_OK) {
        entry->blocks = blocks;
        entry->begin = offset;
    }
    return status;
}

static int by_place(const void *pa, const void *pb)
{
    const lsq_entry *a = *(lsq_entry *const *)pa, *b = *(lsq_entry *const *)pb;
    const uint64_t bytes_a = lsq_entry_bytes(a), bytes_b = lsq_entry_bytes(b);
    if (a->begin != b->begin)
        return a->begin < b->begin ? -1 : 1;
    return bytes_a < bytes_b ? -1 : bytes_a > bytes_b;
}

/*
 * Sees that each tensor begins where the padding of the one before it ends. A tensor without numbers is nowhere in particular:
 * it has the offset of the one behind it. Sums stay below the size of the file and one alignment.
 */
static lsq_status cover(const lsq_gguf *c, lsq_entry *const *order, uint64_t start, uint64_t *end)
{
    const uint64_t size = c->file->size > start ? c->file->size - start : 0;
    uint64_t expected = 0;
    for (size_t i = 0; i < c->model->count - c->first; i++) {
        const lsq_entry *entry = order[i];
        const uint64_t bytes = lsq_entry_bytes(entry);
        if (entry->begin != expected)
            return lsq_fail(c->err, LSQ_E_MALFORMED, c->path,
                            "tensor \"%s\": begins at %llu of the data, expected %llu: %s", entry->tensor.name,
                            (unsigned long long)entry->begin, (unsigned long long)expected,
                            entry->begin % c->pairs.alignment ? "no multiple of the alignment"
                            : entry->begin < expected         ? "it overlaps another"
                                                              : "the bytes between belong to no tensor");
        if (bytes > 0 && (expected > size || bytes > size - expected))
            return lsq_fail(c->err, LSQ_E_TRUNCATED, c->path,
                            "offset %zu: the file ends, expected the %llu bytes of tensor \"%s\" at offset %llu",
                            c->file->size, (unsigned long long)bytes, entry->tensor.name,
                            (unsigned long long)(start + expected));
        if (bytes > 0)
            *end = start + expected + bytes;
        lsq_size_align(expected + bytes, c->pairs.alignment, &expected);
    }
    return LSQ_OK;
}

/* Finds the numbers of all tensors. Behind the last one there is nothing, or its padding. */
static lsq_status place(const lsq_gguf *c)
{
    const size_t count = c->model->count - c->first;
    lsq_entry **order = malloc((count + 1) * sizeof *order);
    uint64_t start, end = c->at, most;
    lsq_size_align(c->at, c->pairs.alignment, &start);
    if (!order)
        return lsq_fail(c->err, LSQ_E_NOMEM, c->path, "no memory for %zu tensors", count);
    for (size_t i = 0; i < count; i++)
        order[i] = &c->model->entries[c->first + i];
    qsort(order, count, sizeof(lsq_entry *), by_place);
    lsq_status status = cover(c, order, start, &end);
    free(order);
    lsq_size_align(end, c->pairs.alignment, &most);
    if (status == LSQ_OK && c->file->size > most)
        status = lsq_fail(c->err, LSQ_E_MALFORMED, c->path,
                          "offset %llu: %llu bytes behind the last tensor, expected the end of the file",
                          (unsigned long long)most, (unsigned long long)(c->file->size - most));
    for (size_t i = 0; status == LSQ_OK && i < count; i++) {
        lsq_entry *entry = &c->model->entries[c->first + i];
        entry->begin += start;
        entry->data = c->file->bytes + (lsq_entry_bytes(entry) ? entry->begin : 0);
    }
    return status;
}

/* One warning for all tensors that were quantised before. */
static lsq_status warn(const lsq_gguf *c)
{
    char names[256] = "";
    size_t count = 0, length = 0;
    for (size_t i = 0; i < c->model->count; i++) {
        const lsq_block_type *blocks = c->model->entries[i].blocks;
        count += blocks != NULL;
        if (blocks && !strstr(names, blocks->name) && length < sizeof names - 16)
            length += (size_t)snprintf(names + length, sizeof names - length, "%s%s", length ? ", " : "", blocks->name);
    }
    if (count == 0)
        return LSQ_OK;
    const lsq_status status = lsq_model_warn(
        c->model, "%zu tensors are quantised already (%s): quantising them anew adds its errors to those they have",
        count, names);
    return status == LSQ_OK ? status : lsq_fail(c->err, status, c->path, "no memory for a warning");
}

/* ---- The file ---------------------------------------------------------------------------------------------------- */

/* How many tensors and pairs there are: more than the rest of the file can hold are refused at once. */
static lsq_status read_start(lsq_gguf *c, uint64_t *tensors, uint64_t *pairs)
{
    const uint8_t *magic = NULL;
    uint64_t version = 0;
    lsq_status status = lsq_gguf_take(c, 1, 4, "\"GGUF\"", &magic);
    if (status == LSQ_OK)
        status = lsq_gguf_number(c, 4, "a version", &version);
    if (status == LSQ_OK && version != 2 && version != 3)
        return lsq_fail(c->err, LSQ_E_UNSUPPORTED, c->path, "offset 4: GGUF version %llu%s, expected 2 or 3",
                        (unsigned long long)version,
                        version && (version & 0xffff) == 0 ? ", as of a big-endian file" : "");
    if (status == LSQ_OK)
        status = lsq_gguf_number(c, 8, "the number of tensors", tensors);
    if (status == LSQ_OK)
        status = lsq_gguf_number(c, 8, "the number of pairs", pairs);
    if (status != LSQ_OK)
        return status;
    const uint64_t left = c->file->size - c->at;
    if (*pairs > left / PAIR_BYTES_MIN || *tensors > (left - *pairs * PAIR_BYTES_MIN) / INFO_BYTES_MIN)
        return lsq_fail(c->err, LSQ_E_TRUNCATED, c->path,
                        "offset %zu: the file ends, expected %llu tensors and %llu pairs", c->file->size,
                        (unsigned long long)*tensors, (unsigned long long)*pairs);
    return LSQ_OK;
}

lsq_status lsq_gguf_read_file(lsq_gguf *c)
{
    uint64_t tensors = 0, pairs = 0;
    c->first = c->model->count;
    lsq_status status = read_start(c, &tensors, &pairs);
    c->pairs = (lsq_gguf_pairs){.count = pairs, .begin = c->at, .alignment = ALIGNMENT};
    if (status == LSQ_OK)
        status = lsq_gguf_metadata(c, pairs);
    c->pairs.end = c->at;
    for (uint64_t i = 0; status == LSQ_OK && i < tensors; i++)
        status = read_info(c);
    return status == LSQ_OK ? place(c) : status;
}

lsq_status lsq_read_gguf(lsq_model *model, const lsq_mapping *file, unsigned flags, lsq_error *err)
{
    const lsq_mapping opened = *file; /* other files move `file` */
    lsq_gguf c = {.model = model, .metadata = model, .file = &opened, .path = opened.path, .err = err};
    lsq_status status = lsq_gguf_read_file(&c);
    model->pairs = c.pairs;
    if (status == LSQ_OK && c.split[LSQ_GGUF_SPLIT_COUNT] > 1)
        status = lsq_gguf_read_others(&c, flags);
    return status == LSQ_OK ? warn(&c) : status;
}
