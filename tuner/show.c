/*
 * show.c - the tune file that programs use, and why not another.
 */
#include "tuner/options.h"
#include "tuner/report.h"

#include <jansson.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Reads one file and notes in `looked` what became of it. */
static int look(const char *path, const lsq_cpu *cpu, lsq_tune *tune, json_t *looked)
{
    lsq_error why;
    int used = lsq_tune_read(path, cpu, tune, &why) == LSQ_OK;
    json_array_append_new(looked, json_pack("{s:s, s:s}", "path", path, "result", used ? "used" : why.text));
    return used;
}

/* As a context does it: LSQ_TUNE_FILE alone, or else the first usable of the places. */
static int find(const lsq_cpu *cpu, lsq_tune *tune, json_t *looked)
{
    char *path;
    int used = 0;
    const char *explicit = secure_getenv("LSQ_TUNE_FILE");
    if (explicit && !strcmp(explicit, "none")) {
        json_array_append_new(looked, json_pack("{s:s, s:s}", "path", "none", "result", "LSQ_TUNE_FILE asks for none"));
        return 0;
    }
    if (explicit && *explicit)
        return look(explicit, cpu, tune, looked);
    for (size_t i = 0; !used && (path = lsq_tune_place(cpu, i, 1)); i++) {
        used = look(path, cpu, tune, looked);
        free(path);
    }
    return used;
}

static const char *text(const json_t *object, const char *key)
{
    const char *value = json_string_value(json_object_get(object, key));
    return value ? value : "";
}

static void print_table(const json_t *looked, const lsq_tune *tune)
{
    for (size_t i = 0; i < json_array_size(looked); i++)
        printf("%s: %s\n", text(json_array_get(looked, i), "path"), text(json_array_get(looked, i), "result"));
    if (tune->count)
        printf("\n%-14s %-4s %7s  %-28s %8s %14s  %-28s %14s\n", "product", "size", "threads", "kernel", "prefetch",
               "ns", "runner-up", "ns");
    for (size_t i = 0; i < tune->count; i++) {
        const lsq_tune_entry *e = &tune->entries[i];
        char name[40];
        snprintf(name, sizeof(name), "%s %s %s", lsq_op_names[e->kernel->op], lsq_family_names[e->kernel->codec],
                 lsq_act_names[e->kernel->act]);
        printf("%-14s %-4s %7s  %-28s %8u %14.0f  ", name, lsq_class_names[e->size_class],
               e->threads == 1 ? "1" : "more", e->kernel->name, e->tunables.value[TUNABLE_prefetch], e->ns);
        if (e->runner_up)
            printf("%-28s %14.0f\n", e->runner_up->name, e->runner_up_ns);
        else
            printf("none\n");
    }
}

/* The entries as the file has them. */
static json_t *entries_json(const lsq_cpu *cpu, const lsq_tune *tune)
{
    char *document;
    if (lsq_tune_format(cpu, tune, &document, NULL) != LSQ_OK)
        return NULL;
    json_t *all = json_loads(document, 0, NULL), *entries = json_incref(json_object_get(all, "entries"));
    json_decref(all);
    free(document);
    return entries;
}

int show_file(const lsq_cpu *cpu, int json)
{
    lsq_tune tune = {0};
    json_t *looked = json_array();
    int used = find(cpu, &tune, looked), good = looked != NULL;
    if (json) {
        json_t *all = json_pack("{s:s, s:b, s:O, s:o}", "schema", "lsq.tune-show/1", "used", used, "files", looked,
                                "entries", entries_json(cpu, &tune));
        good = all && !json_dumpf(all, stdout, JSON_INDENT(1)) && putchar('\n') != EOF;
        json_decref(all);
    } else {
        print_table(looked, &tune);
        if (!used)
            printf("no tune file is used; each kind of product has its built-in default\n");
    }
    json_decref(looked);
    lsq_tune_free(&tune);
    return good ? EXIT_FINE : EXIT_MEMORY;
}
