/*
 * cmd_verify.c - lsq verify: are the bytes those that were written, and how far are the weights from the original ones?
 */
#include "tools/commands.h"
#include "tools/messages.h"
#include "tools/output.h"
#include "tools/progress.h"
#include "tools/tensors.h"
#include "tools/verify.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { AGAINST, MIN_SNR, MAX_LOSS, LAYERS, OPTIONS };

static const option_row options[OPTIONS] = {
    [AGAINST] = {"against", 'a', "IN", "compare with the model that FILE was made from"},
    [MIN_SNR] = {"min-snr", 's', "DB", "fail if a quantised tensor has less (with --against)"},
    [MAX_LOSS] = {"max-loss", 'm', "PERCENT", "fail if an output error is larger (with --against)"},
    [LAYERS] = {"layers", 'l', NULL, "sums and limits are of layers, not of tensors"},
};

static int read_limit(const arguments *args, int option, double least, const char *what, double *limit)
{
    const char *value = args->values[option];
    char *end;
    if (!value)
        return CARRY_ON;
    if (!args->values[AGAINST])
        return usage_error(args, "--%s needs --against", options[option].name);
    *limit = strtod(value, &end);
    if (end == value || *end || !isfinite(*limit) || *limit < least)
        return usage_error(args, "--%s takes a %s, not '%s'", options[option].name, what, value);
    return CARRY_ON;
}

static int read_limits(const arguments *args, demands *l)
{
    *l = (demands){-INFINITY, INFINITY};
    int code = read_limit(args, MIN_SNR, -INFINITY, "number of decibels", &l->least_snr);
    return code == CARRY_ON ? read_limit(args, MAX_LOSS, 0, "percentage from 0 on", &l->most_loss) : code;
}

/* Tensors of the original that the file lacks. Version 1 files leave out what they have no place for. */
static void find_missing(verification *v, const lsq_model *model, const lsq_model *original)
{
    if (strcmp(v->format, "lsq1") == 0)
        return;
    for (size_t j = 0; j < lsq_model_count(original); j++) {
        const lsq_tensor *t = lsq_model_tensor(original, j);
        if (!lsq_model_find(model, t->name, NULL))
            v->findings[v->count++] = (finding){.tensor = t, .wrong = "missing", .missing = 1};
    }
}

/* Checksums are told of unless numbers are compared afterwards, which takes much longer. */
static lsq_status watch(void *arg, const lsq_piece *piece)
{
    verification *v = arg;
    const double part = (double)(piece->offset + piece->size) / (double)piece->total;
    progress_show(&v->progress, v->done + (v->original ? 0 : part * (double)piece->tensor->elements));
    return LSQ_OK;
}

static lsq_status examine(arguments *args, verification *v, const lsq_model *model, const lsq_model *original,
                          lsq_error *err)
{
    size_t count = lsq_model_count(model);
    lsq_status status = LSQ_OK;
    double total = 0;
    for (size_t i = 0; i < count; i++)
        total += (double)lsq_model_tensor(model, i)->elements;
    progress_begin(&v->progress, args, total);
    for (size_t i = 0; status == LSQ_OK && i < count; i++) {
        finding *f = &v->findings[v->count++];
        progress_show(&v->progress, v->done);
        f->tensor = lsq_model_tensor(model, i);
        f->stored = file_bytes(model, i);
        status = lsq_model_verify_pieces(model, i, watch, v, err);
        if (status == LSQ_E_CHECKSUM) {
            f->wrong = "does not match its checksum";
            status = LSQ_OK;
        } else if (status == LSQ_OK && original)
            status = verify_compare(v, f, model, i, original, err);
        if (status == LSQ_OK && !f->wrong && !v->by_layer)
            f->wrong =
                verify_demands(&v->demands, f->compared ? &f->quality : NULL, f->multiplied ? &f->product : NULL);
        v->done += (double)f->tensor->elements;
    }
    progress_clear(&v->progress);
    if (original)
        find_missing(v, model, original);
    for (size_t i = 0; i < v->count; i++)
        v->wrong += v->findings[i].wrong != NULL;
    return status;
}

static int is_zip(const lsq_model *model)
{
    return strcmp(lsq_model_format(model), "npz") == 0 || strcmp(lsq_model_format(model), "pth") == 0;
}

/* Checksums in zip files are of entries, not of tensors: they are compared when the file is opened. */
static int open_to_verify(arguments *args, const char *path, lsq_model **model)
{
    lsq_model *found = NULL;
    const int zip = lsq_model_open(path, 0, &found, NULL) == LSQ_OK && is_zip(found);
    lsq_model_free(found);
    return open_model(args, path, zip ? LSQ_OPEN_VERIFY : 0, model);
}

static int verify(arguments *args, const lsq_model *model, const lsq_model *original, const demands *l)
{
    size_t most = lsq_model_count(model) + (original ? lsq_model_count(original) : 0);
    lsq_error err = {0};
    verification v = {.file = args->operands[0],
                      .original = args->values[AGAINST],
                      .format = lsq_model_format(model),
                      .demands = *l,
                      .by_layer = args->values[LAYERS] != NULL};
    v.findings = calloc(most ? most : 1, sizeof *v.findings);
    if (!v.findings)
        return out_of_memory(args);
    if (strcmp(v.format, "lsq2") != 0 && !is_zip(model))
        warning(args, "files of this format (%s) have no checksums: only their structure was checked", v.format);
    lsq_status status = examine(args, &v, model, original, &err);
    if (status == LSQ_OK && v.by_layer)
        status = verify_layers(&v);
    int code = status == LSQ_OK ? verification_report(args, &v) : library_failure(args, status, &err);
    verify_layers_free(&v);
    free(v.findings);
    return code;
}

static int run(arguments *args)
{
    lsq_model *model = NULL, *original = NULL;
    demands l;
    int code = read_limits(args, &l);
    if (code == CARRY_ON)
        code = open_to_verify(args, args->operands[0], &model);
    if (code == CARRY_ON && args->values[AGAINST])
        code = open_model(args, args->values[AGAINST], LSQ_OPEN_VERIFY, &original);
    if (code == CARRY_ON)
        code = verify(args, model, original, &l);
    lsq_model_free(original);
    lsq_model_free(model);
    return code;
}

const verb verify_command = {
    .name = "verify",
    .operands = "FILE",
    .summary = "Check the contents of a model file, or compare it with its original",
    .details =
        "Exit code 1 means that FILE can be read but a check failed. With --against, quantised tensors are\n"
        "measured: SNR, errors, and the relative error of y = W x with rounded activations; others must be equal.\n"
        "A layer is the tensors whose names are alike up to their first number, as in model.layers.12.\n",
    .options = options,
    .option_count = OPTIONS,
    .operand_count = 1,
    .run = run,
};
