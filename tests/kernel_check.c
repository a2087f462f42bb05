/*
 * kernel_check.c - one kernel against the first of its kind.
 *
 * Integer products and decoding must give the same bytes; float products must keep the bound of lsq.h. All inputs lie against
 * forbidden pages, at their ends and at their beginnings, and cannot be written; outputs end at one. Shapes are 1 to 5 panels by 1
 * to 9 groups, all ranges of panels, and one across two chains; values are random and extreme. What a panel gives must not
 * depend on those beside it, and the machine must be left as it was (machine_state.h).
 */
#include "tests/kernel_check.h"

#include "kernels/codec.h"
#include "tests/kernel_subject.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static void run_gemv(const subject *s, const lsq_kernel *kernel, const lsq_gemv_args *args, size_t p0, size_t p1)
{
    run(s, (void (*)(void))kernel->run.gemv, args, p0, p1, 0);
}

/* The product of row r of panel p in double, and the sum of its terms' magnitudes, from decoded weights. */
static double exact(const workload *w, unsigned codec, size_t p, size_t r, double *magnitude)
{
    size_t k = w->args.w.groups * GROUP;
    float one[PANEL], *decoded = malloc(PANEL * k * sizeof(float));
    for (unsigned i = 0; i < PANEL; i++)
        one[i] = 1;
    lsq_decode_args args = {w->args.w, one, 0, PANEL, decoded, k};
    lsq_kernel_reference(OP_decode, codec, ACT_f32)->run.decode(&args, p, 0, w->args.w.groups);
    double sum = *magnitude = 0;
    for (size_t c = 0; c < k; c++) {
        double term = (double)decoded[r * k + c] * ((const float *)w->args.x)[c];
        sum += term;
        *magnitude += fabs(term);
    }
    free(decoded);
    return sum;
}

/* Does a panel give the same alone? */
static void check_alone(const subject *s, const workload *w, size_t p0, size_t p1, const float *y)
{
    guarded alone = guarded_new(PANEL * sizeof(float), 1);
    lsq_gemv_args args = w->args;
    args.y = alone.data;
    for (size_t p = p0; p < p1; p++) {
        run_gemv(s, s->kernel, &args, p, p + 1);
        if (memcmp(alone.data, y + (p - p0) * PANEL, PANEL * sizeof(float)))
            fault(s, "panel %zu of [%zu, %zu) is another one alone", p, p0, p1);
    }
    guarded_free(&alone);
}

static void check_gemv(const subject *s, const workload *w, size_t p0, size_t p1)
{
    size_t rows = (p1 - p0) * PANEL, k = s->groups * GROUP;
    guarded expected = guarded_new(rows * sizeof(float), 1), got = guarded_new(rows * sizeof(float), 1);
    lsq_gemv_args args = w->args;
    args.prefetch = (p0 + p1) % 2 * 4096;
    args.y = expected.data;
    run_gemv(s, s->reference, &args, p0, p1);
    args.y = got.data;
    memset(got.data, 0xee, rows * sizeof(float));
    run_gemv(s, s->kernel, &args, p0, p1);
    const float *y = got.data, *y0 = expected.data;
    for (size_t r = 0; r < rows; r++) {
        int same = !memcmp(&y[r], &y0[r], sizeof(float));
        if (s->kernel->act == ACT_f32 && (!same || s->kernel == s->reference)) { /* LSQ_ACT_FLOAT in lsq.h */
            double magnitude, sum = exact(w, s->kernel->codec, p0 + r / PANEL, r % PANEL, &magnitude);
            same = fabs(y[r] - sum) <= ((double)k / 4 + 64) * 0x1p-24 * magnitude;
        }
        s->verdict->checks++;
        if (!same) {
            fault(s, "panels [%zu, %zu): row %zu is %.9g, reference %.9g", p0, p1, r, y[r], y0[r]);
            break;
        }
    }
    if (s->kernel->act == ACT_f32)
        check_alone(s, w, p0, p1, y);
    guarded_free(&expected);
    guarded_free(&got);
}

