/*
 * cmd_export.c - lsq export, or lsq decode: tensors of a model as a file of another format.
 */
#include "tools/commands.h"
#include "tools/destination.h"
#include "tools/interrupt.h"
#include "tools/messages.h"
#include "tools/output.h"
#include "tools/progress.h"
#include "tools/tensors.h"
#include "tools/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { OUTPUT, TENSOR, DTYPE, LIKE, FORCE, OPTIONS };

static const option_row options[OPTIONS] = {
    [OUTPUT] = {"output", 'o', "OUT", "the file to write; its ending says the format"},
    [TENSOR] = {"tensor", 't', "NAME", "this tensor; may be repeated (default: all)"},
    [DTYPE] = {"dtype", 0, "f16|f32", "what numbers become, but for integers"},
    [LIKE] = {"like", 0, "FILE", ".gguf: give OUT the metadata of this .gguf file"},
    [FORCE] = {"force", 'f', NULL, "replace OUT if it exists"},
};

/* What the ending of a name means. */
typedef struct {
    const char *ending, *format;
    int has_dtype; /* numbers of two types */
} kind;

static const kind kinds[] = {{".safetensors", "safetensors", 1},
                             {".npz", "npz", 1},
                             {".npy", "npy", 1},
                             {".gguf", "gguf", 1},
                             {".h", "h", 0},
                             {".lsq", "lsq1", 0}};

static int ends_with(const char *text, const char *end)
{
    size_t n = strlen(text), m = strlen(end);
    return n > m && strcmp(text + n - m, end) == 0;
}

typedef struct {
    arguments *args;
    const kind *kind;
    lsq_model *model, *like;
    size_t *tensors; /* their places in the model */
    size_t count;
    progress progress;
    double done; /* numbers of tensors that are complete */
} export_job;

/* ---- What is wanted ---------------------------------------------------------------------------------------------- */

static int check_options(export_job *j)
{
    const char *const *values = j->args->values, *dtype = values[DTYPE];
    const size_t count = sizeof kinds / sizeof kinds[0];
    size_t i = 0;
    if (!values[OUTPUT])
        return usage_error(j->args, "-o OUT is missing");
    while (i < count && !ends_with(values[OUTPUT], kinds[i].ending))
        i++;
    if (i == count)
        return usage_error(j->args, "'%s' does not end in .safetensors, .npz, .npy, .gguf, .h or .lsq", values[OUTPUT]);
    j->kind = &kinds[i];
    if (dtype && !j->kind->has_dtype)
        return usage_error(j->args, "--dtype is not for %s files", j->kind->ending);
    if (values[LIKE] && strcmp(j->kind->format, "gguf") != 0)
        return usage_error(j->args, "--like is for .gguf files");
    return CARRY_ON;
}

/* The tensors that were named, in that order, each once; or all. */
static int choose_tensors(export_job *j)
{
    const size_t there = lsq_model_count(j->model), given = j->args->given_count;
    const char *file = j->args->operands[0];
    j->tensors = malloc((there + given + 1) * sizeof *j->tensors);
    if (!j->tensors)
        return out_of_memory(j->args);
    for (size_t k = 0; k < given; k++) {
        const occurrence *o = &j->args->given[k];
        size_t i, before = 0;
        if (o->option != TENSOR)
            continue;
        if (!lsq_model_find(j->model, o->value, &i))
            return usage_error(j->args, "%s has no tensor '%s'", file, o->value);
        while (before < j->count && j->tensors[before] != i)
            before++;
        j->tensors[before] = i;
        j->count += before == j->count;
    }
    for (size_t i = 0; i < there && !j->args->values[TENSOR]; i++)
        j->tensors[j->count++] = i;
    if (strcmp(j->kind->format, "npy") == 0 && j->count != 1)
        return usage_error(j->args, "a .npy file holds one tensor, not %zu of %s: choose with --tensor", j->count,
                           file);
    return CARRY_ON;
}

static int open_like(export_job *j)
{
    const char *path = j->args->values[LIKE];
    const int code = path ? open_model(j->args, path, 0, &j->like) : CARRY_ON;
    if (code == CARRY_ON && path && strcmp(lsq_model_format(j->like), "gguf") != 0)
        return usage_error(j->args, "--like takes a .gguf file, which %s is not", path);
    return code;
}

