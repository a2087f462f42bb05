/*
 * pth.c - the reader of what torch.save() writes: .pth, .pt, .bin.
 *
 *     ROOT/data.pkl       a pickle: dicts of names, and of tensors as calls of torch._utils._rebuild_tensor_v2(storage,
 *                         offset, size, stride, ...), with ("storage", type, KEY, device, numbers) for a storage
 *     ROOT/data/KEY       the numbers of a storage, which several tensors may share
 *     ROOT/byteorder      "little"
 *     ROOT/version        "3"
 *
 * The pickle is read as data (pickle.h): what it says of its tensors is looked at like any header. Numbers that lie in
 * the order of their rows are used where they are; others, such as transposed views, are copied.
 */
#include "model/import/archive.h"
#include "model/import/pth_names.h"
#include "model/import/strides.h"
#include "model/limits.h"
#include "model/sizes.h"
#include "model/text.h"

#include <stdlib.h>
#include <string.h>

enum { DEPTH = 3 };        /* dicts within each other, the outermost counted */
#define TENSORS_MAX 65535u /* as there may be entries */

/* What the reader is about. */
typedef struct {
    lsq_model *model;
    const lsq_archive *archive;
    size_t root; /* length of "ROOT/", with which the names of all entries begin */
    lsq_pickle pickle;
    char name[LSQ_NAME_MAX + 1]; /* of the value at hand: keys with dots between them */
    uint64_t copied;             /* bytes */
    size_t passed_over;
    char *first; /* name of the first of these */
    lsq_error *err;
} reader;

/* A tensor as the pickle describes it. */
typedef struct {
    lsq_tensor tensor;
    const lsq_archive_entry *storage;
    uint64_t numbers;              /* of the storage */
    uint64_t offset;               /* in numbers */
    uint64_t stride[LSQ_RANK_MAX]; /* in numbers */
} view;

static lsq_status malformed(const reader *r, const char *what)
{
    return lsq_fail(r->err, LSQ_E_MALFORMED, r->archive->file->path, "tensor \"%s\": %s", r->name, what);
}

/* ---- Values of the pickle --------------------------------------------------------------------------------------- */

static int is_text(const reader *r, const lsq_pickle_value *value, const char *text)
{
    return value->kind == LSQ_PICKLE_TEXT && value->u.text.length == strlen(text) &&
           memcmp(r->pickle.bytes + value->u.text.offset, text, value->u.text.length) == 0;
}

/* What a name, or a call of it, is to us; -1 for other values. */
static int role_of(const reader *r, const lsq_pickle_value *value)
{
    const lsq_pickle_name *names = r->pickle.names;
    if (value->kind == LSQ_PICKLE_NAME)
        return names[value->u.name].role;
    return value->kind == LSQ_PICKLE_CALL ? names[value->u.call.name].role : -1;
}

/* The values of a tuple; returns how many there are, or `most` + 1 if they are more. */
static size_t values_of(const reader *r, const lsq_pickle_value *tuple, lsq_pickle_value **values, size_t most)
{
    size_t count = 0;
    for (uint32_t i = tuple->u.first; i && count <= most; i = r->pickle.items[i].next, count++)
        if (count < most)
            values[count] = &r->pickle.values[r->pickle.items[i].value];
    return count;
}

/* Whole numbers from 0 on, in a tuple or in a call of torch.Size with one. */
static lsq_status read_numbers(const reader *r, const lsq_pickle_value *from, uint64_t *numbers, unsigned *count)
{
    lsq_pickle_value *values[LSQ_RANK_MAX];
    if (from->kind == LSQ_PICKLE_CALL && role_of(r, from) == LSQ_PTH_SIZE &&
        values_of(r, &r->pickle.values[from->u.call.arguments], values, 1) == 1)
        from = values[0];
    if (from->kind != LSQ_PICKLE_TUPLE)
        return malformed(r, "size or stride is no tuple");
    const size_t found = values_of(r, from, values, LSQ_RANK_MAX);
    if (found > LSQ_RANK_MAX)
        return lsq_fail(r->err, LSQ_E_LIMIT, r->archive->file->path, "tensor \"%s\": more than %d dimensions", r->name,
                        LSQ_RANK_MAX);
    for (size_t i = 0; i < found; i++) {
        if (values[i]->kind != LSQ_PICKLE_NUMBER || values[i]->u.number < 0)
            return malformed(r, "size or stride with what is no whole number from 0 on");
        numbers[i] = (uint64_t)values[i]->u.number;
    }
    *count = (unsigned)found;
    return LSQ_OK;
}

