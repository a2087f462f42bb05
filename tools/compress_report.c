/*
 * compress_report.c - what `lsq compress` did, as a table or as JSON.
 */
#include "tools/compress.h"
#include "tools/output.h"
#include "tools/messages.h"
#include "tools/tensors.h"
#include "tools/text.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

typedef struct totals {
    size_t quantised, calibrated, kept, left_out;
    uint64_t weights, packed; /* of the quantised tensors */
    uint64_t before, after;   /* bytes of all tensors */
    double noise;             /* relative to the signal, times weights: see choices.h */
} totals;

static totals sum(const compression *c)
{
    totals t = {0};
    for (size_t i = 0; i < lsq_model_count(c->model); i++) {
        const outcome *o = &c->outcomes[i];
        t.before += file_bytes(c->model, i);
        t.after += o->left_out ? 0 : o->tensor.bytes;
        t.left_out += o->left_out != 0;
        t.kept += o->kept && !o->left_out;
        if (o->kept && !choice_point(c->choices, i)) /* what was allocated its former format counts too */
            continue;
        t.quantised++;
        t.calibrated += o->calibrated != 0;
        t.weights += o->tensor.elements;
        t.packed += o->tensor.bytes;
        t.noise += quality_relative_noise(&o->quality) * (double)o->tensor.elements;
    }
    return t;
}

/* The mean over all weights, where each tensor counts by their number. */
static double total_snr(const totals *t)
{
    return t->noise > 0 ? 10 * log10((double)t->weights / t->noise) : INFINITY;
}

static json_t *outcome_json(const outcome *o, uint64_t source, const char *why)
{
    json_t *tensor = tensor_json(&o->tensor, o->tensor.bytes), *more;
    if (o->kept)
        more = json_pack("{s:b, s:s, s:b, s:I}", "quantised", 0, "kept", o->kept, "left_out", o->left_out,
                         "source_bytes", (json_int_t)source);
    else
        more = json_pack("{s:b, s:I, s:s, s:o, s:b, s:f, s:f, s:f, s:f, s:f, s:f, s:o}", "quantised", 1, "source_bytes",
                         (json_int_t)source, "why", why, "snr_db", number_json(quality_snr(&o->quality)), "exact",
                         o->quality.noise == 0, "rmse", quality_rmse(&o->quality), "max_error",
                         o->quality.largest_error, "error_99", o->spread.error_99, "error_999", o->spread.error_999,
                         "zero_share", o->spread.zeros, "excess_kurtosis", o->spread.kurtosis, "product_snr_db",
                         o->calibrated ? number_json(quality_snr(&o->products)) : json_null());
    if (!tensor || !more || json_object_update(tensor, more) != 0) {
        json_decref(tensor);
        tensor = NULL;
    }
    json_decref(more);
    return tensor;
}

static json_t *report_json(const compression *c, const totals *t)
{
    json_t *tensors = json_array();
    for (size_t i = 0; tensors && i < lsq_model_count(c->model); i++) {
        char why[WHY_MAX];
        choice_why(c->choices, i, why);
        if (json_array_append_new(tensors, outcome_json(&c->outcomes[i], file_bytes(c->model, i), why)) != 0) {
            json_decref(tensors);
            return NULL;
        }
    }
    json_t *total =
        json_pack("{s:I, s:I, s:I, s:I, s:I, s:f, s:o, s:I, s:I, s:I}", "quantised", (json_int_t)t->quantised,
                  "calibrated", (json_int_t)t->calibrated, "kept", (json_int_t)t->kept, "left_out",
                  (json_int_t)t->left_out, "weights", (json_int_t)t->weights, "bits_per_weight",
                  bits_per_weight(t->packed, t->weights), "snr_db", number_json(total_snr(t)), "source_bytes",
                  (json_int_t)t->before, "bytes", (json_int_t)t->after, "file_bytes", (json_int_t)c->file_bytes);
    return json_pack("{s:s, s:o, s:s, s:o, s:i, s:o, s:o}", "schema", "lsq.compress/1", "input", text_json(c->input),
                     "input_format", lsq_model_format(c->model), "output", text_json(c->output), "file_version",
                     c->version, "tensors", tensors, "totals", total);
}

static void snr_cell(table *t, double snr)
{
    if (isfinite(snr))
        table_cell(t, "%.2f", snr);
    else
        table_cell(t, "exact");
}

/* What is printed with -v only. */
static void spread_cells(table *t, const outcome *o, const char *why)
{
    table_cell(t, "%.3g", quality_rmse(&o->quality));
    table_cell(t, "%.3g", o->spread.error_99);
    table_cell(t, "%.3g", o->spread.error_999);
    table_cell(t, "%.3g", o->quality.largest_error);
    table_cell(t, "%.2f %%", 100 * o->spread.zeros);
    table_cell(t, "%.2f", o->spread.kurtosis);
    table_cell(t, "%s", why);
}

