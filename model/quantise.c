/*
 * quantise.c - a tensor of a model into a file, in strips of rows: no more of it is in memory than the caller allows.
 *
 *     read rows --survey-->  what all rows must know (once or twice)
 *     read rows --quantizer-->  strip --each, writer-->  file
 */
#include "model/model.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

enum {
    CHAIN_ROWS = 256,  /* strips are multiples of that */
    SAMPLE = 1 << 19,  /* weights that tell the curve */
    MOST = 1 << 24,    /* weights of a strip: more at once are no faster */
    PANEL = 16,        /* rows that are packed together */
    OUTLIER_BYTES = 16 /* of each: 8 in the quantizer, and its part of the bytes, twice while they grow */
};

typedef struct matrix {
    const lsq_model *model;
    size_t i;
    unsigned axis;
    size_t rows, columns;
    size_t at_once; /* rows of a strip */
    float *w;       /* room for one */
} matrix;

typedef lsq_status strip_visit(void *arg, size_t row, size_t rows, const float *w, lsq_error *err);

static lsq_status for_strips(const matrix *m, strip_visit *visit, void *arg, lsq_error *err)
{
    lsq_status status = LSQ_OK;
    for (size_t row = 0; status == LSQ_OK && row < m->rows; row += m->at_once) {
        const size_t rows = m->rows - row < m->at_once ? m->rows - row : m->at_once;
        status = lsq_model_read_rows(m->model, m->i, m->axis, row, rows, m->w, err);
        if (status == LSQ_OK)
            status = visit(arg, row, rows, m->w, err);
    }
    return status;
}

/* The matrix that the axis gives, or why there is none. */
static lsq_status begin(const lsq_tensor *t, unsigned axis, const lsq_format *format, matrix *m, lsq_error *err)
{
    size_t bytes;
    if (t->rank < 2 || axis >= t->rank || t->elements == 0)
        return lsq_fail(err, LSQ_E_ARGUMENT, t->name, "a tensor of rank %u has no matrix along axis %u", t->rank, axis);
    m->axis = axis;
    m->rows = (size_t)t->shape[axis];
    m->columns = (size_t)(t->elements / t->shape[axis]);
    const lsq_status status = lsq_packed_bytes(format, m->rows, m->columns, &bytes);
    return status == LSQ_OK ? status : lsq_fail(err, status, t->name, "has no packed form in this format");
}

/* ---- Memory ------------------------------------------------------------------------------------------------------ */

/* Floats, and bytes of what is made on the way. */
typedef struct need {
    double chain;   /* for each 256 rows of a strip */
    double encoder; /* for each 256 rows that are encoded at a time, */
    double threads; /* at most so many */
    double beside;  /* for the whole matrix */
} need;

static need need_of(const lsq_context *ctx, const lsq_tensor *t, const matrix *m, const lsq_format *format,
                    const lsq_quantize_options *options)
{
    const size_t encoder = lsq_quantize_scratch(ctx, format, CHAIN_ROWS, m->columns);
    const double outliers = options ? options->outliers : 0, floats = (double)m->columns * sizeof(float);
    size_t strip = 0, all = 0;
    lsq_parts parts = {0};
    lsq_packed_bytes(format, CHAIN_ROWS, m->columns, &strip);
    lsq_packed_bytes(format, m->rows, m->columns, &all);
    lsq_packed_parts(format, m->rows, m->columns, &parts);
    return (need){
        .chain = CHAIN_ROWS * floats * (outliers > 0 ? 3 : 1) + (double)strip,
        .encoder = (double)encoder,
        .threads = encoder ? fmax(1, (double)(lsq_quantize_scratch(ctx, format, m->rows, m->columns) / encoder)) : 0,
        .beside = (double)(all - parts.scales) + outliers * (double)t->elements * OUTLIER_BYTES +
                  (outliers > 0 ? 0x1p21 : 0) + 2 * PANEL * floats,
    };
}

static double least(const need *n)
{
    return n->beside + n->chain + n->encoder;
}

/* However much there is: many threads do not take more for a small tensor than twice its size and some. */
static size_t modest(const lsq_tensor *t, const need *n, size_t memory)
{
    const double usual = fmax(2 * (double)t->bytes + 0x1p25, least(n) + 1);
    return usual < (double)memory ? (size_t)usual : memory;
}

