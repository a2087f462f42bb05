/*
 * test_outliers.c - weights with outliers: what they decode and multiply to, by the definition in docs/codecs.md; and bytes
 * that are none.
 */
#include "tests/naive_outliers.h"

static const outlier_code usual = {.largest = 1.5f, .parameter = 3, .bits = 6, .divisor = 3};

static lsq_context *context_of(lsq_activation act, unsigned threads)
{
    lsq_context_options options = {.size = sizeof(options), .activation = (int)act, .threads = threads};
    lsq_context *ctx;
    OK(lsq_context_new(&options, &ctx, NULL));
    return ctx;
}

/* ---- The definition ---- */

/* A matrix without outliers and the same with some. */
typedef struct pair {
    lsq_format f;
    size_t m, k;
    uint8_t *packed, *bytes;
    float *sparse;
    int *code;
    lsq_weights *dense, *both;
} pair;

enum { FIRST, LAST, ONE_ROW, EVERY, SOME, PATTERNS };

static int is_outlier(unsigned pattern, size_t i, size_t m, size_t k, number_source *s)
{
    switch (pattern) {
    case FIRST:
        return i == 0;
    case LAST:
        return i == m * k - 1;
    case ONE_ROW:
        return i / k == m / 2;
    case EVERY:
        return 1;
    default:
        return next_u32(s) % 50 == 0 || i == m * k / 3;
    }
}

static pair make_pair(const char *name, size_t m, size_t k, unsigned pattern, outlier_code c)
{
    pair p = {.f = format_named(name), .m = m, .k = k};
    size_t packed_bytes, bytes;
    number_source s = {pattern + 1};
    p.packed = random_packed(p.f, m, k, 7, 0.5f, &packed_bytes);
    p.code = memory(m * k * sizeof(int));
    p.sparse = memory(m * k * sizeof(float));
    for (size_t i = 0; i < m * k; i++)
        p.code[i] = is_outlier(pattern, i, m, k, &s) ? (int)(next_u32(&s) % (1u << c.bits)) : -1;
    p.bytes = write_outliers(c, p.code, m * k, &bytes);
    p.dense = wrap(p.f, m, k, p.packed, packed_bytes);
    OK(lsq_weights_wrap_outliers(&p.f, m, k, p.packed, packed_bytes, p.bytes, bytes, &p.both, NULL));
    size_t count = read_outliers(p.bytes, p.sparse, m * k), found_bytes, found;
    ck_assert_ptr_eq(lsq_weights_outliers(p.both, &found_bytes, &found), p.bytes);
    ck_assert_uint_eq(found_bytes, bytes);
    ck_assert_uint_eq(found, count);
    return p;
}

static void drop_pair(pair *p)
{
    lsq_weights_free(p->dense);
    lsq_weights_free(p->both);
    free(p->packed);
    free(p->bytes);
    free(p->code);
    free(p->sparse);
}

/* Element i of y, which without outliers, alpha and beta is `sum`: outliers one after the other, from a row or a column of S. */
static float by_definition(const pair *p, int transposed, size_t i, const float *x, float sum, float alpha, float beta,
                           float before)
{
    for (size_t c = 0; !transposed && c < p->k; c++)
        if (p->code[i * p->k + c] >= 0)
            sum += p->sparse[i * p->k + c] * x[c];
    for (size_t r = 0; transposed && r < p->m; r++)
        if (p->code[r * p->k + i] >= 0)
            sum += p->sparse[r * p->k + i] * x[r];
    return beta == 0 ? alpha * sum : alpha * sum + beta * before;
}

