/*
 * context.c - every choice, made once: instruction sets, tune file, the kernel of each kind of product, threads. Nothing changes
 * afterwards, so nothing needs a lock.
 */
#include "dispatch/context.h"

#include "dispatch/error.h"
#include "dispatch/pool.h"
#include "dispatch/processors.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What is being built: the context, what a tune file says, and whether a setting could not be honoured. */
typedef struct builder {
    lsq_context *ctx;
    lsq_tune tune;
    int strict, refused;
    lsq_error *err;
} builder;

/* Something that was decided and that a user may wonder about. */
__attribute__((format(printf, 2, 3))) static void remark(builder *b, const char *format, ...)
{
    char text[400];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    json_array_append_new(b->ctx->notes, json_string(text));
}

/* A setting that cannot be honoured: noted, and the end of it if the environment says LSQ_STRICT=1. */
__attribute__((format(printf, 2, 3))) static void note(builder *b, const char *format, ...)
{
    char text[400];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    remark(b, "%s", text);
    if (b->strict && !b->refused)
        lsq_error_set(b->err, LSQ_E_CONFIG, "%s", text);
    b->refused |= b->strict;
}

static const char *setting(const char *option, const char *variable)
{
    const char *value = option ? option : secure_getenv(variable);
    return value && *value ? value : NULL;
}

static void cap(builder *b, const char *name)
{
    if (!name)
        return;
    int highest = lsq_isa_find(name);
    lsq_cpu *cpu = &b->ctx->cpu;
    if (highest < 0) {
        note(b,
             "LSQ_MAX_ISA: '%s' is not an instruction set level; expected one of scalar sse41 avx2 avx512 avx512icl "
             "neon neondot",
             name);
        return;
    }
    if (cpu->lacks[highest])
        note(b, "LSQ_MAX_ISA: %s cannot be used here (lacks %s); the levels below it are", name, cpu->lacks[highest]);
    for (int i = highest + 1; i < ISAS; i++)
        if (!cpu->lacks[i])
            cpu->lacks[i] = "permission (LSQ_MAX_ISA)";
}

static int try_tune_file(builder *b, const char *path)
{
    lsq_error why;
    const int used = lsq_tune_read(path, &b->ctx->cpu, &b->tune, &why) == LSQ_OK;
    json_array_append_new(b->ctx->tune_files,
                          json_pack("{s:s, s:s}", "path", path, "result", used ? "used" : why.text));
    return used;
}

/* An explicit file, or the first usable one of the usual places. */
static void find_tune_file(builder *b, const char *explicit)
{
    if (explicit && !strcmp(explicit, "none"))
        return;
    if (explicit) {
        if (!try_tune_file(b, explicit))
            note(b, "LSQ_TUNE_FILE: not used; %s",
                 json_string_value(json_object_get(json_array_get(b->ctx->tune_files, 0), "result")));
        return;
    }
    char *path;
    int used = 0;
    for (size_t i = 0; !used && (path = lsq_tune_place(&b->ctx->cpu, i, 1)); i++) {
        used = try_tune_file(b, path);
        free(path);
    }
}

static void choose_one(builder *b, const char *name)
{
    if (!name)
        return;
    const lsq_kernel *kernel = lsq_kernel_find(name);
    if (!kernel)
        note(b, "LSQ_KERNEL: there is no kernel '%s' in this build", name);
    else if (!lsq_kernel_runs(&b->ctx->cpu, kernel))
        note(b, "LSQ_KERNEL: %s cannot be used here (lacks %s)", name, b->ctx->cpu.lacks[kernel->isa]);
    else
        lsq_choices_set(&b->ctx->choices, &lsq_everywhere,
                        &(lsq_choice){kernel, lsq_tunables_default, REASON_forced, 0});
}

/* ---- Threads ---- */

enum { THREADS_MAX = 4096 };

/* The number that `text` begins with, 0 if there is none in [1, most]; *end is behind it. */
static unsigned count_of(const char *text, unsigned most, const char **end)
{
    unsigned long n = 0;
    for (; *text >= '0' && *text <= '9'; text++)
        n = n <= most ? n * 10 + (unsigned long)(*text - '0') : n;
    *end = text;
    return n <= most ? (unsigned)n : 0;
}

/* "4", or "4,2" where parallel regions are nested; spaces are allowed. The variable is not ours, so what is wrong with it is no error. */
static unsigned count_of_openmp(builder *b, const char *text, unsigned usual)
{
    const char *end = text + strspn(text, " \t");
    const unsigned n = count_of(end, 1 << 20, &end);
    end += strspn(end, " \t");
    if (n && (*end == '\0' || *end == ','))
        return n;
    remark(b, "OMP_NUM_THREADS: '%s' does not begin with a number of threads; not used", text);
    return usual;
}

/*
 * What the environment asks for is for some machine in general; this one, or the container, may have less to give. Without a variable
 * nobody asked, and nothing is said.
 */