/* ("storage", type, key, device, numbers): finds the entry and sees that it is so long. `type` replaces bytes. */
static lsq_status read_storage(const reader *r, const lsq_pickle_value *persistent, const lsq_pickle_value *type,
                               view *v)
{
    lsq_pickle_value *id[5];
    char name[LSQ_NAME_MAX + 1];
    if (persistent->kind != LSQ_PICKLE_PERSISTENT)
        return malformed(r, "no storage");
    const lsq_pickle_value *tuple = &r->pickle.values[persistent->u.id];
    if (tuple->kind != LSQ_PICKLE_TUPLE || values_of(r, tuple, id, 5) != 5 || !is_text(r, id[0], "storage") ||
        id[2]->kind != LSQ_PICKLE_TEXT || id[3]->kind != LSQ_PICKLE_TEXT || id[4]->kind != LSQ_PICKLE_NUMBER)
        return malformed(r, "no (\"storage\", type, key, device, numbers) for its storage");
    const int role = role_of(r, type ? type : id[1]), first = type ? LSQ_PTH_TYPE : LSQ_PTH_STORAGE;
    if (role < first || role >= first + LSQ_DTYPES || (type ? role_of(r, id[1]) != LSQ_PTH_BYTES : 0))
        return malformed(r, "no type of numbers");
    v->tensor.dtype = (lsq_dtype)(role - first);

    const size_t key = id[2]->u.text.length;
    if (r->root + 5 + key > LSQ_NAME_MAX)
        return malformed(r, "a storage of too long a name");
    memcpy(name, r->archive->entries[0].name, r->root);
    memcpy(name + r->root, "data/", 5);
    memcpy(name + r->root + 5, r->pickle.bytes + id[2]->u.text.offset, key);
    v->storage = lsq_archive_find(r->archive, name, r->root + 5 + key);
    if (!v->storage)
        return malformed(r, "its storage is not in the archive");
    const size_t size = lsq_dtype_bytes(v->tensor.dtype);
    v->numbers = v->storage->size / size;
    if (id[4]->u.number < 0 || v->storage->size % size != 0 ||
        (uint64_t)id[4]->u.number != (type ? v->storage->size : v->numbers))
        return malformed(r, "its storage is not as long as the pickle says");
    return LSQ_OK;
}

/* ---- Tensors ---------------------------------------------------------------------------------------------------- */

/* Are all numbers within the storage, and do they lie in the order of their rows, without gaps? */
static lsq_status check_view(const reader *r, const view *v, int *contiguous)
{
    uint64_t last = v->offset, step = 1;
    *contiguous = 1;
    if (v->tensor.elements == 0)
        return LSQ_OK;
    for (unsigned axis = v->tensor.rank; axis-- > 0;) {
        uint64_t length;
        if (!lsq_size_multiply(v->tensor.shape[axis] - 1, v->stride[axis], &length) ||
            !lsq_size_add(last, length, &last))
            return malformed(r, "numbers beyond the end of its storage");
        *contiguous &= v->tensor.shape[axis] == 1 || v->stride[axis] == step;
        step *= v->tensor.shape[axis]; /* at most 2^44 */
    }
    return last < v->numbers ? LSQ_OK : malformed(r, "numbers beyond the end of its storage");
}

/* Copies of a file are no longer than it is, all together: one number may be a tensor of any size, with strides of 0. */
static lsq_status copy(reader *r, const view *v, lsq_entry *entry)
{
    const size_t size = lsq_dtype_bytes(v->tensor.dtype);
    uint64_t stride[LSQ_RANK_MAX] = {0};
    if (v->tensor.bytes > r->archive->file->size - r->copied)
        return lsq_fail(r->err, LSQ_E_LIMIT, r->archive->file->path,
                        "tensor \"%s\": views whose numbers do not follow each other, together larger than the file",
                        r->name);
    entry->owned = malloc((size_t)v->tensor.bytes);
    if (!entry->owned)
        return lsq_fail(r->err, LSQ_E_NOMEM, r->archive->file->path, "no memory for %llu bytes in row order",
                        (unsigned long long)v->tensor.bytes);
    r->copied += v->tensor.bytes;
    for (unsigned axis = 0; axis < v->tensor.rank; axis++)
        stride[axis] = v->tensor.shape[axis] > 1 ? v->stride[axis] * size : 0; /* within the storage */
    lsq_copy_strided(&v->tensor, stride, entry->data, entry->owned);
    entry->data = entry->owned;
    return LSQ_OK;
}

static lsq_status add_view(reader *r, view *v)
{
    int contiguous;
    lsq_entry *entry;
    lsq_status status = lsq_tensor_complete(&v->tensor, LSQ_E_MALFORMED, r->archive->file->path, r->err);
    if (!status)
        status = check_view(r, v, &contiguous);
    if (!status && r->model->count == TENSORS_MAX)
        status = lsq_fail(r->err, LSQ_E_LIMIT, r->archive->file->path, "more than %u tensors", TENSORS_MAX);
    if (status)
        return status;
    const uint64_t begin = v->tensor.elements ? v->offset * lsq_dtype_bytes(v->tensor.dtype) : 0;
    status =
        lsq_model_add(r->model, r->archive->file->path, &v->tensor, v->storage->bytes + begin, NULL, &entry, r->err);
    return status || contiguous ? status : copy(r, v, entry);
}

