/*
 * cmd_cpu.c - lsq cpu: what the library found here and which kernels it would run, in general or for one product.
 */
#include "tools/commands.h"
#include "tools/cpu.h"
#include "tools/messages.h"
#include "tools/output.h"
#include "tools/text.h"

#include <lsq/lsq.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COLUMNS, TRANS };

static const option_row options[] = {
    [COLUMNS] = {"columns", 'n', "COUNT", "of a product with so many columns, not of a vector"},
    [TRANS] = {"trans", 0, NULL, "of a product with the transposed matrix"},
};

/* ---- What cpu_kernels.c and cpu_explain.c share ---- */

const char *cpu_word(const json_t *object, const char *key)
{
    const char *value = json_string_value(json_object_get(object, key));
    return value ? value : "";
}

json_int_t cpu_number(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

void cpu_line(const char *head, const char *format, ...)
{
    char text[400];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    printf("%-12s  ", head);
    print_fitted(14, 14, "%s", text);
}

int cpu_tune_files(const arguments *args, const json_t *document)
{
    static const char *const heads[] = {"tune file", "what became of it"};
    const json_t *files = json_object_get(document, "tune_files"), *file;
    size_t i;
    if (!json_array_size(files))
        return EXIT_OK;
    table *t = table_new(sizeof heads / sizeof *heads, heads);
    json_array_foreach(files, i, file)
    {
        table_cell(t, "%s", cpu_word(file, "path"));
        table_cell(t, "%s", cpu_word(file, "result"));
    }
    putchar('\n');
    return table_print(t, args);
}

/* ---- In general ---- */

static void print_cpu(const json_t *description)
{
    const json_t *cpu = json_object_get(description, "cpu");
    cpu_line("library", "%s", cpu_word(description, "library"));
    cpu_line("CPU", "%s", *cpu_word(cpu, "brand") ? cpu_word(cpu, "brand") : cpu_word(cpu, "vendor"));
    cpu_line("family", "%d, model %d, stepping %d", (int)cpu_number(cpu, "family"), (int)cpu_number(cpu, "model"),
             (int)cpu_number(cpu, "stepping"));
    cpu_line("caches",
             "L1 %" JSON_INTEGER_FORMAT " KiB, L2 %" JSON_INTEGER_FORMAT " KiB, L3 %" JSON_INTEGER_FORMAT
             " KiB, as one core can use them",
             cpu_number(cpu, "l1d") >> 10, cpu_number(cpu, "l2") >> 10, cpu_number(cpu, "l3") >> 10);
    cpu_line("threads", "%d", (int)cpu_number(description, "threads"));
    cpu_line("activations", "%s", cpu_word(description, "activation"));
}

static int print_levels(const arguments *args, const json_t *description)
{
    static const char *const heads[] = {"instructions", "usable", "lacks"};
    table *t = table_new(sizeof heads / sizeof *heads, heads);
    const json_t *level;
    size_t i;
    json_array_foreach(json_object_get(description, "levels"), i, level)
    {
        table_cell(t, "%s", cpu_word(level, "name"));
        table_cell(t, "%s", json_is_true(json_object_get(level, "usable")) ? "yes" : "no");
        table_cell(t, "%s", cpu_word(level, "lacks"));
    }
    putchar('\n');
    return table_print(t, args);
}

static int print_description(const arguments *args, const json_t *description)
{
    print_cpu(description);
    int code = print_levels(args, description);
    if (code == EXIT_OK)
        code = cpu_tune_files(args, description);
    return code == EXIT_OK ? cpu_kernels(args, description) : code;
}

/* ---- One product ---- */

typedef struct product {
    lsq_format format;
    size_t m, k, n;
    lsq_transpose trans;
} product;

/* The number at the beginning, behind which is `after`; 0 if there is none. */
static size_t count_of(const char *text, char after, const char **rest)
{
    char *end;
    if (*text < '0' || *text > '9')
        return 0;
    const unsigned long long n = strtoull(text, &end, 10);
    *rest = end + 1;
    return *end == after && n <= 1ull << 48 ? (size_t)n : 0;
}

/* CARRY_ON, or an exit code. */
static int read_product(const arguments *args, product *p)
{
    lsq_error err = {0};
    size_t bytes;
    const char *rest = "", *columns = args->values[COLUMNS];
    if (args->operand_count == 1)
        return usage_error(args, "behind the format a size is missing, as 4096x1024");
    if (lsq_format_parse(args->operands[0], &p->format, &err) != LSQ_OK)
        return usage_error(args, "'%s': %s", args->operands[0], err.text);
    p->m = count_of(args->operands[1], 'x', &rest);
    p->k = p->m ? count_of(rest, '\0', &rest) : 0;
    if (!p->k || lsq_packed_bytes(&p->format, p->m, p->k, &bytes) != LSQ_OK)
        return usage_error(args, "'%s' is not a number of rows and of columns, as 4096x1024", args->operands[1]);
    p->n = columns ? count_of(columns, '\0', &rest) : 1;
    if (!p->n)
        return usage_error(args, "--columns: '%s' is not a count from 1 on", columns);
    p->trans = args->values[TRANS] ? LSQ_TRANS : LSQ_NO_TRANS;
    return CARRY_ON;
}

/* Of the context, or with a product of that. NULL: no memory. */
static json_t *describe(const lsq_context *ctx, const product *p)
{
    char *text = NULL;
    size_t size = 0;
    json_t *description = NULL;
    for (int again = 0; again < 2; again++) { /* for the size, then for the text */
        size = p ? lsq_describe_product(ctx, &p->format, p->m, p->k, p->trans, p->n, text, size)
                 : lsq_describe(ctx, text, size);
        if (!again)
            text = size++ ? malloc(size) : NULL;
        if (!text)
            return NULL;
    }
    description = json_loads(text, 0, NULL);
    free(text);
    return description;
}

static int tell(arguments *args, json_t *description, json_t *explanation)
{
    const json_t *note;
    size_t i;
    if (explanation || !args->json) /* a description as JSON has them */
        json_array_foreach(json_object_get(description, "notes"), i, note) warning(args, "%s", json_string_value(note));
    if (args->json)
        return output_json(args, json_incref(explanation ? explanation : description), EXIT_OK);
    if (args->quiet)
        return EXIT_OK;
    return explanation ? cpu_explain(args, explanation, json_object_get(description, "cpu"))
                       : print_description(args, description);
}

static int run(arguments *args)
{
    lsq_context *ctx = NULL;
    lsq_error err = {0};
    product p;
    const int one = args->operand_count > 0;
    int code = one ? read_product(args, &p) : CARRY_ON;
    if (code != CARRY_ON)
        return code;
    if (!one && (args->values[COLUMNS] || args->values[TRANS]))
        return usage_error(args, "--columns and --trans are of a product: a format and a size are missing");
    lsq_status status = lsq_context_new(NULL, &ctx, &err);
    if (status != LSQ_OK)
        return library_failure(args, status, &err);
    json_t *description = describe(ctx, NULL), *explanation = one ? describe(ctx, &p) : NULL;
    lsq_context_free(ctx);
    code = description && (explanation || !one) ? tell(args, description, explanation) : out_of_memory(args);
    json_decref(description);
    json_decref(explanation);
    return code;
}

const verb cpu_command = {
    .name = "cpu",
    .operands = "[CODEC ROWSxCOLUMNS]",
    .summary = "Show what the library found on this machine and which kernels it runs",
    .details =
        "With a codec (s4, t3.st64, ...) and the size of a matrix it explains that product: where the weights are,\n"
        "how many threads work, which kernels run and why.\n"
        "\n"
        "The environment variables LSQ_MAX_ISA, LSQ_KERNEL, LSQ_TUNE_FILE, LSQ_NUM_THREADS and\n"
        "OMP_NUM_THREADS are taken into account, as they are by programs that use the library.\n",
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .more_operands = 2,
    .run = run,
};