static void check_decoding(const pair *p)
{
    float *dense = memory(p->m * p->k * sizeof(float)), *both = memory(p->m * p->k * sizeof(float));
    const size_t row = p->m / 3;
    OK(lsq_dequantize(NULL, p->dense, 0, p->m, dense, p->k));
    OK(lsq_dequantize(NULL, p->both, row, p->m - row, both, p->k));
    for (size_t i = row * p->k; i < p->m * p->k; i++) {
        const float expected = p->code[i] >= 0 ? dense[i] + p->sparse[i] : dense[i];
        EXPECT(!memcmp(&both[i - row * p->k], &expected, sizeof(float)), "%s, weight %zu: %.9g, expected %.9g",
               name_of(p->f), i, both[i - row * p->k], expected);
    }
    free(dense);
    free(both);
}

static void check_vectors(const pair *p, const lsq_context *ctx, int transposed)
{
    static const float alphas[] = {1, -0.75f, 3}, betas[] = {0, 0, 0.5f};
    const lsq_transpose t = transposed ? LSQ_TRANS : LSQ_NO_TRANS;
    const size_t outer = transposed ? p->k : p->m, inner = transposed ? p->m : p->k;
    float *x = memory(inner * 4), *spread = memory(2 * inner * 4), *base = memory(outer * 4), *y = memory(outer * 4);
    float *before = memory(outer * 4);
    fill_bell(3, x, inner);
    fill_bell(4, before, outer);
    for (size_t i = 0; i < inner; i++)
        spread[2 * i] = x[inner - 1 - i];
    OK(lsq_sgemv(ctx, t, 1, p->dense, x, 1, 0, base, 1));
    for (size_t j = 0; j < COUNT(alphas); j++) {
        memcpy(y, before, outer * 4);
        OK(lsq_sgemv(ctx, t, alphas[j], p->both, j == 2 ? spread : x, j == 2 ? -2 : 1, betas[j], y, 1));
        for (size_t i = 0; i < outer; i++) {
            const float expected = by_definition(p, transposed, i, x, base[i], alphas[j], betas[j], before[i]);
            EXPECT(!memcmp(&y[i], &expected, sizeof(float)), "%s %zu x %zu, trans %d: y[%zu] = %.9g, expected %.9g",
                   name_of(p->f), p->m, p->k, transposed, i, y[i], expected);
        }
    }
    for (size_t i = 0; !transposed && i < outer; i += 1 + outer / 5) {
        const float expected = by_definition(p, 0, i, x, base[i], 1, 0, 0);
        OK(lsq_dot(ctx, p->both, i, x, 1, y));
        EXPECT(!memcmp(y, &expected, sizeof(float)), "%s: dot with row %zu", name_of(p->f), i);
    }
    free(x);
    free(spread);
    free(base);
    free(y);
    free(before);
}

/* Columns against the same product without outliers, which has the same dense sums bit for bit. */
static void check_columns(const pair *p, const lsq_context *ctx, int transposed, lsq_order order, size_t n)
{
    const lsq_transpose t = transposed ? LSQ_TRANS : LSQ_NO_TRANS;
    const size_t outer = transposed ? p->k : p->m, inner = transposed ? p->m : p->k;
    const size_t ldb = (order == LSQ_ROW_MAJOR ? n : inner) + 1, ldc = (order == LSQ_ROW_MAJOR ? n : outer) + 2;
    const size_t b_count = ldb * (order == LSQ_ROW_MAJOR ? inner : n),
                 c_count = ldc * (order == LSQ_ROW_MAJOR ? outer : n);
    const size_t row = transposed ? 0 : p->m / 4, rows = transposed ? outer : p->m - row;
    float *b = memory(b_count * 4), *base = memory(c_count * 4), *c = memory(c_count * 4), *x = memory(inner * 4);
    fill_bell(5, b, b_count);
    fill_bell(6, c, c_count);
    if (transposed) {
        OK(lsq_sgemm(ctx, order, t, LSQ_NO_TRANS, n, 1, p->dense, b, ldb, 0, base, ldc));
        OK(lsq_sgemm(ctx, order, t, LSQ_NO_TRANS, n, -2, p->both, b, ldb, 0, c, ldc));
    } else {
        OK(lsq_sgemm_rows(ctx, order, LSQ_NO_TRANS, row, rows, n, 1, p->dense, b, ldb, 0, base, ldc));
        OK(lsq_sgemm_rows(ctx, order, LSQ_NO_TRANS, row, rows, n, -2, p->both, b, ldb, 0, c, ldc));
    }
    for (size_t j = 0; j < n; j++) {
        for (size_t i = 0; i < inner; i++)
            x[i] = b[order == LSQ_ROW_MAJOR ? i * ldb + j : j * ldb + i];
        for (size_t i = 0; i < rows; i++) {
            const size_t at = order == LSQ_ROW_MAJOR ? i * ldc + j : j * ldc + i;
            const float expected = by_definition(p, transposed, row + i, x, base[at], -2, 0, 0);
            EXPECT(!memcmp(&c[at], &expected, sizeof(float)),
                   "%s, trans %d, column %zu of %zu, row %zu: %.9g, not %.9g", name_of(p->f), transposed, j, n, i,
                   c[at], expected);
        }
    }
    free(b);
    free(base);
    free(c);
    free(x);
}

