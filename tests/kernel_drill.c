/*
 * kernel_drill - kernels that are wrong on purpose: the check of all kernels must find every one of them.
 *
 *     kernel_drill
 *
 * Each is checked in a process of its own, since some of them touch forbidden pages. The models they spoil are in plain C.
 */
#include "kernels/coder.h"
#include "tests/kernel_check.h"
#include "tests/machine_state.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const lsq_kernel *model; /* the one that is being spoilt */

/* ---- Results ---- */

static void last_panel_forgotten(const lsq_gemv_args *a, size_t p0, size_t p1)
{
    model->run.gemv(a, p0, p1 > p0 + 1 ? p1 - 1 : p1);
}

static void last_bit(const lsq_gemv_args *a, size_t p0, size_t p1)
{
    model->run.gemv(a, p0, p1);
    float *last = &a->y[(p1 - p0) * PANEL - 1];
    *last = nextafterf(*last, INFINITY);
}

static void rows_swapped(const lsq_gemv_args *a, size_t p0, size_t p1)
{
    model->run.gemv(a, p0, p1);
    float first = a->y[0];
    a->y[0] = a->y[1];
    a->y[1] = first;
}

static void last_group_forgotten(const lsq_gemv_args *a, size_t p0, size_t p1)
{
    int8_t x[9 * GROUP] = {0};
    lsq_gemv_args without = *a;
    memcpy(x, a->x, (a->w.groups - 1) * GROUP);
    without.x = x;
    model->run.gemv(&without, p0, p1);
}

static void sign_of_scale_ignored(const lsq_gemv_args *a, size_t p0, size_t p1)
{
    uint8_t scales[5 * 9 * 16];
    size_t n = p1 * a->w.groups * 16;
    lsq_gemv_args unsigned_scales = *a;
    for (size_t i = 0; a->w.scales && n <= sizeof(scales) && i < n; i++)
        scales[i] = a->w.scales[i] & 0x7f;
    if (a->w.scales && n <= sizeof(scales))
        unsigned_scales.w.scales = scales;
    model->run.gemv(&unsigned_scales, p0, p1);
}

/* Codes of 5 bits as a kernel might get them wrong. */
enum mistake { SATURATES, FUSES, OTHER_ORDER, LEVELS_OF_7_BITS };

static void wrong_p5(const lsq_gemv_args *a, size_t p0, size_t p1, enum mistake mistake)
{
    const int8_t *x = a->x;
    memset(a->y, 0, (p1 - p0) * PANEL * sizeof(float));
    for (size_t p = p0; p < p1; p++)
        for (size_t i = 0; i < a->w.groups; i++) {
            size_t g = mistake == OTHER_ORDER ? a->w.groups - 1 - i : i, tile = p * a->w.groups + g;
            uint16_t code[STEPS][LANES];
            lsq_tile_codes(a->w.codes + tile * 64 * 5, 5, code);
            for (unsigned r = 0; r < PANEL; r++) {
                int32_t dot = 0;
                float s[2], *y = a->y + (p - p0) * PANEL + r;
                for (unsigned c = 0; c < GROUP; c += 2) {
                    int32_t level[2];
                    for (unsigned j = 0; j < 2; j++) {
                        level[j] = a->w.levels->i8[code[c / 4][4 * r + (c + j) % 4]];
                        if (mistake == LEVELS_OF_7_BITS)
                            level[j] = level[j] < -64 ? -64 : level[j] > 63 ? 63 : level[j];
                    }
                    int32_t pair = level[0] * x[g * GROUP + c] + level[1] * x[g * GROUP + c + 1];
                    if (mistake == SATURATES) /* + 128, unsigned, in 16 bits */
                        pair += 128 * (x[g * GROUP + c] + x[g * GROUP + c + 1]);
                    if (mistake == SATURATES)
                        pair = (pair < -32768  ? -32768
                                : pair > 32767 ? 32767
                                               : pair) -
                               128 * (x[g * GROUP + c] + x[g * GROUP + c + 1]);
                    dot += pair;
                }
                lsq_tile_scale(&a->w, tile, r, 0, s);
                *y = mistake == FUSES ? fmaf((float)dot, a->sx[g] * s[0], *y) : *y + (float)dot * (a->sx[g] * s[0]);
            }
        }
}

