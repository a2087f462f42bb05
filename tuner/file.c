/*
 * file.c - where the outcome goes.
 */
#include "tuner/file.h"

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
        fputs("lsq-tune: neither HOME nor XDG_CONFIG_HOME is an absolute path; use --output or --system\n", stderr);
        *code = EXIT_USAGE;
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
    if (why)
        fprintf(stderr, "lsq-tune: %s: %s\n", path, why == EEXIST ? "this is not a regular file" : strerror(why));
    return why ? EXIT_IO : EXIT_FINE;
}

/* ---- What stands in it ---- */

static int is_wrong(const findings *found, const lsq_kernel *kernel)
{
    for (size_t i = 0; i < found->wrong.count; i++)
        if (found->wrong.list[i].kernel == kernel)
            return 1;
    return 0;
}

/* What a file says of products that nothing was found out about now. `all` has room for it. */
static void add_old(lsq_tune *all, const lsq_tune *old, const lsq_coverage *fresh, const findings *found)
{
    for (size_t i = 0; i < old->count; i++) {
        const lsq_tune_entry *e = &old->entries[i];
        if (!is_wrong(found, e->kernel) &&
            !lsq_covers(fresh, e->kernel->op, e->kernel->codec, e->kernel->act, &e->where))
            all->entries[all->count++] = *e;
    }
    for (size_t i = 0; i < old->kept_count; i++) {
        const lsq_tune_kept *k = &old->kept[i];
        if (!lsq_covers(fresh, k->op, k->codec, k->act, &k->where))
            all->kept[all->kept_count++] = *k;
    }
}

int file_write(const char *path, const lsq_cpu *cpu, const lsq_tune *made, const findings *found)
{
    lsq_tune old = {NULL, NULL, 0, 0};
    lsq_coverage fresh;
    lsq_error err;
    lsq_tune_read(path, cpu, &old, NULL); /* if it cannot be used there is nothing to keep */
    lsq_tune all = {.entries = calloc(made->count + old.count + 1, sizeof(*all.entries)),
                    .kept = calloc(made->kept_count + old.kept_count + 1, sizeof(*all.kept))};
    lsq_status status = LSQ_E_NOMEM;
    snprintf(err.text, sizeof(err.text), "out of memory");
    if (all.entries && all.kept) {
        memcpy(all.entries, made->entries, made->count * sizeof(*all.entries));
        memcpy(all.kept, made->kept, made->kept_count * sizeof(*all.kept));
        all.count = made->count;
        all.kept_count = made->kept_count;
        lsq_tune_coverage(made, &fresh);
        add_old(&all, &old, &fresh, found);
        status = lsq_tune_write(path, cpu, &all, &err);
    }
    if (status != LSQ_OK)
        fprintf(stderr, "lsq-tune: %s: %s\n", path, err.text);
    lsq_tune_free(&all);
    lsq_tune_free(&old);
    return status == LSQ_OK ? EXIT_FINE : status == LSQ_E_NOMEM ? EXIT_MEMORY : EXIT_IO;
}
