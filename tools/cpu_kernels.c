/*
 * cpu_kernels.c - the kernel of each kind of product, and where it is another one: places that agree are told of together.
 *
 * lsq_describe() has a member for each place, "l3/few/one". Places of a kind that have the same kernel and tunables are boxes in three
 * dimensions, mostly one, and a row of the table each.
 */
#include "tools/cpu.h"
#include "tools/output.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { CLASSES = 4, BATCHES = 3, CREWS = 2, PLACES = CLASSES * BATCHES * CREWS, TEXT = 200 };

static const char *const classes[CLASSES] = {"l1", "l2", "l3", "dram"},
                         *const batches[BATCHES] = {"one", "few", "many"}, *const crews[CREWS] = {"one", "many"};
static const char *const class_words[CLASSES] = {"L1", "L2", "L3", "memory"}, *const crew_words[CREWS] = {
                                                                                  "1 thread", "several threads"};
/* By the first and the last batch. */
static const char *const batch_words[BATCHES][BATCHES] = {
    {"1 column", "up to 15 columns", ""}, {"", "2 to 15 columns", "2 or more columns"}, {"", "", "16 or more columns"}};

/* What runs in each place: a kernel, and tunables that are not the default. */
typedef struct kind {
    char text[PLACES][TEXT];
    int told[PLACES];
} kind;

static int place_of(int class, int batch, int crew)
{
    return (class * BATCHES + batch) * CREWS + crew;
}

static void read_place(kind *k, const json_t *product, int place)
{
    char name[40], *text = k->text[place];
    const char *key;
    json_t *value;
    snprintf(name, sizeof name, "%s/%s/%s", classes[place / (BATCHES * CREWS)], batches[place / CREWS % BATCHES],
             crews[place % CREWS]);
    const char *instead = cpu_word(json_object_get(product, "instead"), name);
    snprintf(text, TEXT, "%s", *instead ? instead : cpu_word(product, "default"));
    json_object_foreach(json_object_get(json_object_get(product, "tunables"), name), key, value)
    {
        const size_t length = strlen(text);
        snprintf(text + length, TEXT - length, ", %s %" JSON_INTEGER_FORMAT, key, json_integer_value(value));
    }
}

/* Are these and all places between them the same as `text`, and not told of? */
static int is_box(const kind *k, const char *text, const int low[3], const int high[3])
{
    for (int c = low[0]; c <= high[0]; c++)
        for (int b = low[1]; b <= high[1]; b++)
            for (int t = low[2]; t <= high[2]; t++)
                if (k->told[place_of(c, b, t)] || strcmp(k->text[place_of(c, b, t)], text) != 0)
                    return 0;
    return 1;
}

__attribute__((format(printf, 2, 3))) static void add_words(char *words, const char *format, ...)
{
    size_t length = strlen(words);
    va_list args;
    if (length)
        length += (size_t)snprintf(words + length, TEXT - length, ", ");
    va_start(args, format);
    vsnprintf(words + length, TEXT - length, format, args);
    va_end(args);
}

/* Of a dimension that is meant whole nothing is said. */
static void name_box(char *words, const int low[3], const int high[3])
{
    if (high[0] - low[0] == 0)
        add_words(words, "%s", class_words[low[0]]);
    else if (high[0] - low[0] < CLASSES - 1)
        add_words(words, "%s %s %s", class_words[low[0]], high[0] - low[0] == 1 ? "and" : "to", class_words[high[0]]);
    if (high[1] - low[1] < BATCHES - 1)
        add_words(words, "%s", batch_words[low[1]][high[1]]);
    if (high[2] == low[2])
        add_words(words, "%s", crew_words[low[2]]);
}

static void tell(table *t, const json_t *product, const char *kernel, const char *where, int is_first)
{
    table_cell(t, "%s", is_first ? cpu_word(product, "op") : "");
    table_cell(t, "%s", is_first ? cpu_word(product, "codec") : "");
    table_cell(t, "%s", is_first ? cpu_word(product, "act") : "");
    table_cell(t, "%s", kernel);
    table_cell(t, "%s", where);
}

/* The largest box that begins at a place becomes a row. */
static void tell_box(table *t, const json_t *product, kind *k, int place, int is_first)
{
    const int most[3] = {CLASSES, BATCHES, CREWS};
    const int low[3] = {place / (BATCHES * CREWS), place / CREWS % BATCHES, place % CREWS};
    int high[3] = {low[0], low[1], low[2]};
    char where[TEXT] = "";
    for (int d = 2; d >= 0; d--)
        for (int wider[3] = {high[0], high[1], high[2]}; ++wider[d] < most[d] && is_box(k, k->text[place], low, wider);)
            high[d] = wider[d];
    for (int c = low[0]; c <= high[0]; c++)
        for (int b = low[1]; b <= high[1]; b++)
            for (int crew = low[2]; crew <= high[2]; crew++)
                k->told[place_of(c, b, crew)] = 1;
    name_box(where, low, high);
    tell(t, product, k->text[place], where, is_first);
}

/* The default, which may be nowhere, and what is elsewhere. */
static void tell_kind(table *t, const json_t *product)
{
    kind k = {0};
    const char *usual = cpu_word(product, "default");
    int rows = 0, places = 0;
    for (int place = 0; place < PLACES; place++) {
        read_place(&k, product, place);
        places += k.told[place] = !strcmp(k.text[place], usual);
    }
    if (places)
        tell(t, product, usual, places < PLACES ? "elsewhere" : "", !rows++);
    for (int place = 0; place < PLACES; place++)
        if (!k.told[place])
            tell_box(t, product, &k, place, !rows++);
}

int cpu_kernels(const arguments *args, const json_t *description)
{
    static const char *const heads[] = {"operation", "weights", "activations", "kernel", "where"};
    table *t = table_new(sizeof heads / sizeof *heads, heads);
    const json_t *product;
    size_t i;
    json_array_foreach(json_object_get(description, "products"), i, product)
    {
        const int is_usual = !strcmp(cpu_word(product, "op"), "gemv") && strcmp(cpu_word(product, "act"), "f32") != 0;
        if (args->verbose || is_usual)
            tell_kind(t, product);
    }
    putchar('\n');
    return table_print(t, args);
}
