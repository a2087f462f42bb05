/*
 * test_tuner_verify.c - does the tuner find what is wrong? Kernels that are wrong in one way each are made of the reference.
 */
#include "tests/emulated.h"
#include "tuner/kinds.h"
#include "tuner/verify.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static workshop shop;

static void open_shop(void)
{
    ck_assert(workshop_open(&shop, 1 << 20));
}

static void close_shop(void)
{
    workshop_close(&shop);
}

/* ---- Kernels of gemv and decode that are wrong ---- */

static const lsq_kernel *model; /* the reference that the faulty ones are made of */

static void last_bit(const lsq_gemv_args *a, size_t p0, size_t p1)
{
    model->run.gemv(a, p0, p1);
    float *y = &a->y[(p1 - p0) * PANEL - 1];
    *y = *y == 0 ? 0 : nextafterf(*y, INFINITY);
}

static void one_in_a_thousand(const lsq_gemv_args *a, size_t p0, size_t p1)
{
    model->run.gemv(a, p0, p1);
    a->y[3] *= 1.001f;
}

static void one_panel_too_far(const lsq_gemv_args *a, size_t p0, size_t p1)
{
    model->run.gemv(a, p0, p1);
    a->y[(p1 - p0) * PANEL] = 0;
}

static void one_panel_short(const lsq_gemv_args *a, size_t p0, size_t p1)
{
    if (p1 > p0 + 1)
        model->run.gemv(a, p0, p1 - 1);
}

/* Takes the scales for those of another kind of format. */
static void no_scales(const lsq_gemv_args *a, size_t p0, size_t p1)
{
    lsq_gemv_args other = *a;
    other.w.scale = LSQ_SCALE_TENSOR;
    other.w.scales = NULL;
    model->run.gemv(&other, p0, p1);
}

static void always_16_states(const lsq_gemv_args *a, size_t p0, size_t p1)
{
    lsq_gemv_args other = *a;
    other.w.states = 16;
    model->run.gemv(&other, p0, p1);
}

/* Begins the history of a trellis at its own first panel instead of that of the chain. */
static void forgets(const lsq_gemv_args *a, size_t p0, size_t p1)
{
    lsq_gemv_args other = *a;
    size_t bits = (size_t)lsq_family_names[model->codec][1] - '0';
    other.w.codes += p0 * other.w.groups * 64 * bits;
    other.w.scales += p0 * other.w.groups * (other.w.scale == LSQ_SCALE_NIBBLE32 ? 8 : 16);
    other.w.rows += p0 * PANEL;
    model->run.gemv(&other, 0, p1 - p0);
}

/* As an AVX2 kernel would whose pair sums saturate in 16 bits. */
static void saturates(const lsq_gemv_args *a, size_t p0, size_t p1)
{
    model->run.gemv(a, p0, p1);
    for (size_t i = 0; i < (p1 - p0) * PANEL; i++)
        if (fabsf(a->y[i]) > 32 * 127)
            a->y[i] *= 0.5f;
}

static void wrong_group(const lsq_decode_args *a, size_t p, size_t g0, size_t g1)
{
    model->run.decode(a, p, g0, g1);
    a->out[PANEL * GROUP * (g1 - g0) - 1] = -a->out[PANEL * GROUP * (g1 - g0) - 2];
}

/* ---- Of the other ops ---- */

static void change(float *number)
{
    *number = *number == 0 ? 1 : *number * 1.001f;
}

/* The last level of the first panel's groups. */
static void wrong_level(const lsq_expand_args *a, size_t p, size_t g0, size_t g1)
{
    const size_t last = TILE * (g1 - g0) - 1;
    model->run.expand(a, p, g0, g1);
    if (model->act == ACT_i8)
        ((int8_t *)a->out)[last] ^= 1;
    else
        ((int16_t *)a->out)[last] ^= 1;
}

static void wrong_column(const lsq_gemm_args *a, size_t p, size_t g0, size_t g1)
{
    model->run.gemm(a, p, g0, g1);
    change(&a->sums[0]);
}

/* The last bit of one sum, of one column of several. */
static void last_bit_of_a_column(const lsq_gemm_args *a, size_t p, size_t g0, size_t g1)
{
    model->run.gemm(a, p, g0, g1);
    float *sum = &a->sums[1 * PANEL];
    *sum = *sum == 0 ? 0 : nextafterf(*sum, INFINITY);
}