static const char *const names[] = {"s4", "c8.row", "t3", "s9.tensor", "t4.nib32", "b1"};

START_TEST(products_are_as_defined)
{
    static const size_t shapes[][2] = {{1, 1}, {3, 40}, {35, 70}, {16, 32}, {290, 33}};
    static const size_t columns[] = {1, 3, 8, 17, 40};
    const size_t m = shapes[_i][0], k = shapes[_i][1];
    for (size_t f = 0; f < COUNT(names); f++)
        for (unsigned pattern = 0; pattern < PATTERNS; pattern++) {
            pair p = make_pair(names[f], m, k, pattern, usual);
            check_decoding(&p);
            for (lsq_activation act = LSQ_ACT_INT; act <= LSQ_ACT_FLOAT; act++) {
                lsq_context *ctx = context_of(act, 1);
                for (int transposed = 0; transposed < 2; transposed++) {
                    check_vectors(&p, ctx, transposed);
                    for (size_t j = 0; j < COUNT(columns) && (pattern == SOME || j == 3); j++) {
                        check_columns(&p, ctx, transposed, LSQ_ROW_MAJOR, columns[j]);
                        check_columns(&p, ctx, transposed, LSQ_COL_MAJOR, columns[j]);
                    }
                }
                lsq_context_free(ctx);
            }
            drop_pair(&p);
        }
}
END_TEST

/* More columns than go through together, and enough rows for threads. */
START_TEST(threads_and_many_columns)
{
    pair p = make_pair("t4", 528, 700, SOME, usual);
    for (lsq_activation act = LSQ_ACT_INT; act <= LSQ_ACT_FLOAT; act++) {
        lsq_context *one = context_of(act, 1), *three = context_of(act, 3);
        check_columns(&p, three, 0, LSQ_COL_MAJOR, 530);
        for (int transposed = 0; transposed < 2; transposed++)
            check_vectors(&p, three, transposed);
        float x[700], y[2][700];
        fill_bell(8, x, 700);
        for (lsq_transpose t = LSQ_NO_TRANS; t <= LSQ_TRANS; t++) {
            OK(lsq_sgemv(one, t, 1, p.both, x, 1, 0, y[0], 1));
            OK(lsq_sgemv(three, t, 1, p.both, x, 1, 0, y[1], 1));
            ck_assert(!memcmp(y[0], y[1], (t == LSQ_TRANS ? 700 : 528) * sizeof(float)));
        }
        lsq_context_free(one);
        lsq_context_free(three);
    }
    drop_pair(&p);
}
END_TEST

