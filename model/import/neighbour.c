/*
 * neighbour.c - files that another file names: of its own folder, and no other.
 *
 * Who wrote the file decides which others are opened, so only plain names are believed. What stands under such a name
 * in the user's folder is the user's: links are followed, as download caches have them, but what is no regular file is
 * not read.
 */
#include "model/import/neighbour.h"

#include <stdlib.h>
#include <string.h>

/* "folder of the path/name"; NULL if memory ran out. */
static char *beside(const char *path, const char *name)
{
    const char *slash = strrchr(path, '/');
    const size_t folder = slash ? (size_t)(slash - path) + 1 : 0, rest = strlen(name) + 1;
    char *joined = malloc(folder + rest);
    if (joined) {
        memcpy(joined, path, folder);
        memcpy(joined + folder, name, rest);
    }
    return joined;
}

static int plain_file_name(const char *name)
{
    return name[0] != 0 && !strchr(name, '/') && strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

lsq_status lsq_model_add_neighbour(lsq_model *model, const char *path, const char *name, unsigned flags,
                                   const lsq_mapping **file, lsq_error *err)
{
    if (!plain_file_name(name))
        return lsq_fail(err, LSQ_E_MALFORMED, path, "\"%s\" is not the plain name of a file in the same folder", name);
    if (model->alone)
        return lsq_fail(err, LSQ_E_UNSUPPORTED, path, "needs the file \"%s\", and a model in memory has no folder",
                        name);
    char *joined = beside(path, name);
    if (!joined)
        return lsq_fail(err, LSQ_E_NOMEM, path, "no memory for the path of \"%s\"", name);
    lsq_status status = LSQ_OK;
    size_t i = model->file_count;
    while (i > 0 && strcmp(model->files[i - 1].path, joined) != 0)
        i--; /* the last one first: tensors of one file come together */
    if (i > 0)
        *file = &model->files[i - 1];
    else
        status = lsq_model_add_file(model, joined, flags, file, err);
    free(joined);
    return status;
}
