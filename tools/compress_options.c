/*
 * compress_options.c - what `lsq compress` can be asked for, and what of it cannot be had together.
 */
#include "tools/compress_options.h"
#include "tools/messages.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const option_row compress_options[OPTIONS] = {
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
            code = usage_error(a, "--%s chooses the codecs: --%s is one too many", j->goal.option,
                               compress_options[whole[i]].name);
    for (size_t i = 0; code == CARRY_ON && i < sizeof own / sizeof *own; i++)
        if (j->want.version == 1 && a->values[own[i]])
            code = usage_error(a, "--%s is for files of version 2", compress_options[own[i]].name);
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

int compress_read_options(compress_job *j)
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
