/*
 * measure.c - what each tensor would cost and be worth in each format, from samples.
 */
#include "tools/measure.h"
#include "tools/messages.h"
#include "tools/progress.h"
#include "tools/samples.h"

#include <math.h>
#include <stdlib.h>

/* What may be allocated: formats that are on the hull of some kind of weights, from the smallest on. */
static const char *const candidates[] = {"t1.nib32", "t1", "t2.nib32", "t2", "t3.nib32", "t3", "t4.nib32", "t4",
                                         "t5.nib32", "t5", "t6.nib32", "t6", "s7",       "s8", "s9"};
enum { CANDIDATES = sizeof candidates / sizeof *candidates };

lsq_format measure_candidate(size_t i)
{
    lsq_format format = {0};
    lsq_format_parse(candidates[i], &format, NULL);
    return format;
}

static lsq_status add_point(choices *c, size_t i, const sample *s, lsq_format format, lsq_error *err)
{
    const lsq_tensor *t = lsq_model_tensor(c->model, i);
    const plan *p = &c->each[i].plan;
    double noise = 0, seconds = 0;
    size_t bytes;
    lsq_status status = lsq_packed_bytes(&format, p->rows, p->columns, &bytes);
    int there = t->quantised && t->output_axis == p->output_axis && same_format(&t->format, &format);
    if (status != LSQ_OK || (!t->quantised && bytes >= t->bytes))
        return LSQ_OK; /* no format for this tensor */
    if (!there)
        status = sample_measure(s, c->want, &format, &noise, &seconds, err);
    if (status == LSQ_OK) {
        double weights = (double)t->elements;
        c->curves[i].points[c->curves[i].count++] = (point){format, bytes, noise * weights, seconds * weights};
    }
    return status;
}

/* Classic codes have the published one, signs none. */
static int has_curve(const lsq_format *format)
{
    return format->codec == LSQ_SCALAR || format->codec == LSQ_TRELLIS;
}

static lsq_status choose_curve(choices *c, size_t i, const sample *s, lsq_error *err)
{
    choice *made = &c->each[i];
    if (made->curve == LSQ_CURVE_GIVEN || !has_curve(&made->format))
        return LSQ_OK;
    made->curve = LSQ_CURVE_GIVEN;
    return sample_curve(s, c->want, &made->format, err);
}

/* The curve depends on the weights, and least on the bits: those of 1 and 2 bits share one, those of 4 and more. */
static lsq_status add_candidates(choices *c, size_t i, const sample *s, lsq_error *err)
{
    static const char *const names[] = {"t2", "t3", "t4"};
    lsq_format like[3];
    lsq_status status = LSQ_OK;
    for (size_t k = 0; status == LSQ_OK && k < 3; k++) {
        lsq_format_parse(names[k], &like[k], NULL);
        status = sample_curve(s, c->want, &like[k], err);
    }
    for (size_t f = 0; status == LSQ_OK && f < CANDIDATES; f++) {
        lsq_format format = measure_candidate(f);
        format.curve = like[format.bits <= 2 ? 0 : format.bits == 3 ? 1 : 2].curve;
        status = add_point(c, i, s, format, err);
    }
    c->each[i].curve = LSQ_CURVE_GIVEN;
    return status;
}

static lsq_status measure_sample(choices *c, size_t i, const sample *s, lsq_error *err)
{
    const choice *made = &c->each[i];
    lsq_status status = LSQ_OK;
    c->curves[i].points = calloc(made->allocated ? CANDIDATES + 1 : 1, sizeof *c->curves[i].points);
    if (!c->curves[i].points)
        return LSQ_E_NOMEM;
    if (!made->allocated) {
        status = choose_curve(c, i, s, err);
        return status == LSQ_OK ? add_point(c, i, s, made->format, err) : status;
    }
    if (lsq_model_tensor(c->model, i)->quantised) /* as it is: a copy adds no noise */
        status = add_point(c, i, s, lsq_model_tensor(c->model, i)->format, err);
    if (status == LSQ_OK)
        status = add_candidates(c, i, s, err);
    curve_sort(&c->curves[i]);
    return status;
}

