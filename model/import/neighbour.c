/*
 * neighbour.c - files that another file names: of its own folder, and no other.
 *
 * Who wrote the file decides which others are opened, so only plain names are believed. Archives and repositories bring
 * links with them, which are no more the user's than the file is. Followed are those that lead into the same folder;
 * and as download caches have links in one folder and files in another, those that lead to where the user's own link leads.
 */
#include "model/import/neighbour.h"
#include "model/links.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

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

/* The device and inode of the folder of a path: paths to the same folder may differ. Returns whether it is there. */
static int examine_folder(const char *path, struct stat *st)
{
    char *folder = path ? beside(path, ".") : NULL;
    const int found = folder && stat(folder, st) == 0;
    free(folder);
    return found;
}

static int same_folder(const char *path, const struct stat *folder)
{
    struct stat st;
    return examine_folder(path, &st) && st.st_dev == folder->st_dev && st.st_ino == folder->st_ino;
}

/* If `joined`, beside the file `path`, is a link, may it be followed? LSQ_E_UNSUPPORTED if not; LSQ_E_IO, LSQ_E_NOMEM. */
static lsq_status check_link(const char *path, const char *joined, lsq_error *err)
{
    struct stat st;
    char text[128];
    if (lstat(joined, &st) != 0 || !S_ISLNK(st.st_mode))
        return LSQ_OK;
    char *target = lsq_links_follow(joined), *file = target ? lsq_links_follow(path) : NULL;
    lsq_status status = LSQ_OK;
    if (!file)
        status = lsq_fail(err, errno == ENOMEM ? LSQ_E_NOMEM : LSQ_E_IO, joined, "cannot open: %s",
                          strerror_r(errno, text, sizeof text));
    else if (!examine_folder(target, &st) || (!same_folder(path, &st) && !same_folder(file, &st)))
        status =
            lsq_fail(err, LSQ_E_UNSUPPORTED, joined,
                     "is a link out of the folder of the model: copy what it leads to if that is part of the model");
    free(target);
    free(file);
    return status;
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
        status = check_link(path, joined, err);
    if (i == 0 && status == LSQ_OK)
        status = lsq_model_add_file(model, joined, flags, file, err);
    free(joined);
    return status;
}
