/*
 * test_blas.c - lsq_sgemv() and lsq_sgemm() keep to the letter of BLAS: the same calls, with decoded weights, to plain loops
 * and, where there is one, to OpenBLAS.
 */
#include "tests/blas_call.h"

#include <errno.h>

/* ---- Checking one call ---- */

enum { MOST = 1 << 15 /* floats of B or C */, MARGIN = 32 /* more, before C */ };

static lsq_context *contexts[2][2]; /* activation, threads - 1 */
static guarded room_of_b, room_of_c, nothing;
static float *before, values[MOST];        /* C as BLAS gets it; what C has in it if beta is not 0 */
static const uint32_t poison = 0x7fc5a5a5; /* a NaN: read, it spreads; written, it is gone */

static void make(void)
{
    for (int act = 0; act < 2; act++)
        for (unsigned threads = 1; threads <= 2; threads++) {
            lsq_context_options options = {.size = sizeof(options), .activation = act, .threads = threads};
            OK(lsq_context_new(&options, &contexts[act][threads - 1], NULL));
        }
    room_of_b = guarded_new(MOST * sizeof(float), 1);
    room_of_c = guarded_new(MOST * sizeof(float), 1);
    nothing = guarded_new(0, 1);
    before = memory(MOST * sizeof(float));
    fill_bell(77, values, MOST);
}

static void drop(void)
{
    for (int i = 0; i < 4; i++)
        lsq_context_free(contexts[i / 2][i % 2]);
    guarded_free(&room_of_b);
    guarded_free(&room_of_c);
    guarded_free(&nothing);
    free(before);
}

/* The last `n` floats of a room, before a page that nobody may touch. */
static float *end_of(const guarded *room, size_t n)
{
    EXPECT(n + MARGIN <= MOST, "%zu floats are more than there is room for", n);
    return (float *)room->data + (MOST - n);
}

static void put_poison(float *to, size_t n)
{
    for (size_t i = 0; i < n; i++)
        memcpy(to + i, &poison, sizeof(poison));
}

/* What C has before: with beta = 0 nothing that can be added. */
static float value_before(const call *c, size_t i)
{
    static const float unread[] = {NAN, INFINITY, -INFINITY, -NAN};
    return c->beta == 0 ? unread[i % COUNT(unread)] : values[i];
}

/* All of C: elements as promised, the rest still poison. Puts poison everywhere. */
static void check_result(const char *who, const call *c, const matrix *a, const promise *to, const product *p, float *y)
{
    const layout l = layout_of_c(c, a);
    const double inner = (double)inner_of(a, c->tw);
    for (size_t j = 0; j < l.columns; j++)
        for (size_t i = 0; i < l.rows; i++) {
            const size_t at = j * l.rows + i;
            float *e = element(y, &l, i, j), y0 = value_before(c, at);
            EXPECT(keeps(to, p, at, c->alpha, c->beta, y0, *e, inner),
                   "%s: element (%zu, %zu) was %.9g and is %.9g, the product %.17g: %s", who, i, j, y0, *e, p->sum[at],
                   text_of(c, a));
            memcpy(e, &poison, sizeof(poison));
        }
    for (size_t i = 0; i < l.room + MARGIN; i++)
        EXPECT(!memcmp(y + i - MARGIN, &poison, sizeof(poison)), "%s: wrote beside C: %s", who, text_of(c, a));
}

/* Columns of op(B), their exact product, and their product as the library promises it. */
typedef struct expected {
    const float *x;
    promise to, to_blas;
    product ours, exact;
} expected;

static expected expected_of(lsq_activation act, lsq_transpose t, const matrix *a, size_t n, const float *x)
{
    expected e = {.x = x, .to = promise_of(act, t, a), .to_blas = promise_of_blas(t, a)};
    e.ours = product_of_columns(a, t, n, x, e.to.steps);
    e.exact = product_of_columns(a, t, n, x, 0);
    return e;
}

static void expected_free(expected *e)
{
    product_free(&e->ours);
    product_free(&e->exact);
}

