/*
 * finish.c - sums of a panel, times scales, into C: in the order in which C lies.
 *
 *     columns of C next to each other, those of sums too  --------------->  four columns at a time, row after row
 *     columns of C next to each other, but rows of sums   --4 x 4 turned-->  the same, four rows at a time
 *     rows of C next to each other, those of sums too  ------------------>  column after column, 16 rows at once
 *     anything else, and columns that are no four  ---------------------->  column after column
 */
#include "dispatch/finish.h"

#include <string.h>

/* By value, or each float that is stored might be one of these. */
typedef struct blend {
    float alpha, beta;
} blend;

static inline void finish_one(blend by, float scaled, float *c)
{
    const float value = by.alpha * scaled;
    *c = by.beta == 0.0f ? value : value + by.beta * *c;
}

typedef float four __attribute__((vector_size(16)));

static inline four loaded(const float *from)
{
    four v;
    memcpy(&v, from, sizeof(v));
    return v;
}

/* Four columns of C, or rows. */
static inline void finish_four(blend by, four scaled, float *c)
{
    four value = by.alpha * scaled;
    if (by.beta != 0.0f)
        value += by.beta * loaded(c);
    memcpy(c, &value, sizeof(value));
}

/* Four rows of them, from sums that have 16 rows of a column together. */
static inline void finish_square(blend by, const float *sums, const float *scale, float *c, ptrdiff_t row_step)
{
    const four s = loaded(scale), c0 = loaded(sums) * s, c1 = loaded(sums + PANEL) * s,
               c2 = loaded(sums + 2 * PANEL) * s, c3 = loaded(sums + 3 * PANEL) * s;
    const four rows[4] = {{c0[0], c1[0], c2[0], c3[0]},
                          {c0[1], c1[1], c2[1], c3[1]},
                          {c0[2], c1[2], c2[2], c3[2]},
                          {c0[3], c1[3], c2[3], c3[3]}};
    for (unsigned r = 0; r < 4; r++)
        finish_four(by, rows[r], c + (ptrdiff_t)r * row_step);
}

/* Four columns after the other, row after row: of sums that have columns together. */
static void finish_rows(blend by, const lsq_panel_sums *s, unsigned r0, unsigned r1, size_t columns, float *c,
                        ptrdiff_t row_step)
{
    for (unsigned r = r0; r < r1; r++, c += row_step)
        for (size_t j = 0; j < columns; j += 4)
            finish_four(by, loaded(s->sums + (j / STRIP * PANEL + r) * STRIP + j % STRIP) * s->scale[r], c + j);
}

/* The same, a whole panel, of sums that have rows together. */
static void finish_squares(blend by, const lsq_panel_sums *s, size_t columns, float *c, ptrdiff_t row_step)
{
    for (unsigned r = 0; r < PANEL; r += 4, c += 4 * row_step)
        for (size_t j = 0; j < columns; j += 4)
            finish_square(by, s->sums + j * PANEL + r, s->scale + r, c + j, row_step);
}

/* A whole panel of a column. */
static void finish_column(blend by, const float *sum, const float *scale, float *c)
{
    for (unsigned r = 0; r < PANEL; r += 4)
        finish_four(by, loaded(sum + r) * loaded(scale + r), c + r);
}

void lsq_finish_panel(const lsq_product *product, const lsq_panel_sums *s, unsigned r0, unsigned r1, float *c)
{
    const blend by = {product->alpha, product->beta};
    const ptrdiff_t row_step = product->c_row, column_step = product->c_column;
    const int rows = s->column_step == 1, whole = !rows && r0 == 0 && r1 == PANEL;
    const size_t fours = column_step == 1 && (rows || whole) ? s->count / 4 * 4 : 0;
    if (fours && rows)
        finish_rows(by, s, r0, r1, fours, c, row_step);
    if (fours && whole)
        finish_squares(by, s, fours, c, row_step);
    c += (ptrdiff_t)fours * column_step;
    for (size_t j = fours; j < s->count; j++, c += column_step) {
        const float *sum = s->sums + j / STRIP * STRIP * PANEL + j % STRIP * s->column_step;
        if (whole && row_step == 1)
            finish_column(by, sum, s->scale, c);
        else
            for (unsigned r = r0; r < r1; r++)
                finish_one(by, sum[r * s->row_step] * s->scale[r], c + (ptrdiff_t)(r - r0) * row_step);
    }
}
