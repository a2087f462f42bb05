/*
 * snr.c - `lsq-bench snr`: what each format keeps of known sources and of real weights, beside other ways to spend the bits.
 */
#include "bench/command.h"
#include "bench/matrices.h"
#include "bench/means.h"
#include "bench/peers/ggml.h"
#include "bench/snr_picture.h"
#include "bench/snr_table.h"
#include "bench/sources.h"

#include <lsq/lsq_model.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What was asked for, and the formats that it means. */
typedef struct snr_request {
    bench_options options;
    bench_plan plan;
    bench_plan sine; /* what the published table was made of: only the published code is of interest there */
} snr_request;

typedef struct snr_run {
    const snr_request *request;
    bench_table *table;
    bench_least_lead least;
    bench_snr_source *measured; /* of sources, then of files */
    size_t count;
} snr_run;

static lsq_status measure_source(const bench_source *source, bench_means *means, lsq_error *err)
{
    float *w = malloc(source->rows * source->columns * sizeof *w);
    if (!w)
        return LSQ_E_NOMEM;
    bench_source_fill(source, w);
    const lsq_status status = bench_means_add(means, source->rows, source->columns, w, err);
    free(w);
    return status;
}

static lsq_status measure_tensors(const lsq_model *model, bench_means *means, lsq_error *err)
{
    for (size_t i = 0; i < lsq_model_count(model); i++) {
        const lsq_tensor *tensor = lsq_model_tensor(model, i);
        if (!bench_is_matrix(tensor))
            continue;
        float *w = malloc(tensor->elements * sizeof *w);
        if (!w)
            return LSQ_E_NOMEM;
        lsq_status status = lsq_model_read_matrix(model, i, 0, w, err);
        if (!status)
            status = bench_means_add(means, tensor->shape[0], tensor->elements / tensor->shape[0], w, err);
        free(w);
        if (status)
            return status;
    }
    return LSQ_OK;
}

static lsq_status measure_file(const char *path, bench_means *means, lsq_error *err)
{
    lsq_model *model;
    lsq_status status = lsq_model_open(path, 0, &model, err);
    if (status)
        return status;
    status = measure_tensors(model, means, err);
    if (!status && means->matrices == 0) {
        status = LSQ_E_UNSUPPORTED;
        snprintf(err->text, sizeof err->text, "%s: no matrix of floating point numbers in it", path);
    }
    lsq_model_free(model);
    return status;
}

/* Prints the last one that was measured. */
static lsq_status report(snr_run *run, lsq_error *err)
{
    const bench_snr_source *last = &run->measured[run->count - 1];
    if (!run->request->options.peers) {
        bench_snr_table_add(run->table, last->name, &last->means);
        return LSQ_OK;
    }
    if (last->column < 0) {
        snprintf(err->text, sizeof err->text, "%s: there are no figures of peers for these weights", last->name);
        return LSQ_E_UNSUPPORTED;
    }
    return bench_snr_peers_add(run->table, last->name, last->column, &last->means, &run->least);
}

static lsq_status run_source(snr_run *run, const bench_source *source, lsq_error *err)
{
    bench_snr_source *to = &run->measured[run->count];
    lsq_status status = bench_means_begin(&to->means, source->draw ? &run->request->plan : &run->request->sine);
    if (status)
        return status;
    to->name = source->name;
    to->column = bench_ggml_source(source->name);
    to->is_sine = !source->draw;
    run->count++;
    status = measure_source(source, &to->means, err);
    bench_means_finish(&to->means);
    return status ? status : report(run, err);
}

static lsq_status run_file(snr_run *run, const char *path, lsq_error *err)
{
    bench_snr_source *to = &run->measured[run->count];
    lsq_status status = bench_means_begin(&to->means, &run->request->plan);
    if (status)
        return status;
    const char *slash = strrchr(path, '/');
    to->name = slash ? slash + 1 : path;
    run->count++;
    status = measure_file(path, &to->means, err);
    to->column = bench_ggml_file(to->means.hash);
    bench_means_finish(&to->means);
    return status ? status : report(run, err);
}

