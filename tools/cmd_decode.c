/*
 * cmd_decode.c - lsq decode: quantised tensors back into ordinary numbers.
 */
#include "tools/commands.h"
#include "tools/destination.h"
#include "tools/interrupt.h"
#include "tools/messages.h"
#include "tools/output.h"
#include "tools/tensors.h"
#include "tools/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { OUTPUT, TENSOR, FORCE, OPTIONS };

static const option_row options[OPTIONS] = {
    [OUTPUT] = {"output", 'o', "OUT", "the file to write: .safetensors, or .npy for one tensor"},
    [TENSOR] = {"tensor", 't', "NAME", "which tensor, for .npy"},
    [FORCE] = {"force", 'f', NULL, "replace OUT if it exists"},
};

static int ends_with(const char *text, const char *end)
{
    size_t n = strlen(text), m = strlen(end);
    return n > m && strcmp(text + n - m, end) == 0;
}

static int choose_tensor(const arguments *args, const lsq_model *model, size_t *i)
{
    const char *name = args->values[TENSOR];
    *i = 0;
    if (name && !lsq_model_find(model, name, i))
        return usage_error(args, "%s has no tensor '%s'", args->operands[0], name);
    if (!name && lsq_model_count(model) != 1)
        return usage_error(args, "a .npy file holds one tensor and %s has %zu: choose with --tensor", args->operands[0],
                           lsq_model_count(model));
    return CARRY_ON;
}

static int report(arguments *args, const lsq_model *model, const char *path, int npy)
{
    struct stat file;
    int64_t bytes = stat(path, &file) == 0 ? (int64_t)file.st_size : 0;
    size_t count = npy ? 1 : lsq_model_count(model);
    if (args->json)
        return output_json(args,
                           json_pack("{s:s, s:o, s:o, s:s, s:I, s:I}", "schema", "lsq.decode/1", "input",
                                     text_json(args->operands[0]), "output", text_json(path), "format",
                                     npy ? "npy" : "safetensors", "tensors", (json_int_t)count, "file_bytes",
                                     (json_int_t)bytes),
                           EXIT_OK);
    if (!args->quiet)
        printf("%zu tensor%s written, %" PRId64 " bytes\n", count, count == 1 ? "" : "s", bytes);
    return EXIT_OK;
}

static int decode(arguments *args, const lsq_model *model, const char *path, int npy)
{
    int force = args->values[FORCE] != NULL;
    size_t i = 0;
    lsq_error err = {0};
    int code = npy ? choose_tensor(args, model, &i) : CARRY_ON;
    if (code != CARRY_ON)
        return code;
    /* Files are written whole by one call, which is left to end; a second signal does not wait. */
    if (interrupt_watch(NULL, NULL) != 0)
        return failure(args, LSQ_E_NOMEM, "no thread to be had");
    interrupt_hold();
    lsq_status status =
        npy ? lsq_export_npy(model, i, path, force, &err) : lsq_export_safetensors(model, path, force, &err);
    interrupt_release();
    return status == LSQ_OK ? report(args, model, path, npy) : library_failure(args, status, &err);
}

static int run(arguments *args)
{
    const char *output = args->values[OUTPUT];
    lsq_model *model = NULL;
    int npy = output && ends_with(output, ".npy");
    if (!output)
        return usage_error(args, "-o OUT is missing");
    if (!npy && !ends_with(output, ".safetensors"))
        return usage_error(args, "'%s' ends neither in .safetensors nor in .npy", output);
    if (!npy && args->values[TENSOR])
        return usage_error(args, "--tensor is for .npy; .safetensors files hold all of them");
    int code = destination_check(args, output, args->values[FORCE] != NULL);
    if (code == CARRY_ON)
        code = open_model(args, args->operands[0], LSQ_OPEN_VERIFY, &model);
    if (code == CARRY_ON)
        code = decode(args, model, output, npy);
    lsq_model_free(model);
    return code;
}

const verb decode_command = {
    .name = "decode",
    .operands = "FILE -o OUT",
    .summary = "Write the tensors of a model file as ordinary numbers",
    .details = "Quantised tensors become float32 under their own names and shapes. In .safetensors files the others\n"
               "stay as they are; a .npy file is float32 whatever the tensor was.\n",
    .options = options,
    .option_count = OPTIONS,
    .operand_count = 1,
    .run = run,
};
