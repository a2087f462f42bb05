/*
 * kernel_check_round.c - the kernels that round vectors, against the first of their kind: the same bytes, and none written between them.
 *
 * Values are halves of integers, of like and of very different sizes; then numbers that cannot be scaled, one at a time.
 */
#include "tests/kernel_subject.h"

#include "dispatch/activation.h"
#include "kernels/codec.h"

#include <math.h>
#include <string.h>

static const float odd[] = {NAN, INFINITY, -INFINITY, 0x1p-101f, -0x1p-149f, 0x1p127f, -0.0f};
enum { VECTORS = 2 + sizeof(odd) / sizeof(*odd) };

/*
 * The n floats of so many vectors' groups, elements `apart`. What is odd is anywhere; where it is small, the first group of the first
 * vector is zero otherwise. Can all be scaled, without exceptions?
 */
static int fill(float *x, size_t n, size_t apart, enum fill how, size_t vector)
{
    for (size_t c = 0; c < n; c++) /* halves of steps too, which go to the even side */
        x[c] = (float)value(254, how, c) / 2 * (vector == 0 ? 1 : random_scale());
    if (vector < 2)
        return 1;
    for (size_t c = 0; c < GROUP && fabsf(odd[vector - 2]) < 1; c++)
        x[c * apart] = 0;
    x[random32() % n] = odd[vector - 2];
    return isfinite(odd[vector - 2]);
}

/* Everything that rounding writes, and how much of each there is. */
typedef struct rounded {
    guarded q, sx, bias, negative;
    size_t q_bytes, scales, sums;
} rounded;

static rounded rounded_new(size_t q_bytes, size_t scales, size_t sums)
{
    rounded r = {.q = guarded_new(q_bytes, 1),
                 .sx = guarded_new(scales * sizeof(float), 1),
                 .bias = guarded_new(sums * sizeof(int32_t), 1),
                 .negative = guarded_new(sums * sizeof(int32_t), 1),
                 .q_bytes = q_bytes,
                 .scales = scales,
                 .sums = sums};
    memset(r.q.data, 0xee, q_bytes);
    memset(r.sx.data, 0xee, scales * sizeof(float));
    memset(r.bias.data, 0xee, sums * sizeof(int32_t));
    memset(r.negative.data, 0xee, sums * sizeof(int32_t));
    return r;
}

static void rounded_free(rounded *r)
{
    guarded *all[] = {&r->q, &r->sx, &r->bias, &r->negative};
    for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
        guarded_free(all[i]);
}

/* Scales, of which one NaN is as good as another. */
static int same_scales(const float *a, const float *b, size_t n)
{
    int same = 1;
    for (size_t i = 0; i < n; i++)
        same &= isnan(b[i]) ? isnan(a[i]) : !memcmp(&a[i], &b[i], sizeof(*a));
    return same;
}

static int same_rounded(const rounded *a, const rounded *b)
{
    return !memcmp(a->q.data, b->q.data, b->q_bytes) && same_scales(a->sx.data, b->sx.data, b->scales) &&
           !memcmp(a->bias.data, b->bias.data, b->sums * sizeof(int32_t)) &&
           !memcmp(a->negative.data, b->negative.data, b->sums * sizeof(int32_t));
}

/* ---- One vector ---- */

static rounded round_by(const subject *s, const lsq_kernel *kernel, const float *x, size_t groups, size_t lanes,
                        int finite)
{
    const int bytes = kernel->act == ACT_i8;
    rounded to = rounded_new(((groups * STEPS - 1) * lanes + 1) * 4 * lsq_activation_element(kernel->act),
                             (groups - 1) * lanes + 1, (groups * 2 - 1) * lanes + 1);
    const lsq_round_args args = {
        x, groups, lanes, to.q.data, to.sx.data, bytes ? to.bias.data : NULL, bytes ? to.negative.data : NULL};
    if (finite)
        run(s, (void (*)(void))kernel->run.round, &args, 0, 0, 0);
    else
        kernel->run.round(&args);
    return to;
}

void check_round(const subject *s, size_t groups, size_t lanes)
{
    const size_t n = groups * GROUP;
    guarded x = guarded_new(n * sizeof(float), 1);
    for (size_t i = 0; i < VECTORS; i++) {
        const int finite = fill(x.data, n, 1, s->how, i);
        rounded expected = round_by(s, s->reference, x.data, groups, lanes, finite);
        rounded got = round_by(s, s->kernel, x.data, groups, lanes, finite);
        s->verdict->checks++;
        if (!same_rounded(&got, &expected))
            fault(s, "%zu groups, %zu lanes, vector %zu: rounded otherwise", groups, lanes, i);
        rounded_free(&expected);
        rounded_free(&got);
    }
    guarded_free(&x);
}

/* ---- Sixteen side by side ---- */

static rounded roundt_by(const subject *s, const lsq_kernel *kernel, lsq_roundt_args args, int finite)
{
    const int bytes = kernel->act == ACT_i8;
    const size_t groups = (STRIP / QUAD - 1) * args.all + args.groups;
    rounded to =
        rounded_new(groups * GROUP * QUAD * lsq_activation_element(kernel->act), groups * QUAD, groups * 2 * QUAD);
    args.q = to.q.data;
    args.sx = to.sx.data;
    args.bias = bytes ? to.bias.data : NULL;
    args.negative = bytes ? to.negative.data : NULL;
    if (finite)
        run(s, (void (*)(void))kernel->run.roundt, &args, 0, 0, 0);
    else
        kernel->run.roundt(&args);
    return to;
}

void check_roundt(const subject *s, size_t groups, size_t ld)
{
    const size_t n = (groups * GROUP - 1) * ld + STRIP;
    guarded x = guarded_new(n * sizeof(float), 1);
    for (size_t i = 0; i < VECTORS; i++) {
        const int finite = fill(x.data, n, ld, s->how, i);
        const lsq_roundt_args args = {.x = x.data, .ld = ld, .groups = groups, .all = groups + i % 3};
        rounded expected = roundt_by(s, s->reference, args, finite), got = roundt_by(s, s->kernel, args, finite);
        s->verdict->checks++;
        if (!same_rounded(&got, &expected))
            fault(s, "%zu groups, rows %zu apart, vector %zu: rounded otherwise", groups, ld, i);
        rounded_free(&expected);
        rounded_free(&got);
    }
    guarded_free(&x);
}
