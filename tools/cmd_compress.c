/*
 * cmd_compress.c - lsq compress: any model into a .lsq file, one tensor at a time. The source is mapped, the output written as it grows.
 */
#include "tools/commands.h"
#include "tools/compress_job.h"
#include "tools/destination.h"
#include "tools/interrupt.h"
#include "tools/messages.h"
#include "tools/output.h"
#include "tools/processors.h"
#include "tools/tensors.h"
#include "tools/text.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    OUTPUT,
    CODEC,
    SCALE,
    STATES,
    ROUNDING,
    GOAL_BITS, /* these three in the order of goal_kind */
    GOAL_SNR,
    GOAL_SIZE,
    AUTO,
    RAM_LIMIT, /* these three in the order of limits_read() */
    STORAGE_LIMIT,
    MAX_LOSS,
    RULE,
    RULES,
    OUTLIERS,
    DRY_RUN,
    OUTPUT_AXIS,
    FILE_VERSION,
    CALIBRATION,
    FORCE,
    OPTIONS
};

static const option_row options[OPTIONS] = {
    [OUTPUT] = {"output", 'o', "OUT.lsq", "the file to write"},
    [CODEC] = {"codec", 'c', "CODEC", "c3..c9, s2..s9, t1..t6 or b1, with qualifiers (default t4)"},
    [SCALE] = {"scale", 0, "none|tensor|row|byte32|nib32|nib16", "as CODEC.SCALE"},
    [STATES] = {"states", 0, "4|8|16|64", "of a trellis: as CODEC.stN"},
    [ROUNDING] = {"rounding", 0, "published|nearest", "of c codes (default published)"},
    [GOAL_BITS] = {"bits-per-weight", 'b', "X", "choose codecs: the best within a mean of X bits"},
    [GOAL_SNR] = {"target-snr", 's', "DB", "choose codecs: the smallest with a mean of DB decibels"},
    [GOAL_SIZE] = {"max-size", 'm', "BYTES", "choose codecs: the best in a file of BYTES (K, M, G, KB, KiB...)"},
    [AUTO] = {"auto", 0, NULL, "choose codecs: the best within --storage-limit, or else for --max-loss"},
    [RAM_LIMIT] = {"ram-limit", 0, "BYTES", "have no more in memory at any time, or stop"},
    [STORAGE_LIMIT] = {"storage-limit", 0, "BYTES", "write no larger file; stop as soon as that is known"},
    [MAX_LOSS] = {"max-loss", 0, "PERCENT", "exit with 1 if products are off by more"},
    [RULE] = {"rule", 'r', "REGEX=WHAT", "a codec, or keep, for tensors whose name matches; repeatable"},
    [RULES] = {"rules", 0, "FILE", "a file of such rules, one a line"},
    [DRY_RUN] = {"dry-run", 'n', NULL, "write nothing; print what would be chosen, with estimates"},
    [OUTLIERS] = {"outliers", 0, "SHARE",
                  "of weights kept apart, 0 (default) to 0.1: of b1 the largest, else where it pays"},
    [OUTPUT_AXIS] = {"output-axis", 0, "auto|first|last", "which axis are the rows (default auto)"},
    [FILE_VERSION] = {"file-version", 0, "2|1", "1: the published files, codes only (default 2)"},
    [CALIBRATION] = {"calibration", 0, "FILE", "by tensor: inputs, one a row, or importance factors of columns"},
    [FORCE] = {"force", 'f', NULL, "replace OUT.lsq if it exists"},
};

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

static int read_format(compress_job *j)
{
    const arguments *a = j->args;
    char name[4 * LSQ_FORMAT_NAME_MAX];
    lsq_error err = {0};
    int published = j->want.version == 1;
    const char *codec = a->values[CODEC] ? a->values[CODEC] : published ? "c8" : "t4";
    const char *scale = a->values[SCALE] ? a->values[SCALE] : published && !strchr(codec, '.') ? "none" : NULL;
    const char *states = a->values[STATES];

    int length = snprintf(name, sizeof name, "%s%s%s%s%s", codec, scale ? "." : "", scale ? scale : "",
                          states ? ".st" : "", states ? states : "");
    if (length < 0 || (size_t)length >= sizeof name)
        return usage_error(a, "'%s' is not a codec", codec);
    if (lsq_format_parse(name, &j->want.format, &err) != LSQ_OK)
        return usage_error(a, "'%s': %s", name, err.text);
    j->want.curve = plan_curve(name);
    if (published && (j->want.format.codec != LSQ_CLASSIC || j->want.format.scale != LSQ_SCALE_NONE))
        return usage_error(a, "files of version 1 hold c3 to c9 without a scale, not %s", name);
    if (a->values[ROUNDING] && j->want.format.codec != LSQ_CLASSIC && !j->rules.count)
        return usage_error(a, "--rounding applies to c3 to c9, not to %s", name);
    return CARRY_ON;
}

