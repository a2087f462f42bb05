/*
 * used.c - the tune file that programs use, and why not another.
 */
#include "tuner/used.h"

#include "tuner/options.h"
#include "tuner/report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Reads one file and notes in `looked` what became of it. */
static int look(const char *path, const lsq_cpu *cpu, lsq_tune *tune, json_t *looked)
{
    lsq_error why;
    const int used = lsq_tune_read(path, cpu, tune, &why) == LSQ_OK;
    json_array_append_new(looked, json_pack("{s:s, s:s}", "path", path, "result", used ? "used" : why.text));
    return used;
}

/* LSQ_TUNE_FILE alone, or else the first usable of the places. */
int find_used(const lsq_cpu *cpu, lsq_tune *tune, json_t *looked)
{
    char *path;
    int used = 0;
    const char *explicit = secure_getenv("LSQ_TUNE_FILE");
    *tune = (lsq_tune){NULL, NULL, 0, 0};
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

static void print_entry(const lsq_tune_entry *e)
{
    const lsq_kernel *k = e->kernel;
    char name[40];
    snprintf(name, sizeof(name), "%s %s %s", lsq_op_names[k->op], lsq_family_names[k->codec], lsq_act_names[k->act]);
    printf("%-15s %-4s %-7s %-7s  %-28s", name, place_word(e->where.size_class, lsq_class_names),
           place_word(e->where.batch, lsq_batch_names), place_word(e->where.crew, lsq_crew_names), k->name);
    if (e->ns > 0 && e->default_ns > 0)
        printf(" %6.1f%%", 100 * (e->default_ns / e->ns - 1));
    else
        printf(" %7s", "-");
    for (unsigned t = 0; t < TUNABLES; t++)
        if (e->tunables.value[t] != lsq_tunables_default.value[t])
            printf("  %s %u", lsq_tunable_names[t], e->tunables.value[t]);
    putchar('\n');
}

static void print_used(const json_t *looked, const lsq_tune *tune)
{
    for (size_t i = 0; i < json_array_size(looked); i++)
        printf("%s: %s\n", text(json_array_get(looked, i), "path"), text(json_array_get(looked, i), "result"));
    if (tune->count)
        printf("\n%-15s %-4s %-7s %-7s  %-28s %7s  %s\n", "product", "size", "columns", "threads", "kernel", "faster",
               "numbers");
    for (size_t i = 0; i < tune->count; i++)
        print_entry(&tune->entries[i]);
    if (tune->count || tune->kept_count)
        printf("\n%zu classes of products have something else than the default, %zu were measured and keep it\n",
               tune->count, tune->kept_count);
}

/* Both lists as the file has them. */
static json_t *lists_json(const lsq_cpu *cpu, const lsq_tune *tune)
{
    char *document;
    if (lsq_tune_format(cpu, tune, &document, NULL) != LSQ_OK)
        return NULL;
    json_t *all = json_loads(document, 0, NULL);
    json_t *lists =
        json_pack("{s:O, s:O}", "entries", json_object_get(all, "entries"), "kept", json_object_get(all, "kept"));
    json_decref(all);
    free(document);
    return lists;
}

int show_used(const lsq_cpu *cpu, int json)
{
    lsq_tune tune;
    json_t *looked = json_array();
    const int used = find_used(cpu, &tune, looked);
    int good = looked != NULL;
    if (json) {
        json_t *all = json_pack("{s:s, s:b, s:O}", "schema", "lsq.tune-show/2", "used", used, "files", looked);
        json_t *lists = lists_json(cpu, &tune);
        good = all && lists && !json_object_update(all, lists) && !json_dumpf(all, stdout, JSON_INDENT(1)) &&
               putchar('\n') != EOF;
        json_decref(lists);
        json_decref(all);
    } else {
        print_used(looked, &tune);
        if (!used)
            printf("no tune file is used; each kind of product has its built-in default\n");
    }
    json_decref(looked);
    lsq_tune_free(&tune);
    return good ? EXIT_FINE : EXIT_MEMORY;
}