/* Begins anew where it ought to go on. */
static void starts_anew(const lsq_gemm_args *a, size_t p, size_t g0, size_t g1)
{
    const size_t floats = model->act == ACT_f32 ? (a->quads + 3) / 4 * PANEL * STRIP : a->quads * QUAD * PANEL;
    if (g0 > 0)
        memset(a->sums, 0, floats * sizeof(float));
    model->run.gemm(a, p, g0, g1);
}

static void wrong_sum(const lsq_gemvt_args *a, size_t p, size_t g0, size_t g1)
{
    model->run.gemvt(a, p, g0, g1);
    change(&a->y[g1 * GROUP - GROUP]);
}

static void last_bit_of_a_sum(const lsq_gemvt_args *a, size_t p, size_t g0, size_t g1)
{
    model->run.gemvt(a, p, g0, g1);
    float *y = &a->y[g0 * GROUP];
    *y = *y == 0 ? 0 : nextafterf(*y, INFINITY);
}

static void odd_to_up(const lsq_round_args *a)
{
    model->run.round(a);
    if (model->act == ACT_i8)
        ((int8_t *)a->q)[0] ^= 1;
    else
        ((int16_t *)a->q)[0] ^= 1;
}

static void wrong_scale(const lsq_round_args *a)
{
    model->run.round(a);
    a->sx[(a->groups - 1) * a->lanes] *= 2;
}

static void wrong_bias(const lsq_round_args *a)
{
    model->run.round(a);
    a->bias[(a->groups * 2 - 1) * a->lanes]++;
}

static void wrong_negative(const lsq_round_args *a)
{
    model->run.round(a);
    a->negative[(a->groups * 2 - 1) * a->lanes]++;
}

/* As one would that forgot that vectors may lie side by side. */
static void one_lane(const lsq_round_args *a)
{
    lsq_round_args other = *a;
    other.lanes = 1;
    model->run.round(&other);
}

static void wrong_sums_of_a_strip(const lsq_roundt_args *a)
{
    model->run.roundt(a);
    a->negative[(3 * a->all + a->groups) * 2 * QUAD - 1]++;
}

static void one_row_twice(const lsq_roundt_args *a)
{
    lsq_roundt_args other = *a;
    other.ld = 0;
    model->run.roundt(&other);
}

/* As one would that forgot that there are columns of more groups than these. */
static void quads_side_by_side(const lsq_roundt_args *a)
{
    lsq_roundt_args other = *a;
    other.all = other.groups;
    model->run.roundt(&other);
}

static void prefers_the_last(const lsq_encode_args *a)
{
    model->run.measure(a);
    for (size_t r = 0; r < PANEL; r++)
        a->error[(a->tries - 1) * PANEL + r] *= 0.5f;
}

static void wrong_rank(const lsq_encode_args *a)
{
    model->run.encode(a);
    a->rank[0] ^= 1;
}

static void wrong_way(const lsq_encode_args *a)
{
    model->run.encode(a);
    for (size_t i = 0; i < TILE; i++)
        a->chose[i * 2] ^= 1;
}

/* ---- Judging ---- */

/* What the model's function is replaced by, if it is not NULL. */
typedef struct plant {
    lsq_gemv_fn *gemv;
    lsq_decode_fn *decode;
    lsq_expand_fn *expand;
    lsq_gemm_fn *gemm;
    lsq_gemvt_fn *gemvt;
    lsq_round_fn *round;
    lsq_roundt_fn *roundt;
    lsq_encode_fn *encode; /* and measure */
} plant;

static const plant right = {.gemv = NULL};

static lsq_kernel faulty_of(plant fault)
{
    lsq_kernel faulty = *model;
    if (fault.gemv)
        faulty.run.gemv = fault.gemv;
    else if (fault.decode)
        faulty.run.decode = fault.decode;
    else if (fault.expand)
        faulty.run.expand = fault.expand;
    else if (fault.gemm)
        faulty.run.gemm = fault.gemm;
    else if (fault.gemvt)
        faulty.run.gemvt = fault.gemvt;
    else if (fault.round)
        faulty.run.round = fault.round;
    else if (fault.roundt)
        faulty.run.roundt = fault.roundt;
    else if (fault.encode)
        faulty.run.encode = fault.encode;
    return faulty;
}

static verdict judge(unsigned op, unsigned codec, unsigned act, plant fault)
{
    char why[160] = "";
    model = lsq_kernel_reference(op, codec, act);
    ck_assert_ptr_nonnull(model);
    const lsq_kernel faulty = faulty_of(fault);
    const verdict is = verify_kernel(&shop, &faulty, model, why, sizeof(why));
    ck_assert((is == WRONG) == (why[0] != 0));
    return is;
}