static void saturates(const lsq_gemv_args *a, size_t p0, size_t p1)
{
    wrong_p5(a, p0, p1, SATURATES);
}

static void fuses(const lsq_gemv_args *a, size_t p0, size_t p1)
{
    wrong_p5(a, p0, p1, FUSES);
}

static void other_order(const lsq_gemv_args *a, size_t p0, size_t p1)
{
    wrong_p5(a, p0, p1, OTHER_ORDER);
}

static void levels_of_7_bits(const lsq_gemv_args *a, size_t p0, size_t p1)
{
    wrong_p5(a, p0, p1, LEVELS_OF_7_BITS);
}

/* A trellis from which panel p is the first of the chain. */
static void from_panel(const lsq_gemv_args *a, size_t p, size_t count, float *y)
{
    lsq_gemv_args args = *a;
    const size_t tiles = p * a->w.groups, scale_bytes = a->w.scale == LSQ_SCALE_NIBBLE32 ? 8 : 16;
    args.w.codes += tiles * 64 * (model->codec - CODEC_t1 + 1u);
    args.w.scales += tiles * scale_bytes;
    args.w.rows += p * PANEL;
    args.y = y;
    model->run.gemv(&args, 0, count);
}

static void history_lost_at_panels(const lsq_gemv_args *a, size_t p0, size_t p1)
{
    for (size_t p = p0; p < p1; p++)
        from_panel(a, p, 1, a->y + (p - p0) * PANEL);
}

static void history_kept_at_chains(const lsq_gemv_args *a, size_t p0, size_t p1)
{
    model->run.gemv(a, p0, p1);
    if (p0 <= CHAIN && p1 > CHAIN) {
        float y[CHAIN * PANEL];
        from_panel(a, 1, CHAIN, y);
        memcpy(a->y + (CHAIN - p0) * PANEL, y + (CHAIN - 1) * PANEL, PANEL * sizeof(float));
    }
}

static void sixteen_states_for_64(const lsq_gemv_args *a, size_t p0, size_t p1)
{
    lsq_gemv_args args = *a;
    args.w.states = a->w.states == 64 ? 16 : a->w.states;
    model->run.gemv(&args, p0, p1);
}

static void step_of_row_0(const lsq_gemv_args *a, size_t p0, size_t p1)
{
    uint8_t rows[(CHAIN + 3) * PANEL];
    lsq_gemv_args args = *a;
    memset(rows, a->w.rows[p0 * PANEL], sizeof(rows));
    args.w.rows = rows;
    model->run.gemv(&args, p0, p1);
}

/* As a product with x in bf16 would be. */
static void half_of_x(const lsq_gemv_args *a, size_t p0, size_t p1)
{
    float x[9 * GROUP];
    lsq_gemv_args args = *a;
    memcpy(x, a->x, a->w.groups * GROUP * sizeof(float));
    for (size_t i = 0; i < a->w.groups * GROUP; i++)
        x[i] *= 1.0f + 0x1p-9f;
    args.x = x;
    model->run.gemv(&args, p0, p1);
}

/* Within the bound, but not the same in pairs. */
static void pairs_differ(const lsq_gemv_args *a, size_t p0, size_t p1)
{
    model->run.gemv(a, p0, p1);
    if (p1 > p0 + 1)
        a->y[0] = nextafterf(a->y[0], INFINITY);
}

static void one_rounding(const lsq_decode_args *a, size_t p, size_t g0, size_t g1)
{
    float ones[PANEL];
    lsq_decode_args args = *a;
    for (unsigned r = 0; r < PANEL; r++)
        ones[r] = 1;
    args.row = ones;
    model->run.decode(&args, p, g0, g1);
    for (unsigned r = a->r0; r < a->r1; r++)
        for (size_t c = 0; c < (g1 - g0) * GROUP; c++)
            a->out[(r - a->r0) * a->ld + c] *= a->row[r];
}

