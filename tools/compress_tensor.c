/*
 * compress_tensor.c - one tensor of `lsq compress`: quantised, or kept as it is, and written.
 *
 * Most go through in strips of rows, of which no more than some 64 MB of numbers are in memory. What becomes of them is put together in memory
 * where a signal to noise ratio may ask for another format. Whole matrices are for what depends on all of their weights: outliers where they
 * pay, and one scale for all.
 */
#include "tools/compress_job.h"
#include "tools/measure.h"
#include "tools/messages.h"
#include "tools/tensors.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* What is gathered of a tensor on its way. */
typedef struct comparison {
    compress_job *job;
    outcome *outcome;
    uint64_t *errors; /* LSQ_ERROR_BINS counts */
    calibration known;
    uint64_t outliers;
    const plan *plan;
    uint8_t *packed; /* strips that are not written as they come */
    size_t bytes;    /* of that */
} comparison;

/* Adds rows beside what became of them. */
static lsq_status compare(void *arg, size_t row, size_t rows, const float *w, const lsq_weights *quantised)
{
    comparison *c = arg;
    size_t outliers;
    lsq_weights_outliers(quantised, NULL, &outliers);
    c->outliers += outliers;
    lsq_status status = lsq_loss_add(c->job->want.context, &c->outcome->loss, c->errors, w, quantised);
    if (status == LSQ_OK && c->known.columns)
        status = calibration_add_products(&c->known, quantised, w, &c->outcome->products);
    progress_show(&c->job->progress, c->job->done + (double)(row + rows) * (double)lsq_weights_columns(quantised));
    return status;
}

static void compare_anew(comparison *c)
{
    memset(c->errors, 0, LSQ_ERROR_BINS * sizeof *c->errors);
    c->outliers = 0;
    c->outcome->loss = (lsq_loss){0};
    c->outcome->products = (quality){0};
}

/* ---- Some rows at a time ---- */

static lsq_status quantise_in_strips(compress_job *j, size_t i, comparison *c, lsq_error *err)
{
    const choice *made = &j->choices.each[i];
    const lsq_quantize_options how = plan_options(&j->want, &made->format, LSQ_CURVE_GIVEN, &c->known);
    return lsq_writer_quantise(j->writer, j->want.context, j->model, i, made->plan.output_axis, &made->format, &how,
                               j->limits.memory, compare, c, err);
}

/* ---- Some rows at a time, until the choice stands ---- */

static lsq_status gather(void *arg, size_t row, size_t rows, const float *w, const lsq_weights *quantised)
{
    comparison *c = arg;
    const lsq_format format = lsq_weights_format(quantised);
    const lsq_status status = lsq_packed_join(&format, c->plan->rows, c->plan->columns, c->packed, row, quantised);
    return status == LSQ_OK ? compare(c, row, rows, w, quantised) : status;
}

static lsq_status gather_anew(comparison *c, const lsq_format *format)
{
    const lsq_status status = lsq_packed_bytes(format, c->plan->rows, c->plan->columns, &c->bytes);
    compare_anew(c);
    if (status != LSQ_OK)
        return status;
    free(c->packed);
    c->packed = calloc(c->bytes, 1);
    return c->packed ? LSQ_OK : LSQ_E_NOMEM;
}

static lsq_status write_whole(compress_job *j, size_t i, const lsq_weights *weights, lsq_error *err)
{
    return lsq_writer_quantised(j->writer, lsq_model_tensor(j->model, i), j->choices.each[i].plan.output_axis, weights,
                                err);
}

/*
 * What strips may take beside the packed form: with it no more than twice the tensor and some, as without it, unless that is too little for
 * any strip. 0: the limit is.
 */
