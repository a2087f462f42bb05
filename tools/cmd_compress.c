/*
 * cmd_compress.c - lsq compress: any model into a .lsq file, one tensor at a time. The source is mapped, the output written as it grows.
 */
#include "tools/commands.h"
#include "tools/compress_job.h"
#include "tools/compress_options.h"
#include "tools/destination.h"
#include "tools/interrupt.h"
#include "tools/messages.h"
#include "tools/output.h"
#include "tools/processors.h"
#include "tools/tensors.h"
#include "tools/text.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* On a signal, while tensors are written: whoever does that goes on until the process ends. */
static void abandon_unfinished(void *arg)
{
    const compress_job *j = arg;
    if (j->writer)
        lsq_writer_abandon(j->writer);
    if (j->staged)
        unlink(j->staged);
}

/* The file of version 2 that a version 1 file is made from stands beside it for that long. */
static void remove_unfinished(compress_job *j)
{
    lsq_writer_free(j->writer);
    j->writer = NULL;
    if (j->staged)
        unlink(j->staged);
    free(j->staged);
    j->staged = NULL;
}

static lsq_status copy_metadata(compress_job *j, lsq_error *err)
{
    const char *key, *value;
    for (size_t i = 0; lsq_model_metadata(j->model, i, &key, &value); i++) {
        lsq_status status = lsq_writer_metadata(j->writer, key, value, err);
        if (status == LSQ_E_LIMIT)
            warning(j->args, "metadata '%s' is left out: %s", key, err->text);
        else if (status != LSQ_OK)
            return status;
    }
    return LSQ_OK;
}

static lsq_status compress_tensors(compress_job *j, lsq_error *err)
{
    size_t count = lsq_model_count(j->model);
    double total = 0;
    lsq_status status = copy_metadata(j, err);
    for (size_t i = 0; i < count; i++)
        total += (double)lsq_model_tensor(j->model, i)->elements;
    progress_begin(&j->progress, j->args, total);
    for (size_t i = 0; status == LSQ_OK && i < count; i++) {
        progress_show(&j->progress, j->done);
        status = compress_tensor(j, i, err);
        j->done += (double)lsq_model_tensor(j->model, i)->elements;
    }
    progress_clear(&j->progress);
    return status;
}

static lsq_status end_on_signal(void *arg, const lsq_piece *piece)
{
    (void)arg;
    (void)piece;
    return interrupt_waits() ? LSQ_E_IO : LSQ_OK;
}

/* Version 1 is an export of a version 2 file, which is gone as soon as it is open. */
static lsq_status export_staged(compress_job *j, lsq_error *err)
{
    const lsq_export_options wanted = {
        .size = sizeof wanted, .overwrite = j->args->values[FORCE] != NULL, .each = end_on_signal};
    lsq_model *staged = NULL;
    lsq_status status = lsq_model_open(j->staged, 0, &staged, err);
    unlink(j->staged);
    if (status == LSQ_OK)
        status = lsq_export(staged, "lsq1", j->path, &wanted, NULL, err);
    lsq_model_free(staged);
    return status;
}

static lsq_status begin(compress_job *j, lsq_error *err)
{
    int overwrite = j->args->values[FORCE] != NULL;
    if (j->want.version == 1) {
        if (asprintf(&j->staged, "%s.XXXXXX", j->path) < 0) {
            j->staged = NULL;
            return LSQ_E_NOMEM;
        }
        int fd = mkstemp(j->staged);
        if (fd < 0) {
            snprintf(err->text, sizeof err->text, "%s: %s", j->staged, strerror(errno));
            free(j->staged);
            j->staged = NULL;
            return LSQ_E_IO;
        }
        close(fd);
        overwrite = 1;
    }
    return lsq_writer_new(j->staged ? j->staged : j->path, overwrite, &j->writer, err);
}

/* Before anything is written: entries that do not fit, and those for tensors that are not there. */
static int check_calibration(compress_job *j)
{
    const char *path = j->args->values[CALIBRATION];
    const int named = strcmp(lsq_model_format(j->calibration), "npy") != 0;
    lsq_error err = {0};
    for (size_t i = 0; i < lsq_model_count(j->model); i++) {
        const plan *p = &j->choices.each[i].plan;
        if (!p->kept && calibration_fits(j->calibration, j->model, i, p->columns, &err) != LSQ_OK)
            return failure(j->args, LSQ_E_ARGUMENT, "%s: %s", path, err.text);
    }
    if (!named && lsq_model_count(j->model) != 1)
        return failure(j->args, LSQ_E_ARGUMENT, "%s: a .npy is calibration for a model of one tensor, not of %zu", path,
                       lsq_model_count(j->model));
    for (size_t i = 0; named && i < lsq_model_count(j->calibration); i++) {
        const char *name = lsq_model_tensor(j->calibration, i)->name;
        if (!lsq_model_find(j->model, name, NULL))
            warning(j->args, "%s: there is no tensor %s", path, name);
    }
    return CARRY_ON;
}

/* A limit that cannot be kept. */
static int missed(const compress_job *j, const char *why)
{
    if (!j->args->json)
        return check_failure(j->args, "%s", why);
    return output_json(j->args,
                       json_pack("{s:s, s:o, s:b, s:o}", "schema", "lsq.compress/1", "input",
                                 text_json(j->args->operands[0]), "all_targets_achieved", 0, "reason", text_json(why)),
                       EXIT_CHECK);
}

