/*
 * strip_sample.h - matrices quantised as a whole and in strips.
 */
#ifndef LSQ_TESTS_STRIP_SAMPLE_H
#define LSQ_TESTS_STRIP_SAMPLE_H

#include "tests/core_sample.h"

/* What a survey of the whole matrix says. */
static inline lsq_magnitudes surveyed(size_t m, size_t k, const float *w, double share)
{
    lsq_survey *survey;
    lsq_magnitudes known;
    int again = 1;
    OK(lsq_survey_new(k, share, &survey, NULL));
    while (again) {
        OK(lsq_survey_rows(survey, m, w, k, NULL));
        OK(lsq_survey_end(survey, &known, &again, NULL));
    }
    lsq_survey_free(survey);
    return known;
}

/* Is that a strip of these weights, from `row` on? Its bytes are compared one part after the other. */
static inline int is_strip(const lsq_weights *strip, const lsq_weights *whole, size_t row)
{
    const lsq_format f = lsq_weights_format(whole);
    const size_t rows = lsq_weights_rows(strip), k = lsq_weights_columns(whole), panels = (rows + 15) / 16,
                 groups = (k + 31) / 32, codes = 64 * (size_t)f.bits * groups,
                 scale = f.scale == LSQ_SCALE_NIBBLE32 ? 8 * groups
                         : f.scale >= LSQ_SCALE_BYTE32 ? 16 * groups
                                                       : 0;
    const uint8_t *a = lsq_weights_packed(strip), *b = lsq_weights_packed(whole);
    lsq_parts of_strip, of_whole;
    OK(lsq_packed_parts(&f, rows, k, &of_strip));
    OK(lsq_packed_parts(&f, lsq_weights_rows(whole), k, &of_whole));
    return lsq_weights_columns(strip) == k && !memcmp(a, b + row / 16 * codes, panels * codes) &&
           !memcmp(a + of_strip.scales, b + of_whole.scales + row / 16 * scale, panels * scale) &&
           !memcmp(a + of_strip.rows, b + of_whole.rows + row, panels * 16) &&
           !memcmp(a + of_strip.tensor, b + of_whole.tensor, sizeof(float));
}

/* Are they decoded alike, outliers too? */
static inline int decodes_like(const lsq_weights *strip, const lsq_weights *whole, size_t row)
{
    const size_t rows = lsq_weights_rows(strip), k = lsq_weights_columns(whole);
    float *a = memory(2 * rows * k * sizeof(*a)), *b = a + rows * k;
    OK(lsq_dequantize(NULL, strip, 0, rows, a, k));
    OK(lsq_dequantize(NULL, whole, row, rows, b, k));
    const int same = !memcmp(a, b, rows * k * sizeof(*a));
    free(a);
    return same;
}

#endif
