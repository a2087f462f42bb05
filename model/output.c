/*
 * output.c - a file that appears whole or not at all.
 */
#include "model/output.h"
#include "model/links.h"
#include "model/model.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NAMES_TRIED = 100, BEHIND = 8 << 20 };

struct lsq_output {
    char *path;         /* as the caller gave it: for messages */
    char *target;       /* where the links lead; `name` is its last part */
    const char *name;   /* relative to `directory` */
    int directory;      /* open, so that a change of the current directory changes nothing */
    int fd;             /* of the temporary file */
    char temporary[40]; /* its name; "" as long as it has none, and once nothing is to be removed */
    int overwrite;
    int replaces; /* there is a file whose mode is to be kept: */
    mode_t mode;
    uint64_t size, limit;
    uint64_t begun; /* so many bytes the system has been asked to write */
    int failed;
};

static lsq_status refused(const lsq_output *o, const char *what, lsq_error *err)
{
    char text[128];
    return lsq_fail(err, LSQ_E_IO, o->path, "cannot %s: %s", what, strerror_r(errno, text, sizeof text));
}

/* ---- Finding the place ------------------------------------------------------------------------------------------- */

/* The file that a link leads to: a rename would replace the link instead. */
static lsq_status find_target(lsq_output *o, lsq_error *err)
{
    o->target = lsq_links_follow(o->path);
    if (o->target)
        return LSQ_OK;
    return errno == ENOMEM ? lsq_fail(err, LSQ_E_NOMEM, o->path, "no memory") : refused(o, "follow the link", err);
}

/* Is what stands there something that may be replaced? */
static lsq_status examine(lsq_output *o, lsq_error *err)
{
    struct stat st;
    if (stat(o->path, &st) != 0) {
        if (errno == ENOENT && (o->overwrite || lstat(o->path, &st) != 0))
            return LSQ_OK;
        return errno == ENOENT ? lsq_fail(err, LSQ_E_IO, o->path, "already exists") : refused(o, "examine", err);
    }
    if (!S_ISREG(st.st_mode))
        return lsq_fail(err, LSQ_E_IO, o->path, "is not a regular file; only those can be written whole or not at all");
    if (!o->overwrite)
        return lsq_fail(err, LSQ_E_IO, o->path, "already exists");
    o->replaces = 1;
    o->mode = st.st_mode & 0777;
    return LSQ_OK;
}

static lsq_status open_directory(lsq_output *o, lsq_error *err)
{
    char *slash = strrchr(o->target, '/');
    o->name = slash ? slash + 1 : o->target;
    if (o->name[0] == '\0' || strcmp(o->name, ".") == 0 || strcmp(o->name, "..") == 0)
        return lsq_fail(err, LSQ_E_IO, o->path, "does not name a file");
    const char *directory = slash ? (slash == o->target ? "/" : o->target) : ".";
    if (slash)
        *slash = '\0';
    o->directory = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (o->directory < 0 && errno == EACCES) /* one may create files where one may not list them */
        o->directory = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
    return o->directory < 0 ? refused(o, "open its directory", err) : LSQ_OK;
}

/* A name that nobody else will think of; `i` tells tries apart. */
static void make_name(const lsq_output *o, int i, char name[sizeof o->temporary])
{
    uint64_t number = 0;
    if (getrandom(&number, sizeof number, GRND_NONBLOCK) != sizeof number)
        number = ((uint64_t)getpid() << 32) + (uintptr_t)o + (uint64_t)i;
    snprintf(name, sizeof o->temporary, ".lsq-%016llx.part", (unsigned long long)number);
}

/* Where the system has the open file as a link. */
static void link_of(int fd, char path[32])
{
    snprintf(path, 32, "/proc/self/fd/%d", fd);
}

/* A file without a name, of which nothing is left whatever ends the process. -1 with another errno than EIO or the like: not here. */
static int create_nameless(const lsq_output *o, mode_t mode)
{
    char path[32];
    const int fd = openat(o->directory, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, mode);
    if (fd >= 0) {
        link_of(fd, path);
        if (access(path, F_OK) == 0)
            return fd;
        close(fd);
        errno = EOPNOTSUPP;
    }
    return -1;
}

static lsq_status create_temporary(lsq_output *o, lsq_error *err)
{
    /* What replaces a file is nobody else's to read before it has that file's mode. */
    mode_t mode = o->replaces ? 0600 : 0666;
    char name[sizeof o->temporary];
    o->fd = create_nameless(o, mode);
    if (o->fd >= 0)
        return LSQ_OK;
    if (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL && errno != ENOENT && errno != EACCES)
        return refused(o, "create a file beside it", err);
    for (int i = 0; i < NAMES_TRIED && o->fd < 0; i++) {
        make_name(o, i, name);
        o->fd = openat(o->directory, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, mode);
        if (o->fd < 0 && errno != EEXIST)
            break;
    }
    if (o->fd < 0)
        return refused(o, "create a file beside it", err);
    memcpy(o->temporary, name, sizeof name);
    return LSQ_OK;
}

/* A nameless file gets a name at last. */
static int name_temporary(lsq_output *o)
{
    char path[32], name[sizeof o->temporary];
    int linked = o->temporary[0] ? 0 : -1;
    link_of(o->fd, path);
    for (int i = 0; i < NAMES_TRIED && linked != 0; i++) {
        make_name(o, i, name);
        linked = linkat(AT_FDCWD, path, o->directory, name, AT_SYMLINK_FOLLOW);
        if (linked == 0)
            memcpy(o->temporary, name, sizeof name);
        else if (errno != EEXIST)
            break;
    }
    return linked;
}

