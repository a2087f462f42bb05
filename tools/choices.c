/*
 * choices.c - what becomes of every tensor of a model.
 */
#include "tools/choices.h"
#include "tools/filesize.h"
#include "tools/messages.h"
#include "tools/progress.h"
#include "tools/samples.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* What may be allocated: formats that are on the hull of some kind of weights, from the smallest on. */
static const char *const candidates[] = {"t1.nib32", "t1", "t2.nib32", "t2", "t3.nib32", "t3", "t4.nib32", "t4",
                                         "t5.nib32", "t5", "t6.nib32", "t6", "s7",       "s8", "s9"};
enum { CANDIDATES = sizeof candidates / sizeof *candidates };

static lsq_format candidate(size_t i)
{
    lsq_format format = {0};
    lsq_format_parse(candidates[i], &format, NULL);
    return format;
}

/*
 * The choice before anything is measured. What is quantised by default is allocated too, in the same view; what was quantised before
 * is planned by another format than its own, which it may keep.
 */
static choice first_choice(const choices *c, const rules *r, size_t i)
{
    const lsq_tensor *t = lsq_model_tensor(c->model, i);
    wish mine = *c->want;
    rule *found = rules_find(r, t->name);
    choice made = {.rule = found, .allocated = !found && c->goal.kind != NO_GOAL};
    if (found) {
        found->used = 1;
        mine.format = found->format;
    } else if (made.allocated && t->quantised)
        mine.format = candidate(0);
    made.format = mine.format;
    if (found && found->keep)
        made.plan.kept = found->place;
    else
        made.plan = plan_tensor(t, &mine);
    return made;
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

static lsq_status measure_sample(choices *c, size_t i, const sample *s, lsq_error *err)
{
    const choice *made = &c->each[i];
    lsq_status status = LSQ_OK;
    c->curves[i].points = calloc(made->allocated ? CANDIDATES + 1 : 1, sizeof *c->curves[i].points);
    if (!c->curves[i].points)
        return LSQ_E_NOMEM;
    if (!made->allocated)
        return add_point(c, i, s, made->format, err);
    if (lsq_model_tensor(c->model, i)->quantised) /* as it is: a copy adds no noise */
        status = add_point(c, i, s, lsq_model_tensor(c->model, i)->format, err);
    for (size_t f = 0; status == LSQ_OK && f < CANDIDATES; f++)
        status = add_point(c, i, s, candidate(f), err);
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
 * One weight in 32 for each of the candidates, so that all together take half the time of the final encoding; one in 4 where there
 * is one format only. Small matrices are encoded whole.
 */
enum { MANY_SHARE = 32, MANY_LEAST = 2048, ONE_SHARE = 4, ONE_LEAST = 8192 };

static lsq_status measure_matrix(choices *c, arguments *args, size_t i, const float *w, lsq_error *err)
{
    plan *p = &c->each[i].plan;
    sample s = {0};
    if (!can_be_quantised(w, p->rows * p->columns)) {
        p->kept = "holds a NaN or an infinity";
        warning(args, "%s is not quantised: it holds a NaN, an infinity or a weight above 2^100",
                lsq_model_tensor(c->model, i)->name);
        return LSQ_OK;
    }
    lsq_status status = c->each[i].allocated ? sample_draw(w, p->rows, p->columns, MANY_SHARE, MANY_LEAST, &s)
                                             : sample_draw(w, p->rows, p->columns, ONE_SHARE, ONE_LEAST, &s);
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
static lsq_status refine_matrix(choices *c, arguments *args, size_t i, const float *w, lsq_error *err)
{
    const plan *p = &c->each[i].plan;
    const point *chosen = choice_point(c, i);
    double noise, seconds;
    sample s = {0};
    (void)args;
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

typedef lsq_status matrix_visit(choices *c, arguments *args, size_t i, const float *w, lsq_error *err);

/* Reads all matrices that are not kept, one after the other. */
static lsq_status visit_matrices(choices *c, arguments *args, matrix_visit *visit, lsq_error *err)
{
    progress shown;
    double total = 0, done = 0;
    lsq_status status = LSQ_OK;
    for (size_t i = 0; i < c->count; i++)
        total += (double)lsq_model_tensor(c->model, i)->elements;
    progress_begin(&shown, args, total);
    for (size_t i = 0; status == LSQ_OK && i < c->count; i++) {
        const plan *p = &c->each[i].plan;
        progress_show(&shown, done);
        done += (double)lsq_model_tensor(c->model, i)->elements;
        if (p->kept)
            continue;
        float *w = calloc(p->rows, p->columns * sizeof *w);
        status = w ? lsq_model_read_matrix(c->model, i, p->output_axis, w, err) : LSQ_E_NOMEM;
        if (status == LSQ_OK)
            status = visit(c, args, i, w, err);
        free(w);
    }
    progress_clear(&shown);
    return status;
}

/* From the points that were allocated to formats. */
static void adopt(choices *c)
{
    for (size_t i = 0; i < c->count; i++) {
        choice *made = &c->each[i];
        const point *p = choice_point(c, i);
        const lsq_tensor *t = lsq_model_tensor(c->model, i);
        if (!made->allocated || !p)
            continue;
        made->format = p->format;
        made->plan.bytes = (size_t)p->bytes;
        made->plan.kept =
            t->quantised && same_format(&t->format, &p->format) && t->output_axis == made->plan.output_axis
                ? "already in this format"
                : NULL;
    }
    c->noise = allocated_noise(c->curves, c->count);
}

/* The noise of all tensors together that a signal to noise ratio allows. */
static double most_noise(const choices *c)
{
    return c->weights * pow(10, -c->goal.number / 10);
}

/*
 * Allocates the bytes that tensors may have within the size of the file. How long the header is depends on the names of their codecs and
 * on their places, by a few bytes each: what the file would have too much is taken off until it fits.
 */
static lsq_status fit_file(choices *c)
{
    lsq_status status = allocate_within_bytes(c->curves, c->count, 0);
    uint64_t size, least = allocated_bytes(c->curves, c->count), bytes = UINT64_MAX / 2;
    if (status == LSQ_E_NOMEM)
        return status;
    for (;;) {
        status = allocate_within_bytes(c->curves, c->count, bytes);
        adopt(c);
        size = choices_file_bytes(c);
        if (status != LSQ_OK || size == 0)
            return status == LSQ_OK ? LSQ_E_NOMEM : status;
        uint64_t all = allocated_bytes(c->curves, c->count);
        if ((double)size <= c->goal.number)
            return LSQ_OK;
        if (all <= least)
            return LSQ_E_VALUE;
        uint64_t excess = size - (uint64_t)c->goal.number;
        bytes = all - least > excess ? all - excess : least;
    }
}

static int out_of_reach(const choices *c, const arguments *args)
{
    char asked[GOAL_TEXT_MAX];
    goal_text(&c->goal, asked);
    if (c->goal.kind == BITS_PER_WEIGHT)
        return check_failure(args, "%s cannot be reached: the least is %.4f", asked, choices_bits(c));
    if (c->goal.kind == TARGET_SNR)
        return check_failure(args, "%s cannot be reached: the most is about %.2f", asked, choices_snr(c));
    return check_failure(args, "a file within %s cannot be reached: the smallest possible has %llu", asked,
                         (unsigned long long)choices_file_bytes(c));
}

static lsq_status reach_snr(choices *c, arguments *args, lsq_error *err)
{
    lsq_status status = allocate_within_noise(c->curves, c->count, most_noise(c));
    adopt(c);
    if (status == LSQ_OK)
        status = visit_matrices(c, args, refine_matrix, err);
    return status == LSQ_OK ? allocate_within_noise(c->curves, c->count, most_noise(c)) : status;
}

/* `told`: the estimates will be printed, and should be good ones. */
static int reach_goal(choices *c, arguments *args, int told)
{
    lsq_error err = {0};
    lsq_status status = LSQ_OK;
    if (c->goal.kind == BITS_PER_WEIGHT) {
        double most = floor(c->goal.number * c->weights / 8);
        status = allocate_within_bytes(c->curves, c->count, most < 0x1p62 ? (uint64_t)most : (uint64_t)1 << 62);
    } else if (c->goal.kind == TARGET_SNR)
        status = reach_snr(c, args, &err);
    else if (c->goal.kind == MAX_SIZE)
        status = fit_file(c);
    adopt(c);
    if (status == LSQ_OK && told && c->goal.kind != TARGET_SNR)
        status = visit_matrices(c, args, refine_matrix, &err);
    if (status == LSQ_E_VALUE)
        return out_of_reach(c, args);
    return status == LSQ_OK ? CARRY_ON : library_failure(args, status, &err);
}

int choices_make(arguments *args, const lsq_model *model, const wish *want, const rules *r, const goal *g, int measure,
                 choices *c)
{
    lsq_error err = {0};
    size_t count = lsq_model_count(model), some = count ? count : 1;
    *c = (choices){.model = model, .want = want, .goal = *g, .count = count};
    c->each = calloc(some, sizeof *c->each);
    c->curves = calloc(some, sizeof *c->curves);
    if (!c->each || !c->curves)
        return out_of_memory(args);
    for (size_t i = 0; i < count; i++)
        c->each[i] = first_choice(c, r, i);
    rules_warn_unused(args, r);
    if (g->kind == NO_GOAL && !measure)
        return CARRY_ON;
    lsq_status status = visit_matrices(c, args, measure_matrix, &err);
    return status == LSQ_OK ? reach_goal(c, args, measure) : library_failure(args, status, &err);
}

void choices_free(choices *c)
{
    for (size_t i = 0; c->curves && i < c->count; i++)
        free(c->curves[i].points);
    free(c->curves);
    free(c->each);
}

int choices_settle(choices *c, size_t i, const quality *q)
{
    curve *mine = &c->curves[i];
    if (!mine->count)
        return 0;
    size_t before = mine->at;
    point *p = &mine->points[mine->at];
    double noise = quality_relative_noise(q) * (double)lsq_model_tensor(c->model, i)->elements;
    c->noise += noise - p->noise;
    p->noise = noise;
    /* Sums of the same numbers in another order are not a miss. */
    if (c->goal.kind != TARGET_SNR || c->noise <= most_noise(c) * (1 + 1e-12))
        return 0;
    allocate_more(mine, c->count - i, most_noise(c) - allocated_noise(c->curves, i));
    adopt(c);
    return mine->at != before;
}

const point *choice_point(const choices *c, size_t i)
{
    return c->curves[i].count ? &c->curves[i].points[c->curves[i].at] : NULL;
}

const char *choice_why(const choices *c, size_t i, char why[WHY_MAX])
{
    const curve *mine = &c->curves[i];
    const point *p = mine->points + mine->at, *before = p - 1;
    if (c->each[i].rule)
        snprintf(why, WHY_MAX, "%s", c->each[i].rule->place);
    else if (!c->each[i].allocated)
        snprintf(why, WHY_MAX, "default");
    else if (!mine->count || mine->at == 0)
        snprintf(why, WHY_MAX, "allocated: the least");
    else if (p->noise == 0)
        snprintf(why, WHY_MAX, "allocated: exact");
    else
        snprintf(why, WHY_MAX, "allocated: %.1f dB per bit",
                 10 * log10(before->noise / p->noise) * (double)lsq_model_tensor(c->model, i)->elements /
                     (8 * (double)(p->bytes - before->bytes)));
    return why;
}

double choices_bits(const choices *c)
{
    return c->weights > 0 ? 8 * (double)allocated_bytes(c->curves, c->count) / c->weights : 0;
}

double choices_snr(const choices *c)
{
    double noise = allocated_noise(c->curves, c->count);
    return noise > 0 ? 10 * log10(c->weights / noise) : INFINITY;
}

/* Tensor i as it will be written. What products cannot use (version 1, more than 9 bits) becomes numbers. */
static lsq_tensor written(const void *arg, size_t i)
{
    const choices *c = arg;
    const choice *made = &c->each[i];
    lsq_tensor t = *lsq_model_tensor(c->model, i);
    size_t bytes;
    if (!made->plan.kept) {
        t.quantised = 1;
        t.format = made->format;
        t.output_axis = made->plan.output_axis;
        t.bytes = made->plan.bytes;
    } else if (t.quantised && lsq_packed_bytes(&t.format, (size_t)t.rows, (size_t)t.columns, &bytes) != LSQ_OK) {
        t.quantised = 0;
        t.dtype = LSQ_F32;
        t.bytes = t.elements * sizeof(float);
    }
    return t;
}

uint64_t choices_file_bytes(const choices *c)
{
    return file_size(c->model, c->count, written, c);
}
