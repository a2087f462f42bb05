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

/* One curve for the candidates of up to 3 bits, and one for the others: within these it depends on the weights and hardly on the bits. */
static lsq_status add_candidates(choices *c, size_t i, const sample *s, lsq_error *err)
{
    lsq_format few = {0}, many = {0};
    lsq_format_parse("t2", &few, NULL);
    lsq_format_parse("t4", &many, NULL);
    lsq_status status = sample_curve(s, c->want, &few, err);
    if (status == LSQ_OK)
        status = sample_curve(s, c->want, &many, err);
    for (size_t f = 0; status == LSQ_OK && f < CANDIDATES; f++) {
        lsq_format format = measure_candidate(f);
        format.curve = format.bits <= 3 ? few.curve : many.curve;
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

/* The limit of lsq_quantize(). */
static int can_be_quantised(const float *w, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!(fabsf(w[i]) <= 0x1p100f))
            return 0;
    return 1;
}

/*
 * One weight in 32 for each of the candidates, so that all together encode half as many as the final encoding does; one in 4 where
 * there is one format only. Small matrices are encoded whole.
 */
enum { MANY_SHARE = 32, MANY_LEAST = 2048, ONE_SHARE = 4, ONE_LEAST = 8192 };

static lsq_status draw(const choices *c, size_t i, const float *w, sample *s)
{
    const plan *p = &c->each[i].plan;
    return c->each[i].allocated ? sample_draw(w, p->rows, p->columns, MANY_SHARE, MANY_LEAST, s)
                                : sample_draw(w, p->rows, p->columns, ONE_SHARE, ONE_LEAST, s);
}

lsq_status measure_curve(choices *c, size_t i, const float *w, lsq_error *err)
{
    sample s = {0};
    if (c->each[i].curve == LSQ_CURVE_GIVEN || !has_curve(&c->each[i].format))
        return LSQ_OK;
    lsq_status status = draw(c, i, w, &s);
    if (status == LSQ_OK)
        status = choose_curve(c, i, &s, err);
    sample_free(&s);
    return status;
}

static lsq_status measure_matrix(choices *c, size_t i, const float *w, lsq_error *err)
{
    plan *p = &c->each[i].plan;
    sample s = {0};
    if (!can_be_quantised(w, p->rows * p->columns)) {
        p->kept = "holds a NaN or an infinity";
        warning(c->args, "%s is not quantised: it holds a NaN, an infinity or a weight above 2^100",
                lsq_model_tensor(c->model, i)->name);
        return LSQ_OK;
    }
    lsq_status status = draw(c, i, w, &s);
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
static lsq_status refine_matrix(choices *c, size_t i, const float *w, lsq_error *err)
{
    const plan *p = &c->each[i].plan;
    const point *chosen = choice_point(c, i);
    double noise = 0, seconds;
    sample s = {0};
    if (!c->each[i].allocated || chosen->noise == 0)
        return LSQ_OK;
    lsq_status status = sample_draw(w, p->rows, p->columns, ONE_SHARE, ONE_LEAST, &s);
    if (status == LSQ_OK)
        status = sample_measure(&s, c->want, &chosen->format, &noise, &seconds, err);
    double ratio = noise * (double)lsq_model_tensor(c->model, i)->elements / chosen->noise;
    for (size_t f = 0; status == LSQ_OK && f < c->curves[i].count; f++)
        c->curves[i].points[f].noise *= ratio;
    sample_free(&s);
    return status;
}

typedef lsq_status matrix_visit(choices *c, size_t i, const float *w, lsq_error *err);

/* Reads all matrices that are not kept, one after the other. */
static lsq_status visit_matrices(choices *c, matrix_visit *visit, lsq_error *err)
{
    progress shown;
    double total = 0, done = 0;
    lsq_status status = LSQ_OK;
    for (size_t i = 0; i < c->count; i++)
        total += (double)lsq_model_tensor(c->model, i)->elements;
    progress_begin(&shown, c->args, total);
    for (size_t i = 0; status == LSQ_OK && i < c->count; i++) {
        const plan *p = &c->each[i].plan;
        progress_show(&shown, done);
        done += (double)lsq_model_tensor(c->model, i)->elements;
        if (p->kept)
            continue;
        float *w = calloc(p->rows, p->columns * sizeof *w);
        status = w ? lsq_model_read_matrix(c->model, i, p->output_axis, w, err) : LSQ_E_NOMEM;
        if (status == LSQ_OK)
            status = visit(c, i, w, err);
        free(w);
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
