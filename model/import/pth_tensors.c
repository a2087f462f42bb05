/*
 * pth_tensors.c - what the pickles of torch.save() say: dicts of names, and of tensors as calls of
 * torch._utils._rebuild_tensor_v2(storage, offset, size, stride, ...), which are views of storages.
 *
 * The pickle was read as data (pickle.h): what it says of its tensors is looked at like any header. Numbers that lie in
 * the order of their rows are used where they are; others, such as transposed views, are copied.
 */
#include "model/import/pth_tensors.h"
#include "model/import/pth_names.h"
#include "model/import/strides.h"
#include "model/sizes.h"
#include "model/text.h"

#include <stdlib.h>
#include <string.h>

enum { DEPTH = 3 };        /* dicts within each other, the outermost counted */
#define TENSORS_MAX 65535u /* as there may be entries of a zip file */

/* A tensor as the pickle describes it. */
typedef struct {
    lsq_tensor tensor;
    lsq_pth_storage storage;
    uint64_t numbers;              /* of the storage */
    uint64_t offset;               /* in numbers */
    uint64_t stride[LSQ_RANK_MAX]; /* in numbers */
} view;

static lsq_status malformed(const lsq_pth *r, const char *what)
{
    return lsq_fail(r->err, LSQ_E_MALFORMED, r->file->path, "tensor \"%s\": %s", r->name, what);
}

/* ---- Values of the pickle --------------------------------------------------------------------------------------- */

static int is_text(const lsq_pth *r, const lsq_pickle_value *value, const char *text)
{
    return value->kind == LSQ_PICKLE_TEXT && value->u.text.length == strlen(text) &&
           memcmp(r->pickle.bytes + value->u.text.offset, text, value->u.text.length) == 0;
}

/* What a name, or a call of it, is to us; -1 for other values. */
static int role_of(const lsq_pth *r, const lsq_pickle_value *value)
{
    const lsq_pickle_name *names = r->pickle.names;
    if (value->kind == LSQ_PICKLE_NAME)
        return names[value->u.name].role;
    return value->kind == LSQ_PICKLE_CALL ? names[value->u.call.name].role : -1;
}

/* The values of a tuple; returns how many there are, or `most` + 1 if they are more. */
static size_t values_of(const lsq_pth *r, const lsq_pickle_value *tuple, lsq_pickle_value **values, size_t most)
{
    size_t count = 0;
    for (uint32_t i = tuple->u.first; i && count <= most; i = r->pickle.items[i].next, count++)
        if (count < most)
            values[count] = &r->pickle.values[r->pickle.items[i].value];
    return count;
}

/* Whole numbers from 0 on, in a tuple or in a call of torch.Size with one. */
static lsq_status read_numbers(const lsq_pth *r, const lsq_pickle_value *from, uint64_t *numbers, unsigned *count)
{
    lsq_pickle_value *values[LSQ_RANK_MAX];
    if (from->kind == LSQ_PICKLE_CALL && role_of(r, from) == LSQ_PTH_SIZE &&
        values_of(r, &r->pickle.values[from->u.call.arguments], values, 1) == 1)
        from = values[0];
    if (from->kind != LSQ_PICKLE_TUPLE)
        return malformed(r, "size or stride is no tuple");
    const size_t found = values_of(r, from, values, LSQ_RANK_MAX);
    if (found > LSQ_RANK_MAX)
        return lsq_fail(r->err, LSQ_E_LIMIT, r->file->path, "tensor \"%s\": more than %d dimensions", r->name,
                        LSQ_RANK_MAX);
    for (size_t i = 0; i < found; i++) {
        if (values[i]->kind != LSQ_PICKLE_NUMBER || values[i]->u.number < 0)
            return malformed(r, "size or stride with what is no whole number from 0 on");
        numbers[i] = (uint64_t)values[i]->u.number;
    }
    *count = (unsigned)found;
    return LSQ_OK;
}

/*
 * ("storage", type, key, device, numbers[, view]): what stands for a storage. Returns 0 if it is not that.
 */
