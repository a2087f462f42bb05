/*
 * cmd_plan.c - lsq plan: what running a network from a .lsq file would take on this machine.
 */
#include "tools/commands.h"
#include "tools/forecast_report.h"
#include "tools/messages.h"
#include "tools/numbers.h"
#include "tools/output.h"
#include "tools/plan.h"
#include "tools/progress.h"
#include "tools/tensors.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { PARAMS, CODEC, RAM, LARGEST, DISK_RATE, DIRECTORY, OPTIONS };

static const option_row options[OPTIONS] = {
    [PARAMS] = {"params", 'p', "COUNT", "of a network of so many weights, as 7.24e9, not of a file"},
    [CODEC] = {"codec", 'c', "CODEC", "c3..c9, s2..s9, t1..t6 or b1, with qualifiers (default: usual ones)"},
    [RAM] = {"ram", 'r', "BYTES", "does it fit into so much memory? (K, M, G, KB, KiB...)"},
    [LARGEST] = {"largest", 'l', "COUNT", "weights of the largest matrix, with --params"},
    [DISK_RATE] = {"disk-rate", 0, "BYTES", "that the disk reads in a second, instead of measuring it"},
    [DIRECTORY] = {"directory", 'd', "DIR", "measure the disk with a temporary file there"},
};

/* The formats of the table. */
static const char *const usual[] = {"b1", "t1", "t2", "t3", "t4", "s4", "t5", "t6", "s8"};
enum { USUAL = sizeof usual / sizeof *usual };

static const double MOST_WEIGHTS = 1e15;

typedef struct question {
    double weights, largest; /* 0: those of a model */
    const char *codecs[USUAL];
    size_t codec_count; /* 0: the file as it stands */
    lsq_format formats[USUAL];
} question;

/* ---- What is asked ---- */

static int read_count(const arguments *args, int option, double most, double *count)
{
    const char *value = args->values[option];
    if (!value)
        return CARRY_ON;
    *count = floor(number_read(value));
    if (*count >= 1 && *count <= most)
        return CARRY_ON;
    return usage_error(args, "--%s takes a number of weights from 1 to %g, as 7.24e9, not '%s'", options[option].name,
                       most, value);
}

static int read_bytes(const arguments *args, int option, double *bytes)
{
    const char *value = args->values[option];
    if (!value)
        return CARRY_ON;
    *bytes = bytes_read(value);
    if (*bytes >= 1)
        return CARRY_ON;
    return usage_error(args, "--%s takes bytes, as 1000000, 500K or 1.5GiB, not '%s'", options[option].name, value);
}

static int read_options(const arguments *args, question *q, outlook *o)
{
    *q = (question){0};
    int code = read_count(args, PARAMS, MOST_WEIGHTS, &q->weights);
    if (code == CARRY_ON && args->operand_count && args->values[PARAMS])
        return usage_error(args, "--params is instead of a file");
    if (code == CARRY_ON && !args->operand_count && !args->values[PARAMS])
        return usage_error(args, "a file name or --params is missing");
    if (code == CARRY_ON && args->values[LARGEST] && !args->values[PARAMS])
        return usage_error(args, "--largest needs --params");
    if (code == CARRY_ON && args->values[DISK_RATE] && args->values[DIRECTORY])
        return usage_error(args, "--disk-rate and --directory exclude each other");
    q->largest = ceil(q->weights * ((double)TYPICAL_ROWS * TYPICAL_COLUMNS / TYPICAL_NETWORK));
    if (code == CARRY_ON)
        code = read_count(args, LARGEST, q->weights, &q->largest);
    if (code == CARRY_ON)
        code = read_bytes(args, RAM, &o->ram);
    if (code == CARRY_ON)
        code = read_bytes(args, DISK_RATE, &o->disk.bytes_per_second);
    return code;
}

/* Of .lsq files without --codec none: they are taken as they stand. */
static int read_codecs(const arguments *args, question *q, const lsq_model *model)
{
    lsq_error err = {0};
    if (args->values[CODEC])
        q->codecs[q->codec_count++] = args->values[CODEC];
    else if (!model || strncmp(lsq_model_format(model), "lsq", 3) != 0)
        for (; q->codec_count < USUAL; q->codec_count++)
            q->codecs[q->codec_count] = usual[q->codec_count];
    for (size_t i = 0; i < q->codec_count; i++)
        if (lsq_format_parse(q->codecs[i], &q->formats[i], &err) != LSQ_OK)
            return usage_error(args, "'%s': %s", q->codecs[i], err.text);
    return CARRY_ON;
}