/* The reference of every kind, all ops among them; under an emulator, where that takes minutes, a kind of each op and activations. */
START_TEST(references_are_right)
{
    unsigned ops[ACTS] = {0}, all = 0;
    for (size_t i = 0; i < lsq_kernels_count; i++) {
        const lsq_kernel *row = &lsq_kernels[i];
        if (row != lsq_kernel_reference(row->op, row->codec, row->act))
            continue;
        if (emulated() && ops[row->act] >> row->op & 1)
            continue;
        ck_assert_int_eq(judge(row->op, row->codec, row->act, right), RIGHT);
        ops[row->act] |= 1u << row->op;
        all |= 1u << row->op;
    }
    ck_assert_uint_eq(all, (1u << OPS) - 1);
}
END_TEST

START_TEST(faults_are_found)
{
    ck_assert_int_eq(judge(OP_gemv, CODEC_p4, ACT_i8, (plant){.gemv = last_bit}), WRONG);
    ck_assert_int_eq(judge(OP_gemv, CODEC_p8, ACT_i16, (plant){.gemv = last_bit}), WRONG);
    ck_assert_int_eq(judge(OP_gemv, CODEC_b1, ACT_i8, (plant){.gemv = last_bit}), WRONG);
    ck_assert_int_eq(judge(OP_gemv, CODEC_p4, ACT_f32, (plant){.gemv = last_bit}),
                     RIGHT); /* the order of a sum may do that */
    ck_assert_int_eq(judge(OP_gemv, CODEC_p4, ACT_f32, (plant){.gemv = one_in_a_thousand}), WRONG);
    ck_assert_int_eq(judge(OP_gemv, CODEC_p4, ACT_i8, (plant){.gemv = one_panel_too_far}), WRONG);
    ck_assert_int_eq(judge(OP_gemv, CODEC_p4, ACT_f32, (plant){.gemv = one_panel_too_far}), WRONG);
    ck_assert_int_eq(judge(OP_gemv, CODEC_p4, ACT_i8, (plant){.gemv = one_panel_short}), WRONG);
    ck_assert_int_eq(judge(OP_gemv, CODEC_p4, ACT_i8, (plant){.gemv = no_scales}), WRONG);
    ck_assert_int_eq(judge(OP_gemv, CODEC_p6, ACT_i8, (plant){.gemv = saturates}), WRONG);
    ck_assert_int_eq(judge(OP_decode, CODEC_p3, ACT_f32, (plant){.decode = wrong_group}), WRONG);
}
END_TEST

START_TEST(faults_of_trellises_are_found)
{
    ck_assert_int_eq(judge(OP_gemv, CODEC_t2, ACT_i8, (plant){.gemv = always_16_states}), WRONG);
    ck_assert_int_eq(judge(OP_gemv, CODEC_t4, ACT_f32, (plant){.gemv = always_16_states}), WRONG);
    ck_assert_int_eq(judge(OP_gemv, CODEC_t4, ACT_i8, (plant){.gemv = forgets}), WRONG);
    ck_assert_int_eq(judge(OP_gemv, CODEC_t4, ACT_f32, (plant){.gemv = forgets}), WRONG);
}
END_TEST