int lsq_pth_read_id(const lsq_pth *r, const lsq_pickle_value *persistent, lsq_pth_id *id)
{
    lsq_pickle_value *part[6] = {NULL};
    const lsq_pickle_value *tuple = &r->pickle.values[persistent->u.id];
    if (tuple->kind != LSQ_PICKLE_TUPLE || values_of(r, tuple, part, 6) != r->id_parts ||
        !is_text(r, part[0], "storage") || part[2]->kind != LSQ_PICKLE_TEXT || part[3]->kind != LSQ_PICKLE_TEXT ||
        part[4]->kind != LSQ_PICKLE_NUMBER)
        return 0;
    *id = (lsq_pth_id){.role = role_of(r, part[1]),
                       .key = (const char *)r->pickle.bytes + part[2]->u.text.offset,
                       .length = part[2]->u.text.length,
                       .numbers = part[4]->u.number,
                       .view = part[5]};
    return 1;
}

/* Finds the storage, and sees that it is so long as its id says. `type` replaces bytes. */
static lsq_status read_storage(const lsq_pth *r, const lsq_pickle_value *persistent, const lsq_pickle_value *type,
                               view *v)
{
    lsq_pth_id id;
    if (persistent->kind != LSQ_PICKLE_PERSISTENT)
        return malformed(r, "no storage");
    if (!lsq_pth_read_id(r, persistent, &id))
        return malformed(r, "no (\"storage\", type, key, device, numbers) for its storage");
    const int role = type ? role_of(r, type) : id.role, first = type ? LSQ_PTH_TYPE : LSQ_PTH_STORAGE;
    if (role < first || role >= first + LSQ_DTYPES || (type ? id.role != LSQ_PTH_BYTES : 0))
        return malformed(r, "no type of numbers");
    v->tensor.dtype = (lsq_dtype)(role - first);
    if (!r->find(r, id.key, id.length, &v->storage))
        return malformed(r, "its storage is not in the file");
    const size_t size = lsq_dtype_bytes(v->tensor.dtype);
    v->numbers = v->storage.size / size;
    if (id.numbers < 0 || v->storage.size % size != 0 || (uint64_t)id.numbers != (type ? v->storage.size : v->numbers))
        return malformed(r, "its storage is not as long as the pickle says");
    return LSQ_OK;
}

/* ---- Tensors ---------------------------------------------------------------------------------------------------- */

/* Are all numbers within the storage, and do they lie in the order of their rows, without gaps? */
static lsq_status check_view(const lsq_pth *r, const view *v, int *contiguous)
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
static lsq_status copy(lsq_pth *r, const view *v, lsq_entry *entry)
{
    const size_t size = lsq_dtype_bytes(v->tensor.dtype);
    uint64_t stride[LSQ_RANK_MAX] = {0};
    if (v->tensor.bytes > r->file->size - r->copied)
        return lsq_fail(r->err, LSQ_E_LIMIT, r->file->path,
                        "tensor \"%s\": views whose numbers do not follow each other, together larger than the file",
                        r->name);
    entry->owned = malloc((size_t)v->tensor.bytes);
    if (!entry->owned)
        return lsq_fail(r->err, LSQ_E_NOMEM, r->file->path, "no memory for %llu bytes in row order",
                        (unsigned long long)v->tensor.bytes);
    r->copied += v->tensor.bytes;
    for (unsigned axis = 0; axis < v->tensor.rank; axis++)
        stride[axis] = v->tensor.shape[axis] > 1 ? v->stride[axis] * size : 0; /* within the storage */
    lsq_copy_strided(&v->tensor, stride, entry->data, entry->owned);
    entry->data = entry->owned;
    return LSQ_OK;
}

static lsq_status add_view(lsq_pth *r, view *v)
{
    int contiguous;
    lsq_entry *entry;
    lsq_status status = lsq_tensor_complete(&v->tensor, LSQ_E_MALFORMED, r->file->path, r->err);
    if (!status)
        status = check_view(r, v, &contiguous);
    if (!status && r->model->count == TENSORS_MAX)
        status = lsq_fail(r->err, LSQ_E_LIMIT, r->file->path, "more than %u tensors", TENSORS_MAX);
    if (status)
        return status;
    const uint64_t begin = v->tensor.elements ? v->offset * lsq_dtype_bytes(v->tensor.dtype) : 0;
    status = lsq_model_add(r->model, r->file->path, &v->tensor, v->storage.bytes + begin, NULL, &entry, r->err);
    return status || contiguous ? status : copy(r, v, entry);
}