/* Every width of codes and of gaps. */
START_TEST(all_codes)
{
    for (unsigned bits = 2; bits <= 12; bits++)
        for (unsigned i = 0; i <= 8; i++) {
            const outlier_code c = {.largest = 0x1p-20f, .parameter = 4 * i, .bits = bits, .divisor = i ? i : 8};
            pair p = make_pair("s3", 20, 37, SOME, c);
            check_decoding(&p);
            drop_pair(&p);
        }
}
END_TEST

/* ---- Bytes that are none ---- */

enum { M = 7, K = 45 };

static lsq_status wrapped(const void *bytes, size_t size, size_t k, lsq_error *err)
{
    const lsq_format f = format_named("s4");
    size_t packed_bytes;
    uint8_t *packed = random_packed(f, M, k, 7, 0.5f, &packed_bytes);
    lsq_weights *w = NULL;
    const lsq_status status = lsq_weights_wrap_outliers(&f, M, k, packed, packed_bytes, bytes, size, &w, err);
    if (status == LSQ_OK) { /* whatever they are, they can be multiplied with */
        float *x = memory(k * sizeof(float)), y[M];
        OK(lsq_sgemv(NULL, LSQ_NO_TRANS, 1, w, x, 1, 0, y, 1));
        free(x);
    } else {
        ck_assert_ptr_null(w);
        ck_assert(!err || (err->status == status && strstr(err->text, "outliers")));
    }
    lsq_weights_free(w);
    free(packed);
    return status;
}

static uint8_t *some_bytes(size_t *size)
{
    int code[M * K];
    number_source s = {5};
    for (size_t i = 0; i < M * K; i++)
        code[i] = is_outlier(SOME, i, M, K, &s) ? (int)(next_u32(&s) % 64) : -1;
    code[M * K - 1] = 0; /* so that nothing may be further away */
    return write_outliers(usual, code, M * K, size);
}

START_TEST(prefixes_are_truncated)
{
    lsq_error err = {0};
    size_t size;
    uint8_t *bytes = some_bytes(&size);
    OK(wrapped(bytes, size, K, NULL));
    for (size_t length = 0; length < size; length++) {
        uint8_t *exact = memory(length); /* so that a sanitizer sees a read behind them */
        memcpy(exact, bytes, length);
        ck_assert_int_eq(wrapped(exact, length, K, &err), LSQ_E_TRUNCATED);
        free(exact);
    }
    free(bytes);
}
END_TEST