static size_t memory_beside(const compress_job *j, size_t i, const lsq_quantize_options *how, size_t packed)
{
    const choice *made = &j->choices.each[i];
    const lsq_tensor *t = lsq_model_tensor(j->model, i);
    const double least = (double)lsq_quantise_memory(t, made->plan.output_axis, &made->format, how);
    const double usual = fmax(2 * (double)t->bytes + 0x1p25 - (double)packed, least);
    const size_t left = j->limits.memory > packed ? j->limits.memory - packed : 0;
    return usual < (double)left ? (size_t)usual : left;
}

/* Anew if the matrix falls short of what samples promised and its choice is changed for that: perhaps to being kept. */
static lsq_status quantise_until_settled(compress_job *j, size_t i, comparison *c, lsq_error *err)
{
    const choice *made = &j->choices.each[i];
    const plan *p = &made->plan;
    lsq_weights *weights = NULL;
    lsq_status status;
    do {
        const lsq_quantize_options how = plan_options(&j->want, &made->format, LSQ_CURVE_GIVEN, &c->known);
        status = gather_anew(c, &made->format);
        if (status == LSQ_OK)
            status = lsq_writer_quantise(NULL, j->want.context, j->model, i, p->output_axis, &made->format, &how,
                                         memory_beside(j, i, &how, c->bytes), gather, c, err);
    } while (status == LSQ_OK && choices_settle(&j->choices, i, lsq_loss_of_weights(&c->outcome->loss)) && !p->kept);
    if (status == LSQ_OK && !p->kept)
        status = lsq_weights_wrap(&made->format, p->rows, p->columns, c->packed, c->bytes, &weights, err);
    if (weights)
        status = write_whole(j, i, weights, err);
    lsq_weights_free(weights);
    return status;
}

/* ---- Whole ---- */

/* What the file has behind the tensor is read from the disk meanwhile. */
static lsq_status quantise_whole(compress_job *j, size_t i, comparison *c, lsq_error *err)
{
    enum { AHEAD = 1 << 24 };
    const choice *made = &j->choices.each[i];
    const size_t rows = made->plan.rows, columns = made->plan.columns;
    const uint64_t elements = c->outcome->tensor.elements;
    const lsq_quantize_options how = plan_options(&j->want, &made->format, LSQ_CURVE_GIVEN, &c->known);
    lsq_weights *weights = NULL;
    float *w = calloc(rows, columns * sizeof *w);
    lsq_status status = w ? lsq_model_read_matrix(j->model, i, made->plan.output_axis, w, err) : LSQ_E_NOMEM;
    if (status == LSQ_OK) {
        lsq_model_prefetch(j->model, i, elements, elements < AHEAD ? elements : AHEAD);
        status = lsq_quantize(j->want.context, &made->format, rows, columns, w, columns, &how, &weights, err);
    }
    if (status == LSQ_OK)
        status = compare(c, 0, rows, w, weights);
    free(w);
    if (status == LSQ_OK)
        status = write_whole(j, i, weights, err);
    lsq_weights_free(weights);
    return status;
}

/* ---- Either ---- */

typedef lsq_status quantise_fn(compress_job *j, size_t i, comparison *c, lsq_error *err);

static quantise_fn *way_of(const compress_job *j, size_t i)
{
    const lsq_format *format = &j->choices.each[i].format;
    if (format->scale == LSQ_SCALE_TENSOR || (j->want.outliers > 0 && format->codec != LSQ_SIGN))
        return quantise_whole;
    return j->goal.kind == TARGET_SNR ? quantise_until_settled : quantise_in_strips;
}

/*
 * Numbers, and what becomes of them; with outliers that a second time, their places, and the numbers without them: those of some rows, or all for one
 * scale.
 */
static double takes_whole(const lsq_format *format, const plan *p, double outliers)
{
    const double weights = (double)p->rows * (double)p->columns, numbers = weights * sizeof(float);
    const double rest = format->scale == LSQ_SCALE_TENSOR ? numbers : fmin(numbers, 0x1p26), place = 32;
    return numbers + (double)p->bytes + (outliers > 0 ? (double)p->bytes + rest + place * outliers * weights : 0);
}