/* Tensors of complex numbers may be conjugated or negated by a note in their metadata, the last argument. */
static int is_empty(const lsq_pickle_value *value)
{
    return value->kind == LSQ_PICKLE_OTHER || (value->kind == LSQ_PICKLE_DICT && !value->u.first);
}

/*
 * _rebuild_tensor(storage, offset, size, stride), _v2(..., requires_grad, hooks[, metadata]); v3 has a type before the
 * last.
 */
static lsq_status add_tensor(lsq_pth *r, const lsq_pickle_value *arguments, int role)
{
    lsq_pickle_value *with[8];
    const size_t typed = role == LSQ_PTH_TENSOR_WITH_TYPE, first = role == LSQ_PTH_FIRST_TENSOR,
                 least = first ? 4 : 6 + typed;
    const size_t count = values_of(r, arguments, with, 7 + typed);
    view v = {.offset = 0};
    unsigned strides = 0;
    if (count < least || count > least + !first)
        return malformed(r, "not as many arguments as a tensor has");
    if (count > least && !is_empty(with[least]))
        return lsq_fail(r->err, LSQ_E_UNSUPPORTED, r->file->path, "tensor \"%s\": has metadata", r->name);
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

static lsq_status pass_over(lsq_pth *r)
{
    if (r->passed_over++ == 0)
        r->first = strdup(r->name);
    return r->first ? LSQ_OK : lsq_fail(r->err, LSQ_E_NOMEM, r->file->path, "no memory for a name");
}

static lsq_status read_dict(lsq_pth *r, lsq_pickle_value *dict, size_t length, unsigned depth);

/*
 * What is inside of _rebuild_parameter(tensor, requires_grad, hooks[, state]), or _rebuild_from_type_v2(function, class,
 * arguments, state): the role of a call, and the arguments. Of a parameter that is a subclass there are two such.
 */
static lsq_status unwrap(const lsq_pth *r, lsq_pickle_value **value, int *role, const lsq_pickle_value **arguments)
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
static lsq_status read_value(lsq_pth *r, lsq_pickle_value *value, size_t length, unsigned depth)
{
    const lsq_pickle_value *arguments = NULL;
    int role;
    const lsq_status status = unwrap(r, &value, &role, &arguments);
    if (status)
        return status;
    if (role == LSQ_PTH_TENSOR || role == LSQ_PTH_TENSOR_WITH_TYPE || role == LSQ_PTH_FIRST_TENSOR)
        return add_tensor(r, arguments, role);
    if (value->kind == LSQ_PICKLE_DICT && !value->seen && depth < DEPTH)
        return read_dict(r, value, length, depth + 1);
    return pass_over(r);
}

/* Each dict is read once, wherever it is found again: dicts of the same few dicts could otherwise take for ever. */
static lsq_status read_dict(lsq_pth *r, lsq_pickle_value *dict, size_t length, unsigned depth)
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
            return lsq_fail(r->err, LSQ_E_MALFORMED, r->file->path,
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

lsq_status lsq_pth_read_tensors(lsq_pth *r)
{
    const lsq_pickle *p = &r->pickle;
    if (p->values[p->root].kind != LSQ_PICKLE_DICT)
        return lsq_fail(r->err, LSQ_E_UNSUPPORTED, r->file->path,
                        "its pickle is no dict, expected one of tensors, such as state_dict() gives");
    lsq_status status = read_dict(r, &p->values[p->root], 0, 1);
    if (!status && r->passed_over > 0 &&
        lsq_model_warn(r->model,
                       "%zu values of the pickle that are no tensors, or lie too deep, are passed over; the "
                       "first is \"%.100s\"",
                       r->passed_over, r->first))
        status = lsq_fail(r->err, LSQ_E_NOMEM, r->file->path, "no memory for a warning");
    free(r->first);
    return status;
}
