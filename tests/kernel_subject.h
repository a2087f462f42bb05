/*
 * kernel_subject.h - what a kernel is tried on: a matrix whose parts lie against forbidden pages, and how a fault is told.
 */
#ifndef LSQ_TESTS_KERNEL_SUBJECT_H
#define LSQ_TESTS_KERNEL_SUBJECT_H

#include "tests/guarded.h"
#include "tests/kernel_check.h"

#include <lsq/lsq.h>

/* How many faults of a kernel are told; then no further shape is tried. */
enum { TOLD = 5 };

/* What inputs are filled with. */
enum fill { RANDOM, ALL_ONES, ALL_ZEROS, LOWEST, HIGHEST, ALTERNATING, FILLS };

/* Random numbers from a seed on. */
void seed_random(uint64_t seed);
uint32_t random32(void);
float random_scale(void); /* positive, over 20 octaves */

/* The i-th of some integers up to +-limit, filled that way. */
int value(int limit, enum fill how, size_t i);

/* One kind of weights that a kernel must handle. */
typedef struct variant {
    lsq_format format;
    int has_scales;
} variant;

/* The kinds of weights of a kernel family: every kind of scale, every number of states; of expanded ones, every largest level. */
size_t variants_of(unsigned codec, variant v[12]);

typedef struct workload {
    guarded codes, scales, rows, x, sx, bias, negative, y;
    lsq_levels levels;
    lsq_gemv_args args;
    size_t panels;
} workload;

void workload_make(workload *w, const lsq_kernel *kernel, variant v, size_t panels, size_t groups, enum fill how,
                   int at_end);
void workload_free(workload *w);

/* What is being checked. */
typedef struct subject {
    const lsq_kernel *kernel, *reference;
    variant v;
    enum fill how;
    size_t panels, groups;
    kernel_verdict *verdict;
} subject;

__attribute__((format(printf, 2, 3))) void fault(const subject *s, const char *format, ...);

/* Calls a kernel of any operation, as that takes them, and looks at what it did to the machine. */
void run(const subject *s, void (*kernel)(void), const void *args, size_t i, size_t j, size_t k);

/* The same n floats? Otherwise a fault that begins with `where`. */
void expect_same(const subject *s, const float *got, const float *expected, size_t n, const char *where);

/* ---- Operations with files of their own ---- */

void check_gemm(const subject *s, const workload *w, size_t p, size_t quads);
void check_gemvt(const subject *s, const workload *w, size_t p);
void check_round(const subject *s, size_t groups, size_t lanes);
void check_roundt(const subject *s, size_t groups, size_t ld);
void check_encode(const subject *s);

/* Columns and levels for gemm, and vectors for gemvt, on the matrix of a workload. */
typedef struct columns {
    guarded levels, x, sx, bias, negative, expected, got;
    lsq_gemm_args args;
    lsq_gemvt_args transposed; /* its x is args.x as floats */
} columns;

void columns_make(columns *c, const subject *s, const workload *w, size_t quads);
void columns_free(columns *c);

#endif
