/*
 * hostile.h - opens files that are not what they should be.
 */
#ifndef LSQ_TESTS_HOSTILE_H
#define LSQ_TESTS_HOSTILE_H

#include "model/model.h"
#include "tests/emulated.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/*
 * What a hostile file may cost, beyond its own size, and seconds of a processor. Sanitizers reserve terabytes: there memory is not
 * limited; and they are slow, as emulators are.
 */
#define HOSTILE_MEMORY  ((rlim_t)64 << 20)
#define HOSTILE_SECONDS 1
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define MEMORY_LIMITED 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(memory_sanitizer) || __has_feature(thread_sanitizer)
#define MEMORY_LIMITED 0
#endif
#endif
#ifndef MEMORY_LIMITED
#define MEMORY_LIMITED 1
#endif

/* Opens bytes and closes them again. The bytes stand at the end of a block, where sanitizers see a read past them. */
static inline lsq_status status_of(const void *bytes, size_t size, lsq_error *err)
{
    lsq_model *model = NULL;
    err->text[0] = 0;
    const lsq_status status = lsq_model_open_memory(bytes, size, LSQ_OPEN_VERIFY, &model, err);
    ck_assert_msg(status == LSQ_OK ? model != NULL : model == NULL && err->status == status && err->text[0] != 0,
                  "status %d without a model or without a reason", status);
    lsq_model_free(model);
    return status;
}

/* Leaves this process no more than HOSTILE_MEMORY beyond what it has, and an end if it should run for ever. */
static inline void limit_resources(void)
{
    unsigned long pages = 0;
    FILE *self = fopen("/proc/self/statm", "r");
    if (!self || fscanf(self, "%lu", &pages) != 1)
        _exit(100);
    fclose(self);
    const rlim_t limit = (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE) + HOSTILE_MEMORY;
    if (MEMORY_LIMITED && setrlimit(RLIMIT_AS, &(struct rlimit){limit, limit}) != 0)
        _exit(100);
    const rlim_t seconds = MEMORY_LIMITED && !emulated() ? HOSTILE_SECONDS : 60 * HOSTILE_SECONDS;
    if (setrlimit(RLIMIT_CPU, &(struct rlimit){seconds, seconds}) != 0)
        _exit(100);
}

/* As status_of(), in a process of its own with little memory. */
static inline lsq_status limited_status_of(const void *bytes, size_t size, lsq_error *err)
{
    int channel[2], ended;
    ck_assert_int_eq(pipe(channel), 0);
    const pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        limit_resources();
        lsq_model *model = NULL;
        lsq_error found = {.status = LSQ_OK, .text = ""};
        const lsq_status status = lsq_model_open_memory(bytes, size, LSQ_OPEN_VERIFY, &model, &found);
        lsq_model_free(model);
        _exit(found.status == status && write(channel[1], &found, sizeof(found)) == sizeof(found) ? 0 : 101);
    }
    close(channel[1]);
    const ssize_t got = read(channel[0], err, sizeof(*err));
    close(channel[0]);
    ck_assert_int_eq(waitpid(child, &ended, 0), child);
    ck_assert_msg(WIFEXITED(ended) && WEXITSTATUS(ended) == 0 && got == sizeof(*err),
                  "the process that opened the file ended with %x", (unsigned)ended);
    return err->status;
}

/* The contents of a file; free() them. */
static inline uint8_t *contents_of(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    ck_assert_msg(file != NULL, "no %s", path);
    ck_assert_int_eq(fseek(file, 0, SEEK_END), 0);
    *size = (size_t)ftell(file);
    rewind(file);
    uint8_t *bytes = malloc(*size + 1);
    ck_assert_ptr_nonnull(bytes);
    ck_assert_uint_eq(fread(bytes, 1, *size, file), *size);
    fclose(file);
    return bytes;
}

static inline void write_file(const char *path, const void *bytes, size_t size)
{
    FILE *file = fopen(path, "wb");
    ck_assert_msg(file != NULL, "cannot write %s", path);
    ck_assert_uint_eq(fwrite(bytes, 1, size, file), size);
    ck_assert_int_eq(fclose(file), 0);
}

#endif
