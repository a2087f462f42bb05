/*
 * encode_feedback.c - errors of a row's columns, made up for by the columns behind them.
 *
 * With H = X^T X of the inputs, errors e = w - w^ of a row of W cost e H e^T in the output. Let H = U D U^T, U upper triangular with 1 on
 * its diagonal, D diagonal: then the cost is the sum over columns j of D_j (e_j + sum over i < j of e_i U_ij)^2, so whoever encodes the columns
 * in order does best to encode w_j + sum of e_i U_ij in place of w_j. This is the LDL form of what GPTQ does, without an inverse.
 *
 * The same holds for blocks of columns that are encoded at once, with U B^-1, where B is the block of U on its diagonal, for U.
 */
#include "kernels/encode.h"

#include <math.h>
#include <string.h>

size_t lsq_feedback_place(unsigned paths, size_t k, size_t column)
{
    const size_t path = column % paths, longer = k % paths;
    return path * (k / paths) + (path < longer ? path : longer) + column / paths;
}

/* The sum of products of n numbers, in double and in a fixed order that vectors can keep. */
static double dot(const float *a, const float *b, size_t n)
{
    enum { LANE = 8 };
    double sum[LANE] = {0}, all = 0;
    size_t i = 0;
    for (; i + LANE <= n; i += LANE)
        for (unsigned l = 0; l < LANE; l++)
            sum[l] += (double)a[i + l] * (double)b[i + l];
    for (; i < n; i++)
        all += (double)a[i] * (double)b[i];
    for (unsigned l = 0; l < LANE; l++)
        all += sum[l];
    return all;
}

/* H = C C^T from the last column on, C in the place of H, then U_ij = C_ij / C_jj at [j * k + i]: sums run over what is contiguous. */
static int factor(size_t k, float *h)
{
    for (size_t j = k; j-- > 0;) {
        float *row = h + j * k;
        const double square = (double)row[j] - dot(row + j + 1, row + j + 1, k - j - 1);
        if (!(square > 0))
            return 0;
        const double diagonal = sqrt(square);
        row[j] = (float)diagonal;
        for (size_t i = 0; i < j; i++)
            h[i * k + j] = (float)(((double)h[i * k + j] - dot(h + i * k + j + 1, row + j + 1, k - j - 1)) / diagonal);
    }
    for (size_t j = 0; j < k; j++)
        for (size_t i = 0; i < j; i++)
            h[j * k + i] = h[i * k + j] / h[j * k + j];
    return 1;
}

/* Columns [b0, b1) are encoded at once: what the columns before them add must not count on each other's answers. */
static void join(size_t k, float *spread, size_t b0, size_t b1)
{
    for (size_t j = b0; j < b1; j++)
        for (size_t l = b0; l < j; l++) {
            const float u = spread[j * k + l];
            for (size_t i = 0; i < b0; i++)
                spread[j * k + i] -= u * spread[l * k + i];
        }
}

int lsq_feedback_factor(unsigned paths, size_t k, float *h)
{
    if (!factor(k, h))
        return 0;
    for (unsigned path = 0; paths > 1 && path < paths && path < k; path++) {
        const size_t b0 = lsq_feedback_place(paths, k, path);
        join(k, h, b0, path + 1 < paths && path + 1 < k ? lsq_feedback_place(paths, k, path + 1) : k);
    }
    return 1;
}

/* One number a row. Compilers make better loops of this than of 16 floats. */
typedef float rows __attribute__((vector_size(PANEL * sizeof(float))));

void lsq_feedback_add(const lsq_feedback *f, const float *errors, size_t j, size_t c0, size_t c1, float x[PANEL])
{
    const float *spread = f->spread + j * f->k;
    rows sum = {0}, lost;
    for (size_t c = c0; c < c1; c++) {
        memcpy(&lost, errors + c * PANEL, sizeof(lost));
        sum += lost * spread[c];
    }
    memcpy(&lost, x, sizeof(lost));
    lost += sum;
    memcpy(x, &lost, sizeof(lost));
}

float lsq_feedback_error(const lsq_source *s, size_t row, size_t column, float decoded)
{
    if (row >= s->m || column >= s->k || (s->apart && s->importance[row * s->importance_ld + column] == 0))
        return 0;
    return s->w[row * s->ld + column] * s->norm - decoded;
}

/* ---- Plain codes, column by column ---- */

void lsq_feedback_load(const lsq_source *s, size_t group, lsq_source_tile *to)
{
    const lsq_feedback *f = s->feedback;
    const size_t column = group * GROUP, done = f->done < column ? f->done : column;
    for (size_t c = 0; done && c < GROUP && column + c < s->k; c++)
        lsq_feedback_add(f, f->errors, column + c, 0, done, to->x + c * PANEL);
}

static unsigned rank_of(const lsq_coder *coder, unsigned bits, float y)
{
    unsigned rank = 0;
    for (unsigned d = 0; d < bits; d++)
        rank = 2 * rank + (y >= coder->tree[(1u << d) - 1 + rank]);
    return rank;
}

void lsq_feedback_encode(const lsq_source *s, size_t tile, const lsq_source_tile *from, const float scale[PANEL],
                         uint16_t rank[TILE])
{
    lsq_feedback *f = s->feedback;
    const size_t row = tile / s->geometry->groups * PANEL, column = tile % s->geometry->groups * GROUP;
    for (unsigned c = 0; c < GROUP; c++) {
        float x[PANEL];
        memcpy(x, from->x + c * PANEL, sizeof(x));
        if (column + c < s->k)
            lsq_feedback_add(f, f->errors, column + c, column, column + c, x);
        for (unsigned r = 0; r < PANEL; r++) {
            const unsigned found = rank_of(s->coder, s->format->bits, scale[r] == 0 ? 0 : x[r] * (1 / scale[r]));
            rank[c * PANEL + r] = (uint16_t)found;
            f->errors[(column + c) * PANEL + r] =
                lsq_feedback_error(s, row + r, column + c, scale[r] * s->coder->level[found]);
        }
    }
    f->done = column + GROUP;
}
