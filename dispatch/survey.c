/*
 * survey.c - how large the weights of a matrix are, and which of them are its largest, without sorting or keeping them.
 *
 * The bits of a magnitude, as a number, order as it does. One pass counts weights by the upper 18 of its 31 bits: the bound between outliers
 * and others is then known to one part in 1024, and exactly if the lower 13 bits are zero in all of them, as in float16 and bfloat16
 * numbers. Otherwise a second pass counts those that share the bound's upper bits by their lower ones.
 */
#include "dispatch/survey.h"

#include "dispatch/error.h"
#include "kernels/encode.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { FINE_BITS = 13, FINE = 1 << FINE_BITS, COARSE = 1 << (31 - FINE_BITS) };

typedef enum stage { COUNTING, TELLING_APART, ENDED } stage;

struct lsq_survey {
    size_t k;
    double share;
    stage stage;
    uint64_t weights;  /* of this pass */
    float largest;     /* |w| */
    uint32_t lower;    /* all lower bits there are */
    uint64_t *counts;  /* by upper bits; NULL if nothing is to be counted */
    uint64_t expected; /* of a second pass: weights, */
    uint32_t bin;      /* the upper bits of the bound, */
    uint64_t above;    /* weights with larger ones, */
    uint32_t below;    /* the largest magnitude with smaller ones, */
    uint64_t fine[FINE];
    lsq_magnitudes known;
};

lsq_status lsq_find_largest(size_t first, size_t m, size_t k, const float *w, size_t ld, float most, float *largest,
                            lsq_error *err)
{
    float found = *largest;
    for (size_t r = 0; r < m; r++) {
        const float *row = w + r * ld, of_row = lsq_largest_magnitude(row, k);
        for (size_t c = 0; !(of_row <= most) && c < k; c++)
            if (!(fabsf(row[c]) <= LSQ_MAGNITUDE_MAX))
                return lsq_error_set(err, LSQ_E_VALUE, "weight (%zu, %zu) is %g: expected a finite number up to 2^100",
                                     first + r, c, (double)row[c]);
            else if (!(fabsf(row[c]) <= most))
                return lsq_error_set(err, LSQ_E_VALUE, "weight (%zu, %zu) is %g: expected %g at most, the largest one",
                                     first + r, c, (double)row[c], (double)most);
        found = of_row > found ? of_row : found;
    }
    *largest = found;
    return LSQ_OK;
}

lsq_status lsq_check_share(double outliers, const char *name, lsq_error *err)
{
    if (outliers >= 0 && outliers <= 0.1)
        return LSQ_OK;
    return lsq_error_set(err, LSQ_E_ARGUMENT, "%s is %g: expected 0 to 0.1", name, outliers);
}

lsq_status lsq_survey_new(size_t k, double outliers, lsq_survey **survey, lsq_error *err)
{
    if (!survey || k == 0)
        return lsq_error_set(err, LSQ_E_ARGUMENT, "a place for the survey and a column are needed");
    lsq_status status = lsq_check_share(outliers, "outliers", err);
    if (status != LSQ_OK)
        return status;
    const int saved = errno;
    lsq_survey *s = calloc(1, sizeof(*s));
    if (s) {
        s->k = k;
        s->share = outliers;
        s->counts = outliers > 0 ? calloc(COARSE, sizeof(*s->counts)) : NULL;
    }
    if (s && (s->counts || outliers == 0)) {
        *survey = s;
    } else {
        lsq_survey_free(s);
        status = lsq_error_set(err, LSQ_E_NOMEM, "no memory to count weights");
    }
    errno = saved; /* behind a call of our own: without math-errno, compilers take it that calloc() leaves it alone */
    return status;
}

void lsq_survey_free(lsq_survey *s)
{
    if (s)
        free(s->counts);
    free(s);
}

static uint32_t magnitude_bits(float w)
{
    uint32_t bits;
    memcpy(&bits, &w, sizeof(bits));
    return bits & 0x7fffffff;
}

static float magnitude_of(uint32_t bits)
{
    float magnitude;
    memcpy(&magnitude, &bits, sizeof(magnitude));
    return magnitude;
}

static void count(lsq_survey *s, const float *row)
{
    for (size_t c = 0; c < s->k; c++) {
        const uint32_t bits = magnitude_bits(row[c]);
        s->counts[bits >> FINE_BITS]++;
        s->lower |= bits % FINE;
    }
}

static void tell_apart(lsq_survey *s, const float *row)
{
    for (size_t c = 0; c < s->k; c++) {
        const uint32_t bits = magnitude_bits(row[c]), upper = bits >> FINE_BITS;
        if (upper == s->bin)
            s->fine[bits % FINE]++;
        else if (upper < s->bin && bits > s->below)
            s->below = bits;
    }
}

