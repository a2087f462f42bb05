/*
 * layer_sample.h - what the tests of layers share: contexts, weights, and the naive functions in double arithmetic.
 */
#ifndef LSQ_TESTS_LAYER_SAMPLE_H
#define LSQ_TESTS_LAYER_SAMPLE_H

#include "tests/core_sample.h"

#include <lsq/lsq_model.h>
#include <math.h>

static lsq_context *contexts[2]; /* by lsq_activation */

static inline void make_contexts(void)
{
    for (int i = 0; i < 2; i++) {
        lsq_context_options options = {.size = sizeof(options), .activation = i};
        OK(lsq_context_new(&options, &contexts[i], NULL));
    }
}

static inline void drop_contexts(void)
{
    for (int i = 0; i < 2; i++)
        lsq_context_free(contexts[i]);
}

static inline float *bell_of(uint64_t seed, size_t n)
{
    float *x = memory(n * sizeof(*x));
    fill_bell(seed, x, n);
    return x;
}

/* m x k weights in this format, and in *decoded, if it is not NULL, what they stand for. */
static inline lsq_weights *weights_of(const char *name, size_t m, size_t k, uint64_t seed, float **decoded)
{
    const lsq_format format = format_named(name);
    lsq_weights *w = NULL;
    float *numbers = bell_of(seed, m * k);
    OK(lsq_quantize(NULL, &format, m, k, numbers, k, NULL, &w, NULL));
    if (decoded) {
        OK(lsq_dequantize(NULL, w, 0, m, numbers, k));
        *decoded = numbers;
    } else {
        free(numbers);
    }
    return w;
}

static inline double function_of(lsq_nonlinearity f, double v)
{
    switch (f) {
    case LSQ_RELU:
        return v > 0 ? v : 0;
    case LSQ_GELU:
        return v * erfc(-v / sqrt(2)) / 2;
    case LSQ_GELU_TANH:
        return v * (1 + tanh(sqrt(2 / acos(-1)) * (v + 0.044715 * v * v * v))) / 2;
    case LSQ_SILU:
        return v / (1 + exp(-v));
    default:
        return v;
    }
}

/* A sum of products, and what bounds its error. */
typedef struct exact {
    double sum;
    double size;          /* sum |w x| */
    double step;          /* sum |w| times the largest |x| of the same 32 columns */
    double weights, peak; /* of the 32 columns that are being added */
} exact;

static inline void exact_add(exact *e, size_t column, double w, double x)
{
    if (column % 32 == 0)
        e->weights = e->peak = 0;
    e->step -= e->weights * e->peak;
    e->sum += w * x;
    e->size += fabs(w * x);
    e->weights += fabs(w);
    e->peak = fabs(x) > e->peak ? fabs(x) : e->peak;
    e->step += e->weights * e->peak;
}

/*
 * How far from `sum` a product over k columns may be. Rounded to 8 bits (formats of up to 6 bits) each x is half a step off,
 * a step is the largest of 32 divided by 127, and the factor covers what the rounding of that quotient adds. Float sums are
 * within the bound of lsq.h, and those of direct convolutions within k + 1 roundings.
 */
static inline double bound_of(const exact *e, size_t k, int rounded, int direct)
{
    const double roundings = direct ? (double)k + 1 : (double)k / 4 + 64;
    return roundings * 0x1p-24 * e->size + (rounded && !direct ? e->step / 254 * 1.001 : 0);
}

/* Is `y` the layer's output for this sum? No function is steeper than 1.13. */
static inline int is_output(float y, const exact *e, double bias, lsq_nonlinearity f, double bound)
{
    const double v = e->sum + bias, rounding = 0x1p-24 * (fabs(v) + bound);
    return fabs(y - function_of(f, v)) <= 1.13 * (bound + rounding) + 0x1p-20 * fabs(v);
}

#endif