static void first_rows(const lsq_decode_args *a, size_t p, size_t g0, size_t g1)
{
    lsq_decode_args args = *a;
    args.r1 -= a->r0;
    args.r0 = 0;
    model->run.decode(&args, p, g0, g1);
}

static void groups_before_forgotten(const lsq_gemm_args *a, size_t p, size_t g0, size_t g1)
{
    for (size_t i = 0; i < a->quads * QUAD * PANEL; i++)
        a->sums[i] = 0;
    model->run.gemm(a, p, g0, g1);
}

static void columns_swapped(const lsq_gemm_args *a, size_t p, size_t g0, size_t g1)
{
    model->run.gemm(a, p, g0, g1);
    for (size_t r = 0; r < PANEL; r++) {
        float first = a->sums[r];
        a->sums[r] = a->sums[3 * PANEL + r];
        a->sums[3 * PANEL + r] = first;
    }
}

static void last_quad_forgotten(const lsq_gemm_args *a, size_t p, size_t g0, size_t g1)
{
    lsq_gemm_args args = *a;
    args.quads -= a->quads > 1;
    model->run.gemm(&args, p, g0, g1);
}

static void last_column_wanted_forgotten(const lsq_gemm_args *a, size_t p, size_t g0, size_t g1)
{
    float *last = a->sums + (a->columns - 1) * PANEL, before[PANEL];
    memcpy(before, last, sizeof(before));
    model->run.gemm(a, p, g0, g1);
    memcpy(last, before, sizeof(before));
}

static void scales_of_panel_0(const lsq_gemm_args *a, size_t p, size_t g0, size_t g1)
{
    (void)p;
    model->run.gemm(a, 0, g0, g1);
}

static void other_group(const lsq_expand_args *a, size_t p, size_t g0, size_t g1)
{
    model->run.expand(a, p, 0, g1 - g0);
}

static void one_level_less(const lsq_expand_args *a, size_t p, size_t g0, size_t g1)
{
    model->run.expand(a, p, g0, g1);
    ((int8_t *)a->out)[TILE * (g1 - g0) - 1]--;
}

static void starts_from_zero(const lsq_gemvt_args *a, size_t p, size_t g0, size_t g1)
{
    memset(a->y + g0 * GROUP, 0, (g1 - g0) * GROUP * sizeof(float));
    model->run.gemvt(a, p, g0, g1);
}

static void vector_of_panel_0(const lsq_gemvt_args *a, size_t p, size_t g0, size_t g1)
{
    lsq_gemvt_args args = *a;
    args.x -= p * PANEL; /* kernels add it again */
    model->run.gemvt(p ? &args : a, p, g0, g1);
}

static void transposed_states_for_64(const lsq_gemvt_args *a, size_t p, size_t g0, size_t g1)
{
    lsq_gemvt_args args = *a;
    args.w.states = a->w.states == 64 ? 16 : a->w.states;
    model->run.gemvt(&args, p, g0, g1);
}

static void last_row_forgotten(const lsq_gemvt_args *a, size_t p, size_t g0, size_t g1)
{
    float x[(CHAIN + 3) * PANEL];
    lsq_gemvt_args args = *a;
    memcpy(x, a->x, (p + 1) * PANEL * sizeof(float));
    x[p * PANEL + PANEL - 1] = 0;
    args.x = x;
    model->run.gemvt(&args, p, g0, g1);
}

/* Half away from zero, as roundf() has it. */
static void half_away(const lsq_round_args *a)
{
    model->run.round(a);
    for (size_t c = 0; c < a->groups * GROUP; c++) {
        const size_t lane_group = c / GROUP * a->lanes;
        const float quotient = a->x[c] * (127.0f / (127.0f * a->sx[lane_group]));
        if (fabsf(quotient - truncf(quotient)) == 0.5f)
            ((int8_t *)a->q)[c / 4 * a->lanes * 4 + c % 4] = (int8_t)roundf(quotient);
    }
}

