/*
 * mapping.c - the bytes of a file, mapped or read.
 */
#include "model/mapping.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static lsq_status refused(lsq_error *err, const char *path, const char *what)
{
    char text[128];
    return lsq_fail(err, LSQ_E_IO, path, "cannot %s: %s", what, strerror_r(errno, text, sizeof text));
}

static lsq_status read_all(int fd, uint8_t *bytes, size_t size, const char *path, lsq_error *err)
{
    for (size_t at = 0; at < size;) {
        ssize_t n = read(fd, bytes + at, size - at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return refused(err, path, "read");
        if (n == 0)
            return lsq_fail(err, LSQ_E_TRUNCATED, path, "became shorter while it was read: %zu of %zu bytes", at, size);
        at += (size_t)n;
    }
    return LSQ_OK;
}

/* Aligned to 64, as kernels like it best and as payloads are within the file. The size is exact, for sanitizers. */
static uint8_t *allocate(size_t size)
{
    void *bytes = NULL;
    return posix_memalign(&bytes, 64, size ? size : 1) == 0 ? bytes : NULL;
}

/* Opens file->path, which must be a regular file, and fills in its size and whether it has more than one name. */
static lsq_status open_file(lsq_mapping *file, int *fd, lsq_error *err)
{
    /* O_NONBLOCK: opening a pipe that nobody writes to must not wait; for regular files it means nothing. */
    struct stat st;
    *fd = open(file->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (*fd < 0)
        return refused(err, file->path, "open");
    lsq_status status = LSQ_OK;
    if (fstat(*fd, &st) != 0)
        status = refused(err, file->path, "examine");
    else if (!S_ISREG(st.st_mode))
        status = lsq_fail(err, LSQ_E_IO, file->path, "is not a regular file");
    else if ((uintmax_t)st.st_size > SIZE_MAX / 2)
        status = lsq_fail(err, LSQ_E_LIMIT, file->path, "does not fit into the address space");
    if (status != LSQ_OK) {
        close(*fd);
        return status;
    }
    file->size = (size_t)st.st_size;
    file->many_names = st.st_nlink > 1;
    return LSQ_OK;
}

static lsq_status load(int fd, unsigned flags, lsq_mapping *file, lsq_error *err)
{
    if (!(flags & LSQ_OPEN_READ) && file->size) {
        void *bytes = mmap(NULL, file->size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (bytes == MAP_FAILED)
            return errno == ENOMEM ? lsq_fail(err, LSQ_E_NOMEM, file->path, "no memory to map %zu bytes", file->size)
                                   : refused(err, file->path, "map");
        file->bytes = bytes;
        file->mapped = 1;
        return LSQ_OK;
    }
    uint8_t *bytes = allocate(file->size);
    if (!bytes)
        return lsq_fail(err, LSQ_E_NOMEM, file->path, "no memory for %zu bytes", file->size);
    file->bytes = bytes;
    return read_all(fd, bytes, file->size, file->path, err);
}

/* Tells the system of all pages that have some of these bytes, up to the end of the mapped file that they are in. */
static void advise(const lsq_model *model, const uint8_t *bytes, uint64_t size, int advice)
{
    const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), from = (uintptr_t)bytes / page * page;
    for (size_t i = 0; size && i < model->file_count; i++) {
        const lsq_mapping *file = &model->files[i];
        const uintptr_t first = (uintptr_t)file->bytes, end = first + file->size;
        if (file->mapped && (uintptr_t)bytes >= first && (uintptr_t)bytes < end)
            madvise((void *)from, (size < end - (uintptr_t)bytes ? (uintptr_t)bytes + size : end) - from, advice);
    }
}

void lsq_mapping_release(const lsq_model *model, const uint8_t *bytes, size_t size)
{
    advise(model, bytes, size, MADV_DONTNEED);
}

void lsq_mapping_prefetch(const lsq_model *model, const uint8_t *bytes, uint64_t size)
{
    advise(model, bytes, size, MADV_WILLNEED);
}

void lsq_mapping_close(lsq_mapping *file)
{
    if (file->mapped)
        munmap((void *)(uintptr_t)file->bytes, file->size);
    else
        free((void *)(uintptr_t)file->bytes);
    free(file->path);
}

/* Room for one more file, with its path; it counts only once it holds something. */
static lsq_mapping *new_mapping(lsq_model *model, const char *path)
{
    lsq_mapping *files = realloc(model->files, (model->file_count + 1) * sizeof *files);
    if (!files)
        return NULL;
    model->files = files;
    lsq_mapping *file = files + model->file_count;
    *file = (lsq_mapping){.path = strdup(path)};
    return file->path ? file : NULL;
}

/* Counts the file if all went well, and drops it if not. */
static lsq_status add(lsq_model *model, lsq_mapping *file, lsq_status status, const lsq_mapping **added)
{
    if (status != LSQ_OK) {
        lsq_mapping_close(file);
        return status;
    }
    model->file_count++;
    *added = file;
    return LSQ_OK;
}

lsq_status lsq_model_add_file(lsq_model *model, const char *path, unsigned flags, const lsq_mapping **added,
                              lsq_error *err)
{
    lsq_mapping *file = new_mapping(model, path);
    if (!file)
        return lsq_fail(err, LSQ_E_NOMEM, path, "no memory");
    int fd;
    lsq_status status = open_file(file, &fd, err);
    if (status == LSQ_OK) {
        status = load(fd, flags, file, err);
        close(fd);
    }
    return add(model, file, status, added);
}

lsq_status lsq_model_add_unread(lsq_model *model, const char *path, int *fd, const lsq_mapping **added, lsq_error *err)
{
    lsq_mapping *file = new_mapping(model, path);
    if (!file)
        return lsq_fail(err, LSQ_E_NOMEM, path, "no memory");
    return add(model, file, open_file(file, fd, err), added);
}

lsq_status lsq_model_add_copy(lsq_model *model, const void *bytes, size_t size, const lsq_mapping **added,
                              lsq_error *err)
{
    lsq_mapping *file = new_mapping(model, "memory");
    uint8_t *copy = file ? allocate(size) : NULL;
    if (!copy) {
        if (file)
            lsq_mapping_close(file);
        return lsq_fail(err, LSQ_E_NOMEM, "memory", "no memory for %zu bytes", size);
    }
    if (size)
        memcpy(copy, bytes, size);
    file->bytes = copy;
    file->size = size;
    model->file_count++;
    *added = file;
    return LSQ_OK;
}