static void check(const call *c, const matrix *a, const expected *e)
{
    const layout lb = layout_of_b(c, a), lc = layout_of_c(c, a);
    float *b = end_of(&room_of_b, lb.room), *y = end_of(&room_of_c, lc.room);
    put_poison(b, lb.room);
    for (size_t j = 0; j < lb.columns; j++)
        for (size_t i = 0; i < lb.rows; i++)
            *element(b, &lb, i, j) = e->x[j * lb.rows + i];
    put_poison(y - MARGIN, lc.room + MARGIN);
    for (size_t j = 0; j < lc.columns; j++)
        for (size_t i = 0; i < lc.rows; i++)
            *element(y, &lc, i, j) = value_before(c, j * lc.rows + i);
    memcpy(before, y - MARGIN, (lc.room + MARGIN) * sizeof(float));
    /* With alpha = 0 whoever looks at W or B does not come back, and there may be no B. */
    const lsq_context *ctx = contexts[c->act][c->threads - 1];
    const float *none = c->beta == 1 ? NULL : nothing.data;
    lsq_status status = c->alpha == 0 ? run(ctx, c, a->blind, none, y) : run(ctx, c, a->w, b, y);
    EXPECT(status == LSQ_OK, "%s: %s", lsq_strerror(status), text_of(c, a));
    check_result("lsq", c, a, &e->to, &e->ours, y);
#if LSQ_OPENBLAS
    run_openblas(c, a, b, before + MARGIN);
    check_result("OpenBLAS", c, a, &e->to_blas, &e->exact, before + MARGIN);
#endif
}

/* ---- Tables ---- */

static const char *const formats[] = {"s4", "s9.tensor", "c8.row", "c4.none", "t3", "t4.nib32", "t2.st64.byte32"};

/* Rows, columns, and the largest n. The last has two chains of panels, one for each of two threads. */
static const size_t shapes[][3] = {{1, 1, 17}, {1, 70, 64}, {35, 1, 64}, {16, 32, 257}, {35, 70, 17}, {290, 45, 5}};

static const size_t counts[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 17, 64, 257};
static const ptrdiff_t increments[] = {1, -1, 2, -3};
static const size_t pads[][2] = {{0, 0}, {3, 2}, {0, 5}, {4, 0}}; /* of ldb, ldc over what must be */
static const float factors[] = {0, 1, -1, 0.37f};

enum { MATRICES = COUNT(formats) * COUNT(shapes), PAIRS = COUNT(factors) * COUNT(factors) };

static matrix nth_matrix(int i)
{
    const size_t *shape = shapes[(size_t)i % COUNT(shapes)];
    return matrix_new(formats[(size_t)i / COUNT(shapes)], shape[0], shape[1], 50 + (uint64_t)i);
}

static void set_factors(call *c, size_t pair)
{
    c->alpha = factors[pair / COUNT(factors) % COUNT(factors)];
    c->beta = factors[pair % COUNT(factors)];
}

/* Both leading dimensions, that much over what must be. */
static void set_leading(call *c, const matrix *a, size_t pad_b, size_t pad_c)
{
    c->ldb = ((c->order == COL) == (c->tb == NO) ? inner_of(a, c->tw) : c->n) + pad_b;
    c->ldc = (c->order == COL ? outer_of(a, c->tw) : c->n) + pad_c;
}

START_TEST(gemv_conforms)
{
    matrix a = nth_matrix(_i);
    float x[290];
    fill_bell(9, x, COUNT(x));
    for (int how = 0; how < 4; how++) {
        call c = {.kind = GEMV, .tw = how & 1 ? YES : NO, .n = 1, .act = how & 2 ? LSQ_ACT_FLOAT : LSQ_ACT_INT};
        expected e = expected_of(c.act, c.tw, &a, 1, x);
        for (size_t i = 0; i < COUNT(increments) * COUNT(increments) * PAIRS; i++) {
            c.incx = increments[i / PAIRS % COUNT(increments)];
            c.incy = increments[i / PAIRS / COUNT(increments)];
            c.threads = 1 + (i % 37 == 0);
            set_factors(&c, i % PAIRS);
            check(&c, &a, &e);
        }
        expected_free(&e);
    }
    matrix_free(&a);
}
END_TEST