static void lanes_ignored(const lsq_round_args *a)
{
    lsq_round_args args = *a;
    args.lanes = 1;
    model->run.round(&args);
}

static void nan_is_zero(const lsq_round_args *a)
{
    model->run.round(a);
    for (size_t g = 0; g < a->groups; g++)
        a->sx[g * a->lanes] = isnan(a->sx[g * a->lanes]) ? 0 : a->sx[g * a->lanes];
}

static void strip_ends_early(const lsq_roundt_args *a)
{
    model->run.roundt(a);
    for (size_t g = 0; g < a->groups; g++)
        a->sx[(3 * a->all + g) * QUAD + 3] = 0;
}

static void rows_taken_as_packed(const lsq_roundt_args *a)
{
    lsq_roundt_args args = *a;
    args.ld = STRIP;
    model->run.roundt(&args);
}

static void quads_taken_as_packed(const lsq_roundt_args *a)
{
    lsq_roundt_args args = *a;
    args.all = args.groups;
    model->run.roundt(&args);
}

/* ---- Encoders ---- */

/* Metrics of a path. */
static unsigned path_floats(const lsq_encode_args *a)
{
    return a->coder->states * PANEL;
}

static void way_from_the_wrong_half(const lsq_encode_args *a)
{
    model->run.encode(a);
    a->chose[lsq_path_column(3, a->path0, a->step0) * 2 * PANEL] ^= 1;
}

static void metrics_not_brought_back(const lsq_encode_args *a)
{
    model->run.encode(a);
    for (unsigned i = a->path0 * path_floats(a); i < a->path1 * path_floats(a); i++)
        a->metric[i] += 0x1p-10f;
}

/* With the halves of states exchanged, what is kept is the other one; codes of one bit have one step a tile. */
static void ties_to_the_upper_half(const lsq_encode_args *a)
{
    lsq_coder exchanged = *a->coder;
    lsq_encode_args args = *a;
    const unsigned states = a->coder->states, half = path_floats(a) / 2;
    args.coder = &exchanged;
    for (unsigned j = 0; j < states / 2; j++)
        exchanged.subset[j] ^= 2;
    for (unsigned path = a->path0; path < a->path1; path++)
        for (unsigned i = 0; i < half; i++) {
            float *low = a->metric + 2 * path * half + i, kept = *low;
            *low = low[half];
            low[half] = kept;
        }
    model->run.encode(&args);
    for (unsigned path = a->path0; path < a->path1; path++)
        for (unsigned i = 0; i < path_floats(a); i++)
            a->chose[(path * 2 + i / PANEL / 32) * PANEL + i % PANEL] ^= 1u << i / PANEL % 32;
}

static void kind_forgotten(const lsq_encode_args *a)
{
    lsq_coder coder = *a->coder;
    lsq_encode_args args = *a;
    args.coder = &coder;
    for (unsigned i = 0; i < coder.states; i++)
        coder.kind[i] &= 2;
    model->run.measure(&args);
}

static void paths_backwards(const lsq_encode_args *a)
{
    float sum[9 * PANEL] = {0};
    lsq_encode_args args = *a;
    for (args.path0 = a->path1; args.path0-- > a->path0;) {
        args.path1 = args.path0 + 1;
        model->run.measure(&args);
        for (size_t i = 0; i < a->tries * PANEL; i++)
            sum[i] += a->error[i];
    }
    memcpy(a->error, sum, a->tries * PANEL * sizeof(float));
}

/* Encoders of codes that index a table as they might get them wrong. */
static void importance_ignored(const lsq_encode_args *a)
{
    _Alignas(64) float importance[TILE];
    lsq_encode_args args = *a;
    for (size_t i = 0; i < TILE; i++)
        importance[i] = 1;
    args.importance = importance;
    model->run.measure(&args);
}

static void last_column_forgotten(const lsq_encode_args *a)
{
    _Alignas(64) float x[TILE];
    lsq_encode_args args = *a;
    memcpy(x, a->x, sizeof(x));
    for (unsigned r = 0; r < PANEL; r++)
        x[TILE - PANEL + r] = 0;
    args.x = x;
    model->run.measure(&args);
}