lsq_status lsq_survey_rows(lsq_survey *s, size_t rows, const float *w, size_t ld, lsq_error *err)
{
    if (!s || !w || ld < s->k)
        return lsq_error_set(err, LSQ_E_ARGUMENT, "a survey, w and a leading dimension of at least k are needed");
    if (s->stage == ENDED)
        return lsq_error_set(err, LSQ_E_ARGUMENT, "rows for a survey that is at its end");
    lsq_status status =
        lsq_find_largest((size_t)(s->weights / s->k), rows, s->k, w, ld, LSQ_MAGNITUDE_MAX, &s->largest, err);
    for (size_t r = 0; status == LSQ_OK && s->counts && r < rows; r++)
        if (s->stage == COUNTING)
            count(s, w + r * ld);
        else
            tell_apart(s, w + r * ld);
    if (status == LSQ_OK)
        s->weights += (uint64_t)rows * s->k;
    return status;
}

/* ---- The bound --------------------------------------------------------------------------------------------------- */

/* The highest of `bins` bins with which, from above, there are `wanted` weights; *above: without it. `bins` if there are fewer. */
static uint32_t bin_of(const uint64_t *counts, uint32_t bins, uint64_t wanted, uint64_t *above)
{
    for (uint32_t i = bins; i-- > 0; *above += counts[i])
        if (*above + counts[i] >= wanted)
            return i;
    return bins;
}

/* The next lower bin that is not empty; `none` if there is none. */
static uint32_t bin_below(const uint64_t *counts, uint32_t bin, uint32_t none)
{
    while (bin-- > 0)
        if (counts[bin])
            return bin;
    return none;
}

/* The magnitude of bits `bound`, which `equal` weights have, is that of the last of `wanted` outliers, `above` are larger. */
static void settle(lsq_survey *s, uint32_t bound, uint64_t equal, uint64_t wanted, uint64_t above, uint32_t below)
{
    const uint64_t ties = bound ? wanted - above : 0; /* zeros are no outliers */
    s->known = (lsq_magnitudes){
        .largest = s->largest,
        .dense = magnitude_of(ties < equal ? bound : below),
        .bound = magnitude_of(bound),
        .ties = ties,
        .outliers = above + ties,
    };
    s->stage = ENDED;
}

/* After the first pass. */
static void find_bin(lsq_survey *s, uint64_t wanted)
{
    s->above = 0;
    s->bin = bin_of(s->counts, COARSE, wanted, &s->above);
    if (!s->lower) {
        settle(s, s->bin << FINE_BITS, s->counts[s->bin], wanted, s->above,
               bin_below(s->counts, s->bin, 0) << FINE_BITS);
        return;
    }
    s->stage = TELLING_APART;
    s->expected = s->weights;
    s->weights = 0;
}

/* After the second one. */
static lsq_status find_bound(lsq_survey *s, uint64_t wanted, lsq_error *err)
{
    uint64_t above = s->above, found = 0;
    for (uint32_t i = 0; i < FINE; i++)
        found += s->fine[i];
    if (s->weights != s->expected || found != s->counts[s->bin])
        return lsq_error_set(err, LSQ_E_ARGUMENT, "expected the same rows a second time");
    const uint32_t fine = bin_of(s->fine, FINE, wanted, &above), below = bin_below(s->fine, fine, FINE);
    settle(s, s->bin << FINE_BITS | fine, s->fine[fine], wanted, above,
           below < FINE ? s->bin << FINE_BITS | below : s->below);
    return LSQ_OK;
}

lsq_status lsq_survey_end(lsq_survey *s, lsq_magnitudes *known, int *again, lsq_error *err)
{
    if (!s || !known || !again || s->weights == 0)
        return lsq_error_set(err, LSQ_E_ARGUMENT, "a survey of some rows, and places for its result, are needed");
    const uint64_t wanted = (uint64_t)(s->share * (double)(s->stage == TELLING_APART ? s->expected : s->weights));
    lsq_status status = LSQ_OK;
    if (s->stage == COUNTING && wanted == 0)
        settle(s, magnitude_bits(s->largest), 1, 0, 0, 0);
    else if (s->stage == COUNTING)
        find_bin(s, wanted);
    else if (s->stage == TELLING_APART)
        status = find_bound(s, wanted, err);
    if (status == LSQ_OK) {
        *again = s->stage != ENDED;
        if (!*again)
            *known = s->known;
    }
    return status;
}

lsq_status lsq_survey_matrix(size_t m, size_t k, const float *w, size_t ld, double outliers, lsq_magnitudes *known,
                             lsq_error *err)
{
    lsq_survey *survey;
    int again = 1;
    lsq_status status = lsq_survey_new(k, outliers, &survey, err);
    if (status != LSQ_OK)
        return status;
    while (status == LSQ_OK && again) {
        status = lsq_survey_rows(survey, m, w, ld, err);
        if (status == LSQ_OK)
            status = lsq_survey_end(survey, known, &again, err);
    }
    lsq_survey_free(survey);
    return status;
}
