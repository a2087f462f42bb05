/*
 * encode_plain.c - codecs that map each weight by itself: a search for the scale, then for each code.
 *
 * Every scale is found by trying. A group takes, of all bytes and both signs that make sense for its largest weight, the one with
 * the least squared error: the largest weight alone would cost 0.7 dB (4 bits) to 2.4 dB (2 bits), and scales up to 1.3 times the
 * one that fits it are worth another 0.5 dB at 8 bits. One scale for a row or for the tensor is found on a grid, then by least squares.
 */
#include "kernels/encode.h"

#include <stdlib.h>
#include <string.h>

/* Finds the code of y, a weight in units of the levels. */
typedef struct coder {
    float threshold[512]; /* 2^n - 1 of them, ascending; the rank of y is how many it reaches */
    float value[512];     /* level of each rank */
    unsigned top;         /* 2^(n - 1), the first step of the search */
    unsigned sign_bit;    /* classic: the rank is that of |y|; 0: of y itself */
    float largest;        /* level */
} coder;

static void coder_init(coder *e, const lsq_source *s, int rounding)
{
    unsigned bits = s->format->bits, count = 1u << bits;
    memset(e, 0, sizeof(*e));
    if (s->format->codec == LSQ_CLASSIC) {
        e->sign_bit = count / 2;
        e->top = count / 4;
        lsq_classic_thresholds(bits - 1, rounding, e->threshold);
        e->threshold[count / 2 - 2] = 3e38f; /* v ends at 2^B - 1 */
        for (unsigned v = 1; v < count / 2; v++)
            e->value[v - 1] = s->levels->f32[v];
        e->largest = s->levels->f32[count / 2 - 1];
    } else {
        e->top = count / 2;
        for (unsigned i = 0; i < count; i++)
            e->value[i] = s->levels->f32[i];
        for (unsigned i = 0; i + 1 < count; i++)
            e->threshold[i] = (e->value[i] + e->value[i + 1]) / 2;
        e->largest = -e->value[0];
    }
}

static unsigned rank_of(const coder *e, float y)
{
    unsigned rank = 0;
    for (unsigned step = e->top; step; step /= 2)
        rank += y >= e->threshold[rank + step - 1] ? step : 0;
    return rank;
}

static float level_near(const coder *e, float y)
{
    if (!e->sign_bit)
        return e->value[rank_of(e, y)];
    return y < 0 ? -e->value[rank_of(e, -y)] : e->value[rank_of(e, y)];
}

static unsigned code_near(const coder *e, float y)
{
    if (!e->sign_bit)
        return rank_of(e, y);
    return y < 0 ? e->sign_bit | (rank_of(e, -y) + 1) : rank_of(e, y) + 1;
}

/* A set of weights under one scale: n of them a row. */
typedef struct patch {
    const float *w;
    size_t rows, n, ld;
} patch;

/* Squared error with levels times `scale`; also <w, q> and <q, q> for a step of least squares. */
static double error_of(const coder *e, patch p, float scale, double *wq, double *qq)
{
    double sum = 0, sum_wq = 0, sum_qq = 0;
    float inverse = scale == 0 ? 0 : 1 / scale;
    for (size_t r = 0; r < p.rows; r++)
        for (size_t i = 0; i < p.n; i++) {
            float w = p.w[r * p.ld + i], q = level_near(e, w * inverse), error = w - scale * q;
            sum += (double)error * error;
            sum_wq += (double)w * q;
            sum_qq += (double)q * q;
        }
    *wq = sum_wq;
    *qq = sum_qq;
    return sum;
}

static float largest_of(patch p)
{
    float largest = 0;
    for (size_t r = 0; r < p.rows; r++)
        for (size_t i = 0; i < p.n; i++) {
            float a = p.w[r * p.ld + i] < 0 ? -p.w[r * p.ld + i] : p.w[r * p.ld + i];
            largest = a > largest ? a : largest;
        }
    return largest;
}

/* Where the best scale lies, as a share of the one that fits the largest weight: lower the fewer the levels. */
static const float lowest[10] = {0, 0, 0.36f, 0.46f, 0.56f, 0.66f, 0.74f, 0.80f, 0.84f, 0.86f}, highest = 1.3f;

/* The scale of least error for many weights. */
static float best_scale(const coder *e, patch p, unsigned bits)
{
    enum { TRIES = 24 };
    float fit = largest_of(p) / e->largest, best = fit;
    double wq, qq, least = 1e300;
    for (unsigned i = 0; i < TRIES; i++) {
        float scale = fit * (lowest[bits] + (highest - lowest[bits]) * (float)i / (TRIES - 1));
        double error = error_of(e, p, scale, &wq, &qq);
        if (error < least) {
            least = error;
            best = scale;
        }
    }
    for (unsigned i = 0; i < 2; i++) {
        error_of(e, p, best, &wq, &qq);
        if (qq > 0 && wq * best > 0)
            best = (float)(wq / qq);
    }
    return best;
}

/* The byte b, near the one that stands for `scale`, with the least error; table[b] ascends or descends over [0, count). */
static uint8_t best_byte(const coder *e, patch p, const float *table, unsigned count, float scale)
{
    unsigned nearest = 0;
    for (unsigned b = 1; b < count; b++) {
        /* Not by squares, which overflow or vanish for weights far from 1. */
        float old = table[nearest] - scale, new = table[b] - scale;
        nearest = (new < 0 ? -new : new) < (old < 0 ? -old : old) ? b : nearest;
    }
    unsigned best = nearest;
    double wq, qq, least = error_of(e, p, table[nearest], &wq, &qq);
    for (int step = -1; step <= 1; step += 2) {
        unsigned b = nearest + (unsigned)step;
        double error = b < count ? error_of(e, p, table[b], &wq, &qq) : least;
        if (error < least) {
            least = error;
            best = b;
        }
    }
    return (uint8_t)best;
}

