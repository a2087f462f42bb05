/*
 * dry_run.c - what `lsq compress` would do, as a table or as JSON.
 */
#include "tools/compress.h"
#include "tools/messages.h"
#include "tools/output.h"
#include "tools/tensors.h"
#include "tools/text.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

/* Of tensor i, from its point; INFINITY: no difference is to be seen. */
static double estimated_snr(const choices *c, size_t i)
{
    const point *p = choice_point(c, i);
    return p->noise > 0 ? 10 * log10((double)lsq_model_tensor(c->model, i)->elements / p->noise) : INFINITY;
}

static double all_seconds(const choices *c)
{
    double seconds = 0;
    for (size_t i = 0; i < c->count; i++)
        seconds += !c->each[i].plan.kept && choice_point(c, i) ? choice_point(c, i)->seconds : 0;
    return seconds;
}

static json_t *tensor_plan_json(const choices *c, size_t i)
{
    const choice *made = &c->each[i];
    const lsq_tensor *t = lsq_model_tensor(c->model, i);
    char codec[LSQ_FORMAT_NAME_MAX] = "", why[WHY_MAX];
    if (made->plan.kept)
        return json_pack("{s:s, s:b, s:s}", "name", t->name, "quantised", 0, "kept", made->plan.kept);
    lsq_format_name(&made->format, codec);
    return json_pack("{s:s, s:b, s:s, s:I, s:f, s:s, s:o, s:f}", "name", t->name, "quantised", 1, "codec", codec,
                     "bytes", (json_int_t)made->plan.bytes, "bits_per_weight",
                     bits_per_weight(made->plan.bytes, t->elements), "why", choice_why(c, i, why), "estimated_snr_db",
                     number_json(estimated_snr(c, i)), "estimated_seconds", choice_point(c, i)->seconds);
}

static json_t *plan_json(const char *input, const choices *c)
{
    json_t *tensors = json_array();
    for (size_t i = 0; tensors && i < c->count; i++)
        if (json_array_append_new(tensors, tensor_plan_json(c, i)) != 0) {
            json_decref(tensors);
            return NULL;
        }
    json_t *totals = json_pack("{s:f, s:I, s:f, s:I, s:o, s:f}", "weights", c->weights, "bytes",
                               (json_int_t)allocated_bytes(c->curves, c->count), "bits_per_weight", choices_bits(c),
                               "file_bytes", (json_int_t)choices_file_bytes(c), "estimated_snr_db",
                               number_json(choices_snr(c)), "estimated_seconds", all_seconds(c));
    return json_pack("{s:s, s:o, s:o, s:o}", "schema", "lsq.dry_run/1", "input", text_json(input), "tensors", tensors,
                     "totals", totals);
}

static int print_plan(const arguments *args, const choices *c)
{
    static const char *const heads[] = {"tensor",       "?shape",         "codec",   ">bytes",
                                        ">bits/weight", ">SNR dB, about", "?because"};
    table *t = table_new(sizeof heads / sizeof *heads, heads);
    char text[SHAPE_TEXT_MAX];
    for (size_t i = 0; i < c->count; i++) {
        const choice *made = &c->each[i];
        const lsq_tensor *tensor = lsq_model_tensor(c->model, i);
        table_cell(t, "%s", tensor->name);
        table_cell(t, "%s", shape_text(tensor, text));
        if (made->plan.kept) {
            table_cell(t, "kept");
            table_cell(t, "%" PRIu64, tensor->bytes);
            table_cell(t, "%s", "");
            table_cell(t, "%s", "");
            table_cell(t, "%s", made->plan.kept);
            continue;
        }
        lsq_format_name(&made->format, text);
        table_cell(t, "%s", text);
        table_cell(t, "%zu", made->plan.bytes);
        table_cell(t, "%.3f", bits_per_weight(made->plan.bytes, tensor->elements));
        if (isfinite(estimated_snr(c, i)))
            table_cell(t, "%.2f", estimated_snr(c, i));
        else
            table_cell(t, "exact");
        table_cell(t, "%s", choice_why(c, i, text));
    }
    return table_print(t, args);
}

int dry_run_report(arguments *args, const char *input, const choices *c)
{
    if (args->json)
        return output_json(args, plan_json(input, c), EXIT_OK);
    if (args->quiet)
        return EXIT_OK;
    int code = print_plan(args, c);
    if (code != EXIT_OK)
        return code;
    putchar('\n');
    print_fitted(
        0, 2, "nothing was written; %.0f weights would take %" PRIu64 " bytes, %.3f bits each, in a file of %" PRIu64,
        c->weights, allocated_bytes(c->curves, c->count), choices_bits(c), choices_file_bytes(c));
    printf("estimates, from samples: mean SNR %.2f dB, %.1f s to encode\n", choices_snr(c), all_seconds(c));
    return EXIT_OK;
}