/* Tensors of complex numbers may be conjugated or negated by a note in their metadata, the last argument. */
static int is_empty(const lsq_pickle_value *value)
{
    return value->kind == LSQ_PICKLE_OTHER || (value->kind == LSQ_PICKLE_DICT && !value->u.first);
}

/* _rebuild_tensor_v2(storage, offset, size, stride, requires_grad, hooks[, metadata]); v3 has a type before the last. */
static lsq_status add_tensor(reader *r, const lsq_pickle_value *arguments, size_t typed)
{
    lsq_pickle_value *with[8];
    const size_t count = values_of(r, arguments, with, 7 + typed);
    view v = {.storage = NULL};
    unsigned strides = 0;
    if (count < 6 + typed || count > 7 + typed)
        return malformed(r, "not as many arguments as a tensor has");
    if (count > 6 + typed && !is_empty(with[6 + typed]))
        return lsq_fail(r->err, LSQ_E_UNSUPPORTED, r->archive->file->path, "tensor \"%s\": has metadata", r->name);
    if (with[1]->kind != LSQ_PICKLE_NUMBER || with[1]->u.number < 0)
        return malformed(r, "no offset in its storage");
    v.offset = (uint64_t)with[1]->u.number;
    v.tensor.name = r->name;
    lsq_status status = read_storage(r, with[0], typed ? with[6] : NULL, &v);
    if (!status)
        status = read_numbers(r, with[2], v.tensor.shape, &v.tensor.rank);
    if (!status)
        status = read_numbers(r, with[3], v.stride, &strides);
    if (!status && strides != v.tensor.rank)
        status = malformed(r, "not as many strides as dimensions");
    return status ? status : add_view(r, &v);
}

/* ---- Dicts ------------------------------------------------------------------------------------------------------ */

static lsq_status pass_over(reader *r)
{
    if (r->passed_over++ == 0)
        r->first = strdup(r->name);
    return r->first ? LSQ_OK : lsq_fail(r->err, LSQ_E_NOMEM, r->archive->file->path, "no memory for a name");
}

static lsq_status read_dict(reader *r, lsq_pickle_value *dict, size_t length, unsigned depth);

/*
 * What is inside of _rebuild_parameter(tensor, requires_grad, hooks[, state]), or _rebuild_from_type_v2(function, class,
 * arguments, state): the role of a call, and the arguments. Of a parameter that is a subclass there are two such.
 */
static lsq_status unwrap(const reader *r, lsq_pickle_value **value, int *role, const lsq_pickle_value **arguments)
{
    lsq_pickle_value *with[4];
    *role = -1;
    for (unsigned depth = 0; depth < 3 && (*value)->kind == LSQ_PICKLE_CALL; depth++) {
        *role = role_of(r, *value);
        *arguments = &r->pickle.values[(*value)->u.call.arguments];
        if (*role == LSQ_PTH_SUBCLASS) {
            if (values_of(r, *arguments, with, 4) != 4 || with[0]->kind != LSQ_PICKLE_NAME ||
                with[2]->kind != LSQ_PICKLE_TUPLE)
                return malformed(r, "not the arguments that a subclass has");
            *role = role_of(r, with[0]);
            *arguments = with[2];
        }
        if (*role != LSQ_PTH_PARAMETER)
            return LSQ_OK;
        const size_t count = values_of(r, *arguments, with, 4);
        if (count < 3 || count > 4)
            return malformed(r, "not as many arguments as a parameter has");
        *value = with[0];
        *role = -1;
    }
    return LSQ_OK;
}

/* A value of a dict so deep, whose name is r->name, `length` bytes. */
static lsq_status read_value(reader *r, lsq_pickle_value *value, size_t length, unsigned depth)
{
    const lsq_pickle_value *arguments = NULL;
    int role;
    const lsq_status status = unwrap(r, &value, &role, &arguments);
    if (status)
        return status;
    if (role == LSQ_PTH_TENSOR || role == LSQ_PTH_TENSOR_WITH_TYPE)
        return add_tensor(r, arguments, role == LSQ_PTH_TENSOR_WITH_TYPE);
    if (value->kind == LSQ_PICKLE_DICT && !value->seen && depth < DEPTH)
        return read_dict(r, value, length, depth + 1);
    return pass_over(r);
}

