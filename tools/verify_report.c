/*
 * verify_report.c - what `lsq verify` found, as a table or as JSON.
 */
#include "tools/verify.h"
#include "tools/messages.h"
#include "tools/output.h"
#include "tools/tensors.h"
#include "tools/text.h"

#include <math.h>
#include <stdio.h>

static json_t *finding_json(const finding *f)
{
    json_t *tensor = json_pack("{s:s, s:b}", "name", f->tensor->name, "ok", f->wrong == NULL);
    json_t *more = json_object();
    int failed = !tensor || !more;
    if (f->wrong)
        failed |= json_object_set_new(more, "wrong", json_string(f->wrong));
    if (f->compared) {
        char storage[LSQ_FORMAT_NAME_MAX];
        failed |= json_object_set_new(more, "codec", json_string(storage_text(f->tensor, storage)));
        failed |= json_object_set_new(more, "snr_db", number_json(quality_snr(&f->quality)));
        failed |= json_object_set_new(more, "exact", json_boolean(f->quality.noise == 0));
        failed |= json_object_set_new(more, "max_error", number_json(f->quality.largest_error));
        failed |= json_object_set_new(more, "rmse", number_json(quality_rmse(&f->quality)));
        failed |= json_object_set_new(more, "mae_over_range_percent", number_json(quality_published(&f->quality)));
    }
    if (f->multiplied)
        failed |= json_object_set_new(more, "product_relative_error", number_json(quality_relative_error(&f->product)));
    if (failed || json_object_update(tensor, more) != 0) {
        json_decref(tensor);
        tensor = NULL;
    }
    json_decref(more);
    return tensor;
}

static json_t *report_json(const verification *v)
{
    json_t *tensors = json_array();
    for (size_t i = 0; tensors && i < v->count; i++)
        if (json_array_append_new(tensors, finding_json(&v->findings[i])) != 0) {
            json_decref(tensors);
            return NULL;
        }
    json_t *document =
        json_pack("{s:s, s:o, s:s, s:o, s:b, s:I, s:o}", "schema", "lsq.verify/1", "file", text_json(v->file), "format",
                  v->format, "against", v->original ? text_json(v->original) : json_null(), "ok",
                  v->wrong == 0 && v->wrong_layers == 0, "wrong", (json_int_t)v->wrong, "tensors", tensors);
    json_t *layers = v->by_layer ? layers_json(v) : json_object();
    if (!document || !layers || json_object_update(document, layers) != 0) {
        json_decref(document);
        document = NULL;
    }
    json_decref(layers);
    return document;
}

static void measured_cells(table *t, const finding *f)
{
    double snr = quality_snr(&f->quality);
    char storage[LSQ_FORMAT_NAME_MAX];
    table_cell(t, "%s", storage_text(f->tensor, storage));
    if (isfinite(snr))
        table_cell(t, "%.2f", snr);
    else
        table_cell(t, f->quality.noise == 0 ? "exact" : "none");
    table_cell(t, "%.3g", f->quality.largest_error);
    table_cell(t, "%.3g", quality_rmse(&f->quality));
    if (f->multiplied)
        table_cell(t, "%.3g", quality_relative_error(&f->product));
    else
        table_cell(t, "-");
}

/* Those that are wrong and, unless layers tell, those that were measured; all with -v. */
static int print_findings(const arguments *args, const verification *v)
{
    static const char *const some[] = {"tensor", "stored as", ">SNR dB", "?>max error",
                                       "?>RMSE", ">|dy|/|y|", "result"},
                             *const none[] = {"tensor", "stored as",  "?>SNR dB", "?>max error",
                                              "?>RMSE", "?>|dy|/|y|", "result"};
    size_t measured = 0;
    for (size_t i = 0; i < v->count; i++)
        measured += (size_t)v->findings[i].compared;
    table *t = table_new(sizeof some / sizeof *some, measured ? some : none);
    for (size_t i = 0; i < v->count; i++) {
        const finding *f = &v->findings[i];
        char storage[LSQ_FORMAT_NAME_MAX];
        if (!(f->compared && !v->by_layer) && !f->wrong && !args->verbose)
            continue;
        table_cell(t, "%s", f->tensor->name);
        if (f->compared)
            measured_cells(t, f);
        else {
            table_cell(t, "%s", storage_text(f->tensor, storage));
            for (int column = 0; column < 4; column++)
                table_cell(t, "-");
        }
        table_cell(t, "%s", f->wrong ? f->wrong : "ok");
    }
    return table_print(t, args);
}

int verification_report(arguments *args, const verification *v)
{
    int result = v->wrong || v->wrong_layers ? EXIT_CHECK : EXIT_OK, code = EXIT_OK;
    if (args->json)
        return output_json(args, report_json(v), result);
    if (!args->quiet && ((v->original && !v->by_layer) || v->wrong || args->verbose)) {
        code = print_findings(args, v);
        putchar('\n');
    }
    if (!args->quiet && v->by_layer && code == EXIT_OK)
        code = layers_print(args, v);
    if (!args->quiet && !v->wrong && !v->wrong_layers)
        printf(v->count == 1 ? "%zu tensor, as it should be\n" : "%zu tensors, all as they should be\n", v->count);
    if (v->wrong)
        fprintf(stderr, "lsq verify: %zu of %zu tensors are not as they should be\n", v->wrong, v->count);
    layers_complain(v);
    return code == EXIT_OK ? result : code;
}