static void sum_fused(const lsq_encode_args *a)
{
    for (size_t i = 0; i < a->tries * PANEL; i++) {
        const float scale = a->scale[i], inverse = scale == 0 ? 0 : 1 / scale;
        a->error[i] = 0;
        for (size_t at = i % PANEL; at < TILE; at += PANEL) {
            unsigned rank = 0;
            for (unsigned d = 0; d < 4; d++)
                rank = 2 * rank + (a->x[at] * inverse >= a->coder->tree[(1u << d) - 1 + rank]);
            const float error = a->x[at] - scale * a->coder->level[rank];
            a->error[i] = fmaf(a->importance[at], error * error, a->error[i]);
        }
    }
}

/* y > threshold for y >= threshold. */
static void threshold_not_reached(const lsq_encode_args *a)
{
    lsq_coder coder = *a->coder;
    lsq_encode_args args = *a;
    for (size_t i = 0; i < sizeof(coder.tree) / sizeof(*coder.tree); i++)
        coder.tree[i] = nextafterf(coder.tree[i], INFINITY);
    args.coder = &coder;
    model->run.encode(&args);
}

/* y > 0 for y >= 0. */
static void zero_is_minus(const lsq_encode_args *a)
{
    model->run.encode(a);
    for (size_t i = 0; i < TILE; i++)
        if (a->x[i] == 0)
            a->rank[i] = 0;
}

/* ---- What is nobody else's business ---- */

static volatile uint8_t sink;

static void reads_past_the_codes(const lsq_gemv_args *a, size_t p0, size_t p1)
{
    model->run.gemv(a, p0, p1);
    sink = a->w.codes[p1 * a->w.groups * 64 * 4];
}

static void reads_before_the_codes(const lsq_gemv_args *a, size_t p0, size_t p1)
{
    model->run.gemv(a, p0, p1);
    sink = a->w.codes[p0 * a->w.groups * 64 * 4 - 1];
}

static void reads_past_x(const lsq_gemv_args *a, size_t p0, size_t p1)
{
    model->run.gemv(a, p0, p1);
    sink = ((const uint8_t *)a->x)[a->w.groups * GROUP];
}

static void writes_past_y(const lsq_gemv_args *a, size_t p0, size_t p1)
{
    model->run.gemv(a, p0, p1);
    a->y[(p1 - p0) * PANEL] = 0;
}

static void writes_into_x(const lsq_gemv_args *a, size_t p0, size_t p1)
{
    ((int8_t *)(uintptr_t)a->x)[0] = 0;
    model->run.gemv(a, p0, p1);
}

static void writes_between_rows(const lsq_decode_args *a, size_t p, size_t g0, size_t g1)
{
    model->run.decode(a, p, g0, g1);
    a->out[(g1 - g0) * GROUP] = 0;
}

/* ---- The machine ---- */

static void divides_by_zero(const lsq_gemv_args *a, size_t p0, size_t p1)
{
    volatile float zero = 0, quotient = 1;
    model->run.gemv(a, p0, p1);
    quotient = quotient / zero;
}

static void makes_nan(const lsq_gemv_args *a, size_t p0, size_t p1)
{
    volatile float zero = 0, quotient;
    model->run.gemv(a, p0, p1);
    quotient = zero / zero;
    (void)quotient;
}

/* Called from assembly. */
__attribute__((used)) static void right(const lsq_gemv_args *a, size_t p0, size_t p1)
{
    model->run.gemv(a, p0, p1);
}

void forgets_to_restore(const lsq_gemv_args *a, size_t p0, size_t p1);

#if defined(__x86_64__)

__asm__(".text\n"
        "forgets_to_restore:\n"
        "  sub $8, %rsp\n  call right\n  xor %ebx, %ebx\n  add $8, %rsp\n  ret\n");

