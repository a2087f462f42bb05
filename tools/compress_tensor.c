/*
 * compress_tensor.c - one tensor of `lsq compress`: quantised, or kept as it is, and written.
 *
 * Most go through in strips of rows, of which no more than some 64 MB of numbers are in memory. Whole matrices are for what depends on all of
 * their weights: outliers where they pay, one scale for all, and a signal to noise ratio that may ask for another format.
 */
#include "tools/compress_job.h"
#include "tools/measure.h"
#include "tools/messages.h"
#include "tools/tensors.h"

#include <stdlib.h>

/* What is gathered of a tensor on its way. */
typedef struct comparison {
    compress_job *job;
    outcome *outcome;
    spread_sums spread;
    calibration known;
    uint64_t outliers;
} comparison;

static lsq_status add_spread(spread_sums *s, size_t rows, const float *w, const lsq_weights *quantised)
{
    enum { BAND = 16 }; /* rows that are packed together */
    const size_t columns = lsq_weights_columns(quantised);
    float *decoded = calloc(rows < BAND ? rows : BAND, columns * sizeof *decoded);
    lsq_status status = decoded ? LSQ_OK : LSQ_E_NOMEM;
    for (size_t row = 0; status == LSQ_OK && row < rows; row += BAND) {
        const size_t band = rows - row < BAND ? rows - row : BAND;
        status = lsq_dequantize(NULL, quantised, row, band, decoded, columns);
        if (status == LSQ_OK)
            status = spread_add(s, w + row * columns, decoded, band * columns);
    }
    free(decoded);
    return status;
}

/* Adds rows beside what became of them. */
static lsq_status compare(void *arg, size_t row, size_t rows, const float *w, const lsq_weights *quantised)
{
    comparison *c = arg;
    size_t outliers;
    lsq_weights_outliers(quantised, NULL, &outliers);
    c->outliers += outliers;
    lsq_status status = lsq_loss_add(&c->outcome->loss, w, quantised);
    if (status == LSQ_OK)
        status = add_spread(&c->spread, rows, w, quantised);
    if (status == LSQ_OK && c->known.columns)
        status = calibration_add_products(&c->known, quantised, w, &c->outcome->products);
    progress_show(&c->job->progress, c->job->done + (double)(row + rows) * (double)lsq_weights_columns(quantised));
    return status;
}

static void compare_anew(comparison *c)
{
    spread_free(&c->spread);
    c->outliers = 0;
    c->outcome->loss = (lsq_loss){0};
    c->outcome->products = (quality){0};
}

/* ---- Some rows at a time ---- */

static lsq_status quantise_in_strips(compress_job *j, size_t i, comparison *c, lsq_error *err)
{
    const choice *made = &j->choices.each[i];
    const lsq_quantize_options how = plan_options(&j->want, &made->format, LSQ_CURVE_GIVEN, &c->known);
    return lsq_writer_quantise(j->writer, NULL, j->model, i, made->plan.output_axis, &made->format, &how,
                               j->limits.memory, compare, c, err);
}

/* ---- Whole ---- */

/* Encodes a matrix, anew if it falls short of what samples promised and its choice is changed for that: perhaps to being kept. */
static lsq_status encode(compress_job *j, size_t i, const float *w, comparison *c, lsq_weights **weights,
                         lsq_error *err)
{
    const choice *made = &j->choices.each[i];
    const size_t rows = made->plan.rows, columns = made->plan.columns;
    lsq_status status;
    do {
        const lsq_quantize_options how = plan_options(&j->want, &made->format, LSQ_CURVE_GIVEN, &c->known);
        lsq_weights_free(*weights);
        *weights = NULL;
        compare_anew(c);
        status = lsq_quantize(NULL, &made->format, rows, columns, w, columns, &how, weights, err);
        if (status == LSQ_OK)
            status = compare(c, 0, rows, w, *weights);
    } while (status == LSQ_OK && choices_settle(&j->choices, i, lsq_loss_of_weights(&c->outcome->loss)) &&
             !made->plan.kept);
    return status;
}

/* What the file has behind the tensor is read from the disk meanwhile. */
static lsq_status quantise_whole(compress_job *j, size_t i, comparison *c, lsq_error *err)
{
    enum { AHEAD = 1 << 24 };
    const choice *made = &j->choices.each[i];
    const lsq_tensor *t = &c->outcome->tensor;
    lsq_weights *weights = NULL;
    float *w = calloc(made->plan.rows, made->plan.columns * sizeof *w);
    lsq_status status = w ? lsq_model_read_matrix(j->model, i, made->plan.output_axis, w, err) : LSQ_E_NOMEM;
    if (status == LSQ_OK) {
        lsq_model_prefetch(j->model, i, t->elements, t->elements < AHEAD ? t->elements : AHEAD);
        status = encode(j, i, w, c, &weights, err);
    }
    free(w);
    if (status == LSQ_OK && !made->plan.kept)
        status = lsq_writer_quantised(j->writer, t, made->plan.output_axis, weights, err);
    lsq_weights_free(weights);
    return status;
}

/* ---- Either ---- */

static int depends_on_all(const compress_job *j, size_t i)
{
    const lsq_format *format = &j->choices.each[i].format;
    return j->goal.kind == TARGET_SNR || format->scale == LSQ_SCALE_TENSOR ||
           (j->want.outliers > 0 && format->codec != LSQ_SIGN);
}

int compress_fits(const compress_job *j, size_t i, double *takes)
{
    const choice *made = &j->choices.each[i];
    const lsq_quantize_options how = plan_options(&j->want, &made->format, LSQ_CURVE_GIVEN, NULL);
    if (made->plan.kept)
        return 1;
    if (depends_on_all(j, i)) /* numbers, what becomes of them, and a second of both with outliers */
        *takes = ((double)made->plan.rows * (double)made->plan.columns * sizeof(float) + (double)made->plan.bytes) *
                 (j->want.outliers > 0 ? 2 : 1);
    else
        *takes =
            (double)lsq_quantise_memory(lsq_model_tensor(j->model, i), made->plan.output_axis, &made->format, &how);
    return *takes <= (double)j->limits.memory;
}

/* Quantises tensor i. LSQ_E_VALUE: it cannot be, and nothing was written. */
static lsq_status quantise(compress_job *j, size_t i, lsq_error *err)
{
    outcome *o = &j->outcomes[i];
    const plan *p = &j->choices.each[i].plan;
    comparison c = {.job = j, .outcome = o};
    lsq_status status = measure_curve(&j->choices, i, err);
    if (status == LSQ_OK && j->calibration)
        status = calibration_read(j->calibration, j->calibration_path, j->model, i, &c.known, err);
    if (status == LSQ_OK)
        status = depends_on_all(j, i) ? quantise_whole(j, i, &c, err) : quantise_in_strips(j, i, &c, err);
    if (status == LSQ_OK) {
        o->calibrated = c.known.columns > 0;
        o->spread = spread_of(&c.spread);
        o->kept = p->kept;
    }
    if (status == LSQ_OK && !p->kept) {
        const char *name = o->tensor.name;
        o->tensor = *lsq_writer_last(j->writer);
        o->tensor.name = name;
        o->tensor.outliers = c.outliers;
        if (!depends_on_all(j, i))
            choices_settle(&j->choices, i, lsq_loss_of_weights(&o->loss));
    }
    spread_free(&c.spread);
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