/* Is there memory for the tensor that takes most, and for the program? */
static int check_memory(const compress_job *j)
{
    char why[512];
    const char *largest = j->args->operands[0], *advice = "";
    double most = 0;
    for (size_t i = 0; i < lsq_model_count(j->model); i++) {
        const double takes = compress_takes(j, i);
        if (takes <= most)
            continue;
        most = takes;
        largest = lsq_model_tensor(j->model, i)->name;
        advice = compress_in_strips(j, i) ? ""
                                          : "; b1, and others without --outliers, a scale for each tensor or "
                                            "--target-snr, take least";
    }
    if ((double)j->limits.taken + most <= (double)j->limits.ram)
        return CARRY_ON;
    snprintf(why, sizeof why, "%.200s takes %.0f bytes of memory, all else %" PRIu64 ": --ram-limit %.0fM would do%s",
             largest, most, j->limits.taken, limits_would_do(&j->limits, most) / 0x1p20, advice);
    return missed(j, why);
}

/* What is known before anything is written. */
static int check_limits(compress_job *j)
{
    char why[512];
    const uint64_t bytes = j->limits.storage ? choices_file_bytes(&j->choices) : 0;
    limits_settle(&j->limits);
    if (bytes > j->limits.storage) {
        snprintf(why, sizeof why,
                 "the file would have %" PRIu64 " bytes, without outliers, and --storage-limit is %" PRIu64
                 ": --auto chooses codecs that keep to it, if there are any",
                 bytes, j->limits.storage);
        return missed(j, why);
    }
    return j->limits.ram ? check_memory(j) : CARRY_ON;
}

/* A limit that --auto was to choose for, and cannot, is one like any other. */
static int choose(compress_job *j, int dry)
{
    const int code = choices_make(j->args, j->model, &j->want, &j->rules, &j->goal, dry, &j->choices);
    if (code != EXIT_CHECK)
        return code;
    return j->args->values[AUTO] ? missed(j, j->choices.reason) : check_failure(j->args, "%s", j->choices.reason);
}

static int compress(compress_job *j)
{
    lsq_error err = {0};
    size_t count = lsq_model_count(j->model);
    struct stat written = {0};
    j->outcomes = calloc(count ? count : 1, sizeof *j->outcomes);
    if (!j->outcomes)
        return out_of_memory(j->args);
    if (interrupt_watch(abandon_unfinished, j) != 0)
        return failure(j->args, LSQ_E_NOMEM, "no thread to be had");
    interrupt_hold();
    lsq_status status = begin(j, &err);
    interrupt_release();
    if (status == LSQ_OK && j->limits.storage && !j->staged)
        lsq_writer_limit(j->writer, j->limits.storage);
    if (status == LSQ_OK)
        status = compress_tensors(j, &err);
    interrupt_hold();
    if (status == LSQ_OK)
        status = lsq_writer_finish(j->writer, &err);
    if (status == LSQ_OK && j->staged)
        status = export_staged(j, &err);
    if (status == LSQ_OK && stat(j->path, &written) != 0)
        status = LSQ_E_IO;
    remove_unfinished(j);
    interrupt_settle();
    if (status == LSQ_E_LIMIT && (j->limits.ram || j->limits.storage))
        return missed(j, err.text);
    if (status != LSQ_OK)
        return library_failure(j->args, status, &err);
    uint64_t now, peak;
    lsq_resident(&now, &peak);
    compression c = {.input = j->args->operands[0],
                     .output = j->path,
                     .model = j->model,
                     .choices = &j->choices,
                     .limits = &j->limits,
                     .outcomes = j->outcomes,
                     .version = j->want.version,
                     .file_bytes = (uint64_t)written.st_size,
                     .peak_resident_bytes = peak,
                     .calibration = j->calibration_path};
    return compression_report(j->args, &c);
}

static int run(arguments *args)
{
    compress_job j = {.args = args, .path = args->values[OUTPUT], .calibration_path = args->values[CALIBRATION]};
    lsq_context *ctx = NULL;
    int code = compress_read_options(&j);
    int dry = args->values[DRY_RUN] != NULL;
    if (code == CARRY_ON && !dry)
        code = destination_check(args, j.path, args->values[FORCE] != NULL);
    if (code == CARRY_ON)
        code = open_model(args, args->operands[0], LSQ_OPEN_VERIFY, &j.model);
    if (code == CARRY_ON && args->values[CALIBRATION])
        code = open_model(args, args->values[CALIBRATION], LSQ_OPEN_VERIFY, &j.calibration);
    if (code == CARRY_ON)
        code = processors_all(args, &ctx);
    j.want.context = ctx;
    if (code == CARRY_ON)
        code = choose(&j, dry);
    if (code == CARRY_ON && j.calibration)
        code = check_calibration(&j);
    if (code == CARRY_ON)
        code = check_limits(&j);
    if (code == CARRY_ON)
        code = dry ? dry_run_report(args, args->operands[0], &j.choices) : compress(&j);
    free(j.outcomes);
    choices_free(&j.choices);
    rules_free(&j.rules);
    lsq_model_free(j.calibration);
    lsq_model_free(j.model);
    lsq_context_free(ctx);
    return code;
}

const verb compress_command = {
    .name = "compress",
    .operands = "IN -o OUT.lsq",
    .summary = "Quantise the weights of a model into a .lsq file",
    .details =
        "IN is a .safetensors file, the index.json of a set of them, a .npy, .npz, .pth, .gguf, .onnx or another\n"
        ".lsq file.\n"
        "Floating point tensors of two or more dimensions are quantised, the others kept as they are.\n"
        "--bits-per-weight, --target-snr and --max-size measure all codecs on samples of each tensor.\n"
        "All processors are used, unless LSQ_NUM_THREADS says how many. The bytes are the same.\n",
    .options = compress_options,
    .option_count = OPTIONS,
    .operand_count = 1,
    .run = run,
};
