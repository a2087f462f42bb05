/*
 * tunestore.c - tune files on disk. A path comes from the environment, so it may lead anywhere: to a pipe that never
 * answers, a terminal, a folder, an endless device. Only regular files of a bounded size are read.
 */
#include "dispatch/error.h"
#include "dispatch/tunefile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SIZE_MAX_BYTES = 1 << 20 };

/* The system's words for errno. */
static lsq_status system_error(lsq_error *err)
{
    char words[128];
    return lsq_error_set(err, LSQ_E_IO, "%s", strerror_r(errno, words, sizeof(words)));
}

/* ---- Reading ---- */

/* Reads to the end, or until there is no room. */
static ssize_t read_all(int file, char *bytes, size_t room)
{
    size_t size = 0;
    while (size < room) {
        ssize_t got = read(file, bytes + size, room - size);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -1;
        if (got == 0)
            break;
        size += (size_t)got;
    }
    return (ssize_t)size;
}

static lsq_status read_open_file(int file, const lsq_cpu *cpu, lsq_tune *tune, lsq_error *err)
{
    struct stat about;
    if (fstat(file, &about))
        return system_error(err);
    if (!S_ISREG(about.st_mode))
        return lsq_error_set(err, LSQ_E_IO, "not a regular file");
    if (about.st_size > SIZE_MAX_BYTES)
        return lsq_error_set(err, LSQ_E_LIMIT, "larger than 1 MiB");
    /* Room for a byte more than there is: files that say nothing of their size, and those that grow meanwhile, show by it. */
    const size_t room = (size_t)about.st_size + 1;
    char *bytes = malloc(room);
    if (!bytes)
        return lsq_error_set(err, LSQ_E_NOMEM, "no memory to read it");
    lsq_status status;
    const ssize_t size = read_all(file, bytes, room);
    if (size < 0)
        status = system_error(err);
    else if ((size_t)size == room)
        status = lsq_error_set(err, LSQ_E_IO, "it grew while it was read");
    else
        status = lsq_tune_parse(bytes, (size_t)size, cpu, tune, err);
    free(bytes);
    return status;
}

lsq_status lsq_tune_read(const char *path, const lsq_cpu *cpu, lsq_tune *tune, lsq_error *err)
{
    int saved = errno;
    lsq_status status;
    /* O_NONBLOCK: opening a pipe without a writer does not wait. O_NOCTTY: a terminal does not become ours. */
    int file = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (file < 0) {
        status = system_error(err);
    } else {
        status = read_open_file(file, cpu, tune, err);
        close(file);
    }
    errno = saved;
    return status;
}

/* ---- Writing ---- */

/* The folder part of a path, without the slash: malloc, or NULL if there is none (or no memory). */
static char *folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash && slash != path ? strndup(path, (size_t)(slash - path)) : NULL;
}

/* ~/.config and ~/.config/lsq, of a home that is new; who may look into the first is its owner's business (XDG). */
static void make_folders(const char *folder)
{
    char *above = folder_of(folder);
    if (above)
        mkdir(above, 0700);
    mkdir(folder, 0755);
    free(above);
}

static int write_all(int file, const char *text)
{
    size_t left = strlen(text);
    while (left) {
        ssize_t put = write(file, text, left);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return 0;
        text += put;
        left -= (size_t)put;
    }
    return 1;
}

/* A new file, complete and on disk, or none. */
static int create(char *name, const char *text)
{
    int file = mkostemp(name, O_CLOEXEC);
    if (file < 0)
        return 0;
    /* mkostemp makes it private; what /etc holds is for everyone, and nothing here is secret. */
    int good = !fchmod(file, 0644) && write_all(file, text) && !fsync(file);
    int why = errno;
    if (close(file) && good) {
        good = 0;
        why = errno;
    }
    if (!good)
        unlink(name);
    errno = why;
    return good;
}

/* The rename itself reaches the disk with its folder. Some file systems cannot be asked for that, which is no failure. */
static void sync_folder(const char *folder)
{
    int file = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (file >= 0) {
        fsync(file);
        close(file);
    }
}

static lsq_status replace(const char *path, const char *text, lsq_error *err)
{
    struct stat about;
    if (!stat(path, &about) && !S_ISREG(about.st_mode))
        return lsq_error_set(err, LSQ_E_IO, "there is something else than a regular file");
    size_t room = strlen(path) + sizeof(".XXXXXX");
    char *beside = malloc(room), *folder = folder_of(path);
    lsq_status status = LSQ_OK;
    if (folder)
        make_folders(folder);
    if (!beside || (!folder && strrchr(path, '/') > path)) {
        status = lsq_error_set(err, LSQ_E_NOMEM, "no memory for its name");
    } else {
        snprintf(beside, room, "%s.XXXXXX", path);
        if (!create(beside, text)) {
            status = system_error(err);
        } else if (rename(beside, path)) {
            status = system_error(err);
            unlink(beside);
        } else {
            sync_folder(folder ? folder : path[0] == '/' ? "/" : ".");
        }
    }
    free(beside);
    free(folder);
    return status;
}

lsq_status lsq_tune_write(const char *path, const lsq_cpu *cpu, const lsq_tune *tune, lsq_error *err)
{
    char *text;
    int saved = errno;
    lsq_status status = lsq_tune_format(cpu, tune, &text, err);
    if (status == LSQ_OK) {
        status = replace(path, text, err);
        free(text);
    }
    errno = saved;
    return status;
}
