/*
 * compress_report.c - what `lsq compress` did, as a table or as JSON.
 */
#include "tools/compress_totals.h"
#include "tools/output.h"
#include "tools/messages.h"
#include "tools/tensors.h"
#include "tools/text.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

static double rmse(const lsq_loss *loss)
{
    return loss->weights > 0 ? sqrt(loss->noise / loss->weights) : 0;
}

static json_t *outcome_json(const outcome *o, uint64_t source, const char *why)
{
    json_t *tensor = tensor_json(&o->tensor, o->tensor.bytes), *more;
    if (o->kept)
        more = json_pack("{s:b, s:s, s:b, s:I}", "quantised", 0, "kept", o->kept, "left_out", o->left_out,
                         "source_bytes", (json_int_t)source);
    else
        more = json_pack("{s:b, s:I, s:s, s:o, s:b, s:f, s:f, s:f, s:f, s:f, s:f, s:o}", "quantised", 1, "source_bytes",
                         (json_int_t)source, "why", why, "snr_db", number_json(lsq_loss_snr(&o->loss)), "exact",
                         o->loss.noise == 0, "rmse", rmse(&o->loss), "max_error", o->loss.largest_error, "error_99",
                         o->spread.error_99, "error_999", o->spread.error_999, "zero_share", o->spread.zeros,
                         "excess_kurtosis", o->spread.kurtosis, "product_snr_db",
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
    json_t *total = json_pack(
        "{s:I, s:I, s:I, s:I, s:I, s:I, s:s, s:f, s:o, s:f, s:I, s:I, s:I, s:I}", "quantised", (json_int_t)t->quantised,
        "calibrated", (json_int_t)t->calibrated, "kept", (json_int_t)t->kept, "left_out", (json_int_t)t->left_out,
        "weights", (json_int_t)t->weights, "outliers", (json_int_t)t->outliers, "base_dtype",
        t->dtype == LSQ_DTYPES ? "several" : lsq_dtype_name(t->dtype), "bits_per_weight",
        bits_per_weight(t->packed, t->weights), "snr_db", number_json(t->snr), "relative_output_error", t->loss / 100,
        "source_bytes", (json_int_t)t->before, "bytes", (json_int_t)t->after, "file_bytes", (json_int_t)c->file_bytes,
        "peak_resident_bytes", (json_int_t)c->peak_resident_bytes);
    json_t *document = json_pack("{s:s, s:o, s:s, s:o, s:i, s:o, s:o}", "schema", "lsq.compress/1", "input",
                                 text_json(c->input), "input_format", lsq_model_format(c->model), "output",
                                 text_json(c->output), "file_version", c->version, "tensors", tensors, "totals", total);
    json_t *published = totals_published_json(c, t);
    if (!document || !published || json_object_update(document, published) != 0) {
        json_decref(document);
        document = NULL;
    }
    json_decref(published);
    return document;
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
    table_cell(t, "%.3g", rmse(&o->loss));
    table_cell(t, "%.3g", o->spread.error_99);
    table_cell(t, "%.3g", o->spread.error_999);
    table_cell(t, "%.3g", o->loss.largest_error);
    table_cell(t, "%.2f %%", 100 * o->spread.zeros);
    table_cell(t, "%.2f", o->spread.kurtosis);
    table_cell(t, "%s", why);
}

static int print_quantised(const arguments *args, const compression *c, const totals *sums)
{
    const char *heads[16] = {"quantised", "?shape",       "?>rows",      "&>columns",
                             "codec",     ">bits/weight", ">outliers %", ">SNR dB"};
    static const char *const wide[] = {">RMSE", ">99 %", ">99.9 %", ">max error", ">zeros", ">kurtosis", "because"};
    size_t columns = 8;
    if (!sums->outliers)
        heads[6] = "?>outliers %";
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
        snr_cell(t, lsq_loss_snr(&c->outcomes[i].loss));
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
    static const char *const heads[] = {"not quantised", "?shape", "stored as", ">bytes", "because"};
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
    char how_good[96] = "exact";
    if (isfinite(t->snr))
        snprintf(how_good, sizeof how_good, "mean SNR %.2f dB, relative output error %.3g %%", t->snr, t->loss);
    if (t->quantised)
        print_fitted(0, 2, "%zu quantised: %" PRIu64 " weights in %" PRIu64 " bytes, %.3f bits each, %s", t->quantised,
                     t->weights, t->packed, bits_per_weight(t->packed, t->weights), how_good);
    if (c->calibration)
        print_fitted(0, 2, "%zu of them calibrated by %s", t->calibrated, c->calibration);
    if (t->kept)
        printf("%zu kept as they were\n", t->kept);
    if (t->left_out)
        printf("%zu left out: files of version 1 have no place for them\n", t->left_out);
    print_fitted(0, 2, "tensors %" PRIu64 " -> %" PRIu64 " bytes; the file has %" PRIu64 ", ratio %.2f", t->before,
                 t->after, c->file_bytes, t->ratio);
}

static void print_limit(const char *what, const char *limit, const char *came_to, int kept)
{
    print_fitted(0, 2, "%s: limit %s, came to %s: %s", what, limit, came_to, kept ? "kept" : "MISSED");
}

static void print_limits(const compression *c, const totals *t)
{
    const limits *l = c->limits;
    char limit[32], came_to[32];
    if (l->ram) {
        snprintf(limit, sizeof limit, "%.1f MiB", (double)l->ram / 0x1p20);
        snprintf(came_to, sizeof came_to, "%.1f MiB", (double)c->peak_resident_bytes / 0x1p20);
        print_limit("memory", limit, came_to, t->ram);
    }
    if (l->storage) {
        snprintf(limit, sizeof limit, "%" PRIu64 " bytes", l->storage);
        snprintf(came_to, sizeof came_to, "%" PRIu64, c->file_bytes);
        print_limit("file", limit, came_to, t->storage);
    }
    if (l->loss > 0) {
        snprintf(limit, sizeof limit, "%g %%", l->loss);
        snprintf(came_to, sizeof came_to, "%.3g %%", t->loss);
        print_limit("relative output error", limit, came_to, t->quality);
    }
}

/* The published code takes weights as they are, and those of trained networks are much smaller than 1. */
static void warn_of_loss(arguments *args, const compression *c, const totals *t)
{
    enum { LITTLE = 10 }; /* dB */
    size_t lost = 0;
    for (size_t i = 0; i < lsq_model_count(c->model); i++) {
        const outcome *o = &c->outcomes[i];
        lost += !o->kept && o->tensor.format.scale == LSQ_SCALE_NONE && lsq_loss_snr(&o->loss) < LITTLE;
    }
    if (lost)
        warning(args, "%zu tensors keep less than %d dB: their weights are too small for codes without a scale", lost,
                (int)LITTLE);
    else if (t->quantised && t->snr < LITTLE)
        warning(args,
                "%.1f dB: %.0f %% of the size of every product is noise, and a network that was not trained for such "
                "codes is lost; 4 bits and more, as t4, keep most",
                t->snr, t->loss);
}

int compression_report(arguments *args, const compression *c)
{
    const totals t = totals_of(c);
    const int missed = t.ram && t.storage && t.quality ? EXIT_OK : EXIT_CHECK;
    int code = EXIT_OK;
    warn_of_loss(args, c, &t);
    if (args->json)
        return output_json(args, report_json(c, &t), missed);
    if (args->quiet)
        return missed;
    if (t.quantised)
        code = print_quantised(args, c, &t);
    if (t.quantised && t.kept + t.left_out)
        putchar('\n');
    if (t.kept + t.left_out && code == EXIT_OK)
        code = print_kept(args, c);
    putchar('\n');
    if (code == EXIT_OK) {
        print_totals(c, &t);
        print_limits(c, &t);
    }
    return code == EXIT_OK ? missed : code;
}