/* Rows of a strip, as many as `memory` allows; 0 if it is too little. */
static size_t rows_at_once(const matrix *m, const need *n, size_t memory)
{
    const double left = (double)memory - n->beside, few = left / (n->chain + n->encoder);
    const double chains = few < n->threads ? few : (left - n->threads * n->encoder) / n->chain;
    const size_t there = (m->rows + CHAIN_ROWS - 1) / CHAIN_ROWS, some = MOST / CHAIN_ROWS / m->columns + 1;
    const size_t most = there < some ? there : some;
    if (chains < 1)
        return 0;
    return (chains < (double)most ? (size_t)chains : most) * CHAIN_ROWS;
}

/* ---- Surveying --------------------------------------------------------------------------------------------------- */

typedef struct survey {
    lsq_survey *survey;
    size_t columns;
} survey;

static lsq_status survey_strip(void *arg, size_t row, size_t rows, const float *w, lsq_error *err)
{
    const survey *s = arg;
    (void)row;
    return lsq_survey_rows(s->survey, rows, w, s->columns, err);
}

static lsq_status survey_matrix(const matrix *m, double outliers, lsq_magnitudes *known, lsq_error *err)
{
    survey s = {NULL, m->columns};
    int again = 1;
    lsq_status status = lsq_survey_new(m->columns, outliers, &s.survey, err);
    while (status == LSQ_OK && again) {
        status = for_strips(m, survey_strip, &s, err);
        if (status == LSQ_OK)
            status = lsq_survey_end(s.survey, known, &again, err);
    }
    lsq_survey_free(s.survey);
    return status;
}

/* The curve that suits a sample of whole panels, evenly spread. */
static lsq_status choose_curve(const matrix *m, const lsq_context *ctx, lsq_format *format, lsq_error *err)
{
    const size_t panels = (m->rows + PANEL - 1) / PANEL, wanted = SAMPLE / PANEL / m->columns + 1;
    const size_t count = wanted < panels ? wanted : panels;
    const lsq_quantize_options how = {.size = sizeof how, .curve = LSQ_CURVE_BEST};
    lsq_weights *tried = NULL;
    size_t have = 0;
    float *w = calloc(count * PANEL, m->columns * sizeof *w);
    lsq_status status = w ? LSQ_OK : lsq_fail(err, LSQ_E_NOMEM, "lsq_writer_quantise", "no memory for a sample");
    for (size_t p = 0; status == LSQ_OK && p < count; p++) {
        const size_t row = p * panels / count * PANEL, rows = m->rows - row < PANEL ? m->rows - row : PANEL;
        status = lsq_model_read_rows(m->model, m->i, m->axis, row, rows, w + have * m->columns, err);
        have += rows;
    }
    if (status == LSQ_OK)
        status = lsq_quantize(ctx, format, have, m->columns, w, m->columns, &how, &tried, err);
    if (status == LSQ_OK)
        *format = lsq_weights_format(tried);
    lsq_weights_free(tried);
    free(w);
    return status;
}

/* ---- Quantising -------------------------------------------------------------------------------------------------- */

typedef struct passage {
    const matrix *matrix;
    lsq_quantizer *quantizer;
    lsq_writer *writer;
    lsq_strip_fn *each;
    void *arg;
} passage;

/* While these rows are encoded the system reads as many more. Along other axes than the first all of the tensor has been read for them. */
static void prefetch(const matrix *m, size_t row, size_t rows)
{
    const size_t next = m->axis == 0 ? row + rows : m->rows;
    lsq_model_prefetch(m->model, m->i, (uint64_t)next * m->columns, (uint64_t)rows * m->columns);
}

static lsq_status pass_strip(void *arg, size_t row, size_t rows, const float *w, lsq_error *err)
{
    const passage *p = arg;
    const lsq_weights *strip = NULL;
    prefetch(p->matrix, row, rows);
    lsq_status status = lsq_quantizer_rows(p->quantizer, rows, w, p->matrix->columns, &strip, err);
    if (status == LSQ_OK && p->each) {
        status = p->each(p->arg, row, rows, w, strip);
        if (status != LSQ_OK)
            lsq_fail(err, status, "lsq_writer_quantise", "the caller's function failed: %s", lsq_strerror(status));
    }
    if (status == LSQ_OK && p->writer)
        status = lsq_writer_rows(p->writer, strip, err);
    return status;
}