START_TEST(faults_of_expanded_products_are_found)
{
    ck_assert_int_eq(judge(OP_expand, CODEC_p4, ACT_i8, (plant){.expand = wrong_level}), WRONG);
    ck_assert_int_eq(judge(OP_expand, CODEC_p9, ACT_i16, (plant){.expand = wrong_level}), WRONG);
    ck_assert_int_eq(judge(OP_expand, CODEC_t3, ACT_i8, (plant){.expand = wrong_level}), WRONG);
    ck_assert_int_eq(judge(OP_gemm, CODEC_e8, ACT_i8, (plant){.gemm = last_bit_of_a_column}), WRONG);
    ck_assert_int_eq(judge(OP_gemm, CODEC_e16, ACT_i16, (plant){.gemm = last_bit_of_a_column}), WRONG);
    ck_assert_int_eq(judge(OP_gemm, CODEC_p4, ACT_i8, (plant){.gemm = last_bit_of_a_column}), WRONG);
    ck_assert_int_eq(judge(OP_gemm, CODEC_p9, ACT_i16, (plant){.gemm = last_bit_of_a_column}), WRONG);
    ck_assert_int_eq(judge(OP_gemm, CODEC_t6, ACT_i8, (plant){.gemm = last_bit_of_a_column}), WRONG);
    ck_assert_int_eq(judge(OP_gemm, CODEC_e32, ACT_f32, (plant){.gemm = last_bit_of_a_column}), RIGHT);
    ck_assert_int_eq(judge(OP_gemm, CODEC_e32, ACT_f32, (plant){.gemm = wrong_column}), WRONG);
    ck_assert_int_eq(judge(OP_gemm, CODEC_e8, ACT_i8, (plant){.gemm = starts_anew}), WRONG);
    ck_assert_int_eq(judge(OP_gemm, CODEC_e16, ACT_i16, (plant){.gemm = starts_anew}), WRONG);
    ck_assert_int_eq(judge(OP_gemm, CODEC_e32, ACT_f32, (plant){.gemm = starts_anew}), WRONG);
    ck_assert_int_eq(judge(OP_gemvt, CODEC_e8, ACT_i8, (plant){.gemvt = last_bit_of_a_sum}), WRONG);
    ck_assert_int_eq(judge(OP_gemvt, CODEC_e16, ACT_i16, (plant){.gemvt = last_bit_of_a_sum}), WRONG);
    ck_assert_int_eq(judge(OP_gemvt, CODEC_e32, ACT_f32, (plant){.gemvt = last_bit_of_a_sum}), RIGHT);
    ck_assert_int_eq(judge(OP_gemvt, CODEC_e32, ACT_f32, (plant){.gemvt = wrong_sum}), WRONG);
}
END_TEST

START_TEST(faults_of_rounding_are_found)
{
    ck_assert_int_eq(judge(OP_round, CODEC_x, ACT_i8, (plant){.round = odd_to_up}), WRONG);
    ck_assert_int_eq(judge(OP_round, CODEC_x, ACT_i16, (plant){.round = odd_to_up}), WRONG);
    ck_assert_int_eq(judge(OP_round, CODEC_x, ACT_i8, (plant){.round = wrong_scale}), WRONG);
    ck_assert_int_eq(judge(OP_round, CODEC_x, ACT_i16, (plant){.round = wrong_scale}), WRONG);
    ck_assert_int_eq(judge(OP_round, CODEC_x, ACT_i8, (plant){.round = wrong_bias}), WRONG);
    ck_assert_int_eq(judge(OP_round, CODEC_x, ACT_i8, (plant){.round = wrong_negative}), WRONG);
    ck_assert_int_eq(judge(OP_round, CODEC_x, ACT_i8, (plant){.round = one_lane}), WRONG);
    ck_assert_int_eq(judge(OP_round, CODEC_x, ACT_i16, (plant){.round = one_lane}), WRONG);
    ck_assert_int_eq(judge(OP_roundt, CODEC_x, ACT_i8, (plant){.roundt = wrong_sums_of_a_strip}), WRONG);
    ck_assert_int_eq(judge(OP_roundt, CODEC_x, ACT_i8, (plant){.roundt = one_row_twice}), WRONG);
    ck_assert_int_eq(judge(OP_roundt, CODEC_x, ACT_i16, (plant){.roundt = one_row_twice}), WRONG);
    ck_assert_int_eq(judge(OP_roundt, CODEC_x, ACT_i8, (plant){.roundt = quads_side_by_side}), WRONG);
}
END_TEST

START_TEST(faults_of_encoding_are_found)
{
    ck_assert_int_eq(judge(OP_measure, CODEC_p4, ACT_f32, (plant){.encode = prefers_the_last}), WRONG);
    ck_assert_int_eq(judge(OP_measure, CODEC_t4, ACT_f32, (plant){.encode = prefers_the_last}), WRONG);
    ck_assert_int_eq(judge(OP_encode, CODEC_p4, ACT_f32, (plant){.encode = wrong_rank}), WRONG);
    ck_assert_int_eq(judge(OP_encode, CODEC_p8, ACT_f32, (plant){.encode = wrong_rank}), WRONG);
    ck_assert_int_eq(judge(OP_encode, CODEC_b1, ACT_f32, (plant){.encode = wrong_rank}), WRONG);
    ck_assert_int_eq(judge(OP_encode, CODEC_t2, ACT_f32, (plant){.encode = wrong_way}), WRONG);
    ck_assert_int_eq(judge(OP_encode, CODEC_t5, ACT_f32, (plant){.encode = wrong_way}), WRONG);
}
END_TEST

/* ---- Kinds ---- */

