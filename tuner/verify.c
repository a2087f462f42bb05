/*
 * verify.c - kernels of gemv and decode, by themselves, against the reference of their kind.
 */
#include "tuner/verify.h"

#include "bench/machine.h"
#include "tuner/product.h"
#include "tuner/subject.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One tile; past a chain of 16 panels, where the history of a trellis starts anew; more groups than a block of decoding. */
static const size_t shapes[][2] = {{1, 1}, {CHAIN + 2, 3}, {2, 11}};

/* ---- What it is tried on ---- */

typedef enum fill { RANDOM_CODES, LOWEST_CODES, HIGHEST_CODES } fill;
typedef enum vector { RANDOM_VECTOR, LARGEST_VECTOR, MIXED_VECTOR } vector;

static const struct {
    fill codes;
    vector x;
} inputs[] = {
    {RANDOM_CODES, RANDOM_VECTOR},  {LOWEST_CODES, LARGEST_VECTOR}, {HIGHEST_CODES, LARGEST_VECTOR},
    {RANDOM_CODES, LARGEST_VECTOR}, {RANDOM_CODES, MIXED_VECTOR},
};
enum { SHAPES = sizeof(shapes) / sizeof(*shapes), INPUTS = sizeof(inputs) / sizeof(*inputs), DECODE_INPUTS = 3 };

static void fill_codes(uint8_t *bytes, size_t count, fill how)
{
    if (how == RANDOM_CODES)
        bench_fill_random(bytes, count, 7);
    else
        memset(bytes, how == LOWEST_CODES ? 0 : 0xff, count);
}

/* Random; all at the limit of the integers, where sums are largest; groups of zeros, tiny and huge values by turns. */
static void fill_vector(product *p, vector how)
{
    static const float sizes[] = {0.0f, 0x1p-90f, 1.0f, 0x1p60f};
    for (size_t i = 0; i < p->groups * GROUP; i++) {
        uint64_t random;
        bench_fill_random(&random, sizeof(random), i + 1);
        float unit = (float)((int32_t)(random >> 32) / 0x1p31);
        p->x[i] = how == RANDOM_VECTOR ? unit : how == LARGEST_VECTOR ? 1.0f : unit * sizes[i / GROUP % 4];
    }
    product_round(p);
}

/* ---- Comparing ---- */

/* One comparison: what the reference gave, what the kernel gave, and how far apart they may be. */
typedef struct trial {
    product *p;
    const lsq_kernel *kernel, *reference;
    float *expected;        /* as many as p->outputs */
    double *exact, *bounds; /* float gemv only: the exact product and the bound on its distance */
} trial;

static int same(const trial *t, size_t i)
{
    if (t->exact)
        return fabs(t->p->out[i] - t->exact[i]) <= t->bounds[i];
    return !memcmp(&t->p->out[i], &t->expected[i], sizeof(float));
}

/* Runs [p0, p1) over marked outputs: those of the range must be right, the others untouched. Index of a fault, or -1. */
static long range_fault(const trial *t, size_t p0, size_t p1)
{
    static const float mark = -12345.678f;
    product *p = t->p;
    for (size_t i = 0; i < p->outputs; i++)
        p->out[i] = mark;
    product_run(p, t->kernel, p0, p1);
    for (size_t i = 0; i < p->outputs; i++)
        if (i / p->out_panel >= p0 && i / p->out_panel < p1 ? !same(t, i) : p->out[i] != mark)
            return (long)i;
    return -1;
}

/* w x in double, and the bound of lsq.h: (k / 4 + 64) 2^-24 sum |w x|. The weights are those that the reference decodes. */
static int set_bounds(trial *t, const lsq_format *format, uint8_t *packed)
{
    product decoded;
    size_t k = t->p->groups * GROUP;
    const lsq_kernel *decode = lsq_kernel_reference(OP_decode, t->kernel->codec, ACT_f32);
    if (!product_make(&decoded, decode, format, t->p->panels, t->p->groups, packed))
        return 0;
    for (size_t b = 0; b < 256; b++)
        decoded.weights->row[b] = 1.0f; /* kernels of gemv leave out the scale of the row */
    product_run(&decoded, decode, 0, t->p->panels);
    for (size_t row = 0; row < t->p->panels * PANEL; row++) {
        double sum = 0, size = 0;
        for (size_t c = 0; c < k; c++) {
            double term = (double)product_weight(&decoded, row, c) * t->p->x[c];
            sum += term;
            size += fabs(term);
        }
        t->exact[row] = sum;
        t->bounds[row] = ((double)k / 4 + 64) * 0x1p-24 * size;
    }
    product_free(&decoded);
    return 1;
}