/* ---- Answers ---- */

static lsq_status count_all(const question *q, const lsq_model *model, outlook *o)
{
    struct stat file;
    double bytes = o->path && stat(o->path, &file) == 0 ? (double)file.st_size : 0;
    lsq_status status = LSQ_OK;
    o->count = q->codec_count ? q->codec_count : 1;
    o->each = calloc(o->count, sizeof *o->each);
    for (size_t i = 0; o->each && status == LSQ_OK && i < o->count; i++) {
        const lsq_format *format = q->codec_count ? &q->formats[i] : NULL;
        status = model ? forecast_model(&o->each[i], model, format, format ? plan_curve(q->codecs[i]) : 0, bytes)
                       : forecast_count(&o->each[i], format, q->weights, q->largest);
    }
    return o->each ? status : LSQ_E_NOMEM;
}

static lsq_status measure_all_parts(arguments *args, const question *q, outlook *o, lsq_error *err)
{
    progress shown;
    double total = 0, done = 0;
    lsq_status status = rates_begin(&o->rates, err);
    for (size_t i = 0; i < o->count; i++)
        total += (double)o->each[i].part_count;
    progress_begin(&shown, args, total);
    for (size_t i = 0; i < o->count; i++)
        for (size_t p = 0; status == LSQ_OK && p < o->each[i].part_count; p++) {
            progress_show(&shown, done++);
            status = rates_measure(&o->rates, &o->each[i].parts[p], err);
            if (status == LSQ_OK)
                status =
                    rates_noise(&o->each[i].parts[p], q->codec_count ? plan_curve(q->codecs[i]) : LSQ_CURVE_BEST, err);
        }
    progress_clear(&shown);
    rates_end(&o->rates);
    return status;
}

static int measure_disk(const arguments *args, outlook *o)
{
    struct stat file;
    if (args->values[DISK_RATE])
        return CARRY_ON;
    int large = o->path && stat(o->path, &file) == 0 && S_ISREG(file.st_mode) && file.st_size >= DISK_LEAST;
    o->temporary = args->values[DIRECTORY] || !large;
    if (!o->temporary)
        return disk_read_file(args, o->path, &o->disk);
    return disk_read_temporary(args, args->values[DIRECTORY] ? args->values[DIRECTORY] : ".", &o->disk);
}

static int answer(arguments *args, const question *q, const lsq_model *model, outlook *o)
{
    lsq_error err = {0};
    lsq_status status = count_all(q, model, o);
    int code = status == LSQ_OK ? measure_disk(args, o) : library_failure(args, status, &err);
    if (code != CARRY_ON)
        return code;
    status = measure_all_parts(args, q, o, &err);
    return status == LSQ_OK ? outlook_report(args, o) : library_failure(args, status, &err);
}

static int run(arguments *args)
{
    lsq_model *model = NULL;
    question q;
    outlook o = {.path = args->operand_count ? args->operands[0] : NULL,
                 .largest_given = args->values[LARGEST] != NULL};
    int code = read_options(args, &q, &o);
    if (code == CARRY_ON && args->values[CODEC]) /* before a file is looked at */
        code = read_codecs(args, &q, NULL);
    if (code == CARRY_ON && o.path)
        code = open_model(args, o.path, 0, &model);
    if (code == CARRY_ON && !q.codec_count)
        code = read_codecs(args, &q, model);
    if (code == CARRY_ON) {
        o.format = model ? lsq_model_format(model) : NULL;
        code = answer(args, &q, model, &o);
    }
    for (size_t i = 0; o.each && i < o.count; i++)
        forecast_free(&o.each[i]);
    free(o.each);
    lsq_model_free(model);
    return code;
}

const verb plan_command = {
    .name = "plan",
    .operands = "[FILE]",
    .summary = "Show what running a network from a .lsq file would take on this machine",
    .details =
        "FILE is any that 'lsq compress' reads, and is planned as that would write it; a .lsq file without --codec\n"
        "as it stands. Speeds of disk and memory are measured, in some seconds. Exit code 1 means that it does not\n"
        "fit into --ram, neither whole nor tensor by tensor.\n",
    .options = options,
    .option_count = OPTIONS,
    .more_operands = 1,
    .run = run,
};
