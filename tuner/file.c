/*
 * file.c - where the outcome goes.
 */
#include "tuner/file.h"
#include "tuner/messages.h"

#include "dispatch/coverage.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- Which file ---- */

static int absolute(const char *variable)
{
    const char *value = secure_getenv(variable);
    return value && value[0] == '/';
}

/* Files of a user need a home. */
char *file_destination(const options *o, const lsq_cpu *cpu, int *code)
{
    char *path = NULL, *last;
    if (o->output) {
        path = strdup(o->output);
    } else if (o->system) {
        for (size_t i = 0; (last = lsq_tune_place(cpu, i, 0)); i++) {
            free(path);
            path = last;
        }
    } else if (absolute("XDG_CONFIG_HOME") || absolute("HOME")) {
        path = lsq_tune_place(cpu, 0, 1);
    } else {
        *code = say_error(EXIT_USAGE, "neither HOME nor XDG_CONFIG_HOME is an absolute path; use --output or --system");
        return NULL;
    }
    *code = EXIT_MEMORY;
    return path;
}

/* The folder that `path` is in: malloc. */
static char *folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return !slash ? strdup(".") : strndup(path, slash == path ? 1 : (size_t)(slash - path));
}

/* lsq_tune_write() makes two folders: the nearest of three that is there must let a file, or a folder, be made in it. */
int file_check(const char *path)
{
    struct stat about;
    int why = 0;
    char *folder = folder_of(path);
    for (int up = 0; folder && up < 2 && access(folder, F_OK) && errno == ENOENT; up++) {
        char *above = folder_of(folder);
        free(folder);
        folder = above;
    }
    if (!folder)
        return EXIT_MEMORY;
    if (!stat(path, &about) && !S_ISREG(about.st_mode))
        why = EEXIST;
    else if (access(folder, W_OK | X_OK))
        why = errno;
    else if (!stat(folder, &about) && !S_ISDIR(about.st_mode))
        why = ENOTDIR;
    free(folder);
    if (!why)
        return EXIT_FINE;
    return say_error(EXIT_IO, "%s: %s", path, why == EEXIST ? "this is not a regular file" : strerror(why));
}

/* ---- What stands in it ---- */

static int is_wrong(const findings *found, const lsq_kernel *kernel)
{
    for (size_t i = 0; i < found->wrong.count; i++)
        if (found->wrong.list[i].kernel == kernel)
            return 1;
    return 0;
}

/* Entries and kept, copied into lists that have room for as many more as `more` can add. 0 if memory ran out. */
static int copy_lists(lsq_tune *to, const lsq_tune *from, const lsq_tune *more)
{
    *to = (lsq_tune){.entries = calloc(from->count + CLASSES * more->count + 1, sizeof(*to->entries)),
                     .kept = calloc(from->kept_count + CLASSES * more->kept_count + 1, sizeof(*to->kept))};
    if (!to->entries || !to->kept)
        return 0;
    for (; to->count < from->count; to->count++)
        to->entries[to->count] = from->entries[to->count];
    for (; to->kept_count < from->kept_count; to->kept_count++)
        to->kept[to->kept_count] = from->kept[to->kept_count];
    return 1;
}

/*
 * Of a place that something new is known of in part, what is left: the place itself, or those of its size classes of which nothing is.
 * Returns their number.
 */
static size_t left_of(const lsq_coverage *fresh, unsigned op, unsigned codec, unsigned act, lsq_place where,
                      lsq_place left[CLASSES])
{
    size_t count = 0;
    if (!lsq_covers(fresh, op, codec, act, &where)) {
        left[count++] = where;
    } else if (where.size_class == LSQ_ANY) {
        for (where.size_class = 0; where.size_class < CLASSES; where.size_class++)
            if (!lsq_covers(fresh, op, codec, act, &where))
                left[count++] = where;
    }
    return count;
}

/* Behind what is new, what the old file says of anything else. */
static void add_old(lsq_tune *all, const lsq_coverage *fresh, const lsq_tune *old, const findings *found)
{
    lsq_place left[CLASSES];
    for (size_t i = 0; i < old->count; i++) {
        lsq_tune_entry e = old->entries[i];
        const lsq_kernel *k = e.kernel;
        const size_t count = is_wrong(found, k) ? 0 : left_of(fresh, k->op, k->codec, k->act, e.where, left);
        for (size_t j = 0; j < count; j++) {
            e.where = left[j];
            all->entries[all->count++] = e;
        }
    }
    for (size_t i = 0; i < old->kept_count; i++) {
        lsq_tune_kept k = old->kept[i];
        const size_t count = left_of(fresh, k.op, k.codec, k.act, k.where, left);
        for (size_t j = 0; j < count; j++) {
            k.where = left[j];
            all->kept[all->kept_count++] = k;
        }
    }
}

int file_write(const char *path, const lsq_cpu *cpu, const lsq_tune *made, const findings *found)
{
    lsq_tune old = {NULL, NULL, 0, 0}, all;
    lsq_coverage fresh;
    lsq_error err;
    lsq_tune_read(path, cpu, &old, NULL); /* if it cannot be used there is nothing to keep */
    lsq_status status = LSQ_E_NOMEM;
    snprintf(err.text, sizeof(err.text), "out of memory");
    if (copy_lists(&all, made, &old)) {
        lsq_tune_coverage(made, &fresh);
        add_old(&all, &fresh, &old, found);
        status = lsq_tune_write(path, cpu, &all, &err);
    }
    lsq_tune_free(&all);
    lsq_tune_free(&old);
    if (status == LSQ_OK)
        return EXIT_FINE;
    return say_error(status == LSQ_E_NOMEM ? EXIT_MEMORY : EXIT_IO, "%s: %s", path, err.text);
}
