/*
 * cmd_info.c - lsq info: what a model file holds.
 */
#include "tools/commands.h"
#include "tools/messages.h"
#include "tools/output.h"
#include "tools/tensors.h"
#include "tools/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

typedef struct totals {
    size_t tensors, quantised;
    uint64_t elements, bytes;
    uint64_t file_bytes;
} totals;

static totals sum(const lsq_model *model, const char *path)
{
    totals t = {.tensors = lsq_model_count(model)};
    struct stat file;
    for (size_t i = 0; i < t.tensors; i++) {
        const lsq_tensor *tensor = lsq_model_tensor(model, i);
        t.quantised += tensor->quantised != 0;
        t.elements += tensor->elements;
        t.bytes += file_bytes(model, i);
    }
    t.file_bytes = stat(path, &file) == 0 ? (uint64_t)file.st_size : 0;
    return t;
}

/* NULL: out of memory. */
static json_t *described(const lsq_model *model, size_t i)
{
    const char *blocks = lsq_model_blocks(model, i, NULL);
    json_t *tensor = tensor_json(lsq_model_tensor(model, i), file_bytes(model, i));
    if (tensor && blocks && json_object_set_new(tensor, "blocks", json_string(blocks)) != 0) {
        json_decref(tensor);
        return NULL;
    }
    return tensor;
}

static json_t *info_json(const lsq_model *model, const char *path, const totals *t)
{
    json_t *tensors = json_array();
    for (size_t i = 0; tensors && i < t->tensors; i++)
        if (json_array_append_new(tensors, described(model, i)) != 0) {
            json_decref(tensors);
            return NULL;
        }
    json_t *total =
        json_pack("{s:I, s:I, s:I, s:I, s:f, s:I}", "tensors", (json_int_t)t->tensors, "quantised",
                  (json_int_t)t->quantised, "elements", (json_int_t)t->elements, "bytes", (json_int_t)t->bytes,
                  "bits_per_weight", bits_per_weight(t->bytes, t->elements), "file_bytes", (json_int_t)t->file_bytes);
    return json_pack("{s:s, s:o, s:s, s:o, s:o, s:o}", "schema", "lsq.info/1", "file", text_json(path), "format",
                     lsq_model_format(model), "metadata", metadata_json(model), "tensors", tensors, "totals", total);
}

/* Values can be whole documents; a line of them is enough unless -v asks for more. */
static int print_metadata(const arguments *args, const lsq_model *model)
{
    enum { SHOWN = 80 };
    const char *key, *value;
    for (size_t i = 0; lsq_model_metadata(model, i, &key, &value); i++) {
        char *safe_key = text_escape(key), *safe_value = text_escape(value);
        int lost = !safe_key || !safe_value;
        if (!lost) {
            size_t cut = strlen(safe_value);
            while (!args->verbose && cut > SHOWN && (cut-- > SHOWN || (safe_value[cut] & 0xc0) == 0x80))
                continue;
            printf("%s = %.*s%s\n", safe_key, (int)cut, safe_value, safe_value[cut] ? "..." : "");
        }
        free(safe_key);
        free(safe_value);
        if (lost)
            return out_of_memory(args);
    }
    return EXIT_OK;
}

static int print_tensors(const arguments *args, const lsq_model *model)
{
    static const char *const heads[] = {"tensor",    "shape",  "type",         ">rows",  ">columns",
                                        "stored as", ">bytes", ">bits/weight", "in full"};
    table *t = table_new(sizeof heads / sizeof *heads - (args->verbose ? 0 : 1), heads);
    char text[SHAPE_TEXT_MAX], full[FORMAT_TEXT_MAX];
    for (size_t i = 0; i < lsq_model_count(model); i++) {
        const lsq_tensor *tensor = lsq_model_tensor(model, i);
        const char *dtype = lsq_dtype_name(tensor->dtype);
        table_cell(t, "%s", tensor->name);
        table_cell(t, "%s", shape_text(tensor, text));
        table_cell(t, "%s", dtype ? dtype : "?");
        if (tensor->quantised) {
            table_cell(t, "%" PRIu64, tensor->rows);
            table_cell(t, "%" PRIu64, tensor->columns);
        } else {
            table_cell(t, "-");
            table_cell(t, "-");
        }
        const char *blocks = lsq_model_blocks(model, i, NULL);
        table_cell(t, "%s", blocks ? blocks : storage_text(tensor, text));
        table_cell(t, "%" PRIu64, file_bytes(model, i));
        table_cell(t, "%.3f", bits_per_weight(file_bytes(model, i), tensor->elements));
        if (args->verbose)
            table_cell(t, "%s", format_text(tensor, full));
    }
    return table_print(t, args);
}

static int print_info(const arguments *args, const lsq_model *model, const totals *t)
{
    int code = print_tensors(args, model);
    putchar('\n');
    if (code == EXIT_OK)
        code = print_metadata(args, model);
    printf("%s: %zu tensors, %zu of them quantised; %" PRIu64 " numbers in %" PRIu64
           " bytes, %.3f bits each; the file has %" PRIu64 " bytes\n",
           lsq_model_format(model), t->tensors, t->quantised, t->elements, t->bytes,
           bits_per_weight(t->bytes, t->elements), t->file_bytes);
    return code;
}

static int run(arguments *args)
{
    lsq_model *model = NULL;
    int code = open_model(args, args->operands[0], 0, &model);
    if (code != CARRY_ON)
        return code;
    totals t = sum(model, args->operands[0]);
    if (args->json)
        code = output_json(args, info_json(model, args->operands[0], &t), EXIT_OK);
    else
        code = args->quiet ? EXIT_OK : print_info(args, model, &t);
    lsq_model_free(model);
    return code;
}

const verb info_command = {
    .name = "info",
    .operands = "FILE",
    .summary = "Show what a model file holds",
    .details =
        "FILE is a .lsq, .safetensors, .npy, .npz, .pth, .gguf or .onnx file, or the index.json of a set. Only its\n"
        "header is checked; 'lsq verify' looks at everything.\n",
    .operand_count = 1,
    .run = run,
};
