/*
 * layers_report.c - what `lsq verify --layers` found.
 *
 * SNR and the error of products say what is lost. The metric that "Loop Singular Bit" published stands beside them with its grades,
 * under its name, so that both can be seen: it is over the range of the weights, which the largest one decides alone.
 */
#include "tools/verify.h"
#include "tools/output.h"
#include "tools/numbers.h"
#include "tools/tensors.h"
#include "tools/text.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static double loss(const layer *l)
{
    return l->multiplied ? 100 * quality_relative_error(&l->product) : NAN;
}

static double published(const layer *l)
{
    return l->compared ? l->published / (double)l->compared : NAN;
}

/* As published. What is no number is no good. */
static const char *grade(double percent)
{
    return percent <= 0.5 ? "EXCELLENT" : percent <= 1 ? "GOOD" : percent <= 2 ? "ACCEPTABLE" : "POOR";
}

static double ratio(const layer *l)
{
    return l->bytes ? (double)l->whole_bytes / (double)l->bytes : NAN;
}

static const char *dtype(const layer *l)
{
    return l->dtype < LSQ_DTYPES ? lsq_dtype_name(l->dtype) : "mixed";
}

/* ---- JSON ---- */

static json_t *layer_json(const layer *l)
{
    json_t *object =
        json_pack("{s:b, s:I, s:I, s:I, s:I, s:f, s:s, s:o}", "ok", l->wrong == NULL, "tensors", (json_int_t)l->tensors,
                  "weights", (json_int_t)l->weights, "bytes", (json_int_t)l->bytes, "source_bytes",
                  (json_int_t)l->whole_bytes, "bits_per_weight", bits_per_weight(l->bytes, l->weights), "source_dtype",
                  dtype(l), "ratio", number_json(ratio(l)));
    int failed = !object;
    if (l->name)
        failed |= json_object_set_new(object, "name", json_string(l->name));
    if (l->wrong)
        failed |= json_object_set_new(object, "wrong", json_string(l->wrong));
    if (l->compared) {
        failed |= json_object_set_new(object, "snr_db", number_json(quality_snr(&l->quality)));
        failed |= json_object_set_new(object, "exact", json_boolean(l->quality.noise == 0));
        failed |= json_object_set_new(object, "published",
                                      json_pack("{s:s, s:o, s:s}", "metric", "100 * mean |error| / (max - min)",
                                                "percent", number_json(published(l)), "grade", grade(published(l))));
    }
    if (l->multiplied)
        failed |= json_object_set_new(object, "output_error_percent", number_json(loss(l)));
    if (failed) {
        json_decref(object);
        object = NULL;
    }
    return object;
}

json_t *layers_json(const verification *v)
{
    json_t *layers = json_array();
    for (size_t i = 0; layers && i < v->layer_count; i++)
        if (json_array_append_new(layers, layer_json(&v->layers[i])) != 0) {
            json_decref(layers);
            return NULL;
        }
    uint64_t now, peak;
    lsq_resident(&now, &peak);
    return json_pack("{s:o, s:I, s:o, s:o, s:o, s:I}", "layers", layers, "wrong_layers", (json_int_t)v->wrong_layers,
                     "totals", layer_json(&v->total), "min_snr_db", number_json(v->demands.least_snr),
                     "max_loss_percent", number_json(v->demands.most_loss), "peak_resident_bytes", (json_int_t)peak);
}

/* ---- Words ---- */

static void number_cell(table *t, int there, double number, const char *otherwise)
{
    if (there)
        table_cell(t, "%.2f", number);
    else
        table_cell(t, "%s", otherwise);
}

static void layer_cells(table *t, const verification *v, const layer *l)
{
    const double snr = quality_snr(&l->quality);
    table_cell(t, "%s", l->name ? l->name : "all");
    table_cell(t, "%zu", l->tensors);
    table_cell(t, "%" PRIu64, l->weights);
    table_cell(t, "%.3f", bits_per_weight(l->bytes, l->weights));
    number_cell(t, isfinite(ratio(l)), ratio(l), "-");
    table_cell(t, "%s", dtype(l));
    if (v->original) {
        number_cell(t, l->compared && isfinite(snr), snr,
                    !l->compared            ? "-"
                    : l->quality.noise == 0 ? "exact"
                                            : "none");
        number_cell(t, isfinite(loss(l)), loss(l), "-");
        number_cell(t, isfinite(published(l)), published(l), "-");
        table_cell(t, "%s", l->compared ? grade(published(l)) : "-");
    }
    table_cell(t, l->wrong ? "fails" : "ok");
}

int layers_print(const arguments *args, const verification *v)
{
    uint64_t now, peak;
    static const char *const all[] = {"layer",   ">tensors", ">weights",     ">bits",           ">ratio", "to",
                                      ">SNR dB", ">loss %",  ">MAE/range %", "published grade", "result"};
    static const char *const alone[] = {"layer", ">tensors", ">weights", ">bits", ">ratio", "to", "result"};
    table *t = v->original ? table_new(sizeof all / sizeof *all, all) : table_new(sizeof alone / sizeof *alone, alone);
    char text[NUMBER_TEXT_MAX];
    for (size_t i = 0; i < v->layer_count; i++)
        layer_cells(t, v, &v->layers[i]);
    layer_cells(t, v, &v->total);
    int code = table_print(t, args);
    if (code != EXIT_OK)
        return code;
    putchar('\n');
    if (v->original) {
        print_wrapped("loss: 100 |W x - W' x| / |W x|, with activations rounded as in any product", 0, 2);
        print_wrapped(
            "MAE/range: 100 mean |error| / (max - min), the metric of \"Loop Singular Bit\" with the grades that it "
            "published; one large weight makes it small, so it says little: judge by SNR and loss",
            0, 2);
    }
    lsq_resident(&now, &peak);
    printf("largest resident memory of this run, with pages of mapped files: %s\n", bytes_text((double)peak, text));
    return EXIT_OK;
}

void layers_complain(const verification *v)
{
    for (size_t i = 0; i < v->layer_count; i++) {
        const layer *l = &v->layers[i];
        char *name = l->wrong ? text_escape(l->name) : NULL;
        if (l->wrong)
            fprintf(stderr, "lsq verify: layer %s: %s\n", name ? name : "?", l->wrong);
        free(name);
    }
    if (v->wrong_layers)
        fprintf(stderr, "lsq verify: %zu of %zu layers fail\n", v->wrong_layers, v->layer_count);
}
