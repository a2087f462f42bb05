/*
 * symbols.c - names of tensors as names of C.
 */
#include "model/symbols.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NUMBER_ROOM = 24 };

/* A name, before it is told from others that are the same. */
typedef struct {
    const char *name;
    size_t place;
} base;

static int is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* Appends what is left of a text: words with single underscores between them. Two in a row belong to compilers. */
static char *append(char *to, const char *text, size_t length)
{
    int gap = 0;
    for (size_t i = 0; i < length; i++) {
        if (!is_word(text[i])) {
            gap = 1;
            continue;
        }
        if (gap && to[-1] != '_')
            *to++ = '_';
        gap = 0;
        *to++ = text[i];
    }
    *to = 0;
    return to;
}

char *lsq_symbol_of_path(const char *path)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path, *dot = strrchr(name, '.');
    const size_t length = dot ? (size_t)(dot - name) : strlen(name);
    char *symbol = malloc(length + 8), *to;
    if (!symbol)
        return NULL;
    /* A name of C begins with a letter. */
    const size_t first = strcspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789");
    const int digit = first < length && name[first] >= '0' && name[first] <= '9';
    to = stpcpy(symbol, first >= length ? "model" : digit ? "m" : "");
    if (first < length)
        append(to, name + first, length - first);
    return symbol;
}

static char *symbol_of(const char *prefix, const char *name)
{
    char *symbol = malloc(strlen(prefix) + 1 + strlen(name) + 2 + NUMBER_ROOM);
    if (!symbol)
        return NULL;
    char *const start = stpcpy(stpcpy(symbol, prefix), "_");
    if (append(start, name, strlen(name)) == start)
        strcpy(start, "t");
    return symbol;
}

static int compare(const void *pa, const void *pb)
{
    const base *a = pa, *b = pb;
    const int order = strcmp(a->name, b->name);
    return order ? order : a->place < b->place ? -1 : 1;
}

static int by_name(const void *key, const void *element)
{
    return strcmp(key, ((const base *)element)->name);
}

/*
 * Numbers go behind those that stand behind another of the same name. A name with a number is told from all there were before, and those of two
 * names differ as these do.
 */
static int tell_apart(char **symbols, const base *bases, size_t count)
{
    unsigned long long number = 1;
    for (size_t i = 1; i < count; i++) {
        const char *name = bases[i].name;
        if (strcmp(bases[i - 1].name, name) != 0) {
            number = 1;
            continue;
        }
        char *told = malloc(strlen(name) + NUMBER_ROOM);
        if (!told)
            return 0;
        do
            sprintf(told, "%s_%llu", name, ++number);
        while (bsearch(told, bases, count, sizeof *bases, by_name));
        symbols[bases[i].place] = told;
    }
    return 1;
}

/* A copy for each that keeps its name. `bases` own the names. */
static int name_all(char **symbols, base *bases, const lsq_model *model, const size_t *tensors, size_t count,
                    const char *prefix)
{
    for (size_t i = 0; i < count; i++) {
        bases[i] = (base){symbol_of(prefix, lsq_model_tensor(model, tensors[i])->name), i};
        if (!bases[i].name)
            return 0;
    }
    qsort(bases, count, sizeof *bases, compare);
    if (!tell_apart(symbols, bases, count))
        return 0;
    for (size_t i = 0; i < count; i++) {
        if (symbols[bases[i].place])
            continue;
        symbols[bases[i].place] = (char *)(uintptr_t)bases[i].name;
        bases[i].name = NULL;
    }
    return 1;
}

char **lsq_symbols(const lsq_model *model, const size_t *tensors, size_t count, const char *prefix)
{
    char **symbols = calloc(count + 1, sizeof *symbols);
    base *bases = calloc(count + 1, sizeof *bases);
    if (symbols && bases && !name_all(symbols, bases, model, tensors, count, prefix)) {
        lsq_symbols_free(symbols, count);
        symbols = NULL;
    }
    for (size_t i = 0; bases && i < count; i++)
        free((char *)(uintptr_t)bases[i].name);
    if (!bases) {
        free(symbols);
        symbols = NULL;
    }
    free(bases);
    return symbols;
}

void lsq_symbols_free(char **symbols, size_t count)
{
    for (size_t i = 0; symbols && i < count; i++)
        free(symbols[i]);
    free(symbols);
}
