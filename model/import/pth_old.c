/*
 * pth_old.c - the reader of what torch.save() wrote before version 1.6, and still does if asked for its legacy format.
 *
 *     a pickle            the number 0x1950a86a20f9469cfc6c
 *     a pickle            the number 1001, the version
 *     a pickle            a dict, {"little_endian": True, ...}
 *     a pickle            tensors (pth_tensors.c), with ("storage", type, KEY, device, numbers, None) for a storage
 *     a pickle            a list of all KEYs
 *     for each of these   a uint64, how many numbers its storage has, and the numbers
 *
 * They follow each other without gaps. How many bytes a number has, its storage's type says, so the fourth pickle must be
 * known before the numbers are found.
 */
#include "model/import/pth_names.h"
#include "model/import/pth_tensors.h"
#include "model/sizes.h"
#include "model/text.h"

#include <stdlib.h>
#include <string.h>

/* The first pickle, of protocols 2 and 3, 4 and 5 (behind the length of a frame), and 1. */
int lsq_is_old_pth(const lsq_mapping *file)
{
    static const uint8_t number[] = {0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, '.'};
    static const uint8_t frame[] = {0x95, 13, 0, 0, 0, 0, 0, 0, 0};
    static const char decimal[] = "L119547037146038801333356L\n.";
    const uint8_t *b = file->bytes;
    if (file->size >= sizeof(decimal) - 1 && memcmp(b, decimal, sizeof(decimal) - 1) == 0)
        return 1;
    if (file->size < 2 + sizeof(number) || b[0] != 0x80)
        return 0;
    if (file->size >= 2 + sizeof(frame) + sizeof(number) && memcmp(b + 2, frame, sizeof(frame)) == 0)
        b += sizeof(frame);
    return memcmp(b + 2, number, sizeof(number)) == 0;
}

/* A storage, once for all that mention it. */
typedef struct {
    lsq_pth_id id;
    uint64_t size;        /* in bytes */
    const uint8_t *bytes; /* NULL: not found yet */
} storage;

typedef struct {
    storage *list; /* sorted by key */
    size_t count;
} storages;

static lsq_status malformed(const lsq_pth *r, size_t at, const char *what)
{
    return lsq_fail(r->err, LSQ_E_MALFORMED, r->file->path, "offset %zu: %s", at, what);
}

static lsq_status about(const lsq_pth *r, lsq_status status, const char *key, size_t length, const char *what)
{
    return lsq_fail(r->err, status, r->file->path, "storage \"%.*s\": %s", (int)(length < 100 ? length : 100), key,
                    what);
}

/* ---- Before the tensors ----------------------------------------------------------------------------------------- */

static lsq_status read_pickle(const lsq_pth *r, lsq_pickle *p, size_t begin)
{
    *p = (lsq_pickle){.where = r->file->path, .bytes = r->file->bytes, .size = r->file->size, .begin = begin};
    p->names = lsq_pth_names(&p->name_count);
    return lsq_pickle_read(p, r->err);
}

static lsq_status check_version(const lsq_pth *r, const lsq_pickle *p)
{
    const lsq_pickle_value *version = &p->values[p->root];
    return version->kind == LSQ_PICKLE_NUMBER && version->u.number == 1001
               ? LSQ_OK
               : lsq_fail(r->err, LSQ_E_UNSUPPORTED, r->file->path, "offset %zu: a version that is not 1001", p->begin);
}

static lsq_status check_byte_order(const lsq_pth *r, const lsq_pickle *p)
{
    static const char key[] = "little_endian";
    const lsq_pickle_value *dict = &p->values[p->root], *little = NULL;
    for (uint32_t i = dict->kind == LSQ_PICKLE_DICT ? dict->u.first : 0; i; i = p->items[p->items[i].next].next) {
        const lsq_pickle_value *name = &p->values[p->items[i].value];
        if (name->kind == LSQ_PICKLE_TEXT && name->u.text.length == strlen(key) &&
            memcmp(p->bytes + name->u.text.offset, key, strlen(key)) == 0)
            little = &p->values[p->items[p->items[i].next].value];
    }
    if (!little || little->kind != LSQ_PICKLE_BOOLEAN)
        return malformed(r, p->begin, "expected a dict that says whether the file is little_endian");
    return little->u.number
               ? LSQ_OK
               : lsq_fail(r->err, LSQ_E_UNSUPPORTED, r->file->path, "offset %zu: little_endian is not True", p->begin);
}

