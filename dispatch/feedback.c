/*
 * feedback.c - what calibration inputs tell of a matrix: how much its columns matter, and which make up for which.
 */
#include "dispatch/feedback.h"

#include "dispatch/error.h"
#include "kernels/coder.h"

#include <math.h>
#include <stdlib.h>

/* A share of the mean of the diagonal, added to all of it: inputs that calibration had none of may come all the same. */
static const double damping = 0.01;

/* Columns: their factors are a GiB. */
static const size_t most = 16384;

static lsq_status check_importance(const lsq_source *s, lsq_error *err)
{
    const size_t rows = s->importance_ld ? s->m : 1;
    if (s->importance_ld && s->importance_ld < s->k)
        return lsq_error_set(err, LSQ_E_ARGUMENT, "options->importance_ld is %zu: expected 0, or at least %zu",
                             s->importance_ld, s->k);
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < s->k; c++) {
            const float a = s->importance[r * s->importance_ld + c];
            if (!(a >= 0 && a <= 0x1p60f)) /* times squared weights, and summed, it must stay finite */
                return lsq_error_set(err, LSQ_E_VALUE, "importance (%zu, %zu) is %g: expected a number from 0 to 2^60",
                                     r, c, (double)a);
        }
    return LSQ_OK;
}

/* Also finds the mean of the diagonal. */
static lsq_status check_gram(size_t k, const float *gram, double *mean, lsq_error *err)
{
    *mean = 0;
    if (k > most)
        return lsq_error_set(err, LSQ_E_LIMIT, "error feedback for %zu columns: expected at most %zu", k, most);
    for (size_t i = 0; i < k; i++) {
        for (size_t j = i; j < k; j++)
            if (!isfinite(gram[i * k + j]))
                return lsq_error_set(err, LSQ_E_VALUE, "gram (%zu, %zu) is %g: expected a finite number", i, j,
                                     (double)gram[i * k + j]);
        if (gram[i * k + i] < 0)
            return lsq_error_set(err, LSQ_E_VALUE, "gram (%zu, %zu) is %g: expected at least 0", i, i,
                                 (double)gram[i * k + i]);
        *mean += (double)gram[i * k + i] / (double)k;
    }
    return LSQ_OK;
}

lsq_status lsq_calibrate(const lsq_quantize_options *o, lsq_source *s, lsq_calibration *c, lsq_error *err)
{
    const size_t k = s->k;
    const unsigned paths = s->format->codec == LSQ_TRELLIS ? lsq_path_count(s->format->bits) : 1;
    double mean = 0;
    lsq_status status = LSQ_OK;
    s->importance = o->importance;
    s->importance_ld = o->importance_ld;
    if (o->importance)
        status = check_importance(s, err);
    if (status == LSQ_OK && o->gram)
        status = check_gram(k, o->gram, &mean, err);
    if (status != LSQ_OK || !(mean > 0))
        return status; /* of inputs that are all zero there is nothing to learn */
    c->memory = calloc(k + 1, k * sizeof(*c->memory));
    if (!c->memory)
        return lsq_error_set(err, LSQ_E_NOMEM, "no memory for the factors of a %zu x %zu matrix", k, k);
    float *h = c->memory, *diagonal = c->memory + k * k;
    for (size_t i = 0; i < k; i++) {
        const size_t a = lsq_feedback_place(paths, k, i);
        for (size_t j = i; j < k; j++) {
            const size_t b = lsq_feedback_place(paths, k, j);
            h[a < b ? a * k + b : b * k + a] = (float)((double)o->gram[i * k + j] / mean + (i == j ? damping : 0));
        }
        diagonal[i] = h[a * k + a];
    }
    if (!lsq_feedback_factor(paths, k, h))
        return lsq_error_set(err, LSQ_E_VALUE, "gram is no X^T X: it is not positive semidefinite");
    c->feedback = (lsq_feedback){.k = k, .spread = h};
    s->feedback = &c->feedback;
    if (!s->importance)
        s->importance = diagonal;
    return LSQ_OK;
}
