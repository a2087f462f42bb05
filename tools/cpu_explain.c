/*
 * cpu_explain.c - one product in plain lines: where its weights are, on how many threads, which way, by which kernels, and why.
 */
#include "tools/cpu.h"
#include "tools/output.h"
#include "tools/text.h"

#include <stdio.h>
#include <string.h>

/* "9.0 MiB" */
static void size_words(json_int_t bytes, char words[32])
{
    if (bytes < 1 << 10)
        snprintf(words, 32, "%" JSON_INTEGER_FORMAT " bytes", bytes);
    else if (bytes < 1 << 20)
        snprintf(words, 32, "%.1f KiB", (double)bytes / (1 << 10));
    else if (bytes < 1 << 30)
        snprintf(words, 32, "%.1f MiB", (double)bytes / (1 << 20));
    else
        snprintf(words, 32, "%.1f GiB", (double)bytes / (1 << 30));
}

static void tell_product(const json_t *product)
{
    const int transposed = json_is_true(json_object_get(product, "transposed"));
    const json_int_t m = cpu_number(product, "m"), k = cpu_number(product, "k"), n = cpu_number(product, "n");
    cpu_line("product",
             "%s, where W has %" JSON_INTEGER_FORMAT " rows and %" JSON_INTEGER_FORMAT
             " columns in %s, and B has %" JSON_INTEGER_FORMAT " column%s",
             transposed ? "W^T B" : "W B", m, k, cpu_word(product, "format"), n, n == 1 ? "" : "s");
}

/* The first cache that holds them, as dispatch/select.c has it. */
static void tell_place(const json_t *product, const json_t *cpu)
{
    static const char *const names[][2] = {
        {"l1", "the first data cache"}, {"l2", "the second cache"}, {"l3", "the last cache"}};
    const char *class = cpu_word(product, "class");
    char size[32], cache[32];
    size_words(cpu_number(product, "bytes"), size);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!strcmp(class, names[i][0])) {
            size_words(cpu_number(cpu, i ? class : "l1d"), cache);
            cpu_line("weights", "%s packed, found in %s (%s) when the product is repeated: class %s", size, names[i][1],
                     cache, class);
            return;
        }
    size_words(cpu_number(cpu, "l3"), cache);
    cpu_line("weights", "%s packed, more than the last cache has (%s), so they come from memory: class %s", size, cache,
             class);
}

static void tell_threads(const json_t *product)
{
    const json_int_t threads = cpu_number(product, "threads"), allowed = cpu_number(product, "threads_allowed");
    if (allowed == 1)
        cpu_line("threads", "1, which is all that was allowed");
    else if (threads == allowed)
        cpu_line("threads", "%" JSON_INTEGER_FORMAT ", all that were allowed", threads);
    else
        cpu_line("threads",
                 "%" JSON_INTEGER_FORMAT " of the %" JSON_INTEGER_FORMAT
                 " allowed, since more would have too little to do each",
                 threads, allowed);
}

/* Does a kernel run that expands, or decodes? */
static int expands(const json_t *product)
{
    const json_t *step;
    size_t i;
    json_array_foreach(json_object_get(product, "kernels"), i, step)
    {
        const char *op = cpu_word(step, "op");
        if (!strcmp(op, "expand") || !strcmp(op, "decode"))
            return 1;
    }
    return 0;
}

static void tell_way(const json_t *product)
{
    const char *way = cpu_word(product, "way"), *act = cpu_word(product, "activation");
    const json_int_t n = cpu_number(product, "n"), at_once = cpu_number(product, "columns_at_once"),
                     from = cpu_number(product, "expand_from");
    if (!strcmp(way, "vectors") && n == 1)
        cpu_line("way", "straight from the codes");
    else if (!strcmp(way, "vectors"))
        cpu_line("way",
                 "column after column, straight from the codes: expanding them pays from %" JSON_INTEGER_FORMAT
                 " columns on",
                 from);
    else if (!strcmp(way, "direct"))
        cpu_line("way",
                 "%" JSON_INTEGER_FORMAT
                 " columns at once, straight from the codes: expanding them pays from %" JSON_INTEGER_FORMAT
                 " columns on",
                 at_once, from);
    else if (!strcmp(way, "columns"))
        cpu_line("way",
                 "codes are expanded for %" JSON_INTEGER_FORMAT " columns at once, as from %" JSON_INTEGER_FORMAT
                 " columns on",
                 at_once, from);
    else if (expands(product))
        cpu_line("way", "codes are expanded for %" JSON_INTEGER_FORMAT " column%s at once, and added row after row",
                 at_once, at_once == 1 ? "" : "s");
    else
        cpu_line("way", "straight from the codes, added row after row");
    cpu_line("activations", "%s",
             !strcmp(act, "f32")  ? "as they are"
             : !strcmp(act, "i8") ? "rounded to 8 bits"
                                  : "rounded to 13 bits");
}

/* "tuned, 1.25 times as fast as gemv_p4_i8_avx2_r1" */
static void tell_reason(const json_t *step, char *words, size_t room)
{
    const char *reason = cpu_word(step, "reason"), *usual = cpu_word(step, "default");
    const double speedup = json_real_value(json_object_get(step, "speedup"));
    const int is_usual = !strcmp(cpu_word(step, "kernel"), usual);
    if (!strcmp(reason, "capped"))
        snprintf(words, room, "default under LSQ_MAX_ISA; the tune file names one above it");
    else if (!strcmp(reason, "confirmed"))
        snprintf(words, room, "default, and the tune file found none faster");
    else if (!strcmp(reason, "forced"))
        snprintf(words, room, "named by LSQ_KERNEL%s%s", is_usual ? "" : ", instead of ", is_usual ? "" : usual);
    else if (strcmp(reason, "tuned") != 0)
        snprintf(words, room, "%s", reason);
    else if (speedup > 0)
        snprintf(words, room, "tuned, measured %.2f times as fast as %s", speedup,
                 is_usual ? "with the default's tunables" : usual);
    else
        snprintf(words, room, "tuned%s%s", is_usual ? "" : ", instead of ", is_usual ? "" : usual);
}

static int tell_kernels(const arguments *args, const json_t *product)
{
    static const char *const heads[] = {"kernel", "tunables", "why"};
    table *t = table_new(sizeof heads / sizeof *heads, heads);
    const json_t *step;
    json_t *value;
    const char *key;
    size_t i;
    json_array_foreach(json_object_get(product, "kernels"), i, step)
    {
        char words[200] = "";
        json_object_foreach(json_object_get(step, "tunables"), key, value)
        {
            const size_t length = strlen(words);
            if (strcmp(key, "expand_from") != 0) /* the way tells of it */
                snprintf(words + length, sizeof words - length, "%s%s %" JSON_INTEGER_FORMAT, length ? ", " : "", key,
                         json_integer_value(value));
        }
        table_cell(t, "%s", cpu_word(step, "kernel"));
        table_cell(t, "%s", words);
        tell_reason(step, words, sizeof words);
        table_cell(t, "%s", words);
    }
    putchar('\n');
    return table_print(t, args);
}

int cpu_explain(const arguments *args, const json_t *product, const json_t *cpu)
{
    tell_product(product);
    tell_place(product, cpu);
    tell_threads(product);
    tell_way(product);
    const int code = tell_kernels(args, product);
    return code == EXIT_OK ? cpu_tune_files(args, product) : code;
}