/* *at moves from the first pickle to the one of tensors. */
static lsq_status read_head(const lsq_pth *r, size_t *at)
{
    static lsq_status (*const check[])(const lsq_pth *, const lsq_pickle *) = {NULL, check_version, check_byte_order};
    lsq_status status = LSQ_OK;
    for (size_t i = 0; i < sizeof(check) / sizeof(check[0]) && !status; i++) {
        lsq_pickle p;
        status = read_pickle(r, &p, *at);
        if (!status && check[i])
            status = check[i](r, &p);
        *at = p.end;
        lsq_pickle_free(&p);
    }
    return status;
}

/* ---- Storages --------------------------------------------------------------------------------------------------- */

static int by_key(const void *a, const void *b)
{
    const lsq_pth_id *x = &((const storage *)a)->id, *y = &((const storage *)b)->id;
    const int order = memcmp(x->key, y->key, x->length < y->length ? x->length : y->length);
    return order ? order : (x->length > y->length) - (x->length < y->length);
}

static storage *find(const storages *all, const char *key, size_t length)
{
    const storage wanted = {.id = {.key = key, .length = length}};
    return all->count ? bsearch(&wanted, all->list, all->count, sizeof(wanted), by_key) : NULL;
}

static int find_storage(const lsq_pth *r, const char *key, size_t length, lsq_pth_storage *found)
{
    const storage *s = find(r->storages, key, length);
    if (s)
        *found = (lsq_pth_storage){s->bytes, s->size};
    return s != NULL;
}

/* What is mentioned by one persistent value. */
static lsq_status read_mention(const lsq_pth *r, const lsq_pickle_value *persistent, storage *s)
{
    *s = (storage){.bytes = NULL};
    if (!lsq_pth_read_id(r, persistent, &s->id))
        return lsq_fail(r->err, LSQ_E_MALFORMED, r->file->path,
                        "a storage that is no (\"storage\", type, key, device, numbers, view)");
    const lsq_pth_id *id = &s->id;
    if (id->length > LSQ_NAME_MAX) /* keys are compared with each other */
        return about(r, LSQ_E_LIMIT, id->key, id->length, "a key of more than 1024 bytes");
    if (id->view->kind != LSQ_PICKLE_OTHER)
        return about(r, LSQ_E_UNSUPPORTED, id->key, id->length,
                     "is used as a view; load the file, and save it again with a newer torch");
    const int dtype = id->role - LSQ_PTH_STORAGE;
    if (id->role != LSQ_PTH_BYTES && (dtype < 0 || dtype >= LSQ_DTYPES))
        return about(r, LSQ_E_MALFORMED, id->key, id->length, "no type of numbers");
    const uint64_t each = id->role == LSQ_PTH_BYTES ? 1 : lsq_dtype_bytes((lsq_dtype)dtype);
    if (id->numbers < 0 || !lsq_size_multiply((uint64_t)id->numbers, each, &s->size))
        return about(r, LSQ_E_MALFORMED, id->key, id->length, "no such number of numbers");
    return LSQ_OK;
}

enum { LISTED = 2 }; /* what was seen, and is in the list */

