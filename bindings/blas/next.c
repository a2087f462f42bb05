/*
 * next.c - the BLAS behind this one, looked for once. Each function by itself: some systems have those of CBLAS in a library
 * of their own.
 */
#include "bindings/blas/blas.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    size_t offset;
} functions[] = {{"cblas_sgemv", offsetof(lsq_blas, cblas_sgemv)},
                 {"cblas_sgemm", offsetof(lsq_blas, cblas_sgemm)},
                 {"sgemv_", offsetof(lsq_blas, sgemv)},
                 {"sgemm_", offsetof(lsq_blas, sgemm)}};

enum { FUNCTIONS = sizeof(functions) / sizeof(*functions), ALL = (1 << FUNCTIONS) - 1 };

static pthread_once_t once = PTHREAD_ONCE_INIT;
static lsq_blas next;

/* A function of another library than ours. */
static void *function_of(void *library, const char *name)
{
    Dl_info theirs, ours;
    void *function = dlsym(library, name);
    if (!function || !dladdr(function, &theirs) || !dladdr(&next, &ours) || theirs.dli_fbase == ours.dli_fbase)
        return NULL;
    return function;
}

/* Takes what is there from a library; returns `found` with a bit more for each. */
static unsigned take_from(void *library, unsigned found)
{
    for (unsigned i = 0; i < FUNCTIONS; i++) {
        void *function = found >> i & 1 ? NULL : function_of(library, functions[i].name);
        if (function) {
            memcpy((char *)&next + functions[i].offset, &function, sizeof(function));
            found |= 1u << i;
        }
    }
    return found;
}

static unsigned take_from_file(const char *path, unsigned found)
{
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    unsigned more = library ? take_from(library, found) : found;
    if (library && more == found)
        dlclose(library);
    return more;
}

static void find(void)
{
    /* Programs that load their extensions privately, as Python does, hide their BLAS from RTLD_NEXT; its name finds it. */
    static const char *const usual[] = {"libblas.so.3", "libcblas.so.3", "libopenblas.so.0"};
    static int begun;
    const int saved = errno;
    const char *named = secure_getenv("LSQ_BLAS_NEXT");
    next = lsq_blas_plain;
    if (begun++) {
        /* A child that was forked in the middle of it, where glibc begins anew. What was being loaded stays unfinished. */
    } else if (named && *named) {
        take_from_file(named, 0);
    } else {
        unsigned found = take_from(RTLD_NEXT, 0);
        for (size_t i = 0; found != ALL && i < sizeof(usual) / sizeof(*usual); i++)
            found = take_from_file(usual[i], found);
    }
    dlerror(); /* what was not found is nobody's error */
    errno = saved;
}

const lsq_blas *lsq_blas_next(void)
{
    pthread_once(&once, find);
    return &next;
}
