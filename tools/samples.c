/*
 * samples.c - what formats would make of a matrix, measured on a part of it.
 *
 * Formats encode panels of 16 rows by groups of 32 columns, so a sample is made of these, and each part is coded as it would be in its
 * place. The mean of n squared errors is off by some 4.3 dB / sqrt(n / 2), if the parts of the matrix are alike: 0.14 dB for 2,000
 * weights, 0.02 for 100,000. And trellis codes of a few groups are up to 0.1 dB worse than those of many, since their paths begin
 * where they must. Which tensor deserves a byte more depends on both in second order only.
 */
#include "tools/samples.h"

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

/* The matrix that a sample is drawn from, and room for one panel of it. */
typedef struct drawing {
    const lsq_model *model;
    size_t tensor;
    const plan *plan;
    float *panel;
} drawing;

/* Reads panel p; returns in *rows how many rows it has. */
static lsq_status read_panel(const drawing *d, size_t p, size_t *rows, lsq_error *err)
{
    const size_t left = d->plan->rows - p * PANEL;
    *rows = left < PANEL ? left : PANEL;
    return lsq_model_read_rows(d->model, d->tensor, d->plan->output_axis, p * PANEL, *rows, d->panel, err);
}

static int all_zero(const float *w, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (w[i] != 0)
            return 0;
    return 1;
}

/* Groups [of `taken`] of the panel in memory go to the end of the sample. */
static void append(const drawing *d, size_t rows, size_t taken, sample *s)
{
    for (size_t r = 0; r < rows; r++, s->rows++)
        s->columns = copy_groups(s->w + s->rows * s->columns, d->panel + r * d->plan->columns, d->plan->columns, taken);
}

/* Some n weights, spread evenly. */
static lsq_status draw_evenly(const drawing *d, size_t n, sample *s, lsq_error *err)
{
    const size_t columns = d->plan->columns;
    const size_t panels = round_up(d->plan->rows, PANEL), groups = round_up(columns, GROUP);
    const size_t p = pieces(n, PANEL * columns, panels), g = pieces(n, p * PANEL * GROUP, groups);
    lsq_status status = LSQ_OK;
    *s = (sample){.w = calloc(p * PANEL, g * GROUP * sizeof *s->w)};
    if (!s->w)
        return LSQ_E_NOMEM;
    for (size_t i = 0, rows; status == LSQ_OK && i < p; i++) {
        status = read_panel(d, place(i, p, panels), &rows, err);
        if (status == LSQ_OK)
            append(d, rows, g, s);
    }
    return status;
}

/* Some n weights of those panels that are not all zeros; nothing changes if they all are. */
static lsq_status draw_others(const drawing *d, size_t n, sample *s, lsq_error *err)
{
    const size_t columns = d->plan->columns;
    const size_t panels = round_up(d->plan->rows, PANEL), p = pieces(n, PANEL * columns, panels);
    lsq_status status = LSQ_OK;
    sample others = {.w = calloc(p * PANEL, columns * sizeof *others.w)};
    if (!others.w)
        return LSQ_E_NOMEM;
    for (size_t i = 0, rows; status == LSQ_OK && i < panels && others.rows < p * PANEL; i++) {
        status = read_panel(d, i, &rows, err);
        if (status == LSQ_OK && !all_zero(d->panel, rows * columns))
            append(d, rows, round_up(columns, GROUP), &others);
    }
    if (status != LSQ_OK || others.rows == 0) {
        sample_free(&others);
        return status;
    }
    sample_free(s);
    *s = others;
    return LSQ_OK;
}

lsq_status sample_draw(const lsq_model *model, size_t i, const plan *p, size_t share, size_t least, sample *s,
                       lsq_error *err)
{
    const size_t all = p->rows * p->columns;
    size_t n = all / share;
    n = all <= 4 * least ? all : n < least ? least : n > MOST ? MOST : n;
    drawing d = {model, i, p, calloc(PANEL, p->columns * sizeof *d.panel)};
    lsq_status status = d.panel ? draw_evenly(&d, n, s, err) : LSQ_E_NOMEM;
    if (status == LSQ_OK &&
        all_zero(s->w, s->rows * s->columns)) /* a sample of zeros alone tells nothing of the rest */
        status = draw_others(&d, n, s, err);
    free(d.panel);
    return status;
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

lsq_status sample_measure(const sample *s, const wish *want, const lsq_format *format, double *sample_noise,
                          double *seconds, lsq_error *err)
{
    const lsq_quantize_options how = plan_options(want, format, LSQ_CURVE_GIVEN, NULL);
    lsq_weights *weights = NULL;
    lsq_loss loss = {0};
    double begun = now();
    lsq_status status = lsq_quantize(want->context, format, s->rows, s->columns, s->w, s->columns, &how, &weights, err);
    *seconds = (now() - begun) / (double)(s->rows * s->columns);
    if (status == LSQ_OK)
        status = lsq_loss_add(want->context, &loss, NULL, s->w, weights);
    if (status == LSQ_OK)
        *sample_noise = lsq_loss_of_weights(&loss);
    lsq_weights_free(weights);
    return status;
}

lsq_status sample_curve(const sample *s, const wish *want, lsq_format *format, lsq_error *err)
{
    const lsq_quantize_options how = plan_options(want, format, LSQ_CURVE_BEST, NULL);
    lsq_weights *weights = NULL;
    lsq_status status = lsq_quantize(want->context, format, s->rows, s->columns, s->w, s->columns, &how, &weights, err);
    if (status == LSQ_OK)
        *format = lsq_weights_format(weights);
    lsq_weights_free(weights);
    return status;
}
