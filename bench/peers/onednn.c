#include "bench/peers/onednn.h"

#if LSQ_ONEDNN

#include <oneapi/dnnl/dnnl.h>

#include <dlfcn.h>
#include <stdio.h>

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
    const dnnl_version_t *version = dnnl_version();
    snprintf(text, size, "oneDNN %d.%d.%d, %s", version->major, version->minor, version->patch,
             isa_name(dnnl_get_effective_cpu_isa()));
}

/* Its threads are those of the OpenMP library it was linked with, which a compiler's own OpenMP need not be: hence by name. */
static void set_threads(unsigned threads)
{
    union {
        void *symbol;
        void (*call)(int threads);
    } set = {dlsym(RTLD_DEFAULT, "omp_set_num_threads")};
    if (set.symbol)
        set.call((int)threads);
}

/* It counts by rows: seen so, D and B are their own transposes, and D^T = B^T W^T. */
static int multiply(size_t m, size_t k, size_t n, const int8_t *w, const uint8_t *b, int32_t *d)
{
    const dnnl_dim_t rows = (dnnl_dim_t)m, columns = (dnnl_dim_t)k;
    const int32_t none = 0;
    return dnnl_gemm_u8s8s32('N', 'T', 'F', (dnnl_dim_t)n, rows, columns, 1, b, columns, 0, w, columns, 0, 0, d, rows,
                             &none) == dnnl_success;
}

static const bench_int8 onednn = {describe, set_threads, multiply};

const bench_int8 *bench_onednn(void)
{
    return &onednn;
}

#else

const bench_int8 *bench_onednn(void)
{
    return NULL;
}

#endif
