/*
 * cmd_diff.c - lsq diff: two files of one model, tensor by tensor: how far are their numbers apart, and what do they take?
 */
#include "tools/commands.h"
#include "tools/messages.h"
#include "tools/output.h"
#include "tools/progress.h"
#include "tools/quality.h"
#include "tools/tensors.h"
#include "tools/text.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A tensor of either file, or of both. */
typedef struct difference {
    const lsq_tensor *a, *b; /* NULL: the file lacks it */
    uint64_t a_bytes, b_bytes;
    int same_shape; /* then, of a as signal and b: */
    quality quality;
} difference;

typedef struct comparison {
    const lsq_model *a, *b;
    difference *each;
    size_t count, differ;
    progress progress;
    double done; /* numbers of a */
} comparison;

static int differs(const difference *d)
{
    return !d->same_shape || d->quality.noise != 0;
}

/* ---- Comparing --------------------------------------------------------------------------------------------------- */

/* Numbers [row, row + rows) of the first axis; those of no axis, or of one, are one row. */
static lsq_status read_rows(const lsq_model *model, size_t i, uint64_t row, uint64_t rows, float *out, lsq_error *err)
{
    return lsq_model_tensor(model, i)->rank < 2 ? lsq_model_read(model, i, out, err)
                                                : lsq_model_read_rows(model, i, 0, row, rows, out, err);
}

/* Some rows at a time. */
static lsq_status compare_numbers(difference *d, comparison *c, size_t i, size_t j, lsq_error *err)
{
    enum { AT_ONCE = 1 << 20 };
    const uint64_t rows = d->a->rank < 2 ? 1 : d->a->shape[0], columns = rows ? d->a->elements / rows : 0;
    const uint64_t some = columns && columns < AT_ONCE ? AT_ONCE / columns : 1, band = some < rows ? some : rows;
    if (d->a->elements == 0)
        return LSQ_OK;
    float *a = calloc((size_t)band, (size_t)columns * 2 * sizeof *a), *b = a ? a + band * columns : NULL;
    lsq_status status = a ? LSQ_OK : LSQ_E_NOMEM;
    for (uint64_t row = 0; status == LSQ_OK && row < rows; row += band) {
        const uint64_t count = rows - row < band ? rows - row : band;
        status = read_rows(c->a, i, row, count, a, err);
        if (status == LSQ_OK)
            status = read_rows(c->b, j, row, count, b, err);
        if (status == LSQ_OK)
            quality_add(&d->quality, a, b, (size_t)(count * columns));
        progress_show(&c->progress, c->done + (double)(row + count) * (double)columns);
    }
    free(a);
    return status;
}

/* Those of a in their order, then those that b alone has. */
static lsq_status compare(const arguments *args, comparison *c, lsq_error *err)
{
    lsq_status status = LSQ_OK;
    double numbers = 0;
    for (size_t i = 0; i < lsq_model_count(c->a); i++)
        numbers += (double)lsq_model_tensor(c->a, i)->elements;
    progress_begin(&c->progress, args, numbers);
    for (size_t i = 0, j; status == LSQ_OK && i < lsq_model_count(c->a); i++) {
        difference *d = &c->each[c->count++];
        d->a = lsq_model_tensor(c->a, i);
        d->a_bytes = file_bytes(c->a, i);
        d->b = lsq_model_find(c->b, d->a->name, &j);
        d->b_bytes = d->b ? file_bytes(c->b, j) : 0;
        d->same_shape =
            d->b && d->a->rank == d->b->rank && memcmp(d->a->shape, d->b->shape, d->a->rank * sizeof *d->a->shape) == 0;
        if (d->same_shape)
            status = compare_numbers(d, c, i, j, err);
        c->done += (double)d->a->elements;
    }
    progress_clear(&c->progress);
    for (size_t j = 0; j < lsq_model_count(c->b); j++) {
        const lsq_tensor *b = lsq_model_tensor(c->b, j);
        if (!lsq_model_find(c->a, b->name, NULL))
            c->each[c->count++] = (difference){.b = b, .b_bytes = file_bytes(c->b, j)};
    }
    for (size_t i = 0; i < c->count; i++)
        c->differ += (size_t)differs(&c->each[i]);
    return status;
}

/* ---- Telling ----------------------------------------------------------------------------------------------------- */

static const char *what(const difference *d)
{
    return !d->b ? "only in A" : !d->a ? "only in B" : !d->same_shape ? "other shape" : differs(d) ? "differs" : "same";
}

static uint64_t sum(const comparison *c, int of_b)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < c->count; i++)
        bytes += of_b ? c->each[i].b_bytes : c->each[i].a_bytes;
    return bytes;
}

