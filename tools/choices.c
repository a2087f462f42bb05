/*
 * choices.c - what becomes of every tensor of a model.
 */
#include "tools/choices.h"
#include "tools/filesize.h"
#include "tools/measure.h"
#include "tools/messages.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

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
        mine.curve = found->curve;
    } else if (made.allocated && t->quantised)
        mine.format = measure_candidate(0);
    made.format = mine.format;
    made.curve = mine.curve;
    if (found && found->keep)
        made.plan.kept = found->place;
    else
        made.plan = plan_tensor(t, &mine);
    return made;
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

static int out_of_reach(choices *c)
{
    char asked[GOAL_TEXT_MAX];
    goal_text(&c->goal, asked);
    if (c->goal.kind == BITS_PER_WEIGHT)
        snprintf(c->reason, REASON_MAX, "%s cannot be reached: the least is %.4f", asked, choices_bits(c));
    else if (c->goal.kind == TARGET_SNR)
        snprintf(c->reason, REASON_MAX, "%s cannot be reached: the most is about %.2f", asked, choices_snr(c));
    else
        snprintf(c->reason, REASON_MAX, "a file within %s cannot be reached: the smallest possible has %llu", asked,
                 (unsigned long long)choices_file_bytes(c));
    return EXIT_CHECK;
}

static lsq_status reach_snr(choices *c, lsq_error *err)
{
    lsq_status status = allocate_within_noise(c->curves, c->count, most_noise(c));
    adopt(c);
    if (status == LSQ_OK)
        status = measure_chosen(c, err);
    return status == LSQ_OK ? allocate_within_noise(c->curves, c->count, most_noise(c)) : status;
}

/* `told`: the estimates will be printed, and should be good ones. */
static int reach_goal(choices *c, int told)
{
    lsq_error err = {0};
    lsq_status status = LSQ_OK;
    if (c->goal.kind == BITS_PER_WEIGHT) {
        double most = floor(c->goal.number * c->weights / 8);
        status = allocate_within_bytes(c->curves, c->count, most < 0x1p62 ? (uint64_t)most : (uint64_t)1 << 62);
    } else if (c->goal.kind == TARGET_SNR)
        status = reach_snr(c, &err);
    else if (c->goal.kind == MAX_SIZE)
        status = fit_file(c);
    adopt(c);
    if (status == LSQ_OK && told && c->goal.kind != TARGET_SNR)
        status = measure_chosen(c, &err);
    if (status == LSQ_E_VALUE)
        return out_of_reach(c);
    return status == LSQ_OK ? CARRY_ON : library_failure(c->args, status, &err);
}

int choices_make(arguments *args, const lsq_model *model, const wish *want, const rules *r, const goal *g, int measure,
                 choices *c)
{
    lsq_error err = {0};
    size_t count = lsq_model_count(model), some = count ? count : 1;
    *c = (choices){.args = args, .model = model, .want = want, .goal = *g, .count = count};
    c->each = calloc(some, sizeof *c->each);
    c->curves = calloc(some, sizeof *c->curves);
    if (!c->each || !c->curves)
        return out_of_memory(args);
    for (size_t i = 0; i < count; i++)
        c->each[i] = first_choice(c, r, i);
    rules_warn_unused(args, r);
    if (g->kind == NO_GOAL && !measure)
        return CARRY_ON;
    lsq_status status = measure_all(c, &err);
    return status == LSQ_OK ? reach_goal(c, measure) : library_failure(args, status, &err);
}

void choices_free(choices *c)
{
    for (size_t i = 0; c->curves && i < c->count; i++)
        free(c->curves[i].points);
    free(c->curves);
    free(c->each);
}

int choices_settle(choices *c, size_t i, double of_tensor)
{
    curve *mine = &c->curves[i];
    if (!mine->count)
        return 0;
    size_t before = mine->at;
    point *p = &mine->points[mine->at];
    double noise = of_tensor * (double)lsq_model_tensor(c->model, i)->elements;
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
    const point *p = choice_point(c, i);
    if (c->each[i].rule)
        snprintf(why, WHY_MAX, "%s", c->each[i].rule->place);
    else if (!c->each[i].allocated)
        snprintf(why, WHY_MAX, "default");
    else if (!p || mine->at == 0)
        snprintf(why, WHY_MAX, "allocated: the least");
    else if (p->noise == 0)
        snprintf(why, WHY_MAX, "allocated: exact");
    else
        snprintf(why, WHY_MAX, "allocated: %.1f dB per bit",
                 10 * log10(p[-1].noise / p->noise) * (double)lsq_model_tensor(c->model, i)->elements /
                     (8 * (double)(p->bytes - p[-1].bytes)));
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

static lsq_tensor written(const void *arg, size_t i)
{
    const choices *c = arg;
    return plan_written(lsq_model_tensor(c->model, i), &c->each[i].plan, &c->each[i].format);
}

uint64_t choices_file_bytes(const choices *c)
{
    return file_size(c->model, c->count, written, c);
}