/* All orders, transposes, numbers of columns and gaps; factors take turns, so that all meet all over the matrices. */
START_TEST(gemm_conforms)
{
    matrix a = nth_matrix(_i);
    const size_t most = shapes[(size_t)_i % COUNT(shapes)][2];
    float *x = memory(290 * most * sizeof(float));
    size_t turn = (size_t)_i;
    fill_bell(9, x, 290 * most);
    for (int how = 0; how < 4; how++) {
        call c = {.kind = GEMM, .tw = how & 1 ? YES : NO, .act = how & 2 ? LSQ_ACT_FLOAT : LSQ_ACT_INT};
        expected e = expected_of(c.act, c.tw, &a, most, x);
        for (size_t i = 0; i < COUNT(counts) && (c.n = counts[i]) <= most; i++, turn++)
            for (size_t lie = 0; lie < 4 * COUNT(pads); lie++, turn++) {
                c.order = lie & 1 ? COL : ROW;
                c.tb = lie & 2 ? YES : NO;
                c.threads = 1 + (turn % 37 == 0); /* few: threads that wait do so at full speed */
                set_leading(&c, &a, pads[lie / 4][0], pads[lie / 4][1]);
                set_factors(&c, turn % PAIRS);
                check(&c, &a, &e);
            }
        expected_free(&e);
    }
    free(x);
    matrix_free(&a);
}
END_TEST

/* ---- Unusual numbers ---- */

enum numbers { A_NAN, AN_INFINITY, BOTH_INFINITIES, ZEROS, DENORMALS, TINY, LARGE, NUMBERS };

/* Columns of `inner` numbers, one in two of which are what `which` says; the others are usual. */
static void fill_unusual(enum numbers which, float *x, size_t inner, size_t n)
{
    fill_bell(which, x, inner * n);
    for (size_t j = 0; j < n; j += 2) {
        float *column = x + j * inner, *one = column + (inner / 2 + 17 * j) % inner;
        switch (which) {
        case A_NAN:
            *one = j ? NAN : -NAN;
            break;
        case BOTH_INFINITIES:
            column[inner - 1] = -INFINITY;
            *one = INFINITY;
            break;
        case AN_INFINITY:
            *one = INFINITY;
            break;
        default: /* the largest of 32 is some 2^-3: times 2^-97 that is on both sides of 2^-100 */
            for (size_t i = 0; i < inner; i++)
                column[i] *= which == ZEROS       ? -0.0f
                             : which == DENORMALS ? 0x1p-140f
                             : which == TINY      ? 0x1p-97f
                                                  : 0x1p100f;
        }
    }
}

START_TEST(unusual_numbers)
{
    matrix a = matrix_new(formats[(size_t)_i / NUMBERS], 35, 70, (uint64_t)_i);
    float x[5 * 70];
    for (int how = 0; how < 4 * 2; how++) {
        call c = {.order = ROW, .tw = how & 1 ? YES : NO, .tb = NO, .threads = 1, .incx = -1, .incy = 1};
        c.act = how & 2 ? LSQ_ACT_FLOAT : LSQ_ACT_INT;
        c.kind = how & 4 ? GEMM : GEMV;
        c.n = c.kind == GEMM ? 5 : 1;
        fill_unusual((enum numbers)(_i % NUMBERS), x, inner_of(&a, c.tw), c.n);
        expected e = expected_of(c.act, c.tw, &a, c.n, x);
        set_leading(&c, &a, 0, 0);
        for (size_t pair = 0; pair < PAIRS; pair++) {
            set_factors(&c, pair);
            check(&c, &a, &e);
        }
        expected_free(&e);
    }
    matrix_free(&a);
}
END_TEST

/* ---- Random calls ---- */

static size_t below(number_source *s, size_t n)
{
    return next_u32(s) % n;
}

static ptrdiff_t random_increment(number_source *s)
{
    ptrdiff_t inc = 1 + (ptrdiff_t)below(s, 5);
    return below(s, 2) ? inc : -inc;
}

static float random_factor(number_source *s)
{
    size_t i = below(s, 2 * COUNT(factors));
    return i < COUNT(factors) ? factors[i] : 16 * bell(s);
}

