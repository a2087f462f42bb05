/*
 * file.c - where the outcome goes.
 */
#include "tuner/file.h"

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

static int same_subject(const lsq_tune_entry *a, const lsq_tune_entry *b)
{
    return a->kernel->op == b->kernel->op && a->kernel->codec == b->kernel->codec && a->kernel->act == b->kernel->act &&
           a->size_class == b->size_class && a->threads == b->threads;
}

static int is_wrong(const findings *found, const lsq_tune_entry *entry)
{
    for (size_t i = 0; i < found->failures_count; i++)
        if (entry->kernel == found->failures[i].kernel || entry->runner_up == found->failures[i].kernel)
            return 1;
    return 0;
}

static int kind_has_wrong(const findings *found, const lsq_kernel *k)
{
    for (size_t i = 0; i < found->failures_count; i++) {
        const lsq_kernel *wrong = found->failures[i].kernel;
        if (wrong->op == k->op && wrong->codec == k->codec && wrong->act == k->act)
            return 1;
    }
    return 0;
}

/*
 * What was found, and behind it the entries of the old file about anything else. Only one thread was measured; but where a
 * kernel is wrong, more threads must not fall back on it either.
 */
static int gather(const findings *found, const lsq_tune *old, lsq_tune *all)
{
    *all = (lsq_tune){calloc(2 * found->results_count + old->count + 1, sizeof(*all->entries)), 0};
    if (!all->entries)
        return 0;
    for (size_t i = 0; i < found->results_count; i++) {
        lsq_tune_entry entry = result_entry(&found->results[i]);
        all->entries[all->count++] = entry;
        entry.threads = 2;
        if (kind_has_wrong(found, entry.kernel))
            all->entries[all->count++] = entry;
    }
    for (size_t i = 0; i < old->count; i++) {
        int replaced = is_wrong(found, &old->entries[i]);
        for (size_t j = 0; !replaced && j < all->count; j++)
            replaced = same_subject(&old->entries[i], &all->entries[j]);
        if (!replaced)
            all->entries[all->count++] = old->entries[i];
    }
    return 1;
}

int file_write(const char *path, const lsq_cpu *cpu, const findings *found, int part)
{
    lsq_tune old = {0}, all;
    lsq_error err;
    if (part)
        lsq_tune_read(path, cpu, &old, NULL); /* if it cannot be used there is nothing to keep */
    lsq_status status = LSQ_E_NOMEM;
    if (gather(found, &old, &all))
        status = lsq_tune_write(path, cpu, &all, &err);
    else
        snprintf(err.text, sizeof(err.text), "out of memory");
    if (status != LSQ_OK)
        fprintf(stderr, "lsq-tune: %s: %s\n", path, err.text);
    lsq_tune_free(&all);
    lsq_tune_free(&old);
    return status == LSQ_OK ? EXIT_FINE : status == LSQ_E_NOMEM ? EXIT_MEMORY : EXIT_IO;
}
