/*
 * blas_reference.h - what a product should be: decoded weights times columns, in double arithmetic, and how far from it the
 * library, or a float BLAS, may be.
 */
#ifndef LSQ_TESTS_BLAS_REFERENCE_H
#define LSQ_TESTS_BLAS_REFERENCE_H

#include "tests/core_sample.h"
#include "tests/guarded.h"
#include "tests/naive_decode.h"
#include "tests/naive_round.h"

/* ---- Matrices ---- */

/* Random weights, what they decode to, and a handle on the same whose packed bytes nobody may read any more. */
typedef struct matrix {
    size_t m, k;
    uint64_t seed;
    lsq_format f;
    uint8_t *packed;
    guarded hidden;
    lsq_weights *w, *blind;
    float *decoded[2]; /* by rows, by columns */
} matrix;

static inline matrix matrix_new(const char *format, size_t m, size_t k, uint64_t seed)
{
    size_t bytes;
    matrix a = {.m = m, .k = k, .seed = seed, .f = format_named(format)};
    a.packed = random_packed(a.f, m, k, seed, a.f.scale == LSQ_SCALE_NONE ? 1 : 0.5f, &bytes);
    a.w = wrap(a.f, m, k, a.packed, bytes);
    a.hidden = guarded_new(bytes, 1);
    memcpy(a.hidden.data, a.packed, bytes);
    a.blind = wrap(a.f, m, k, a.hidden.data, bytes);
    guarded_hide(&a.hidden);
    for (int i = 0; i < 2; i++)
        a.decoded[i] = memory(m * k * sizeof(float));
    OK(lsq_dequantize(NULL, a.w, 0, m, a.decoded[0], k));
    for (size_t r = 0; r < m; r++)
        for (size_t c = 0; c < k; c++)
            a.decoded[1][c * m + r] = a.decoded[0][r * k + c];
    return a;
}

static inline void matrix_free(matrix *a)
{
    lsq_weights_free(a->w);
    lsq_weights_free(a->blind);
    guarded_free(&a->hidden);
    for (int i = 0; i < 2; i++)
        free(a->decoded[i]);
    free(a->packed);
}

/* Elements of a column of op(B), and of C. */
static inline size_t inner_of(const matrix *a, lsq_transpose t)
{
    return t == LSQ_TRANS ? a->m : a->k;
}

static inline size_t outer_of(const matrix *a, lsq_transpose t)
{
    return t == LSQ_TRANS ? a->k : a->m;
}

/* ---- What the library promises of a product ---- */

/*
 * Columns are rounded to this many steps on either side (0: not at all). Of what they are then, a sum of products differs by
 * at most `relative` times the sum of their magnitudes, and `absolute` for each product, because something underflowed. What
 * was in y before suffers `of_y` times itself. Scaling by alpha and beta, and adding both, comes on top.
 */
typedef struct promise {
    float steps;
    double relative, absolute, of_y;
} promise;

static inline promise promise_of(lsq_activation act, lsq_transpose t, const matrix *a)
{
    const double inner = (double)inner_of(a, t), unit = 0x1p-24;
    /* The bound of lsq.h. What is below the smallest denormal is lost once in each product. */
    if (act == LSQ_ACT_FLOAT)
        return (promise){0, (inner / 4 + 64) * unit, 0x1p-149, 0};
    const float steps = a->f.bits <= 6 ? 127 : 4095;
    /* Transposed, by docs/codecs.md, section 7: a dot as a float, its product with a scale, and the sum once for each panel. */
    if (t == LSQ_TRANS)
        return (promise){steps, (2 + ceil(inner / 16)) * unit, 0x1p-149, 0};
    /*
     * By docs/codecs.md, section 7: dots are exact. Rounded are a dot as a float, its scale, their product, the row's scale
     * times 1 / N, 1 / N itself, their product with the sum, and the sum once for each group. A decoded weight was rounded
     * twice: in all eight times and once a group. A scale of at most a step 2^-107 times 2^-18 is a denormal, half of whose
     * last place times a level of up to 2^14 and an activation of up to 2^12 is 2^-124.
     */
    promise p = {steps, (8 + ceil(inner / 32)) * unit, 0x1p-124, 0};
    /* Levels of classic codes are at most half a step of 1 / N from the weights; the smallest is log2(2) / B, but for zero. */
    if (a->f.codec == LSQ_CLASSIC)
        p.relative += 0.5 * (a->f.bits - 1) / naive_largest(a->f);
    return p;
}

/*
 * A float BLAS multiplies one of both by alpha and rounds that, then every product and the running sum, which begins with
 * beta y: no part is rounded more than inner + 2 times. What underflows in alpha x is multiplied by a weight; those of
 * matrix_new() are below 2^14.
 */
static inline promise promise_of_blas(lsq_transpose t, const matrix *a)
{
    const double roundings = ((double)inner_of(a, t) + 2) * 0x1p-24;
    return (promise){0, roundings, 0x1p-135, roundings};
}

/* ---- Products ---- */

/* op(W) X, and the same of magnitudes: outer x n, a column after the other. X is inner x n, likewise. */
typedef struct product {
    double *sum, *size;
} product;