/* A wrong row leaves the kind, the others stay in their order; only then is the default known to be wrong. */
START_TEST(wrong_rows_are_left_out)
{
    volatile sig_atomic_t stop = 0;
    failures wrong = {NULL, 0};
    model = lsq_kernel_reference(OP_gemv, CODEC_p4, ACT_i8);
    lsq_kernel bad = *model, good = *model;
    bad.run.gemv = last_bit;
    kind k = {
        .op = OP_gemv, .codec = CODEC_p4, .act = ACT_i8, .rows = {model, &bad, &good}, .count = 3, .usual = &good};
    ck_assert_int_eq(kind_check(&k, &shop, &wrong, &stop), 1);
    ck_assert_uint_eq(k.count, 2);
    ck_assert(k.rows[0] == model && k.rows[1] == &good);
    ck_assert(k.usual == &good && !k.default_wrong);
    ck_assert_uint_eq(wrong.count, 1);
    ck_assert_ptr_eq(wrong.list[0].kernel, &bad);
    ck_assert(wrong.list[0].why[0]);
    /* Once. */
    ck_assert_int_eq(kind_check(&k, &shop, &wrong, &stop), 1);
    ck_assert_uint_eq(wrong.count, 1);
    free(wrong.list);

    wrong = (failures){NULL, 0};
    k = (kind){
        .op = OP_gemv, .codec = CODEC_p4, .act = ACT_i8, .rows = {model, &good, &bad}, .count = 3, .usual = &bad};
    ck_assert_int_eq(kind_check(&k, &shop, &wrong, &stop), 1);
    ck_assert(k.count == 2 && k.usual == &good && k.default_wrong);
    free(wrong.list);

    wrong = (failures){NULL, 0};
    k = (kind){.op = OP_gemv, .codec = CODEC_p4, .act = ACT_i8, .rows = {&bad}, .count = 1, .usual = &bad};
    ck_assert_int_eq(kind_check(&k, &shop, &wrong, &stop), 1);
    ck_assert(k.count == 0 && !k.usual);
    free(wrong.list);
}
END_TEST

static volatile sig_atomic_t asked_to_stop;

static void stops(const lsq_gemv_args *a, size_t p0, size_t p1)
{
    model->run.gemv(a, p0, p1);
    asked_to_stop = 2;
}

/* Kernels that there was no time to look at are not wrong. */
START_TEST(an_interrupted_check_decides_nothing)
{
    failures wrong = {NULL, 0};
    model = lsq_kernel_reference(OP_gemv, CODEC_p4, ACT_i8);
    lsq_kernel second = *model, third = *model;
    second.run.gemv = stops;
    kind k = {
        .op = OP_gemv, .codec = CODEC_p4, .act = ACT_i8, .rows = {model, &second, &third}, .count = 3, .usual = &third};
    asked_to_stop = 0;
    ck_assert_int_eq(kind_check(&k, &shop, &wrong, &asked_to_stop), 1);
    ck_assert(k.count == 3 && k.rows[2] == &third && k.usual == &third);
    ck_assert(!k.checked && !k.default_wrong);
    ck_assert_uint_eq(wrong.count, 0);
}
END_TEST

/* All that this CPU can run. */
START_TEST(all_rows_are_right)
{
    volatile sig_atomic_t stop = 0;
    failures wrong = {NULL, 0};
    size_t count;
    kind *kinds = kinds_list(&shop.cpu, &count);
    ck_assert_ptr_nonnull(kinds);
    for (size_t i = 0; i < count; i++) {
        const size_t rows = kinds[i].count;
        ck_assert_int_eq(kind_check(&kinds[i], &shop, &wrong, &stop), 1);
        ck_assert_msg(!wrong.count, "%s: %s", wrong.list[0].kernel->name, wrong.list[0].why);
        ck_assert(kinds[i].count == rows && !kinds[i].default_wrong);
    }
    free(kinds);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tuner_verify");
    TCase *checking = tcase_create("checking");
    tcase_add_checked_fixture(checking, open_shop, close_shop);
    tcase_add_test(checking, faults_are_found);
    tcase_add_test(checking, faults_of_trellises_are_found);
    tcase_add_test(checking, references_are_right);
    tcase_add_test(checking, faults_of_expanded_products_are_found);
    tcase_add_test(checking, faults_of_rounding_are_found);
    tcase_add_test(checking, faults_of_encoding_are_found);
    tcase_add_test(checking, wrong_rows_are_left_out);
    tcase_add_test(checking, an_interrupted_check_decides_nothing);
    tcase_add_test(checking, all_rows_are_right);
    tcase_set_timeout(checking, 100);
    suite_add_tcase(suite, checking);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
