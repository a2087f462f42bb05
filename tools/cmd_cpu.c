/*
 * cmd_cpu.c - lsq cpu: what the library found here and which kernels it would run, as lsq_describe() tells it.
 */
#include "tools/commands.h"
#include "tools/messages.h"
#include "tools/output.h"
#include "tools/text.h"

#include <lsq/lsq.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *word(const json_t *object, const char *key)
{
    const char *value = json_string_value(json_object_get(object, key));
    return value ? value : "";
}

static int64_t number(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

static void print_line(const char *head, const char *text)
{
    char *safe = text_escape(text);
    printf("%-12s  %s\n", head, safe ? safe : "");
    free(safe);
}

static void print_cpu(const json_t *description)
{
    const json_t *cpu = json_object_get(description, "cpu");
    print_line("library", word(description, "library"));
    print_line("CPU", *word(cpu, "brand") ? word(cpu, "brand") : word(cpu, "vendor"));
    printf("%-12s  %" PRId64 ", model %" PRId64 ", stepping %" PRId64 "\n", "family", number(cpu, "family"),
           number(cpu, "model"), number(cpu, "stepping"));
    printf("%-12s  L1 %" PRId64 " KiB, L2 %" PRId64 " KiB, L3 %" PRId64 " KiB, as one core can use them\n", "caches",
           number(cpu, "l1d") >> 10, number(cpu, "l2") >> 10, number(cpu, "l3") >> 10);
    printf("%-12s  %" PRId64 "\n", "threads", number(description, "threads"));
    print_line("activations", word(description, "activation"));
}

static int print_levels(const arguments *args, const json_t *description)
{
    static const char *const heads[] = {"instructions", "usable", "lacks"};
    table *t = table_new(sizeof heads / sizeof *heads, heads);
    const json_t *levels = json_object_get(description, "levels"), *level;
    size_t i;
    json_array_foreach(levels, i, level)
    {
        table_cell(t, "%s", word(level, "name"));
        table_cell(t, "%s", json_is_true(json_object_get(level, "usable")) ? "yes" : "no");
        table_cell(t, "%s", word(level, "lacks"));
    }
    return table_print(t, args);
}

static int print_tune_files(const arguments *args, const json_t *description)
{
    static const char *const heads[] = {"tune file", "what became of it"};
    table *t = table_new(sizeof heads / sizeof *heads, heads);
    const json_t *files = json_object_get(description, "tune_files"), *file;
    size_t i;
    json_array_foreach(files, i, file)
    {
        table_cell(t, "%s", word(file, "path"));
        table_cell(t, "%s", word(file, "result"));
    }
    return table_print(t, args);
}

/* Products with integer activations; all with -v. */
static int print_products(const arguments *args, const json_t *description)
{
    static const char *const heads[] = {"operation", "weights", "activations", "kernel", "but"};
    table *t = table_new(sizeof heads / sizeof *heads, heads);
    const json_t *products = json_object_get(description, "products"), *product;
    size_t i;
    json_array_foreach(products, i, product)
    {
        const json_t *instead = json_object_get(product, "instead");
        if (!args->verbose && (strcmp(word(product, "op"), "gemv") != 0 || strcmp(word(product, "act"), "f32") == 0))
            continue;
        const json_t *tunables = json_object_get(product, "tunables");
        json_t *but = json_copy((json_t *)instead);
        if (json_object_size(tunables))
            json_object_set(but, "tunables", (json_t *)tunables);
        char *others = json_object_size(but) ? json_dumps(but, JSON_COMPACT) : NULL;
        json_decref(but);
        table_cell(t, "%s", word(product, "op"));
        table_cell(t, "%s", word(product, "codec"));
        table_cell(t, "%s", word(product, "act"));
        table_cell(t, "%s", word(product, "default"));
        table_cell(t, "%s", others ? others : "");
        free(others);
    }
    return table_print(t, args);
}

static int print_description(arguments *args, const json_t *description)
{
    const json_t *notes = json_object_get(description, "notes"), *note;
    size_t i;
    if (args->quiet)
        return EXIT_OK;
    print_cpu(description);
    putchar('\n');
    int code = print_levels(args, description);
    putchar('\n');
    if (code == EXIT_OK && json_array_size(json_object_get(description, "tune_files"))) {
        code = print_tune_files(args, description);
        putchar('\n');
    }
    if (code == EXIT_OK)
        code = print_products(args, description);
    json_array_foreach(notes, i, note) warning(args, "%s", json_string_value(note));
    return code;
}

static json_t *describe(const lsq_context *ctx)
{
    size_t size = lsq_describe(ctx, NULL, 0);
    char *text = size ? malloc(size + 1) : NULL;
    if (!text)
        return NULL;
    lsq_describe(ctx, text, size + 1);
    json_t *description = json_loads(text, 0, NULL);
    free(text);
    return description;
}

static int run(arguments *args)
{
    lsq_context *ctx = NULL;
    lsq_error err = {0};
    lsq_status status = lsq_context_new(NULL, &ctx, &err);
    if (status != LSQ_OK)
        return library_failure(args, status, &err);
    json_t *description = describe(ctx);
    lsq_context_free(ctx);
    if (!description)
        return out_of_memory(args);
    if (args->json)
        return output_json(args, description, EXIT_OK);
    int code = print_description(args, description);
    json_decref(description);
    return code;
}

const verb cpu_command = {
    .name = "cpu",
    .operands = "",
    .summary = "Show what the library found on this machine and which kernels it runs",
    .details = "The environment variables LSQ_MAX_ISA, LSQ_KERNEL, LSQ_TUNE_FILE, LSQ_NUM_THREADS and\n"
               "OMP_NUM_THREADS are taken into account, as they are by programs that use the library.\n",
    .run = run,
};