static void cap_threads(builder *b, const char *variable)
{
    const unsigned asked = b->ctx->threads, allowed = lsq_processors_allowed();
    const unsigned long quota = lsq_processors_quota(""), whole = quota < 1000 ? 1 : quota / 1000;
    if (quota && whole < asked && (!allowed || whole <= allowed)) {
        b->ctx->threads = (unsigned)whole;
        if (variable)
            remark(b, "%s: %u of %u threads, since the cgroup has a quota of %lu.%03lu CPUs", variable, b->ctx->threads,
                   asked, quota / 1000, quota % 1000);
    } else if (allowed && allowed < asked) {
        b->ctx->threads = allowed;
        if (variable)
            remark(b, "%s: %u of %u threads, since the process may run on %u CPUs (affinity mask)", variable, allowed,
                   asked, allowed);
    }
}

/* CPUs of the affinity mask. */
static unsigned all_processors(void)
{
    const unsigned allowed = lsq_processors_allowed();
    return !allowed ? 1 : allowed < THREADS_MAX ? allowed : THREADS_MAX;
}

static void set_threads(builder *b, unsigned option)
{
    const char *ours = setting(NULL, "LSQ_NUM_THREADS"), *openmp = setting(NULL, "OMP_NUM_THREADS"), *end;
    const int all = option == LSQ_THREADS_ALL;
    b->ctx->threads = all ? all_processors() : 1;
    if (option && !all) {
        b->ctx->threads = option < THREADS_MAX ? option : THREADS_MAX;
        if (option > THREADS_MAX)
            note(b, "threads: %u of %u, the most there can be", b->ctx->threads, option);
    } else if (ours) {
        const unsigned n = count_of(ours, THREADS_MAX, &end);
        if (n && *end == '\0')
            b->ctx->threads = n;
        else
            note(b, "LSQ_NUM_THREADS: '%s' is not a number from 1 to %d", ours, THREADS_MAX);
    } else if (openmp) {
        b->ctx->threads = count_of_openmp(b, openmp, b->ctx->threads);
    }
    if ((!option || all) && b->ctx->threads > 1)
        cap_threads(b, ours ? "LSQ_NUM_THREADS" : openmp ? "OMP_NUM_THREADS" : NULL);
}

/* ---- Making one ---- */

static lsq_status no_memory(lsq_error *err)
{
    return lsq_error_set(err, LSQ_E_NOMEM, "no memory for a context");
}

static lsq_status build(builder *b, const lsq_context_options *o)
{
    lsq_context *ctx = b->ctx;
    const char *strict = secure_getenv("LSQ_STRICT");
    b->strict = strict && !strcmp(strict, "1");
    ctx->activation = (lsq_activation)o->activation;
    ctx->parallel_for = o->parallel_for;
    ctx->host = o->host;
    lsq_cpu_detect(&ctx->cpu);
    /* A tune file belongs to the CPU as it is, so it is read before the cap; what the cap forbids falls back to a default. */
    find_tune_file(b, setting(o->tune_file, "LSQ_TUNE_FILE"));
    const char *max_isa = setting(o->max_isa, "LSQ_MAX_ISA");
    cap(b, max_isa);
    if (!lsq_choices_begin(&ctx->choices, &ctx->cpu))
        return no_memory(b->err);
    lsq_choices_tune(&ctx->choices, &ctx->cpu, max_isa != NULL, &b->tune);
    choose_one(b, setting(o->kernel, "LSQ_KERNEL"));
    set_threads(b, o->threads);
    if (b->refused)
        return LSQ_E_CONFIG;
    ctx->pool = lsq_pool_new();
    return ctx->pool ? LSQ_OK : no_memory(b->err);
}

lsq_status lsq_context_new(const lsq_context_options *options, lsq_context **ctx, lsq_error *err)
{
    lsq_context_options o = {0};
    if (options) {
        if (options->size < sizeof(o.size) || options->size > sizeof(o))
            return lsq_error_set(err, LSQ_E_ARGUMENT, "options->size is %zu: expected sizeof(lsq_context_options), %zu",
                                 options->size, sizeof(o));
        memcpy(&o, options, options->size);
    }
    if (o.activation != LSQ_ACT_INT && o.activation != LSQ_ACT_FLOAT)
        return lsq_error_set(err, LSQ_E_ARGUMENT, "options->activation is %d: expected LSQ_ACT_INT or LSQ_ACT_FLOAT",
                             o.activation);
    int saved = errno;
    builder b = {.ctx = calloc(1, sizeof(*b.ctx)), .err = err};
    lsq_status status = LSQ_E_NOMEM;
    if (b.ctx) {
        b.ctx->notes = json_array();
        b.ctx->tune_files = json_array();
        status = b.ctx->notes && b.ctx->tune_files ? build(&b, &o) : no_memory(err);
    } else {
        no_memory(err);
    }
    lsq_tune_free(&b.tune);
    if (status == LSQ_OK)
        *ctx = b.ctx;
    else
        lsq_context_free(b.ctx);
    errno = saved;
    return status;
}

void lsq_context_free(lsq_context *ctx)
{
    if (!ctx)
        return;
    lsq_pool_free(ctx->pool);
    lsq_choices_end(&ctx->choices);
    json_decref(ctx->notes);
    json_decref(ctx->tune_files);
    free(ctx);
}

static lsq_context *default_context;
static lsq_status default_status;

static void make_default(void)
{
    default_status = lsq_context_new(NULL, &default_context, NULL);
}

lsq_status lsq_context_resolve(const lsq_context **ctx)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    if (*ctx)
        return LSQ_OK;
    pthread_once(&once, make_default);
    *ctx = default_context;
    return default_status;
}
