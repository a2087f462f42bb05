/*
 * verify_round.c - kernels that round vectors, by themselves: products show only what the kernel that takes it next reads.
 */
#include "tuner/verify.h"

#include "bench/machine.h"
#include "tuner/workshop.h"

#include <lsq/lsq.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { GROUPS = 23, NUMBERS = GROUPS * GROUP, AFTER = 64 };

/* All that one call may write, sixteen vectors at most, with room behind that it may not. */
typedef struct rounded {
    _Alignas(64) int16_t q[(NUMBERS + AFTER) * STRIP]; /* or bytes, in its first half */
    float sx[(GROUPS + AFTER) * STRIP];
    int32_t bias[(2 * GROUPS + AFTER) * STRIP], negative[(2 * GROUPS + AFTER) * STRIP];
} rounded;

/* Group after group: zeros; tiny and huge numbers; equal ones; halves, where ties go to the even side; usual ones; an infinity, a NaN. */
static void fill(float *x)
{
    static const float sizes[] = {0.0f, 0x1p-110f, 0x1p-90f, 1.0f, 0x1p60f, 0x1p120f};
    for (size_t i = 0; i < NUMBERS; i++) {
        const size_t g = i / GROUP;
        int64_t random;
        bench_fill_random(&random, sizeof(random), i + 1);
        const float unit = (float)(random / 0x1p63);
        x[i] = g < 6 ? unit * sizes[g] : g == 6 ? (i % 2 ? 1.0f : -1.0f) : unit;
        if (g == 7) /* the largest is 127 / 2: as bytes all are doubled */
            x[i] = i % GROUP ? (float)((int)(i % GROUP) - 16) / 4 : 63.5f;
    }
    x[8 * GROUP + 5] = INFINITY;
    x[9 * GROUP + 31] = NAN;
}

/* `side_by_side` vectors: one, in a lane of as many; or sixteen, of which each begins with another group. */
static void run(const lsq_kernel *kernel, const float *x, size_t side_by_side, rounded *to)
{
    static float columns[NUMBERS * (STRIP + 1)];
    const int bytes = kernel->act == ACT_i8;
    int32_t *bias = bytes ? to->bias : NULL, *negative = bytes ? to->negative : NULL;
    memset(to, 0x55, sizeof(*to));
    if (kernel->op == OP_round) {
        kernel->run.round(&(lsq_round_args){x, GROUPS, side_by_side, to->q, to->sx, bias, negative});
        return;
    }
    for (size_t i = 0; i < NUMBERS * STRIP; i++)
        columns[i / STRIP * (STRIP + 1) + i % STRIP] = x[(i / STRIP + i % STRIP * GROUP) % NUMBERS];
    kernel->run.roundt(&(lsq_roundt_args){columns, STRIP + 1, GROUPS, GROUPS + 1, to->q, to->sx, bias, negative});
}

/* A NaN has many forms. */
static int same_scales(const float *a, const float *b, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (memcmp(&a[i], &b[i], sizeof(float)) != 0 && !(isnan(a[i]) && isnan(b[i])))
            return 0;
    return 1;
}

verdict verify_round(const lsq_kernel *kernel, const lsq_kernel *reference, char *why, size_t room)
{
    static const size_t lanes[] = {1, QUAD}, strip[] = {STRIP};
    const size_t *side_by_side = kernel->op == OP_round ? lanes : strip, tries = kernel->op == OP_round ? 2 : 1;
    static rounded got, expected; /* too large for the stack */
    float x[NUMBERS];
    fill(x);
    for (size_t i = 0; i < tries; i++) {
        run(reference, x, side_by_side[i], &expected);
        run(kernel, x, side_by_side[i], &got);
        const char *what = memcmp(got.q, expected.q, sizeof(got.q)) != 0                         ? "integers"
                           : !same_scales(got.sx, expected.sx, sizeof(got.sx) / sizeof(*got.sx)) ? "scales"
                           : memcmp(got.bias, expected.bias, sizeof(got.bias)) != 0 ||
                                   memcmp(got.negative, expected.negative, sizeof(got.negative)) != 0
                               ? "sums"
                               : NULL;
        if (what) {
            snprintf(why, room, "%d groups, %zu side by side: %s are not the same as by %s", GROUPS, side_by_side[i],
                     what, reference->name);
            return WRONG;
        }
    }
    return RIGHT;
}