/* All that the pickle mentions, once; mentions of the same key must agree. */
static lsq_status list_storages(const lsq_pth *r, storages *all)
{
    const lsq_pickle *p = &r->pickle;
    size_t count = 0, kept = 0;
    for (size_t i = 0; i < p->value_count; i++) {
        lsq_pickle_value *id = p->values[i].kind == LSQ_PICKLE_PERSISTENT ? &p->values[p->values[i].u.id] : NULL;
        count += id && !id->seen; /* three bytes of the pickle mention the same tuple again */
        if (id)
            id->seen = 1;
    }
    all->list = malloc(count * sizeof(storage) + 1);
    if (!all->list)
        return lsq_fail(r->err, LSQ_E_NOMEM, r->file->path, "no memory for a list of storages");
    for (size_t i = 0; i < p->value_count; i++) {
        if (p->values[i].kind != LSQ_PICKLE_PERSISTENT || p->values[p->values[i].u.id].seen == LISTED)
            continue;
        p->values[p->values[i].u.id].seen = LISTED;
        const lsq_status status = read_mention(r, &p->values[i], &all->list[all->count++]);
        if (status)
            return status;
    }
    qsort(all->list, all->count, sizeof(storage), by_key);
    for (size_t i = 0; i < all->count; i++) {
        storage *s = &all->list[i], *before = kept ? &all->list[kept - 1] : NULL;
        if (!before || by_key(before, s) != 0)
            all->list[kept++] = *s;
        else if (before->id.numbers != s->id.numbers || before->size != s->size)
            return about(r, LSQ_E_MALFORMED, s->id.key, s->id.length, "is mentioned with different types or lengths");
    }
    all->count = kept;
    return LSQ_OK;
}

/* The numbers of one storage at *at, which moves behind them. */
static lsq_status place(const lsq_pth *r, storage *s, size_t *at)
{
    const lsq_mapping *file = r->file;
    const lsq_pth_id *id = &s->id;
    if (file->size - *at < 8)
        return about(r, LSQ_E_TRUNCATED, id->key, id->length, "the file ends before its length");
    if (lsq_little_endian(file->bytes + *at, 8) != (uint64_t)id->numbers)
        return about(r, LSQ_E_MALFORMED, id->key, id->length, "is not as long as the pickle says");
    *at += 8;
    if (s->size > file->size - *at)
        return about(r, LSQ_E_TRUNCATED, id->key, id->length, "the file ends within its numbers");
    s->bytes = file->bytes + *at;
    *at += (size_t)s->size;
    return LSQ_OK;
}

static lsq_status place_all(const lsq_pth *r, const storages *all, const lsq_pickle *keys)
{
    const lsq_pickle_value *list = &keys->values[keys->root];
    size_t at = keys->end;
    if (list->kind != LSQ_PICKLE_LIST)
        return malformed(r, keys->begin, "expected a list of the keys of storages");
    for (uint32_t i = list->u.first; i; i = keys->items[i].next) {
        const lsq_pickle_value *value = &keys->values[keys->items[i].value];
        if (value->kind != LSQ_PICKLE_TEXT)
            return malformed(r, keys->begin, "expected a list of the keys of storages");
        const char *key = (const char *)keys->bytes + value->u.text.offset;
        const size_t length = value->u.text.length;
        storage *s = find(all, key, length);
        if (!s || s->bytes)
            return about(r, LSQ_E_MALFORMED, key, length, s ? "is in the file twice" : "is in the file for no tensor");
        const lsq_status status = place(r, s, &at);
        if (status)
            return status;
    }
    for (size_t i = 0; i < all->count; i++)
        if (!all->list[i].bytes)
            return about(r, LSQ_E_MALFORMED, all->list[i].id.key, all->list[i].id.length, "is not in the file");
    return at == r->file->size ? LSQ_OK : malformed(r, at, "more bytes, expected the end of the file");
}

static lsq_status read_rest(lsq_pth *r, storages *all)
{
    lsq_pickle keys;
    lsq_status status = list_storages(r, all);
    if (status)
        return status;
    status = read_pickle(r, &keys, r->pickle.end);
    if (!status)
        status = place_all(r, all, &keys);
    lsq_pickle_free(&keys);
    return status ? status : lsq_pth_read_tensors(r);
}

lsq_status lsq_read_old_pth(lsq_model *model, const lsq_mapping *file, unsigned flags, lsq_error *err)
{
    storages all = {.list = NULL};
    lsq_pth r = {.model = model, .file = file, .id_parts = 6, .find = find_storage, .storages = &all, .err = err};
    size_t at = 0;
    (void)flags;
    model->format = "pth-legacy";
    lsq_status status = read_head(&r, &at);
    if (status)
        return status;
    status = read_pickle(&r, &r.pickle, at);
    if (!status)
        status = read_rest(&r, &all);
    lsq_pickle_free(&r.pickle);
    free(all.list);
    return status;
}