int compress_in_strips(const compress_job *j, size_t i)
{
    return way_of(j, i) == quantise_in_strips;
}

double compress_takes(const compress_job *j, size_t i)
{
    const choice *made = &j->choices.each[i];
    const plan *p = &made->plan;
    const lsq_quantize_options how = plan_options(&j->want, &made->format, LSQ_CURVE_GIVEN, NULL);
    if (p->kept)
        return 0;
    quantise_fn *way = way_of(j, i);
    if (way == quantise_whole)
        return takes_whole(&made->format, p, j->want.outliers);
    return (double)lsq_quantise_memory(lsq_model_tensor(j->model, i), p->output_axis, &made->format, &how) +
           (way == quantise_until_settled ? (double)p->bytes : 0);
}

/* Quantises tensor i. LSQ_E_VALUE: it cannot be, and nothing was written. */
static lsq_status quantise(compress_job *j, size_t i, lsq_error *err)
{
    outcome *o = &j->outcomes[i];
    const plan *p = &j->choices.each[i].plan;
    comparison c = {.job = j, .outcome = o, .plan = p, .errors = calloc(LSQ_ERROR_BINS, sizeof *c.errors)};
    lsq_status status = c.errors ? measure_curve(&j->choices, i, err) : LSQ_E_NOMEM;
    if (status == LSQ_OK && j->calibration)
        status = calibration_read(j->calibration, j->calibration_path, j->model, i, &c.known, err);
    quantise_fn *const way = way_of(j, i);
    if (status == LSQ_OK)
        status = way(j, i, &c, err);
    if (status == LSQ_OK) {
        o->calibrated = c.known.columns > 0;
        o->spread = spread_of(&o->loss, c.errors);
        o->kept = p->kept;
    }
    if (status == LSQ_OK && !p->kept) {
        const char *name = o->tensor.name;
        o->tensor = *lsq_writer_last(j->writer);
        o->tensor.name = name;
        o->tensor.outliers = c.outliers;
        if (way != quantise_until_settled)
            choices_settle(&j->choices, i, lsq_loss_of_weights(&o->loss));
    }
    free(c.errors);
    free(c.packed);
    calibration_free(&c.known);
    return status;
}

static lsq_status keep(compress_job *j, size_t i, lsq_error *err)
{
    return j->outcomes[i].left_out ? LSQ_OK : lsq_writer_copy(j->writer, j->model, i, err);
}

lsq_status compress_tensor(compress_job *j, size_t i, lsq_error *err)
{
    const lsq_tensor *t = lsq_model_tensor(j->model, i);
    outcome *o = &j->outcomes[i];
    plan p = j->choices.each[i].plan;
    lsq_status status = LSQ_E_VALUE;
    char storage[LSQ_FORMAT_NAME_MAX];

    *o = (outcome){.tensor = *t, .kept = p.kept, .left_out = p.left_out};
    if (!p.kept) {
        status = quantise(j, i, err);
        if (status == LSQ_E_VALUE) {
            o->kept = "holds a NaN or an infinity";
            o->left_out = j->want.version == 1;
            progress_clear(&j->progress);
            warning(j->args, "%s is not quantised: %s", t->name, err->text);
        } else if (status == LSQ_OK && t->quantised && !o->kept) {
            progress_clear(&j->progress);
            warning(j->args, "%s was quantised before, as %s: the errors of both add up", t->name,
                    storage_text(t, storage));
        }
    }
    if (o->kept)
        status = keep(j, i, err);
    o->tensor.bytes += o->tensor.outlier_bytes;
    if (j->want.version == 1 && o->tensor.quantised) /* codes alone, without the scales and padding of products */
        o->tensor.bytes = lsq_bit_string_bytes(o->tensor.format.bits, (size_t)o->tensor.elements);
    return status;
}