static void put_codes(const lsq_source *s, const coder *e, size_t row, size_t c0, size_t c1, float scale)
{
    unsigned bits = s->format->bits;
    float inverse = scale == 0 ? 0 : 1 / scale;
    for (size_t c = c0; c < c1; c++) {
        size_t tile = row / PANEL * s->geometry->groups + c / GROUP;
        lsq_code_put(s->packed + tile * 64 * bits, bits, row % PANEL, c % GROUP,
                     code_near(e, s->w[row * s->ld + c] * inverse));
    }
}

/* One scale for the tensor, or one a row. */
static void encode_rows(const lsq_source *s, const coder *e, float *scales)
{
    float table[256], t = 1;
    int by_row = s->format->scale == LSQ_SCALE_ROW;
    if (by_row) {
        t = 0;
        for (size_t r = 0; r < s->m; r++) {
            scales[r] = best_scale(e, (patch){s->w + r * s->ld, 1, s->k, s->ld}, s->format->bits);
            t = scales[r] > t ? scales[r] : t;
        }
    } else if (s->format->scale == LSQ_SCALE_TENSOR) {
        t = best_scale(e, (patch){s->w, s->m, s->k, s->ld}, s->format->bits);
    }
    lsq_put_tensor_scale(s, t);
    lsq_row_scales(s->format, t, table);
    for (size_t r = 0; r < s->m; r++) {
        uint8_t b = 0;
        if (by_row)
            b = best_byte(e, (patch){s->w + r * s->ld, 1, s->k, s->ld}, table, 256, scales[r]);
        s->packed[s->geometry->rows + r] = b;
        put_codes(s, e, r, 0, s->k, table[b]);
    }
}

/* The byte of the scale of one group: of all whose scale makes sense, the one with the least error. */
static uint8_t best_group_byte(const coder *e, patch p, const float bytes[128], float row, unsigned bits,
                               int both_signs)
{
    float fit = largest_of(p) / e->largest;
    double wq, qq, least = 1e300;
    uint8_t best = 0;
    for (unsigned b = 0; b < 128; b++) {
        float scale = bytes[b] * row;
        int above = scale > fit * highest, below = b < 127 && bytes[b + 1] * row < fit * lowest[bits];
        if (b > 0 && (above || below)) /* 0 stays: it is what a group far below the rest of its row gets */
            continue;
        for (int sign = 1; sign >= -both_signs; sign -= 2) {
            double error = error_of(e, p, scale * (float)sign, &wq, &qq);
            if (error < least) {
                least = error;
                best = (uint8_t)(b | (sign < 0 ? 0x80 : 0));
            }
        }
    }
    return best;
}

/* The least row scale, of the tensor's 255, under which byte scales reach `needs`; 255 for a row too small to matter. */
static uint8_t row_byte(const float table[256], float needs)
{
    unsigned b = 254;
    while (b > 0 && table[b] < needs)
        b--;
    return needs > table[254] / 2 ? (uint8_t)b : 255;
}

/* A byte for each group of a row. */
static void encode_groups(const lsq_source *s, const coder *e)
{
    const float reach = highest / (e->largest * LSQ_SCALE_BYTE_MAX);
    float bytes[128], table[256], t = 0;
    for (unsigned b = 0; b < 128; b++)
        bytes[b] = lsq_scale_byte((uint8_t)b);
    for (size_t r = 0; r < s->m; r++) {
        float needs = lsq_row_largest(s, r, 0, s->k) * reach;
        t = needs > t ? needs : t;
    }
    lsq_put_tensor_scale(s, t);
    lsq_row_scales(s->format, t, table);
    for (size_t r = 0; r < s->m; r++) {
        uint8_t row = row_byte(table, lsq_row_largest(s, r, 0, s->k) * reach);
        s->packed[s->geometry->rows + r] = row;
        for (size_t c = 0; c < s->k; c += GROUP) {
            patch p = {s->w + r * s->ld + c, 1, s->k - c < GROUP ? s->k - c : GROUP, s->ld};
            size_t tile = r / PANEL * s->geometry->groups + c / GROUP;
            uint8_t b = best_group_byte(e, p, bytes, table[row], s->format->bits, s->format->codec == LSQ_SCALAR);
            s->packed[s->geometry->scales + tile * 16 + r % PANEL] = b;
            put_codes(s, e, r, c, c + p.n, lsq_scale_byte(b) * table[row]);
        }
    }
}

int lsq_encode_plain(const lsq_source *s, int rounding)
{
    coder e;
    coder_init(&e, s, rounding);
    if (s->format->scale == LSQ_SCALE_BYTE32) {
        encode_groups(s, &e);
        return 1;
    }
    float *scales = malloc(s->m * sizeof(*scales));
    if (scales)
        encode_rows(s, &e, scales);
    free(scales);
    return scales != NULL;
}

float lsq_row_largest(const lsq_source *s, size_t row, size_t c0, size_t c1)
{
    return largest_of((patch){s->w + row * s->ld + c0, 1, c1 - c0, s->ld});
}

void lsq_put_tensor_scale(const lsq_source *s, float t)
{
    uint32_t bits;
    memcpy(&bits, &t, sizeof(bits));
    for (unsigned i = 0; i < 4; i++)
        s->packed[s->geometry->tensor + i] = (uint8_t)(bits >> 8 * i);
}