/* Are all weights within the limit of lsq_quantize()? Some rows at a time. */
static lsq_status check_weights(const choices *c, size_t i, int *good, lsq_error *err)
{
    enum { AT_ONCE = 1 << 20 };
    const plan *p = &c->each[i].plan;
    const size_t some = p->columns < AT_ONCE ? AT_ONCE / p->columns : 1, band = some < p->rows ? some : p->rows;
    float *w = calloc(band, p->columns * sizeof *w);
    lsq_status status = w ? LSQ_OK : LSQ_E_NOMEM;
    *good = 1;
    for (size_t row = 0; status == LSQ_OK && *good && row < p->rows; row += band) {
        const size_t rows = p->rows - row < band ? p->rows - row : band;
        status = lsq_model_read_rows(c->model, i, p->output_axis, row, rows, w, err);
        for (size_t at = 0; status == LSQ_OK && *good && at < rows * p->columns; at++)
            *good = fabsf(w[at]) <= 0x1p100f;
    }
    free(w);
    return status;
}

/*
 * One weight in 32 for each of the candidates, so that all together encode half as many as the final encoding does; one in 4 where
 * there is one format only. Small matrices are encoded whole.
 */
enum { MANY_SHARE = 32, MANY_LEAST = 2048, ONE_SHARE = 4, ONE_LEAST = 8192 };

static lsq_status draw(const choices *c, size_t i, sample *s, lsq_error *err)
{
    const plan *p = &c->each[i].plan;
    return c->each[i].allocated ? sample_draw(c->model, i, p, MANY_SHARE, MANY_LEAST, s, err)
                                : sample_draw(c->model, i, p, ONE_SHARE, ONE_LEAST, s, err);
}

lsq_status measure_curve(choices *c, size_t i, lsq_error *err)
{
    sample s = {0};
    if (c->each[i].curve == LSQ_CURVE_GIVEN || !has_curve(&c->each[i].format))
        return LSQ_OK;
    lsq_status status = draw(c, i, &s, err);
    if (status == LSQ_OK)
        status = choose_curve(c, i, &s, err);
    sample_free(&s);
    return status;
}

static lsq_status measure_matrix(choices *c, size_t i, lsq_error *err)
{
    sample s = {0};
    int good;
    lsq_status status = check_weights(c, i, &good, err);
    if (status != LSQ_OK)
        return status;
    if (!good) {
        c->each[i].plan.kept = "holds a NaN or an infinity";
        warning(c->args, "%s is not quantised: it holds a NaN, an infinity or a weight above 2^100",
                lsq_model_tensor(c->model, i)->name);
        return LSQ_OK;
    }
    status = draw(c, i, &s, err);
    if (status == LSQ_OK)
        status = measure_sample(c, i, &s, err);
    c->weights += (double)lsq_model_tensor(c->model, i)->elements;
    sample_free(&s);
    return status;
}

/*
 * Measures the format that was chosen on more weights. What a small sample got wrong it got wrong for all formats alike, as some rows
 * are easier than others: so the whole curve moves.
 */
static lsq_status refine_matrix(choices *c, size_t i, lsq_error *err)
{
    const plan *p = &c->each[i].plan;
    const point *chosen = choice_point(c, i);
    double noise = 0, seconds;
    sample s = {0};
    if (!c->each[i].allocated || chosen->noise == 0)
        return LSQ_OK;
    lsq_status status = sample_draw(c->model, i, p, ONE_SHARE, ONE_LEAST, &s, err);
    if (status == LSQ_OK)
        status = sample_measure(&s, c->want, &chosen->format, &noise, &seconds, err);
    double ratio = noise * (double)lsq_model_tensor(c->model, i)->elements / chosen->noise;
    for (size_t f = 0; status == LSQ_OK && f < c->curves[i].count; f++)
        c->curves[i].points[f].noise *= ratio;
    sample_free(&s);
    return status;
}

typedef lsq_status matrix_visit(choices *c, size_t i, lsq_error *err);

/* All matrices that are not kept, one after the other. */
static lsq_status visit_matrices(choices *c, matrix_visit *visit, lsq_error *err)
{
    progress shown;
    double total = 0, done = 0;
    lsq_status status = LSQ_OK;
    for (size_t i = 0; i < c->count; i++)
        total += (double)lsq_model_tensor(c->model, i)->elements;
    progress_begin(&shown, c->args, total);
    for (size_t i = 0; status == LSQ_OK && i < c->count; i++) {
        progress_show(&shown, done);
        done += (double)lsq_model_tensor(c->model, i)->elements;
        if (!c->each[i].plan.kept)
            status = visit(c, i, err);
    }
    progress_clear(&shown);
    return status;
}

lsq_status measure_all(choices *c, lsq_error *err)
{
    return visit_matrices(c, measure_matrix, err);
}

lsq_status measure_chosen(choices *c, lsq_error *err)
{
    return visit_matrices(c, refine_matrix, err);
}