START_TEST(flips_are_harmless)
{
    size_t size, refused = 0;
    uint8_t *bytes = some_bytes(&size);
    for (size_t bit = 0; bit < 8 * size; bit++) {
        lsq_error err = {0};
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        const lsq_status status = wrapped(bytes, size, K, &err);
        EXPECT(status == LSQ_OK || status == LSQ_E_MALFORMED || status == LSQ_E_TRUNCATED, "bit %zu: %d", bit, status);
        refused += status != LSQ_OK;
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    ck_assert_uint_gt(refused, 8 * size / 4);
    free(bytes);
}
END_TEST

static const struct {
    size_t offset, bytes;
    uint64_t value;
    lsq_status status;
    const char *text;
} lies[] = {
    {0, 8, 0, LSQ_E_MALFORMED, "byte 0"},
    {0, 8, 1, LSQ_E_MALFORMED, "the end"},
    {0, 8, UINT64_MAX, LSQ_E_TRUNCATED, "more bytes"},
    {0, 8, (uint64_t)1 << 61, LSQ_E_TRUNCATED, "more bytes"},
    {8, 4, 0x7f800000, LSQ_E_MALFORMED, "byte 8"},
    {8, 4, 0x7fc00000, LSQ_E_MALFORMED, "byte 8"},
    {8, 4, 0xbf800000, LSQ_E_MALFORMED, "byte 8"},
    {8, 4, 0, LSQ_E_MALFORMED, "byte 8"},
    {12, 1, 33, LSQ_E_MALFORMED, "byte 12"},
    {12, 1, 255, LSQ_E_MALFORMED, "byte 12"},
    {13, 1, 1, LSQ_E_MALFORMED, "byte 12"},
    {13, 1, 13, LSQ_E_MALFORMED, "byte 12"},
    {14, 1, 0, LSQ_E_MALFORMED, "byte 12"},
    {14, 1, 9, LSQ_E_MALFORMED, "byte 12"},
    {15, 1, 1, LSQ_E_MALFORMED, "byte 12"},
    {16, 8, UINT64_MAX, LSQ_E_MALFORMED, "behind the last weight"},
};

START_TEST(lies_are_refused)
{
    lsq_error err = {0};
    size_t size;
    uint8_t *bytes = some_bytes(&size);
    for (size_t i = 0; i < lies[_i].bytes; i++)
        bytes[lies[_i].offset + i] = (uint8_t)(lies[_i].value >> 8 * i);
    if (lies[_i].offset == 16) /* ones to the end: a gap as long as there are bits */
        memset(bytes + 16, 0xff, size - 17);
    const lsq_status status = wrapped(bytes, size, K, &err);
    ck_assert_msg(status == lies[_i].status && strstr(err.text, lies[_i].text), "%d, %s", status, err.text);
    free(bytes);
}
END_TEST

/* One of 0.75 at row 1, column 3 of 2 x 40. */
START_TEST(the_example_of_the_text)
{
    static const uint8_t example[] = {1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x40, 0x3f, 4, 2, 1, 0, 0xec, 0};
    const lsq_format f = format_named("s4");
    size_t bytes;
    uint8_t *packed = random_packed(f, 2, 40, 3, 0, &bytes); /* the tensor's scale is 0 */
    float w[80];
    lsq_weights *weights;
    OK(lsq_weights_wrap_outliers(&f, 2, 40, packed, bytes, example, sizeof(example), &weights, NULL));
    OK(lsq_dequantize(NULL, weights, 0, 2, w, 40));
    for (size_t i = 0; i < 80; i++)
        ck_assert(w[i] == (i == 43 ? 0.75f : 0));
    lsq_weights_free(weights);
    free(packed);
}
END_TEST

START_TEST(ends_are_exact)
{
    lsq_error err = {0};
    size_t size;
    int code[M * K];
    memset(code, -1, sizeof(code));
    code[3] = 1; /* 6 bits, 3 and a zero: 10, so that 6 are left */
    uint8_t *bytes = write_outliers(usual, code, M * K, &size);
    ck_assert_uint_eq(size, 18);
    OK(wrapped(bytes, size, K, NULL));
    bytes[17] |= 4;
    ck_assert_int_eq(wrapped(bytes, size, K, &err), LSQ_E_MALFORMED);
    bytes[17] &= 3;
    bytes = realloc(bytes, size + 1);
    bytes[size] = 0;
    ck_assert_int_eq(wrapped(bytes, size + 1, K, &err), LSQ_E_MALFORMED);
    ck_assert_int_eq(wrapped(NULL, 1, K, &err), LSQ_E_ARGUMENT);
    OK(wrapped(bytes, size, (size_t)1 << 20, NULL));
    ck_assert_int_eq(wrapped(bytes, size, ((size_t)1 << 20) + 1, &err), LSQ_E_LIMIT);
    free(bytes);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("outliers");
    TCase *products = new_case(suite, "products"), *bytes = new_case(suite, "bytes");
    tcase_add_loop_test(products, products_are_as_defined, 0, 5);
    tcase_add_test(products, threads_and_many_columns);
    tcase_add_test(products, all_codes);
    tcase_add_test(bytes, prefixes_are_truncated);
    tcase_add_test(bytes, flips_are_harmless);
    tcase_add_loop_test(bytes, lies_are_refused, 0, COUNT(lies));
    tcase_add_test(bytes, the_example_of_the_text);
    tcase_add_test(bytes, ends_are_exact);
    return run_suite(suite);
}