/* Whole, then in ranges that begin and end inside a chain of panels. */
static long trial_fault(trial *t)
{
    static const size_t cuts[] = {0, 1, 3, 8, 15, 17};
    size_t panels = t->p->panels;
    if (!t->exact) {
        product_run(t->p, t->reference, 0, panels);
        memcpy(t->expected, t->p->out, t->p->outputs * sizeof(float));
    }
    long fault = range_fault(t, 0, panels);
    for (size_t i = 0; fault < 0 && i < sizeof(cuts) / sizeof(*cuts) && cuts[i] < panels; i++) {
        size_t next = i + 1 < sizeof(cuts) / sizeof(*cuts) ? cuts[i + 1] : panels;
        fault = range_fault(t, cuts[i], next < panels ? next : panels);
    }
    return fault;
}

static verdict try_product(const lsq_kernel *kernel, const lsq_kernel *reference, const lsq_format *format, product *p,
                           uint8_t *packed, vector how, char *why, size_t room)
{
    trial t = {.p = p, .kernel = kernel, .reference = reference};
    int is_float = kernel->op == OP_gemv && kernel->act == ACT_f32;
    verdict result = NO_MEMORY;
    t.expected = malloc(p->outputs * sizeof(float));
    t.exact = is_float ? malloc(p->outputs * sizeof(double)) : NULL;
    t.bounds = is_float ? malloc(p->outputs * sizeof(double)) : NULL;
    fill_vector(p, how);
    if (t.expected && (!is_float || (t.exact && t.bounds && set_bounds(&t, format, packed)))) {
        char name[LSQ_FORMAT_NAME_MAX] = "?";
        long fault = trial_fault(&t);
        result = fault < 0 ? RIGHT : WRONG;
        lsq_format_name(format, name);
        if (fault >= 0)
            snprintf(why, room, "%s, %zu x %zu: output %ld is %.9g, expected %.9g", name, p->panels * PANEL,
                     p->groups * GROUP, fault, p->out[fault], is_float ? t.exact[fault] : t.expected[fault]);
    }
    free(t.expected);
    free(t.exact);
    free(t.bounds);
    return result;
}

static verdict try_format(const lsq_kernel *kernel, const lsq_kernel *reference, const lsq_format *format, char *why,
                          size_t room)
{
    verdict result = RIGHT;
    size_t count = kernel->op == OP_decode ? DECODE_INPUTS : INPUTS; /* decoding has no vector */
    for (size_t i = 0; result == RIGHT && i < SHAPES * count; i++) {
        size_t panels = shapes[i / count][0], groups = shapes[i / count][1];
        size_t bytes = product_bytes(format, panels, groups);
        product p;
        uint8_t *packed = aligned_alloc(64, bytes);
        if (packed)
            fill_codes(packed, bytes, inputs[i % count].codes);
        if (packed && product_make(&p, kernel, format, panels, groups, packed)) {
            result = try_product(kernel, reference, format, &p, packed, inputs[i % count].x, why, room);
            product_free(&p);
        } else {
            result = NO_MEMORY;
        }
        free(packed);
    }
    return result;
}

verdict verify_alone(const lsq_kernel *kernel, const lsq_kernel *reference, char *why, size_t room)
{
    /* What the kernels of a family tell apart: the scale, and the states of a trellis. */
    static const lsq_scale plain[] = {LSQ_SCALE_BYTE32, LSQ_SCALE_ROW},
                           trellis[] = {LSQ_SCALE_NIBBLE16, LSQ_SCALE_NIBBLE32};
    static const uint8_t states[] = {4, 8, 16, 64};
    int is_plain = kernel->codec < CODEC_t1;
    verdict result = RIGHT;
    for (size_t i = 0; result == RIGHT && i < (is_plain ? 2 : 8); i++) {
        lsq_format format = subject_format(kernel->codec);
        format.scale = (uint8_t)(is_plain ? plain[i] : trellis[i / 4]);
        format.states = is_plain ? 0 : states[i % 4];
        result = try_format(kernel, reference, &format, why, room);
    }
    return result;
}

verdict verify_kernel(workshop *w, const lsq_kernel *kernel, const lsq_kernel *reference, char *why, size_t room)
{
    if (kernel->op == OP_gemv || kernel->op == OP_decode)
        return verify_alone(kernel, reference, why, room);
    if (kernel->op == OP_round || kernel->op == OP_roundt)
        return verify_round(kernel, reference, why, room);
    return verify_in_calls(w, kernel, reference, why, room);
}