static lsq_status pass_matrix(passage *p, const lsq_tensor *t, const lsq_format *format, lsq_error *err)
{
    const void *outliers = NULL;
    size_t bytes = 0;
    lsq_status status = p->writer ? lsq_writer_begin_quantised(p->writer, t, p->matrix->axis, format, err) : LSQ_OK;
    if (status == LSQ_OK)
        status = for_strips(p->matrix, pass_strip, p, err);
    if (status == LSQ_OK)
        status = lsq_quantizer_outliers(p->quantizer, &outliers, &bytes, err);
    if (status == LSQ_OK && p->writer)
        status = lsq_writer_end_quantised(p->writer, outliers, bytes, err);
    return status;
}

static lsq_status run(passage *p, const lsq_context *ctx, const lsq_tensor *t, const lsq_format *wanted,
                      const lsq_quantize_options *options, lsq_error *err)
{
    const lsq_quantize_options usual = {.size = sizeof usual};
    lsq_quantize_options how = options ? *options : usual;
    lsq_format format = *wanted;
    lsq_magnitudes known;
    lsq_status status = survey_matrix(p->matrix, how.outliers, &known, err);
    if (status == LSQ_OK && how.curve == LSQ_CURVE_BEST && (format.codec == LSQ_SCALAR || format.codec == LSQ_TRELLIS))
        status = choose_curve(p->matrix, ctx, &format, err);
    how.curve = LSQ_CURVE_GIVEN;
    if (status == LSQ_OK)
        status = lsq_quantizer_new(ctx, &format, p->matrix->rows, p->matrix->columns, &known, &how, &p->quantizer, err);
    if (status == LSQ_OK)
        status = pass_matrix(p, t, &format, err);
    lsq_quantizer_free(p->quantizer);
    return status;
}

lsq_status lsq_writer_quantise(lsq_writer *writer, const lsq_context *ctx, const lsq_model *model, size_t i,
                               unsigned output_axis, const lsq_format *format, const lsq_quantize_options *options,
                               size_t memory, lsq_strip_fn *each, void *arg, lsq_error *err)
{
    const int before = errno;
    const lsq_tensor *t = model ? lsq_model_tensor(model, i) : NULL;
    if (!t || !format || (options && options->size != sizeof *options))
        return lsq_fail(err, LSQ_E_ARGUMENT, "lsq_writer_quantise",
                        "no such tensor, no format, or options of another size");
    matrix m = {.model = model, .i = i};
    lsq_status status = begin(t, output_axis, format, &m, err);
    if (status != LSQ_OK)
        return status;
    const need n = need_of(ctx, t, &m, format, options);
    m.at_once = rows_at_once(&m, &n, modest(t, &n, memory));
    if (m.at_once == 0)
        return lsq_fail(err, LSQ_E_LIMIT, t->name, "%zu bytes of memory are too little for rows of %zu: it takes %.0f",
                        memory, m.columns, least(&n));
    m.w = calloc(m.at_once < m.rows ? m.at_once : m.rows, m.columns * sizeof *m.w);
    passage p = {.matrix = &m, .writer = writer, .each = each, .arg = arg};
    status = m.w ? run(&p, ctx, t, format, options, err)
                 : lsq_fail(err, LSQ_E_NOMEM, t->name, "no memory for %zu rows", m.at_once);
    free(m.w);
    errno = before;
    return status;
}

uint64_t lsq_quantise_memory(const lsq_tensor *t, unsigned output_axis, const lsq_format *format,
                             const lsq_quantize_options *options)
{
    matrix m = {0};
    if (!t || !format || begin(t, output_axis, format, &m, NULL) != LSQ_OK)
        return 0;
    const need n = need_of(NULL, t, &m, format, options); /* 256 rows are for one thread of any context */
    return (uint64_t)least(&n) + 1;
}