START_TEST(random_calls)
{
    number_source s = {2026 + (uint64_t)_i};
    for (int i = 0; i < 100; i++) {
        const char *format = formats[below(&s, COUNT(formats))];
        size_t m = 1 + below(&s, 90), k = 1 + below(&s, 140);
        matrix a = matrix_new(format, m, k, next_u32(&s));
        call c = {.kind = below(&s, 2) ? GEMV : GEMM};
        c.order = below(&s, 2) ? ROW : COL;
        c.tw = below(&s, 2) ? NO : YES;
        c.tb = below(&s, 2) ? NO : YES;
        c.n = c.kind == GEMV ? 1 : 1 + below(&s, 30);
        c.incx = random_increment(&s);
        c.incy = random_increment(&s);
        c.alpha = random_factor(&s);
        c.beta = random_factor(&s);
        c.act = below(&s, 2) ? LSQ_ACT_INT : LSQ_ACT_FLOAT;
        c.threads = 1 + (unsigned)below(&s, 2);
        set_leading(&c, &a, below(&s, 6), below(&s, 6));
        float x[30 * 140];
        fill_bell(a.seed, x, COUNT(x));
        expected e = expected_of(c.act, c.tw, &a, c.n, x);
        check(&c, &a, &e);
        expected_free(&e);
        matrix_free(&a);
    }
}
END_TEST

/* ---- Calls that are refused, or do nothing ---- */

/* Of a matrix of M x K. What is missing, 'w', 'b' or 'c', is NULL. */
enum { M = 35, K = 70 };
static const struct refusal {
    call c;
    char missing;
} refusals[] = {
    {{GEMV, .tw = NO, .incx = 1, .incy = 1}, 'w'},
    {{GEMV, .tw = NO, .incx = 1, .incy = 1}, 'b'},
    {{GEMV, .tw = YES, .incx = 1, .incy = 1}, 'b'},
    {{GEMV, .tw = NO, .incx = 1, .incy = 1}, 'c'},
    {{GEMV, .tw = NO, .incx = 0, .incy = 1}, 0},
    {{GEMV, .tw = NO, .incx = 1, .incy = 0}, 0},
    {{GEMV, .tw = YES, .incx = 0, .incy = 1}, 0},
    {{GEMV, .tw = YES, .incx = 1, .incy = 0}, 0},
    {{GEMV, .tw = 0, .incx = 1, .incy = 1}, 0},
    {{GEMV, .tw = 110, .incx = 1, .incy = 1}, 0},
    {{GEMV, .tw = 113, .incx = 1, .incy = 1}, 0},
    {{GEMM, ROW, NO, NO, .n = 2, .ldb = 2, .ldc = 2}, 'w'},
    {{GEMM, ROW, NO, NO, .n = 2, .ldb = 2, .ldc = 2}, 'b'},
    {{GEMM, ROW, NO, NO, .n = 2, .ldb = 2, .ldc = 2}, 'c'},
    {{GEMM, COL, YES, YES, .n = 2, .ldb = 2, .ldc = K}, 'b'},
    {{GEMM, COL, YES, YES, .n = 2, .ldb = 2, .ldc = K}, 'c'},
    {{GEMM, 0, NO, NO, .n = 2, .ldb = K, .ldc = K}, 0},
    {{GEMM, 100, NO, NO, .n = 2, .ldb = K, .ldc = K}, 0},
    {{GEMM, 103, NO, NO, .n = 2, .ldb = K, .ldc = K}, 0},
    {{GEMM, ROW, 0, NO, .n = 2, .ldb = K, .ldc = K}, 0},
    {{GEMM, ROW, 113, NO, .n = 2, .ldb = K, .ldc = K}, 0},
    {{GEMM, ROW, NO, 0, .n = 2, .ldb = K, .ldc = K}, 0},
    {{GEMM, COL, NO, 113, .n = 2, .ldb = K, .ldc = K}, 0},
    /* B is inner x n, or n x inner; C is outer x n. */
    {{GEMM, ROW, NO, NO, .n = 2, .ldb = 1, .ldc = 2}, 0},
    {{GEMM, ROW, NO, NO, .n = 2, .ldb = 2, .ldc = 1}, 0},
    {{GEMM, ROW, YES, NO, .n = 2, .ldb = 1, .ldc = 2}, 0},
    {{GEMM, ROW, YES, NO, .n = 2, .ldb = 2, .ldc = 1}, 0},
    {{GEMM, ROW, NO, YES, .n = 2, .ldb = K - 1, .ldc = 2}, 0},
    {{GEMM, ROW, NO, YES, .n = 2, .ldb = K, .ldc = 1}, 0},
    {{GEMM, ROW, YES, YES, .n = 2, .ldb = M - 1, .ldc = 2}, 0},
    {{GEMM, ROW, YES, YES, .n = 2, .ldb = M, .ldc = 1}, 0},
    {{GEMM, COL, NO, NO, .n = 2, .ldb = K - 1, .ldc = M}, 0},
    {{GEMM, COL, NO, NO, .n = 2, .ldb = K, .ldc = M - 1}, 0},
    {{GEMM, COL, YES, NO, .n = 2, .ldb = M - 1, .ldc = K}, 0},
    {{GEMM, COL, YES, NO, .n = 2, .ldb = M, .ldc = K - 1}, 0},
    {{GEMM, COL, NO, YES, .n = 2, .ldb = 1, .ldc = M}, 0},
    {{GEMM, COL, NO, YES, .n = 2, .ldb = 2, .ldc = M - 1}, 0},
    {{GEMM, COL, YES, YES, .n = 2, .ldb = 1, .ldc = K}, 0},
    {{GEMM, COL, YES, YES, .n = 2, .ldb = 2, .ldc = K - 1}, 0},
    /* A leading dimension is at least 1, also of nothing. */
    {{GEMM, ROW, NO, NO, .n = 0, .ldb = 0, .ldc = 1}, 0},
    {{GEMM, ROW, NO, NO, .n = 0, .ldb = 1, .ldc = 0}, 0},
    {{GEMM, COL, NO, YES, .n = 0, .ldb = 0, .ldc = M}, 0},
    {{GEMM, COL, NO, NO, .n = 0, .ldb = K, .ldc = M - 1}, 0},
};