static inline product product_new(const matrix *a, lsq_transpose t, size_t n, const double *x)
{
    const size_t inner = inner_of(a, t), outer = outer_of(a, t);
    product p = {memory(n * outer * sizeof(double)), memory(n * outer * sizeof(double))};
    const float *rows = a->decoded[t == LSQ_TRANS];
    for (size_t j = 0; j < n; j++)
        for (size_t o = 0; o < outer; o++) {
            double sum = 0, size = 0;
            for (size_t i = 0; i < inner; i++) {
                double term = rows[o * inner + i] * x[j * inner + i];
                sum += term;
                size += fabs(term);
            }
            p.sum[j * outer + o] = sum;
            p.size[j * outer + o] = size;
        }
    return p;
}

/* Integer levels of 16 rows and columns, from what they decode to: all zero where the scale is. */
static inline void levels_of(const matrix *a, const float scale[16], size_t row, size_t column, int32_t level[16][16])
{
    const double largest = a->f.codec == LSQ_CLASSIC ? naive_largest(a->f) : 1;
    memset(level, 0, 16 * sizeof(*level));
    for (size_t r = 0; r < 16 && row + r < a->m; r++)
        for (size_t c = 0; c < 16 && column + c < a->k && scale[r] != 0; c++)
            level[r][c] = (int32_t)nearbyint((double)a->decoded[0][(row + r) * a->k + column + c] / scale[r] * largest);
}

/* What 16 rows add to 16 columns of W^T x, with x rounded together with the scales that those have there. */
static inline void add_rounded(const matrix *a, const naive *w, size_t row, size_t column, const float *x, float steps,
                               const product *p, size_t at)
{
    const float unit = a->f.codec == LSQ_CLASSIC ? 1.0f / (float)naive_largest(a->f) : 1.0f;
    const size_t rows = a->m - row < 16 ? a->m - row : 16;
    float v[16], scale[16] = {0};
    int32_t q[32], level[16][16];
    for (size_t r = 0; r < rows; r++) {
        const float of_row = naive_row_scale(w, row + r), s = naive_scale(w, row + r, column);
        v[r] = x[row + r] * (of_row * unit) * s;
        scale[r] = of_row * s;
    }
    levels_of(a, scale, row, column, level);
    const double step = round_group(v, rows, steps, q);
    for (size_t c = 0; c < 16 && column + c < a->k; c++)
        for (size_t r = 0; r < rows; r++) {
            p->sum[at + column + c] += step * (q[r] * level[r][c]);
            p->size[at + column + c] += fabs(step * (q[r] * level[r][c]));
        }
}

static inline product product_of_rounded_rows(const matrix *a, size_t n, const float *x, float steps)
{
    const naive w = naive_open(a->f, a->m, a->k, a->packed);
    product p = {memory(n * a->k * sizeof(double)), memory(n * a->k * sizeof(double))};
    for (size_t j = 0; j < n; j++)
        for (size_t row = 0; row < a->m; row += 16)
            for (size_t column = 0; column < a->k; column += 16)
                add_rounded(a, &w, row, column, x + j * a->m, steps, &p, j * a->k);
    return p;
}

/* The product with columns as a promise has them. */
static inline product product_of_columns(const matrix *a, lsq_transpose t, size_t n, const float *x, float steps)
{
    const size_t inner = inner_of(a, t);
    if (t == LSQ_TRANS && steps != 0)
        return product_of_rounded_rows(a, n, x, steps);
    double *values = memory(n * inner * sizeof(double));
    for (size_t j = 0; j < n; j++)
        for (size_t i = 0; i < inner; i++) {
            int32_t q[32];
            size_t at = j * inner + i, left = inner - i < 32 ? inner - i : 32;
            if (steps == 0) {
                values[at] = x[at];
            } else if (i % 32 == 0) {
                double step = round_group(x + at, left, steps, q);
                for (size_t e = 0; e < left; e++)
                    values[at + e] = step * q[e];
            }
        }
    product p = product_new(a, t, n, values);
    free(values);
    return p;
}

static inline void product_free(product *p)
{
    free(p->sum);
    free(p->size);
}

/*
 * Is y what alpha times element i of the product plus beta times y0 should be? Two roundings more for each of both, by alpha
 * or beta and by the addition; 1.001 is for products of errors. Nothing is what alpha or beta = 0 leaves of its partner.
 */
static inline int keeps(const promise *to, const product *p, size_t i, float alpha, float beta, float y0, float y,
                        double inner)
{
    if (alpha == 0) {
        float exact = beta == 0 ? 0 : beta * y0;
        return isnan(exact) ? isnan(y) : memcmp(&y, &exact, sizeof(y)) == 0;
    }
    const double rest = beta == 0 ? 0 : (double)beta * y0, exact = alpha * p->sum[i] + rest;
    if (!isfinite(exact))
        return isnan(exact) ? isnan(y) : (double)y == exact;
    const double size = fabs(alpha) * p->size[i];
    double bound = (to->relative + 2 * 0x1p-24) * size + (to->of_y + 2 * 0x1p-24) * fabs(rest);
    if (size > 0)
        bound += (to->absolute * inner + 0x1p-149) * fmax(1, fabs(alpha));
    return fabs(y - exact) <= bound * 1.001;
}

#endif
