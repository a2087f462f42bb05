/*
 * gguf_split.c - models that were split into several GGUF files.
 *
 *     NAME-00001-of-00003.gguf      the metadata, tensors
 *     NAME-00002-of-00003.gguf ...  tensors
 *
 * Each is a whole file with three pairs more: split.no, from 0 on; split.count; split.tensors.count, of all files. The first is the
 * one to open. Metadata of the others is checked, and not kept.
 */
#include "model/import/gguf.h"
#include "model/import/neighbour.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FILES_MAX = 1000, SUFFIX = 20 }; /* bytes of "-00001-of-00003.gguf" */

/* Reads file `number`, from 1 on, that is called `name`, beside the first. */
static lsq_status read_other(const lsq_gguf *first, const char *name, uint64_t number, unsigned flags)
{
    const uint64_t count = first->split[LSQ_GGUF_SPLIT_COUNT];
    const lsq_mapping *file;
    lsq_status status = lsq_model_add_neighbour(first->model, first->path, name, flags, &file, first->err);
    if (status != LSQ_OK)
        return status;
    const lsq_mapping opened = *file;
    if (!lsq_is_gguf(&opened))
        return lsq_fail(first->err, LSQ_E_MALFORMED, opened.path, "is no GGUF file, as number %llu of %llu should be",
                        (unsigned long long)number, (unsigned long long)count);
    lsq_model *metadata = calloc(1, sizeof *metadata);
    if (!metadata)
        return lsq_fail(first->err, LSQ_E_NOMEM, opened.path, "no memory");
    lsq_gguf c = {.model = first->model, .metadata = metadata, .file = &opened, .path = opened.path, .err = first->err};
    status = lsq_gguf_read_file(&c);
    lsq_model_free(metadata);
    if (status == LSQ_OK && (c.split[LSQ_GGUF_SPLIT_NO] != number - 1 || c.split[LSQ_GGUF_SPLIT_COUNT] != count))
        return lsq_fail(first->err, LSQ_E_MALFORMED, opened.path,
                        "says that it is number %llu of %llu files, expected %llu of %llu",
                        (unsigned long long)c.split[LSQ_GGUF_SPLIT_NO] + 1,
                        (unsigned long long)c.split[LSQ_GGUF_SPLIT_COUNT], (unsigned long long)number,
                        (unsigned long long)count);
    return status;
}

/* Are these the first file, and a number of files that can be opened, and is the first called as the others are to be? */
static lsq_status check(const lsq_gguf *first, const char *name, size_t length)
{
    const uint64_t count = first->split[LSQ_GGUF_SPLIT_COUNT], number = first->split[LSQ_GGUF_SPLIT_NO] + 1;
    char suffix[64];
    if (number != 1)
        return lsq_fail(first->err, LSQ_E_UNSUPPORTED, first->path,
                        "is number %llu of the %llu files of a model: open the first, NAME-00001-of-%05llu.gguf",
                        (unsigned long long)number, (unsigned long long)count, (unsigned long long)count);
    if (count > FILES_MAX)
        return lsq_fail(first->err, LSQ_E_LIMIT, first->path, "is one of %llu files of a model, expected at most %d",
                        (unsigned long long)count, FILES_MAX);
    snprintf(suffix, sizeof suffix, "-00001-of-%05u.gguf", (unsigned)count);
    if (length < SUFFIX || length > LSQ_NAME_MAX || strcmp(name + length - SUFFIX, suffix) != 0)
        return lsq_fail(
            first->err, LSQ_E_UNSUPPORTED, first->path,
            "is the first of the %llu files of a model, but not called NAME%s, so the others cannot be found",
            (unsigned long long)count, suffix);
    return LSQ_OK;
}

lsq_status lsq_gguf_read_others(const lsq_gguf *first, unsigned flags)
{
    const char *slash = strrchr(first->path, '/'), *name = slash ? slash + 1 : first->path;
    const size_t length = strlen(name);
    const uint64_t count = first->split[LSQ_GGUF_SPLIT_COUNT], tensors = first->split[LSQ_GGUF_SPLIT_TENSORS];
    char other[LSQ_NAME_MAX + 1];
    lsq_status status = check(first, name, length);
    if (status != LSQ_OK)
        return status;
    memcpy(other, name, length + 1);
    for (unsigned number = 2; number <= count && status == LSQ_OK; number++) {
        snprintf(other + length - SUFFIX, SUFFIX + 1, "-%05u-of-%05u.gguf", number, (unsigned)count);
        status = read_other(first, other, number, flags);
    }
    if (status == LSQ_OK && tensors && tensors != first->model->count)
        return lsq_fail(first->err, LSQ_E_MALFORMED, first->path,
                        "%zu tensors in all files, expected %llu, split.tensors.count", first->model->count,
                        (unsigned long long)tensors);
    return status;
}