/* Rows [r0, r1) into a matrix that has 5 more columns, which stay as they are. */
static void check_decode(const subject *s, const workload *w, size_t p, unsigned r0, unsigned r1, size_t g0, size_t g1)
{
    size_t ld = GROUP * (g1 - g0) + 5, n = (r1 - r0 - 1) * ld + GROUP * (g1 - g0);
    guarded expected = guarded_new(n * sizeof(float), 1), got = guarded_new(n * sizeof(float), 1);
    float row[PANEL];
    for (unsigned r = 0; r < PANEL; r++)
        row[r] = random_scale();
    lsq_decode_args args = {w->args.w, row, r0, r1, expected.data, ld};
    memset(expected.data, 0xee, n * sizeof(float));
    memset(got.data, 0xee, n * sizeof(float));
    run(s, (void (*)(void))s->reference->run.decode, &args, p, g0, g1);
    args.out = got.data;
    run(s, (void (*)(void))s->kernel->run.decode, &args, p, g0, g1);
    s->verdict->checks++;
    for (size_t i = 0; i < n; i++)
        if (memcmp((float *)got.data + i, (float *)expected.data + i, sizeof(float))) {
            fault(s, "panel %zu, rows [%u, %u), groups [%zu, %zu): float %zu is %.9g, reference %.9g", p, r0, r1, g0,
                  g1, i, ((float *)got.data)[i], ((float *)expected.data)[i]);
            break;
        }
    guarded_free(&expected);
    guarded_free(&got);
}

static void check_expand(const subject *s, const workload *w, size_t p, size_t g0, size_t g1)
{
    const size_t n = (g1 - g0) * TILE * (s->kernel->act == ACT_i8 ? 1 : 2);
    guarded expected = guarded_new(n, 1), got = guarded_new(n, 1);
    lsq_expand_args args = {w->args.w, expected.data};
    run(s, (void (*)(void))s->reference->run.expand, &args, p, g0, g1);
    args.out = got.data;
    memset(got.data, 0xee, n);
    run(s, (void (*)(void))s->kernel->run.expand, &args, p, g0, g1);
    s->verdict->checks++;
    if (memcmp(expected.data, got.data, n))
        fault(s, "panel %zu, groups [%zu, %zu): other levels", p, g0, g1);
    guarded_free(&expected);
    guarded_free(&got);
}

/* One panel by the other operations. */
static void check_panel(const subject *s, const workload *w, size_t p)
{
    switch (s->kernel->op) {
    case OP_decode:
        for (unsigned r0 = 0; r0 < PANEL; r0 += 4)
            check_decode(s, w, p, r0, r0 % 8 ? r0 + 4 : PANEL, p % s->groups, s->groups);
        break;
    case OP_expand:
        check_expand(s, w, p, p % s->groups, s->groups);
        break;
    case OP_gemm:
        check_gemm(s, w, p, 1 + (p + s->groups) % 7);
        break;
    case OP_gemvt:
        check_gemvt(s, w, p);
        break;
    case OP_roundt:
        check_roundt(s, s->groups, STRIP + p % 3 * 5);
        break;
    default:
        check_round(s, s->groups, p % 2 ? QUAD : 1);
    }
}

static void check_shape(subject *s, size_t panels, size_t groups, enum fill how)
{
    workload w;
    if (s->verdict->failures >= TOLD)
        return;
    s->panels = panels;
    s->groups = groups;
    s->how = how;
    workload_make(&w, s->kernel, s->v, panels, groups, how, (panels + groups) % 2 == 0);
    for (size_t p0 = 0; p0 < panels; p0++)
        for (size_t p1 = p0 + 1; p1 <= panels; p1++) {
            if (panels > 5 && p1 != panels && p0 != 0)
                continue;
            if (s->kernel->op == OP_gemv)
                check_gemv(s, &w, p0, p1);
            else if (p1 == p0 + 1)
                check_panel(s, &w, p0);
        }
    workload_free(&w);
}

kernel_verdict kernel_check(const lsq_kernel *kernel, uint64_t seed)
{
    kernel_verdict verdict = {0};
    subject s = {.kernel = kernel,
                 .reference = lsq_kernel_reference(kernel->op, kernel->codec, kernel->act),
                 .verdict = &verdict};
    /* That a reference is like itself is no news: where it reads and writes, and its float sums, show on few shapes. */
    const int itself = kernel == s.reference;
    variant variants[12];
    size_t count = variants_of(kernel->codec, variants);
    seed_random(seed);
    for (size_t i = 0; i < count; i++) {
        s.v = variants[i];
        if (kernel->op == OP_measure || kernel->op == OP_encode) {
            for (s.how = RANDOM; s.how < FILLS && verdict.failures < TOLD; s.how++)
                check_encode(&s);
            continue;
        }
        for (size_t panels = 1; panels <= (itself ? 2 : 5); panels++)
            for (size_t groups = 1; groups <= (itself ? 3 : 9); groups++)
                check_shape(&s, panels, groups, RANDOM);
        for (enum fill how = RANDOM + 1; how < FILLS; how++)
            check_shape(&s, 3, 2, how);
        check_shape(&s, CHAIN + 3, 1, RANDOM);
        if (kernel->op == OP_gemvt) /* which may round for many groups at a time */
            check_shape(&s, 2, 35, RANDOM);
    }
    return verdict;
}
