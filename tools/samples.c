/*
 * samples.c - what formats would make of a matrix, measured on a part of it.
 *
 * Formats encode panels of 16 rows by groups of 32 columns, so a sample is made of these, and each part is coded as it would be in its
 * place. The mean of n squared errors is off by some 4.3 dB / sqrt(n / 2), if the parts of the matrix are alike: 0.14 dB for 2,000
 * weights, 0.02 for 100,000. And trellis codes of a few groups are up to 0.1 dB worse than those of many, since their paths begin
 * where they must. Which tensor deserves a byte more depends on both in second order only.
 */
#include "tools/samples.h"
#include "tools/quality.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { PANEL = 16, GROUP = 32, MOST = 1 << 20 };

static size_t round_up(size_t n, size_t by)
{
    return n / by + (n % by != 0);
}

/* How many of `there` pieces of `weights` each make up n weights. */
static size_t pieces(size_t n, size_t weights, size_t there)
{
    size_t needed = round_up(n, weights);
    return needed < there ? needed : there;
}

/* The place of the i-th of `taken` pieces, spread evenly over `there`. */
static size_t place(size_t i, size_t taken, size_t there)
{
    return (2 * i + 1) * there / (2 * taken);
}

/* Copies the groups [of `taken`] of one row; returns how many columns they have. */
static size_t copy_groups(float *to, const float *row, size_t columns, size_t taken)
{
    size_t copied = 0, there = round_up(columns, GROUP);
    for (size_t i = 0; i < taken; i++) {
        size_t begin = place(i, taken, there) * GROUP, left = columns - begin, width = left < GROUP ? left : GROUP;
        memcpy(to + copied, row + begin, width * sizeof *to);
        copied += width;
    }
    return copied;
}

/* Some n weights of the matrix. */
static lsq_status draw(const float *w, size_t rows, size_t columns, size_t n, sample *s)
{
    size_t panels = round_up(rows, PANEL), groups = round_up(columns, GROUP);
    size_t p = pieces(n, PANEL * columns, panels), g = pieces(n, p * PANEL * GROUP, groups);
    *s = (sample){.w = calloc(p * PANEL, g * GROUP * sizeof *s->w)};
    if (!s->w)
        return LSQ_E_NOMEM;
    float *to = s->w;
    for (size_t i = 0; i < p; i++) {
        size_t begin = place(i, p, panels) * PANEL, end = rows - begin < PANEL ? rows : begin + PANEL;
        for (size_t row = begin; row < end; row++, s->rows++)
            to += s->columns = copy_groups(to, w + row * columns, columns, g);
    }
    return LSQ_OK;
}

static int all_zero(const float *w, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (w[i] != 0)
            return 0;
    return 1;
}

lsq_status sample_draw(const float *w, size_t rows, size_t columns, size_t share, size_t least, sample *s)
{
    size_t all = rows * columns, n = all / share;
    n = all <= 4 * least ? all : n < least ? least : n > MOST ? MOST : n;
    lsq_status status = draw(w, rows, columns, n, s);
    if (status != LSQ_OK || !all_zero(s->w, s->rows * s->columns) || all_zero(w, all))
        return status;
    sample_free(s); /* a sample of zeros alone tells nothing of the rest */
    return draw(w, rows, columns, all, s);
}

void sample_free(sample *s)
{
    free(s->w);
    s->w = NULL;
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

lsq_status sample_measure(const sample *s, const wish *want, const lsq_format *format, double *relative_noise,
                          double *seconds, lsq_error *err)
{
    lsq_weights *weights = NULL;
    quality q = {0};
    double begun = now();
    lsq_status status = plan_quantise(want, format, LSQ_CURVE_GIVEN, NULL, s->rows, s->columns, s->w, &weights, err);
    *seconds = (now() - begun) / (double)(s->rows * s->columns);
    if (status == LSQ_OK)
        status = quality_add_matrix(&q, weights, s->w);
    if (status == LSQ_OK)
        *relative_noise = quality_relative_noise(&q);
    lsq_weights_free(weights);
    return status;
}

lsq_status sample_curve(const sample *s, const wish *want, lsq_format *format, lsq_error *err)
{
    lsq_weights *weights = NULL;
    lsq_status status = plan_quantise(want, format, LSQ_CURVE_BEST, NULL, s->rows, s->columns, s->w, &weights, err);
    if (status == LSQ_OK)
        *format = lsq_weights_format(weights);
    lsq_weights_free(weights);
    return status;
}
