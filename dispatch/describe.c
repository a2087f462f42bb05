/*
 * describe.c - what a context found and chose, as JSON. Made when it is asked for: few programs ask, and contexts are to be cheap.
 */
#include "dispatch/describe.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static json_t *describe_cpu(const lsq_cpu *cpu)
{
    return json_pack("{s:s#, s:s#, s:i, s:i, s:i, s:I, s:I, s:I}", "vendor", cpu->vendor, (int)strnlen(cpu->vendor, 12),
                     "brand", cpu->brand, (int)strnlen(cpu->brand, 48), "family", (int)cpu->family, "model",
                     (int)cpu->model, "stepping", (int)cpu->stepping, "l1d", (json_int_t)cpu->l1d, "l2",
                     (json_int_t)cpu->l2, "l3", (json_int_t)cpu->l3);
}

static json_t *describe_levels(const lsq_cpu *cpu)
{
    json_t *levels = json_array();
    for (unsigned i = 0; i < ISAS; i++) {
        json_t *level = json_pack("{s:s, s:b}", "name", lsq_isa_names[i], "usable", !cpu->lacks[i]);
        if (cpu->lacks[i])
            level = lsq_describe_set(level, "lacks", json_string(cpu->lacks[i]));
        levels = lsq_describe_add(levels, level);
    }
    return levels;
}

/* Values that are not the default. */
static json_t *describe_tunables(const lsq_tunables *tunables)
{
    json_t *values = json_object();
    for (unsigned t = 0; t < TUNABLES; t++)
        if (tunables->value[t] != lsq_tunables_default.value[t])
            values = lsq_describe_set(values, lsq_tunable_names[t], json_integer(tunables->value[t]));
    return values;
}

/* One entry a kind of product: its default kernel, and by place where that, or a tunable, is another. */
static json_t *describe_kind(const lsq_kernel *usual, lsq_choices *kind)
{
    json_t *kernels = json_object(), *tunables = json_object();
    for (unsigned place = 0; place < CLASSES * BATCHES * CREWS; place++) {
        const unsigned class = place / (BATCHES * CREWS), batch = place / CREWS % BATCHES, crew = place % CREWS;
        const lsq_choice *choice = &(*kind)[class][batch][crew];
        char where[32];
        snprintf(where, sizeof(where), "%s/%s/%s", lsq_class_names[class], lsq_batch_names[batch],
                 lsq_crew_names[crew]);
        if (choice->kernel != usual)
            kernels = lsq_describe_set(kernels, where, json_string(choice->kernel->name));
        if (memcmp(&choice->tunables, &lsq_tunables_default, sizeof(choice->tunables)) != 0)
            tunables = lsq_describe_set(tunables, where, describe_tunables(&choice->tunables));
    }
    return json_pack("{s:s, s:s, s:s, s:s, s:o, s:o}", "op", lsq_op_names[usual->op], "codec",
                     lsq_family_names[usual->codec], "act", lsq_act_names[usual->act], "default", usual->name,
                     "instead", kernels, "tunables", tunables);
}

static json_t *describe_products(const lsq_context *ctx)
{
    json_t *products = json_array();
    for (unsigned i = 0; i < OPS * CODECS * ACTS; i++) {
        const unsigned op = i / (CODECS * ACTS), codec = i / ACTS % CODECS, act = i % ACTS;
        if (ctx->choices.of[op][codec][act])
            products = lsq_describe_add(products, describe_kind(lsq_kernel_default(&ctx->cpu, op, codec, act),
                                                                ctx->choices.of[op][codec][act]));
    }
    return products;
}

json_t *lsq_describe_add(json_t *array, json_t *item)
{
    if (array && !json_array_append_new(array, item))
        return array;
    if (!array)
        json_decref(item);
    json_decref(array);
    return NULL;
}

json_t *lsq_describe_set(json_t *object, const char *key, json_t *value)
{
    if (object && !json_object_set_new(object, key, value))
        return object;
    if (!object)
        json_decref(value);
    json_decref(object);
    return NULL;
}

/* Into room of its length: the buffer of json_dumps() grows, and where it cannot, jansson 2.14 leaves keys out without a word. */
size_t lsq_describe_put(json_t *document, char *text, size_t size)
{
    size_t length = document ? json_dumpb(document, NULL, 0, JSON_COMPACT) : 0;
    char *all = length ? malloc(length) : NULL;
    if (!all || json_dumpb(document, all, length, JSON_COMPACT) != length)
        length = 0;
    if (size) {
        const size_t n = length < size - 1 ? length : size - 1;
        if (n)
            memcpy(text, all, n);
        text[n] = '\0';
    }
    free(all);
    json_decref(document);
    return length;
}

size_t lsq_describe(const lsq_context *ctx, char *text, size_t size)
{
    char id[20];
    if (lsq_context_resolve(&ctx) != LSQ_OK)
        return 0;
    const int saved = errno;
    snprintf(id, sizeof(id), "%016llx", (unsigned long long)lsq_kernel_set_id());
    json_t *document =
        json_pack("{s:s, s:s, s:s, s:o, s:o, s:O, s:O, s:I, s:s, s:o}", "schema", "lsq.context/1", "library",
                  lsq_version(), "kernels", id, "cpu", describe_cpu(&ctx->cpu), "levels", describe_levels(&ctx->cpu),
                  "tune_files", ctx->tune_files, "notes", ctx->notes, "threads", (json_int_t)ctx->threads, "activation",
                  ctx->activation == LSQ_ACT_FLOAT ? "float" : "int", "products", describe_products(ctx));
    const size_t length = lsq_describe_put(document, text, size);
    errno = saved;
    return length;
}
