/*
 * plan.h - what compress makes of a tensor: quantise it, and which way round, or keep it, and why.
 */
#ifndef LSQ_TOOLS_PLAN_H
#define LSQ_TOOLS_PLAN_H

#include "tools/calibration.h"

#include <lsq/lsq_model.h>

typedef enum axis_choice { AXIS_AUTO, AXIS_FIRST, AXIS_LAST } axis_choice;

typedef struct wish {
    const lsq_context *context; /* what it is quantised on */
    lsq_format format;
    int curve; /* an lsq_curve: that of the format if its name says which, otherwise the best */
    axis_choice axis;
    int version;     /* of the file: 1 or 2 */
    int rounding;    /* an lsq_rounding */
    double outliers; /* the largest share of weights kept apart */
} wish;

typedef struct plan {
    const char *kept; /* why it is not quantised; NULL: it is */
    int left_out;     /* kept, but version 1 files have no place for it */
    unsigned output_axis;
    size_t rows, columns, bytes; /* of the matrix, when it is quantised */
} plan;

/* Only looks at type and shape: a tensor that holds a NaN is found out later. */
plan plan_tensor(const lsq_tensor *t, const wish *want);

/* The tensor as it will be written, in `format` unless it is kept; curve and outliers are found out later. */
lsq_tensor plan_written(const lsq_tensor *t, const plan *p, const lsq_format *format);

int same_format(const lsq_format *a, const lsq_format *b);

/* How this command quantises in a format: every encoding of it. What `known` points to must stay; NULL: nothing is known. */
lsq_quantize_options plan_options(const wish *want, const lsq_format *format, int curve, const calibration *known);

/* An lsq_curve: does the name of a format say which it has? */
int plan_curve(const char *name);

#endif