/* Limits become goals. An error of P percent is a signal to noise ratio of -20 log10(P / 100) dB, about: some 1 % less is aimed at. */
static int read_auto(compress_job *j)
{
    const double margin = 0.1; /* dB */
    if (j->goal.option)
        return usage_error(j->args, "--auto and --%s exclude each other", j->goal.option);
    if (j->limits.storage)
        j->goal = (goal){.kind = MAX_SIZE, .option = "auto", .number = (double)j->limits.storage};
    else if (j->limits.loss > 0)
        j->goal = (goal){.kind = TARGET_SNR, .option = "auto", .number = margin - 20 * log10(j->limits.loss / 100)};
    else
        return usage_error(j->args, "--auto needs a --storage-limit or a --max-loss to choose for");
    return CARRY_ON;
}

/* What is not the same codec for all tensors. */
static int read_choice(compress_job *j)
{
    static const int whole[] = {CODEC, SCALE, STATES},
                     own[] = {GOAL_BITS, GOAL_SNR, GOAL_SIZE, AUTO, STORAGE_LIMIT, RULE, RULES, DRY_RUN};
    const arguments *a = j->args;
    int code = goal_read(a, GOAL_BITS, &j->goal);
    if (code == CARRY_ON)
        code = limits_read(a, RAM_LIMIT, &j->limits);
    if (code == CARRY_ON && a->values[AUTO])
        code = read_auto(j);
    for (size_t i = 0; code == CARRY_ON && i < sizeof whole / sizeof *whole; i++)
        if (j->goal.option && a->values[whole[i]])
            code =
                usage_error(a, "--%s chooses the codecs: --%s is one too many", j->goal.option, options[whole[i]].name);
    for (size_t i = 0; code == CARRY_ON && i < sizeof own / sizeof *own; i++)
        if (j->want.version == 1 && a->values[own[i]])
            code = usage_error(a, "--%s is for files of version 2", options[own[i]].name);
    return code == CARRY_ON ? rules_read(a, RULE, RULES, &j->rules) : code;
}

static int read_outliers(compress_job *j)
{
    const char *value = j->args->values[OUTLIERS];
    char *end;
    if (!value)
        return CARRY_ON;
    j->want.outliers = strtod(value, &end);
    if (end == value || *end || !(j->want.outliers >= 0 && j->want.outliers <= 0.1))
        return usage_error(j->args, "--outliers is a share from 0 to 0.1, not '%s'", value);
    if (j->want.outliers > 0 && j->want.version == 1)
        return usage_error(j->args, "files of version 1 have no place for outliers");
    if (j->want.outliers > 0 && j->goal.option)
        return usage_error(j->args, "--%s allots every byte before outliers are known: leave --outliers out",
                           j->goal.option);
    return CARRY_ON;
}

static int read_options(compress_job *j)
{
    static const axis_choice axes[] = {AXIS_AUTO, AXIS_FIRST, AXIS_LAST};
    static const int roundings[] = {LSQ_ROUND_PUBLISHED, LSQ_ROUND_NEAREST}, versions[] = {2, 1};
    const arguments *a = j->args;
    j->want.axis = axes[options_choice(a, OUTPUT_AXIS)];
    j->want.version = versions[options_choice(a, FILE_VERSION)];
    j->want.rounding = roundings[options_choice(a, ROUNDING)];
    if (!a->values[OUTPUT] && !a->values[DRY_RUN])
        return usage_error(a, "-o OUT.lsq is missing");
    if (j->want.version == 1 && j->want.axis == AXIS_LAST)
        return usage_error(a, "files of version 1 cannot say that the outputs are the last axis");
    int code = read_choice(j);
    if (code == CARRY_ON)
        code = read_outliers(j);
    if (code == CARRY_ON && j->goal.kind == TARGET_SNR && a->values[CALIBRATION])
        return usage_error(a, "--%s is of weights: --calibration trades that for the error of products",
                           j->goal.option);
    return code == CARRY_ON ? read_format(j) : code;
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

/* What is known before anything is written. */
static int check_limits(compress_job *j)
{
    char why[512];
    const uint64_t bytes = j->limits.storage ? choices_file_bytes(&j->choices) : 0;
    double takes;
    limits_settle(&j->limits);
    if (bytes > j->limits.storage) {
        snprintf(why, sizeof why,
                 "the file would have %" PRIu64 " bytes, without outliers, and --storage-limit is %" PRIu64
                 ": --auto chooses codecs that keep to it, if there are any",
                 bytes, j->limits.storage);
        return missed(j, why);
    }
    for (size_t i = 0; i < lsq_model_count(j->model); i++)
        if (!compress_fits(j, i, &takes)) {
            snprintf(why, sizeof why,
                     "%.200s takes %.0f bytes of memory, --ram-limit leaves %zu; b1, and others without --outliers, a "
                     "scale for each tensor or --target-snr, take least",
                     lsq_model_tensor(j->model, i)->name, takes, j->limits.memory);
            return missed(j, why);
        }
    return CARRY_ON;
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
    int code = read_options(&j);
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
        code = choices_make(args, j.model, &j.want, &j.rules, &j.goal, dry, &j.choices);
    if (code == CARRY_ON && j.calibration)
        code = check_calibration(&j);
    if (code == CARRY_ON && !dry)
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
    .options = options,
    .option_count = OPTIONS,
    .operand_count = 1,
    .run = run,
};