static json_t *side_json(const lsq_tensor *t, uint64_t bytes)
{
    return t ? tensor_json(t, bytes) : json_null();
}

static json_t *difference_json(const difference *d)
{
    const int compared = d->same_shape;
    return json_pack("{s:s, s:s, s:o, s:o, s:o, s:o, s:o}", "name", d->a ? d->a->name : d->b->name, "result", what(d),
                     "a", side_json(d->a, d->a_bytes), "b", side_json(d->b, d->b_bytes), "snr_db",
                     compared ? number_json(quality_snr(&d->quality)) : json_null(), "rmse",
                     compared ? number_json(quality_rmse(&d->quality)) : json_null(), "max_error",
                     compared ? number_json(d->quality.largest_error) : json_null());
}

static json_t *document(const arguments *args, const comparison *c)
{
    json_t *tensors = json_array();
    for (size_t i = 0; tensors && i < c->count; i++)
        if (json_array_append_new(tensors, difference_json(&c->each[i])) != 0) {
            json_decref(tensors);
            return NULL;
        }
    return json_pack("{s:s, s:o, s:o, s:o, s:I, s:I, s:I}", "schema", "lsq.diff/1", "a", text_json(args->operands[0]),
                     "b", text_json(args->operands[1]), "tensors", tensors, "differ", (json_int_t)c->differ, "a_bytes",
                     (json_int_t)sum(c, 0), "b_bytes", (json_int_t)sum(c, 1));
}

static void side_cell(table *t, const lsq_tensor *tensor)
{
    char text[LSQ_FORMAT_NAME_MAX];
    table_cell(t, "%s", tensor ? storage_text(tensor, text) : "-");
}

static int print_tensors(const arguments *args, const comparison *c)
{
    static const char *const heads[] = {"tensor", "result", "A", "B", ">bytes of A", ">of B", ">SNR dB", "?>max error"};
    table *t = table_new(sizeof heads / sizeof *heads, heads);
    for (size_t i = 0; i < c->count; i++) {
        const difference *d = &c->each[i];
        if (!differs(d) && !args->verbose)
            continue;
        table_cell(t, "%s", d->a ? d->a->name : d->b->name);
        table_cell(t, "%s", what(d));
        side_cell(t, d->a);
        side_cell(t, d->b);
        table_cell(t, "%" PRIu64, d->a_bytes);
        table_cell(t, "%" PRIu64, d->b_bytes);
        if (d->same_shape && isfinite(quality_snr(&d->quality)))
            table_cell(t, "%.2f", quality_snr(&d->quality));
        else
            table_cell(t, "%s", d->same_shape && !differs(d) ? "exact" : "-");
        if (d->same_shape)
            table_cell(t, "%.3g", d->quality.largest_error);
        else
            table_cell(t, "-");
    }
    return table_print(t, args);
}

static int print(const arguments *args, const comparison *c)
{
    const int code = c->differ || args->verbose ? print_tensors(args, c) : EXIT_OK;
    print_fitted(0, 2, "%zu of %zu tensors differ; %" PRIu64 " bytes in A, %" PRIu64 " in B", c->differ, c->count,
                 sum(c, 0), sum(c, 1));
    return code;
}

static int report(arguments *args, const comparison *c)
{
    const int code = c->differ ? EXIT_CHECK : EXIT_OK;
    if (args->json)
        return output_json(args, document(args, c), code);
    const int printed = args->quiet ? EXIT_OK : print(args, c);
    return printed == EXIT_OK ? code : printed;
}

static int run(arguments *args)
{
    lsq_model *a = NULL, *b = NULL;
    lsq_error err = {0};
    int code = open_model(args, args->operands[0], 0, &a);
    if (code == CARRY_ON)
        code = open_model(args, args->operands[1], 0, &b);
    comparison c = {.a = a, .b = b};
    if (code == CARRY_ON) {
        const size_t most = lsq_model_count(a) + lsq_model_count(b);
        c.each = calloc(most ? most : 1, sizeof *c.each);
        const lsq_status status = c.each ? compare(args, &c, &err) : LSQ_E_NOMEM;
        code = status == LSQ_OK ? report(args, &c) : library_failure(args, status, &err);
    }
    free(c.each);
    lsq_model_free(b);
    lsq_model_free(a);
    return code;
}

const verb diff_command = {
    .name = "diff",
    .operands = "A B",
    .summary = "Compare the numbers and sizes of two model files, tensor by tensor",
    .details = "Tensors are compared by name, as numbers, whatever type or codec they are stored in: SNR is that of B "
               "against\n"
               "A. Those that are the same are listed with --verbose only. Exit code 1 means that something differs.\n",
    .operand_count = 2,
    .run = run,
};
