/*
 * calibration.h - a file of what is known of the inputs of tensors: importance factors, or inputs themselves.
 */
#ifndef LSQ_TOOLS_CALIBRATION_H
#define LSQ_TOOLS_CALIBRATION_H

#include "tools/options.h"
#include "tools/quality.h"

#include <lsq/lsq_model.h>

/* Of one matrix. All zero: nothing is known. */
typedef struct calibration {
    size_t columns;
    float *importance; /* that many; or NULL */
    float *gram;       /* of inputs, over the mean of its diagonal; only its upper triangle; or NULL */
} calibration;

/*
 * Does the file's entry for tensor i of the model, if it has one, fit a matrix with so many columns? Such an entry has the tensor's name; that of
 * a .npy is for a model of one tensor. LSQ_OK, or LSQ_E_ARGUMENT with what was expected.
 */
lsq_status calibration_fits(const lsq_model *file, const lsq_model *model, size_t i, size_t columns, lsq_error *err);

/* Reads that entry. LSQ_E_MALFORMED: a number in it is not finite, or a factor negative; err then names `path`. */
lsq_status calibration_read(const lsq_model *file, const char *path, const lsq_model *model, size_t i, calibration *c,
                            lsq_error *err);

void calibration_free(calibration *c);

/* Adds the signal and noise of products with such inputs. */
lsq_status calibration_add_products(const calibration *c, const lsq_weights *weights, const float *original,
                                    quality *q);

#endif
