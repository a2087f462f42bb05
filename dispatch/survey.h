/*
 * survey.h - how large the weights of a matrix are, and which of them are its largest.
 */
#ifndef LSQ_DISPATCH_SURVEY_H
#define LSQ_DISPATCH_SURVEY_H

#include <lsq/lsq.h>

/* The largest magnitude that any weight may have: beyond it a row scale might be infinite. */
#define LSQ_MAGNITUDE_MAX 0x1p100f

/*
 * Raises *largest to the largest magnitude of m x k weights, the first of which is in row `first` of their matrix. LSQ_E_VALUE, with the
 * place, if one is NaN or larger than `most`; *largest is then as it was.
 */
lsq_status lsq_find_largest(size_t first, size_t m, size_t k, const float *w, size_t ld, float most, float *largest,
                            lsq_error *err);

/* Surveys a matrix that is all there: *known as of lsq_survey_end(). */
lsq_status lsq_survey_matrix(size_t m, size_t k, const float *w, size_t ld, double outliers, lsq_magnitudes *known,
                             lsq_error *err);

/* LSQ_E_ARGUMENT unless it is a share that can be kept apart, 0 to 0.1. */
lsq_status lsq_check_share(double outliers, const char *name, lsq_error *err);

#endif
