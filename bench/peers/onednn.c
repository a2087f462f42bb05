#include "bench/peers/onednn.h"

#if LSQ_ONEDNN

#include <oneapi/dnnl/dnnl.h>

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

/* Loaded by whoever asks for it first: it is large, and brings an OpenMP that reads the environment and prints what it dislikes. */
static struct library {
    const dnnl_version_t *(*version)(void);
    dnnl_cpu_isa_t (*isa)(void);
    dnnl_status_t (*multiply)(char transa, char transb, char offsetc, dnnl_dim_t m, dnnl_dim_t n, dnnl_dim_t k,
                              float alpha, const uint8_t *a, dnnl_dim_t lda, uint8_t ao, const int8_t *b,
                              dnnl_dim_t ldb, int8_t bo, float beta, int32_t *c, dnnl_dim_t ldc, const int32_t *co);
    void (*set_threads)(int threads); /* of the OpenMP that it was linked with; NULL: of another kind */
} library;

/* What oneDNN calls those of its levels that a machine with fast products of bytes may have; it has no names for them itself. */
static const char *isa_name(dnnl_cpu_isa_t isa)
{
    switch (isa) {
    case dnnl_cpu_isa_sse41:
        return "SSE4.1";
    case dnnl_cpu_isa_avx:
        return "AVX";
    case dnnl_cpu_isa_avx2:
        return "AVX2";
    case dnnl_cpu_isa_avx2_vnni:
        return "AVX2 with VNNI";
    case dnnl_cpu_isa_avx512_core:
        return "AVX-512";
    case dnnl_cpu_isa_avx512_core_vnni:
    case dnnl_cpu_isa_avx512_core_bf16:
        return "AVX-512 with VNNI";
    case dnnl_cpu_isa_avx512_core_amx:
        return "AMX";
    default:
        return "other instructions";
    }
}

static void describe(char *text, size_t size)
{
    const dnnl_version_t *version = library.version();
    snprintf(text, size, "oneDNN %d.%d.%d, %s", version->major, version->minor, version->patch,
             isa_name(library.isa()));
}

static void set_threads(unsigned threads)
{
    if (library.set_threads)
        library.set_threads((int)threads);
}

/* It counts by rows: seen so, D and B are their own transposes, and D^T = B^T W^T. */
static int multiply(size_t m, size_t k, size_t n, const int8_t *w, const uint8_t *b, int32_t *d)
{
    const dnnl_dim_t rows = (dnnl_dim_t)m, columns = (dnnl_dim_t)k;
    const int32_t none = 0;
    return library.multiply('N', 'T', 'F', (dnnl_dim_t)n, rows, columns, 1, b, columns, 0, w, columns, 0, 0, d, rows,
                            &none) == dnnl_success;
}

static const bench_int8 onednn = {describe, set_threads, multiply};
static int is_loaded;

/* Fills in the address of a function, of whatever type. */
static int find(void *handle, const char *name, void *function)
{
    void *symbol = dlsym(handle, name);
    memcpy(function, &symbol, sizeof symbol);
    return symbol != NULL;
}

static void load(void)
{
    char name[32];
    snprintf(name, sizeof name, "libdnnl.so.%d", DNNL_VERSION_MAJOR);
    void *handle = dlopen(name, RTLD_NOW | RTLD_LOCAL);
    if (!handle)
        return;
    find(handle, "omp_set_num_threads", &library.set_threads);
    is_loaded = find(handle, "dnnl_version", &library.version) &&
                find(handle, "dnnl_get_effective_cpu_isa", &library.isa) &&
                find(handle, "dnnl_gemm_u8s8s32", &library.multiply);
}

const bench_int8 *bench_onednn(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, load);
    return is_loaded ? &onednn : NULL;
}

#else

const bench_int8 *bench_onednn(void)
{
    return NULL;
}

#endif
