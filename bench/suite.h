/*
 * suite.h - every kernel this machine can run, at every size: what `lsq-bench gemv` measures.
 */
#ifndef LSQ_BENCH_SUITE_H
#define LSQ_BENCH_SUITE_H

#include <lsq/lsq.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct bench_suite bench_suite;

/* A product and, right before it, a read of the very bytes it takes its weights from: seconds for each. */
typedef struct bench_sample {
    double seconds, read_seconds;
    double weights, bytes; /* of the matrix; bytes are packed, everything counted */
} bench_sample;

/* How memory is used. */
typedef struct bench_memory {
    unsigned prefetch; /* bytes ahead at which kernels ask for codes */
    int small_pages;   /* do not ask the system for huge ones */
} bench_memory;

/* As the library has it where no tune file says otherwise. */
bench_memory bench_memory_usual(void);

/*
 * `formats`: those that kernels are measured with; none: the default ones of every width. `threads`: each count for all
 * kernels; none: 1. NULL if memory ran out.
 */
bench_suite *bench_suite_new(const lsq_format *formats, size_t format_count, const unsigned *threads,
                             size_t thread_count, const bench_memory *memory);
void bench_suite_free(bench_suite *suite);

const char *bench_suite_cpu(const bench_suite *suite);

/* The i-th case: "gemv_p4_i8_avx2_r1/s4/l3", with "/threads:2" behind it if it is not one; NULL past the last. */
const char *bench_suite_name(const bench_suite *suite, size_t i);

/* What the i-th case is of; the texts live as long as the program, the format as long as the struct. */
typedef struct bench_case_about {
    const char *kernel, *op, *act, *isa, *size_class;
    char format[LSQ_FORMAT_NAME_MAX];
    unsigned threads;
    int trellis;
} bench_case_about;
bench_case_about bench_suite_about(const bench_suite *suite, size_t i);

/* Facts about the run, pairs of key and value: the i-th, or NULL. */
const char *bench_suite_context(const bench_suite *suite, size_t i, const char **value);

/* Takes one sample. The first of a case after another one sets it up and warms it up. LSQ_E_NOMEM, LSQ_E_LIMIT. */
lsq_status bench_suite_sample(bench_suite *suite, size_t i, bench_sample *sample);

#ifdef __cplusplus
}
#endif

#endif