static void flushes_subnormals(const lsq_gemv_args *a, size_t p0, size_t p1)
{
    uint32_t mxcsr;
    model->run.gemv(a, p0, p1);
    __asm__ volatile("stmxcsr %0" : "=m"(mxcsr));
    mxcsr |= 0x8040;
    __asm__ volatile("ldmxcsr %0" ::"m"(mxcsr));
}

static void leaves_upper_halves(const lsq_gemv_args *a, size_t p0, size_t p1)
{
    model->run.gemv(a, p0, p1);
    __asm__ volatile("vcmptrueps %%ymm5, %%ymm5, %%ymm5" ::: "xmm5");
}

#elif defined(__aarch64__)

__asm__(".text\n"
        "forgets_to_restore:\n"
        "  stp x29, x30, [sp, #-16]!\n  bl right\n  fmov d8, xzr\n  ldp x29, x30, [sp], #16\n  ret\n");

static void flushes_subnormals(const lsq_gemv_args *a, size_t p0, size_t p1)
{
    uint64_t fpcr;
    model->run.gemv(a, p0, p1);
    __asm__ volatile("mrs %0, fpcr" : "=r"(fpcr));
    fpcr |= 1u << 24;
    __asm__ volatile("msr fpcr, %0" ::"r"(fpcr));
}

#endif

/* ---- The drill ---- */

typedef struct planted {
    const char *name;
    unsigned op, codec, act;
    void (*fn)(void);      /* of the operation's type */
    int (*possible)(void); /* here; NULL: everywhere */
} planted;

#define FAULT(op, codec, act, fn, ...)                                                                                 \
    {                                                                                                                  \
#fn, OP_##op, CODEC_##codec, ACT_##act, (void (*)(void))fn, __VA_ARGS__                                        \
    }