static int print_quantised(const arguments *args, const compression *c)
{
    const char *heads[16] = {"quantised", "shape",        ">rows",       ">columns",
                             "codec",     ">bits/weight", ">outliers %", ">SNR dB"};
    static const char *const wide[] = {">RMSE", ">99 %", ">99.9 %", ">max error", ">zeros", ">kurtosis", "because"};
    size_t columns = 8;
    if (c->calibration)
        heads[columns++] = ">of products";
    for (size_t i = 0; args->verbose && i < sizeof wide / sizeof *wide; i++)
        heads[columns++] = wide[i];
    table *t = table_new(columns, heads);
    char text[SHAPE_TEXT_MAX];
    for (size_t i = 0; i < lsq_model_count(c->model); i++) {
        const lsq_tensor *tensor = &c->outcomes[i].tensor;
        if (c->outcomes[i].kept)
            continue;
        table_cell(t, "%s", tensor->name);
        table_cell(t, "%s", shape_text(tensor, text));
        table_cell(t, "%" PRIu64, tensor->rows);
        table_cell(t, "%" PRIu64, tensor->columns);
        table_cell(t, "%s", storage_text(tensor, text));
        table_cell(t, "%.3f", bits_per_weight(tensor->bytes, tensor->elements));
        if (tensor->outliers)
            table_cell(t, "%.2f", 100.0 * (double)tensor->outliers / (double)tensor->elements);
        else
            table_cell(t, "-");
        snr_cell(t, quality_snr(&c->outcomes[i].quality));
        if (c->calibration && c->outcomes[i].calibrated)
            snr_cell(t, quality_snr(&c->outcomes[i].products));
        else if (c->calibration)
            table_cell(t, "-");
        if (args->verbose)
            spread_cells(t, &c->outcomes[i], choice_why(c->choices, i, text));
    }
    return table_print(t, args);
}

static int print_kept(const arguments *args, const compression *c)
{
    static const char *const heads[] = {"not quantised", "shape", "stored as", ">bytes", "because"};
    table *t = table_new(sizeof heads / sizeof *heads, heads);
    char text[SHAPE_TEXT_MAX];
    for (size_t i = 0; i < lsq_model_count(c->model); i++) {
        const lsq_tensor *tensor = &c->outcomes[i].tensor;
        if (!c->outcomes[i].kept)
            continue;
        table_cell(t, "%s", tensor->name);
        table_cell(t, "%s", shape_text(tensor, text));
        table_cell(t, "%s", c->outcomes[i].left_out ? "left out" : storage_text(tensor, text));
        table_cell(t, "%" PRIu64, tensor->bytes);
        table_cell(t, "%s", c->outcomes[i].kept);
    }
    return table_print(t, args);
}

static void print_totals(const compression *c, const totals *t)
{
    double snr = total_snr(t);
    if (t->quantised) {
        printf("%zu quantised: %" PRIu64 " weights in %" PRIu64 " bytes, %.3f bits each, ", t->quantised, t->weights,
               t->packed, bits_per_weight(t->packed, t->weights));
        printf(isfinite(snr) ? "mean SNR %.2f dB\n" : "exact\n", snr);
    }
    if (c->calibration)
        printf("%zu of them calibrated by %s\n", t->calibrated, c->calibration);
    if (t->kept)
        printf("%zu kept as they were\n", t->kept);
    if (t->left_out)
        printf("%zu left out: files of version 1 have no place for them\n", t->left_out);
    printf("tensors %" PRIu64 " -> %" PRIu64 " bytes; the file has %" PRIu64 ", ratio %.2f\n", t->before, t->after,
           c->file_bytes, c->file_bytes ? (double)t->before / (double)c->file_bytes : 0.0);
}

/* The published code takes weights as they are, and those of trained networks are much smaller than 1. */
static void warn_of_loss(arguments *args, const compression *c)
{
    enum { LITTLE = 10 }; /* dB */
    size_t lost = 0;
    for (size_t i = 0; i < lsq_model_count(c->model); i++) {
        const outcome *o = &c->outcomes[i];
        lost += !o->kept && o->tensor.format.scale == LSQ_SCALE_NONE && quality_snr(&o->quality) < LITTLE;
    }
    if (lost)
        warning(args, "%zu tensors keep less than %d dB: their weights are too small for codes without a scale", lost,
                (int)LITTLE);
}

int compression_report(arguments *args, const compression *c)
{
    totals t = sum(c);
    int code = EXIT_OK;
    warn_of_loss(args, c);
    if (args->json)
        return output_json(args, report_json(c, &t), EXIT_OK);
    if (args->quiet)
        return EXIT_OK;
    if (t.quantised)
        code = print_quantised(args, c);
    if (t.quantised && t.kept + t.left_out)
        putchar('\n');
    if (t.kept + t.left_out && code == EXIT_OK)
        code = print_kept(args, c);
    putchar('\n');
    if (code == EXIT_OK)
        print_totals(c, &t);
    return code;
}