/* ---- Writing ----------------------------------------------------------------------------------------------------- */

/* Shows how far it is. A signal that waits ends the export, so that nothing is left behind. */
static lsq_status watch(void *arg, const lsq_piece *piece)
{
    export_job *j = arg;
    const double numbers = (double)piece->tensor->elements;
    const uint64_t end = piece->offset + piece->size;
    progress_show(&j->progress, j->done + (piece->total ? numbers * (double)piece->offset / (double)piece->total : 0));
    j->done += end == piece->total ? numbers : 0;
    return interrupt_waits() ? LSQ_E_IO : LSQ_OK;
}

static int report(export_job *j, size_t written)
{
    struct stat file;
    arguments *args = j->args;
    const char *path = args->values[OUTPUT];
    const int64_t bytes = stat(path, &file) == 0 ? (int64_t)file.st_size : 0;
    const size_t left_out = j->count - written;
    if (args->json)
        return output_json(args,
                           json_pack("{s:s, s:o, s:o, s:s, s:I, s:I, s:I}", "schema", "lsq.export/1", "input",
                                     text_json(args->operands[0]), "output", text_json(path), "format", j->kind->format,
                                     "tensors", (json_int_t)written, "left_out", (json_int_t)left_out, "file_bytes",
                                     (json_int_t)bytes),
                           EXIT_OK);
    if (!args->quiet)
        printf("%zu tensor%s written, %" PRId64 " bytes\n", written, written == 1 ? "" : "s", bytes);
    if (!args->quiet && left_out)
        printf("%zu left out: version 1 holds what is in classic format without a scale\n", left_out);
    return EXIT_OK;
}

static int write_file(export_job *j)
{
    const char *dtype = j->args->values[DTYPE];
    const lsq_export_options wanted = {
        .size = sizeof wanted,
        .overwrite = j->args->values[FORCE] != NULL,
        .tensors = j->tensors,
        .tensor_count = j->count,
        .floats = !dtype                      ? 0
                  : strcmp(dtype, "f16") == 0 ? LSQ_FORM_F16
                                              : LSQ_FORM_F32,
        .like = j->like,
        .each = watch,
        .arg = j,
    };
    double numbers = 0;
    size_t written = 0;
    lsq_error err = {0};
    for (size_t k = 0; k < j->count; k++)
        numbers += (double)lsq_model_tensor(j->model, j->tensors[k])->elements;
    if (interrupt_watch(NULL, NULL) != 0)
        return failure(j->args, LSQ_E_NOMEM, "no thread to be had");
    interrupt_hold();
    progress_begin(&j->progress, j->args, numbers);
    const lsq_status status = lsq_export(j->model, j->kind->format, j->args->values[OUTPUT], &wanted, &written, &err);
    progress_clear(&j->progress);
    interrupt_release();
    return status == LSQ_OK ? report(j, written) : library_failure(j->args, status, &err);
}

static int run(arguments *args)
{
    export_job j = {.args = args};
    int code = check_options(&j);
    if (code == CARRY_ON)
        code = destination_check(args, args->values[OUTPUT], args->values[FORCE] != NULL);
    if (code == CARRY_ON)
        code = open_model(args, args->operands[0], LSQ_OPEN_VERIFY, &j.model);
    if (code == CARRY_ON)
        code = choose_tensors(&j);
    if (code == CARRY_ON)
        code = open_like(&j);
    if (code == CARRY_ON)
        code = write_file(&j);
    free(j.tensors);
    lsq_model_free(j.like);
    lsq_model_free(j.model);
    return code;
}

const verb export_command = {
    .name = "export",
    .operands = "FILE -o OUT",
    .summary = "Write the tensors of a model file in another format; decode is the same",
    .details =
        "The ending of OUT is its format: .safetensors and .npz hold all tensors, quantised ones as float32, others as "
        "they are; .npy one tensor as float32; .gguf all as float32, or as float16 but for vectors; .h the constants "
        "of "
        "a C or C++ program, numbers or packed form; .lsq is version 1, the published format, of classic codes alone.",
    .options = options,
    .option_count = OPTIONS,
    .operand_count = 1,
    .run = run,
};