static const planted faults[] = {
    FAULT(gemv, p4, i8, last_panel_forgotten, NULL),
    FAULT(gemv, p4, i8, last_bit, NULL),
    FAULT(gemv, p7, i16, last_bit, NULL),
    FAULT(gemv, t4, i8, last_bit, NULL),
    FAULT(gemv, b1, i8, last_bit, NULL),
    FAULT(gemv, b1, f32, rows_swapped, NULL),
    FAULT(gemv, p4, i8, rows_swapped, NULL),
    FAULT(gemv, p4, f32, rows_swapped, NULL),
    FAULT(gemv, p4, i8, last_group_forgotten, NULL),
    FAULT(gemv, p4, i8, sign_of_scale_ignored, NULL),
    FAULT(gemv, p5, i8, saturates, NULL),
    FAULT(gemv, p5, i8, fuses, NULL),
    FAULT(gemv, p5, i8, other_order, NULL),
    FAULT(gemv, p5, i8, levels_of_7_bits, NULL),
    FAULT(gemv, t3, i8, history_lost_at_panels, NULL),
    FAULT(gemv, t3, f32, history_lost_at_panels, NULL),
    FAULT(gemv, t3, i8, history_kept_at_chains, NULL),
    FAULT(gemv, t5, i8, sixteen_states_for_64, NULL),
    FAULT(gemv, t2, i8, step_of_row_0, NULL),
    FAULT(gemv, p3, f32, half_of_x, NULL),
    FAULT(gemv, p3, f32, pairs_differ, NULL),
    FAULT(decode, p6, f32, one_rounding, NULL),
    FAULT(decode, t6, f32, first_rows, NULL),
    FAULT(gemm, e8, i8, groups_before_forgotten, NULL),
    FAULT(gemm, e8, i8, columns_swapped, NULL),
    FAULT(gemm, p4, i8, groups_before_forgotten, NULL),
    FAULT(gemm, p4, i8, last_column_wanted_forgotten, NULL),
    FAULT(gemm, t4, i8, scales_of_panel_0, NULL),
    FAULT(gemm, e16, i16, last_quad_forgotten, NULL),
    FAULT(gemm, e8, i8, scales_of_panel_0, NULL),
    FAULT(expand, p4, i8, other_group, NULL),
    FAULT(expand, t2, i8, one_level_less, NULL),
    FAULT(expand, b1, i8, other_group, NULL),
    FAULT(gemm, e32, f32, columns_swapped, NULL),
    FAULT(gemvt, e8, i8, starts_from_zero, NULL),
    FAULT(gemvt, e16, i16, vector_of_panel_0, NULL),
    FAULT(gemvt, p4, i8, vector_of_panel_0, NULL),
    FAULT(gemvt, t3, i8, transposed_states_for_64, NULL),
    FAULT(gemvt, e32, f32, last_row_forgotten, NULL),
    FAULT(round, x, i8, half_away, NULL),
    FAULT(round, x, i16, lanes_ignored, NULL),
    FAULT(round, x, i8, nan_is_zero, NULL),
    FAULT(roundt, x, i8, strip_ends_early, NULL),
    FAULT(roundt, x, i16, rows_taken_as_packed, NULL),
    FAULT(roundt, x, i8, quads_taken_as_packed, NULL),
    FAULT(encode, t3, f32, way_from_the_wrong_half, NULL),
    FAULT(encode, t3, f32, metrics_not_brought_back, NULL),
    FAULT(encode, t1, f32, ties_to_the_upper_half, NULL),
    FAULT(measure, t3, f32, kind_forgotten, NULL),
    FAULT(measure, t3, f32, paths_backwards, NULL),
    FAULT(measure, p4, f32, importance_ignored, NULL),
    FAULT(measure, p4, f32, sum_fused, NULL),
    FAULT(measure, p7, f32, last_column_forgotten, NULL),
    FAULT(encode, p5, f32, threshold_not_reached, NULL),
    FAULT(encode, b1, f32, zero_is_minus, NULL),
    FAULT(gemv, p4, i8, reads_past_the_codes, NULL),
    FAULT(gemv, p4, i8, reads_before_the_codes, NULL),
    FAULT(gemv, p4, i8, reads_past_x, NULL),
    FAULT(gemv, p4, i8, writes_past_y, NULL),
    FAULT(gemv, p4, i8, writes_into_x, NULL),
    FAULT(decode, p4, f32, writes_between_rows, NULL),
    FAULT(gemv, p4, i8, divides_by_zero, NULL),
    FAULT(gemv, p4, i8, makes_nan, NULL),
#if defined(__x86_64__) || defined(__aarch64__)
    FAULT(gemv, p4, i8, forgets_to_restore, NULL),
    FAULT(gemv, p4, i8, flushes_subnormals, NULL),
#endif
#if defined(__x86_64__)
    FAULT(gemv, p4, i8, leaves_upper_halves, upper_halves_visible),
#endif
};

/* Is anything wrong with it? In a process of its own, whose messages nobody needs. */
static int found(const lsq_kernel *kernel)
{
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        if (!freopen("/dev/null", "w", stdout) || !freopen("/dev/null", "w", stderr))
            _exit(0);
        _exit(kernel_check(kernel, 1).failures != 0);
    }
    int status = 0;
    if (child < 0 || waitpid(child, &status, 0) != child) {
        perror("kernel_drill");
        exit(99);
    }
    return !WIFEXITED(status) || WEXITSTATUS(status) != 0;
}

int main(void)
{
    int missed = 0, planted_count = 0;
    for (size_t i = 0; i < sizeof(faults) / sizeof(*faults); i++) {
        const planted *f = &faults[i];
        if (f->possible && !f->possible())
            continue;
        model = lsq_kernel_reference(f->op, f->codec, f->act);
        lsq_kernel wrong = *model;
        wrong.run.gemv = (lsq_gemv_fn *)f->fn; /* any of them: what is called is what it is */
        planted_count++;
        int seen = i > 0 && f->op == f[-1].op && f->codec == f[-1].codec && f->act == f[-1].act;
        if (!seen && found(model)) {
            printf("%s: the model itself is found wrong\n", model->name);
            missed++;
        }
        if (!found(&wrong)) {
            printf("%s, %s: not found\n", model->name, f->name);
            missed++;
        }
    }
    printf("%d kernels planted, %d missed\n", planted_count, missed);
    return missed != 0;
}