static lsq_status run_all(snr_run *run, const char **where, lsq_error *err)
{
    const snr_request *request = run->request;
    for (size_t i = 0; i < request->options.source_count; i++) {
        *where = request->options.sources[i]->name;
        const lsq_status status = run_source(run, request->options.sources[i], err);
        if (status)
            return status;
    }
    for (size_t i = 0; i < request->options.file_count; i++) {
        *where = request->options.files[i];
        const lsq_status status = run_file(run, *where, err);
        if (status)
            return status;
    }
    if (request->options.peers)
        bench_snr_peers_conclude(run->table, &run->least);
    *where = NULL;
    return request->options.picture ? bench_snr_draw(run->measured, run->count, request->options.picture, err) : LSQ_OK;
}

static lsq_status run(const snr_request *request, const char **where, lsq_error *err)
{
    snr_run run = {.request = request};
    run.table = request->options.peers ? bench_snr_peers_new(request->options.output)
                                       : bench_snr_table_new(request->options.output);
    run.measured = calloc(request->options.source_count + request->options.file_count, sizeof *run.measured);
    const lsq_status status = run.table && run.measured ? run_all(&run, where, err) : LSQ_E_NOMEM;
    bench_table_end(run.table, !status);
    for (size_t i = 0; i < run.count; i++)
        bench_means_free(&run.measured[i].means);
    free(run.measured);
    return status;
}

/* ---- The command ---- */

static lsq_status complete(snr_request *request, lsq_error *err)
{
    bench_options *options = &request->options;
    lsq_status status = LSQ_OK;
    request->plan.outliers = options->outliers;
    for (size_t i = 0; !status && i < options->format_count; i++)
        status = bench_plan_add(&request->plan, options->codecs[i], err);
    if (!status && options->all)
        status = bench_plan_all(&request->plan);
    else if (!status && options->format_count == 0)
        status = bench_plan_usual(&request->plan);
    if (!status)
        status = bench_plan_published(&request->sine, &request->plan);
    if (options->source_count == 0 && options->file_count == 0)
        for (size_t i = 0; i < bench_sources_count; i++)
            if (!options->peers || bench_ggml_source(bench_sources[i].name) >= 0)
                options->sources[options->source_count++] = &bench_sources[i];
    return status;
}

static int run_command(const bench_options *options)
{
    snr_request request = {.options = *options};
    const char *where = NULL;
    lsq_error err = {0};
    lsq_status status = complete(&request, &err);
    if (!status)
        status = run(&request, &where, &err);
    bench_plan_free(&request.plan);
    bench_plan_free(&request.sine);
    return status ? bench_failed(err.text[0] ? NULL : where, status, &err) : bench_flush();
}

static const bench_choice choices[] = {
    {BENCH_OPTION_SOURCE, 's', "this source (all, if there is no FILE)"},
    {BENCH_OPTION_CODEC, 'c', "only this format"},
    {BENCH_OPTION_ALL, 'a', "every scale, rounding and number of states"},
    {BENCH_OPTION_PEERS, 'p', "instead a row for each type of ggml and ik_llama.cpp, beside ours at the same bits"},
    {BENCH_OPTION_OUTLIERS, 'o', "keep up to this share of weights apart, 0 to 0.1 (0)"},
    {BENCH_OPTION_SVG, 0, "also draw signal to noise against bits a weight, a panel for each source and FILE"},
    {BENCH_OPTION_END, 0, NULL},
};

const bench_command bench_snr_command = {
    .name = "snr",
    .about = "snr   quantises known sources, and the matrices of files, and compares with other ways to quantise",
    .choices = choices,
    .operands = "[FILE]...",
    .run = run_command,
};