/* Each dict is read once, wherever it is found again: dicts of the same few dicts could otherwise take for ever. */
static lsq_status read_dict(reader *r, lsq_pickle_value *dict, size_t length, unsigned depth)
{
    const lsq_pickle *p = &r->pickle;
    lsq_status status = LSQ_OK;
    dict->seen = 1;
    for (uint32_t i = dict->u.first; i && !status; i = p->items[p->items[i].next].next) {
        const lsq_pickle_value *key = &p->values[p->items[i].value];
        lsq_pickle_value *value = &p->values[p->items[p->items[i].next].value];
        r->name[length] = 0;
        if (key->kind != LSQ_PICKLE_TEXT) {
            status = pass_over(r);
            continue;
        }
        const size_t dot = length > 0, key_length = key->u.text.length;
        const char *text = (const char *)p->bytes + key->u.text.offset;
        if (key_length > LSQ_NAME_MAX - length - dot || lsq_name_fault(text, key_length))
            return lsq_fail(r->err, LSQ_E_MALFORMED, r->archive->file->path,
                            "a key in \"%s\", \"%.*s\", of which no name of at most %zu bytes comes", r->name,
                            (int)(key_length < 100 ? key_length : 100), text, LSQ_NAME_MAX);
        if (dot)
            r->name[length] = '.';
        memcpy(r->name + length + dot, text, key_length);
        r->name[length + dot + key_length] = 0;
        status = read_value(r, value, length + dot + key_length, depth);
    }
    return status;
}

/* ---- The archive ------------------------------------------------------------------------------------------------ */

static int is_called(const reader *r, const lsq_archive_entry *e, const char *name)
{
    return e->length - r->root == strlen(name) && memcmp(e->name + r->root, name, e->length - r->root) == 0;
}

static int holds(const lsq_archive_entry *e, const char *text)
{
    return e->size == strlen(text) && memcmp(e->bytes, text, e->size) == 0;
}

/* Newer versions of torch note more about themselves, in files whose names begin with a dot. */
static lsq_status check_entry(const reader *r, const lsq_archive_entry *root, const lsq_archive_entry *e)
{
    if (e->length <= r->root || memcmp(e->name, root->name, r->root) != 0)
        return lsq_archive_fail(r->archive, e, LSQ_E_UNSUPPORTED, "is not in the folder of data.pkl", r->err);
    if (e->deflated)
        return lsq_archive_fail(r->archive, e, LSQ_E_UNSUPPORTED, "is compressed, which torch.save does not do",
                                r->err);
    if (is_called(r, e, "byteorder") && !holds(e, "little"))
        return lsq_archive_fail(r->archive, e, LSQ_E_UNSUPPORTED, "is not \"little\"", r->err);
    if (is_called(r, e, "version") && !holds(e, "3\n") && !holds(e, "3"))
        return lsq_archive_fail(r->archive, e, LSQ_E_UNSUPPORTED, "is not 3", r->err);
    const char *rest = e->name + r->root;
    if (rest[0] == '.' || is_called(r, e, "byteorder") || is_called(r, e, "version") || is_called(r, e, "data.pkl") ||
        (e->length - r->root > 5 && memcmp(rest, "data/", 5) == 0))
        return LSQ_OK;
    return lsq_archive_fail(r->archive, e, LSQ_E_UNSUPPORTED,
                            "is none that torch.save writes; networks of TorchScript are not read", r->err);
}

static lsq_status read_pickle(reader *r, const lsq_archive_entry *entry)
{
    lsq_pickle *p = &r->pickle;
    *p = (lsq_pickle){.where = r->archive->file->path, .bytes = entry->bytes, .size = (size_t)entry->size};
    p->names = lsq_pth_names(&p->name_count);
    lsq_status status = lsq_pickle_read(p, r->err);
    if (!status && p->values[p->root].kind != LSQ_PICKLE_DICT)
        status = lsq_fail(r->err, LSQ_E_UNSUPPORTED, p->where,
                          "data.pkl is no dict, expected one of tensors, such as state_dict() gives");
    if (!status)
        status = read_dict(r, &p->values[p->root], 0, 1);
    if (!status && r->passed_over > 0 &&
        lsq_model_warn(r->model,
                       "%zu values of data.pkl that are no tensors, or lie too deep, are passed over; the "
                       "first is \"%.100s\"",
                       r->passed_over, r->first))
        status = lsq_fail(r->err, LSQ_E_NOMEM, p->where, "no memory for a warning");
    lsq_pickle_free(p);
    free(r->first);
    return status;
}

lsq_status lsq_read_pth(lsq_model *model, const lsq_archive *archive, const lsq_archive_entry *pickle, lsq_error *err)
{
    reader r = {.model = model, .archive = archive, .root = pickle->length - strlen("data.pkl"), .err = err};
    for (size_t i = 0; i < archive->count; i++) {
        const lsq_status status = check_entry(&r, pickle, &archive->entries[i]);
        if (status)
            return status;
    }
    return read_pickle(&r, pickle);
}
