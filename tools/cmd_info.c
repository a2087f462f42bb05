/*
 * cmd_info.c - lsq info: what a model file holds.
 */
#include "tools/commands.h"
#include "tools/info.h"
#include "tools/messages.h"
#include "tools/output.h"
#include "tools/tensors.h"
#include "tools/text.h"

enum { TENSOR, SHA256, OPTIONS };

static const option_row options[OPTIONS] = {
    [TENSOR] = {"tensor", 't', "NAME", "of this one alone: with the distribution of its numbers, or codes"},
    [SHA256] = {"sha256", 's', NULL, "also the SHA-256 of FILE"},
};

static void add_up(info *f)
{
    f->tensors = lsq_model_count(f->model);
    for (size_t i = 0; i < f->kinds.count; i++) {
        const kind *k = &f->kinds.each[i];
        f->elements += k->elements;
        f->bytes += k->bytes;
        f->quantised += k->quantised ? k->tensors : 0;
        f->kept_elements += k->quantised ? 0 : k->elements;
        f->kept_bytes += k->quantised ? 0 : k->bytes;
    }
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

static json_t *tensors_json(const info *f)
{
    json_t *tensors = json_array();
    for (size_t i = f->first; tensors && i < f->end; i++)
        if (json_array_append_new(tensors, described(f->model, i)) != 0) {
            json_decref(tensors);
            return NULL;
        }
    return tensors;
}

static json_t *totals_json(const info *f)
{
    return json_pack("{s:I, s:I, s:I, s:I, s:f, s:I, s:I, s:I}", "tensors", (json_int_t)f->tensors, "quantised",
                     (json_int_t)f->quantised, "elements", (json_int_t)f->elements, "bytes", (json_int_t)f->bytes,
                     "bits_per_weight", bits_per_weight(f->bytes, f->elements), "kept_elements",
                     (json_int_t)f->kept_elements, "kept_bytes", (json_int_t)f->kept_bytes, "file_bytes",
                     (json_int_t)lsq_model_file_bytes(f->model));
}

static json_t *info_json(const info *f)
{
    json_t *document =
        json_pack("{s:s, s:o, s:s, s:o, s:o, s:o, s:o}", "schema", "lsq.info/1", "file", text_json(f->path), "format",
                  lsq_model_format(f->model), "metadata", metadata_json(f->model), "tensors", tensors_json(f), "kinds",
                  kinds_json(&f->kinds), "totals", totals_json(f));
    int lost = !document;
    if (!lost && f->has_distribution)
        lost = json_object_set_new(document, "distribution", distribution_json(&f->distribution)) != 0;
    if (!lost && *f->sha256)
        lost = json_object_set_new(document, "sha256", json_string(f->sha256)) != 0;
    if (!lost)
        return document;
    json_decref(document);
    return NULL;
}

static int take_tensor(const arguments *args, info *f)
{
    const char *name = args->values[TENSOR];
    f->end = f->tensors;
    if (!name)
        return CARRY_ON;
    if (!lsq_model_find(f->model, name, &f->first))
        return usage_error(args, "%s has no tensor '%s'", f->path, name);
    f->end = f->first + 1;
    f->has_distribution = 1;
    return distribution_take(args, f->model, f->first, &f->distribution);
}

static int run(arguments *args)
{
    lsq_model *model = NULL;
    info f = {.path = args->operands[0]};
    int code = open_model(args, f.path, 0, &model);
    f.model = model;
    if (code == CARRY_ON && kinds_count(&f.kinds, model) != LSQ_OK)
        code = out_of_memory(args);
    if (code == CARRY_ON) {
        add_up(&f);
        code = take_tensor(args, &f);
    }
    if (code == CARRY_ON && args->values[SHA256])
        code = digest_file(args, f.path, f.sha256);
    if (code == CARRY_ON && args->json)
        code = output_json(args, info_json(&f), EXIT_OK);
    else if (code == CARRY_ON)
        code = args->quiet ? EXIT_OK : info_print(args, &f);
    distribution_free(&f.distribution);
    kinds_free(&f.kinds);
    lsq_model_free(model);
    return code;
}

const verb info_command = {
    .name = "info",
    .operands = "FILE",
    .summary = "Show what a model file holds",
    .details =
        "FILE is a .lsq, .safetensors, .npy, .npz, .pth, .gguf or .onnx file, or the index.json of a set. Only its\n"
        "header is checked; 'lsq verify' looks at everything. Tensors are shown as a tree, in which layers that are\n"
        "alike are one; with --verbose one by one.\n",
    .options = options,
    .option_count = OPTIONS,
    .operand_count = 1,
    .run = run,
};