lsq_status lsq_output_new(const char *path, int overwrite, lsq_output **output, lsq_error *err)
{
    lsq_output *o = calloc(1, sizeof *o);
    char *copy = strdup(path);
    if (!o || !copy) {
        free(o);
        free(copy);
        return lsq_fail(err, LSQ_E_NOMEM, path, "no memory");
    }
    *o = (lsq_output){.path = copy, .directory = -1, .fd = -1, .overwrite = overwrite, .limit = UINT64_MAX};
    lsq_status status = examine(o, err);
    if (status == LSQ_OK)
        status = find_target(o, err);
    if (status == LSQ_OK)
        status = open_directory(o, err);
    if (status == LSQ_OK)
        status = create_temporary(o, err);
    if (status == LSQ_OK)
        *output = o;
    else
        lsq_output_free(o);
    return status;
}

/* ---- Writing ----------------------------------------------------------------------------------------------------- */

/* pwrite() everywhere: an interrupted or short write is simply continued. */
static lsq_status write_at(lsq_output *o, uint64_t offset, const uint8_t *bytes, size_t size, lsq_error *err)
{
    if (o->failed)
        return lsq_fail(err, LSQ_E_IO, o->path, "an earlier write failed");
    while (size) {
        ssize_t n = pwrite(o->fd, bytes, size < 1u << 30 ? size : 1u << 30, (off_t)offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            o->failed = 1;
            return refused(o, "write", err);
        }
        offset += (uint64_t)n;
        bytes += n;
        size -= (size_t)n;
    }
    return LSQ_OK;
}

/*
 * Has the disk write what there is while the caller makes more; otherwise most of it would wait for fsync(). Returns at once, and may fail: it
 * is fsync() that tells of errors.
 */
static void write_behind(lsq_output *o)
{
    if (o->size - o->begun < BEHIND)
        return;
    sync_file_range(o->fd, (off_t)o->begun, (off_t)(o->size - o->begun), SYNC_FILE_RANGE_WRITE);
    o->begun = o->size;
}

lsq_status lsq_output_write(lsq_output *o, const void *bytes, size_t size, lsq_error *err)
{
    if (size > o->limit - o->size && !o->failed) {
        o->failed = 1;
        return lsq_fail(err, LSQ_E_LIMIT, o->path, "would be larger than %llu bytes, the limit",
                        (unsigned long long)o->limit);
    }
    lsq_status status = write_at(o, o->size, bytes, size, err);
    if (status == LSQ_OK) {
        o->size += size;
        write_behind(o);
    }
    return status;
}

void lsq_output_limit(lsq_output *o, uint64_t bytes)
{
    o->limit = bytes > o->size ? bytes : o->size;
}

lsq_status lsq_output_align(lsq_output *o, size_t alignment, lsq_error *err)
{
    static const uint8_t zeros[64];
    size_t past = (size_t)(o->size % alignment);
    return past ? lsq_output_write(o, zeros, alignment - past, err) : LSQ_OK;
}

lsq_status lsq_output_patch(lsq_output *o, uint64_t offset, const void *bytes, size_t size, lsq_error *err)
{
    return write_at(o, offset, bytes, size, err);
}

uint64_t lsq_output_size(const lsq_output *o)
{
    return o->size;
}

/* ---- Into place -------------------------------------------------------------------------------------------------- */

/* rename(), but never over a file. Not every file system can do that at once; hard links say the same in two steps. */
static int rename_new(const lsq_output *o)
{
    int moved = renameat2(o->directory, o->temporary, o->directory, o->name, RENAME_NOREPLACE);
    if (moved == 0 || (errno != EINVAL && errno != ENOSYS))
        return moved;
    if (linkat(o->directory, o->temporary, o->directory, o->name, 0) != 0)
        return -1;
    unlinkat(o->directory, o->temporary, 0);
    return 0;
}

lsq_status lsq_output_finish(lsq_output *o, lsq_error *err)
{
    if (o->failed)
        return lsq_fail(err, LSQ_E_IO, o->path, "an earlier write failed");
    if (o->replaces && fchmod(o->fd, o->mode) != 0)
        return refused(o, "keep its mode", err);
    if (fsync(o->fd) != 0)
        return refused(o, "sync", err);
    if (name_temporary(o) != 0)
        return refused(o, "name a file beside it", err);
    int fd = o->fd;
    o->fd = -1;
    if (close(fd) != 0 && errno != EINTR)
        return refused(o, "close", err);
    int moved = o->overwrite ? renameat(o->directory, o->temporary, o->directory, o->name) : rename_new(o);
    if (moved != 0)
        return refused(o, "move into place", err);
    o->temporary[0] = '\0';
    /* Some file systems cannot sync a directory, and say so with other errors than this one. */
    if (fsync(o->directory) != 0 && errno == EIO)
        return refused(o, "sync the directory of", err);
    return LSQ_OK;
}

void lsq_output_abandon(const lsq_output *o)
{
    if (o->temporary[0])
        unlinkat(o->directory, o->temporary, 0);
}

void lsq_output_free(lsq_output *o)
{
    if (!o)
        return;
    if (o->fd >= 0)
        close(o->fd);
    lsq_output_abandon(o);
    if (o->directory >= 0)
        close(o->directory);
    free(o->target);
    free(o->path);
    free(o);
}