START_TEST(refused_calls_change_nothing)
{
    matrix a = matrix_new("s4", M, K, 1);
    float b[2 * K], y[2 * K], y0[2 * K];
    fill_bell(1, b, COUNT(b));
    fill_bell(2, y0, COUNT(y0));
    memcpy(y, y0, sizeof(y));
    errno = 77;
    for (size_t i = 0; i < COUNT(refusals) * PAIRS; i++) {
        const char missing = refusals[i / PAIRS].missing;
        call c = refusals[i / PAIRS].c;
        set_factors(&c, i % PAIRS);
        if (missing == 'b' && c.alpha == 0)
            continue; /* nobody needs it */
        lsq_status status =
            run(contexts[0][0], &c, missing == 'w' ? NULL : a.w, missing == 'b' ? NULL : b, missing == 'c' ? NULL : y);
        EXPECT(status == LSQ_E_ARGUMENT && !memcmp(y, y0, sizeof(y)), "refusal %zu: %s: %s", i / PAIRS,
               lsq_strerror(status), text_of(&c, &a));
    }
    ck_assert_int_eq(errno, 77);
    matrix_free(&a);
}
END_TEST

/* No columns: all is well, and nothing is looked at. */
START_TEST(no_columns_no_work)
{
    matrix a = matrix_new("t4", M, K, 1);
    for (size_t i = 0; i < 8 * PAIRS; i++) {
        call c = {GEMM, i & 1 ? COL : ROW, i & 2 ? YES : NO, i & 4 ? YES : NO, .ldb = K, .ldc = K};
        set_factors(&c, i / 8);
        OK(run(contexts[0][i % 2], &c, a.blind, nothing.data, nothing.data));
        OK(run(contexts[0][i % 2], &c, a.blind, NULL, NULL));
    }
    matrix_free(&a);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("blas");
    TCase *blas = new_case(suite, "blas");
    tcase_add_checked_fixture(blas, make, drop);
    tcase_add_loop_test(blas, gemv_conforms, 0, MATRICES);
    tcase_add_loop_test(blas, gemm_conforms, 0, MATRICES);
    tcase_add_loop_test(blas, unusual_numbers, 0, COUNT(formats) * NUMBERS);
    tcase_add_loop_test(blas, random_calls, 0, 8);
    tcase_add_test(blas, refused_calls_change_nothing);
    tcase_add_test(blas, no_columns_no_work);
    return run_suite(suite);
}
