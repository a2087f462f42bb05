#include "bench/suite.h"

#include "bench/machine.h"
#include "bench/product.h"
#include "bench/stream.h"
#include "dispatch/tunables.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { PAGE = 4096, CONTEXT = 7 };

typedef struct bench_case {
    char name[96];
    const lsq_kernel *kernel;
    lsq_format format;
    enum lsq_size_class class;
    unsigned threads;
} bench_case;

/* The packed bytes as the reading loop sees them. */
typedef struct reading {
    const bench_stream *loop;
    const uint8_t *bytes;
    size_t count;
    volatile uint64_t sums[BENCH_THREADS_MAX]; /* so that no compiler leaves the reading out */
} reading;

struct bench_suite {
    lsq_cpu cpu;
    bench_memory memory;
    bench_case *cases;
    size_t count, current; /* `current` is set up; count: none */
    uint8_t *packed;
    size_t packed_bytes;
    bench_team *team;
    bench_product product;
    reading reading;
    bench_turn multiply, read;
    char context[CONTEXT][96];
};

static const char *const context_keys[CONTEXT] = {
    "lsq_version", "lsq_cpu", "lsq_isa", "lsq_kernel_set", "lsq_caches", "lsq_read_vector_bytes", "lsq_cores"};

/* How many packed bytes a class has: what the cache holds with ease, or what is far too much for any. */
static size_t class_bytes(const lsq_cpu *cpu, enum lsq_size_class class)
{
    const uint64_t l2 = 256u << 10, l3 = 8u << 20, dram = 256u << 20;
    switch (class) {
    case CLASS_l2:
        return cpu->l2 / 2 < l2 ? cpu->l2 / 2 : l2;
    case CLASS_l3:
        return cpu->l3 / 2 < l3 ? cpu->l3 / 2 : l3;
    default:
        return 8 * cpu->l3 > dram ? 8 * cpu->l3 : dram;
    }
}

static void add_case(bench_suite *suite, const lsq_kernel *kernel, const lsq_format *format, unsigned threads)
{
    char short_name[LSQ_FORMAT_NAME_MAX], suffix[24] = "";
    if (lsq_format_name(format, short_name))
        return;
    if (threads != 1)
        snprintf(suffix, sizeof suffix, "/threads:%u", threads);
    for (unsigned class = CLASS_l2; class < CLASSES; class ++) {
        bench_case *c = &suite->cases[suite->count++];
        *c = (bench_case){.kernel = kernel, .format = *format, .class = class, .threads = threads};
        snprintf(c->name, sizeof c->name, "%s/%s/%s%s", kernel->name, short_name, lsq_class_names[class], suffix);
    }
}

static void describe(bench_suite *suite)
{
    const char *isa = "none";
    for (unsigned i = 0; i < ISAS; i++)
        if (!suite->cpu.lacks[i])
            isa = lsq_isa_names[i];
    const size_t size = sizeof *suite->context;
    snprintf(suite->context[0], size, "%s", lsq_version());
    snprintf(suite->context[1], size, "%s", bench_suite_cpu(suite));
    snprintf(suite->context[2], size, "%s", isa);
    snprintf(suite->context[3], size, "%016" PRIx64, lsq_kernel_set_id());
    snprintf(suite->context[4], size, "L1d %" PRIu64 " KiB, L2 %" PRIu64 " KiB, L3 %" PRIu64 " KiB",
             suite->cpu.l1d >> 10, suite->cpu.l2 >> 10, suite->cpu.l3 >> 10);
    snprintf(suite->context[5], size, "%u", suite->reading.loop->vector_bytes);
    snprintf(suite->context[6], size, "%u", bench_cores());
}

bench_memory bench_memory_usual(void)
{
    return (bench_memory){.prefetch = lsq_tunables_default.value[TUNABLE_prefetch]};
}

bench_suite *bench_suite_new(const lsq_format *formats, size_t format_count, const unsigned *threads,
                             size_t thread_count, const bench_memory *memory)
{
    static const unsigned one = 1;
    bench_suite *suite = calloc(1, sizeof *suite);
    if (!suite)
        return NULL;
    if (thread_count == 0) {
        threads = &one;
        thread_count = 1;
    }
    const size_t most = lsq_kernels_count * (format_count ? format_count : 1) * thread_count * CLASSES;
    suite->cases = calloc(most, sizeof *suite->cases);
    if (!suite->cases) {
        free(suite);
        return NULL;
    }
    suite->memory = *memory;
    lsq_cpu_detect(&suite->cpu);
    suite->reading.loop = bench_stream_widest(&suite->cpu);
    for (size_t k = 0; k < lsq_kernels_count; k++) {
        const lsq_kernel *kernel = &lsq_kernels[k];
        if (!lsq_kernel_runs(&suite->cpu, kernel) || kernel->op > OP_decode) /* the others: lsq-bench gemm */
            continue;
        const lsq_format usual = lsq_family_format(kernel->codec);
        for (size_t t = 0; t < thread_count; t++) {
            if (format_count == 0)
                add_case(suite, kernel, &usual, threads[t]);
            for (size_t f = 0; f < format_count; f++)
                if (lsq_family_of(&formats[f]) == kernel->codec)
                    add_case(suite, kernel, &formats[f], threads[t]);
        }
    }
    suite->current = suite->count;
    describe(suite);
    return suite;
}

void bench_suite_free(bench_suite *suite)
{
    if (!suite)
        return;
    bench_product_free(&suite->product);
    bench_team_free(suite->team);
    free(suite->packed);
    free(suite->cases);
    free(suite);
}

const char *bench_suite_cpu(const bench_suite *suite)
{
    return suite->cpu.brand[0] ? suite->cpu.brand : "unknown CPU";
}

const char *bench_suite_name(const bench_suite *suite, size_t i)
{
    return i < suite->count ? suite->cases[i].name : NULL;
}

bench_case_about bench_suite_about(const bench_suite *suite, size_t i)
{
    const bench_case *c = &suite->cases[i];
    bench_case_about about = {
        .kernel = c->kernel->name,
        .op = lsq_op_names[c->kernel->op],
        .act = lsq_act_names[c->kernel->act],
        .isa = lsq_isa_names[c->kernel->isa],
        .size_class = lsq_class_names[c->class],
        .threads = c->threads,
        .trellis = c->format.codec == LSQ_TRELLIS,
    };
    lsq_format_name(&c->format, about.format);
    return about;
}

const char *bench_suite_context(const bench_suite *suite, size_t i, const char **value)
{
    if (i >= CONTEXT)
        return NULL;
    *value = suite->context[i];
    return context_keys[i];
}

static void run_reading(const void *arg, unsigned thread, size_t first, size_t end)
{
    reading *r = (reading *)arg;
    const size_t start = first * PAGE, stop = end * PAGE < r->count ? end * PAGE : r->count;
    r->sums[thread] += r->loop->read(r->bytes + start, stop - start);
}

/* Memory for `bytes` packed bytes, and a team of that many threads. */
static lsq_status provide(bench_suite *suite, size_t bytes, unsigned threads)
{
    if (suite->packed_bytes < bytes) {
        free(suite->packed);
        suite->packed_bytes = 0;
        suite->packed = bench_alloc(bytes, !suite->memory.small_pages);
        if (!suite->packed)
            return LSQ_E_NOMEM;
        suite->packed_bytes = bytes;
        bench_fill_random(suite->packed, bytes, 2);
    }
    if (!suite->team || bench_team_size(suite->team) != threads) {
        bench_team_free(suite->team);
        suite->team = bench_team_new(threads);
    }
    return suite->team ? LSQ_OK : LSQ_E_NOMEM;
}

static lsq_status set_up(bench_suite *suite, size_t i)
{
    const bench_case *c = &suite->cases[i];
    const size_t bytes = class_bytes(&suite->cpu, c->class), columns = c->class == CLASS_l2 ? 1024 : 4096;
    const size_t rows = bench_product_rows(&c->format, columns, bytes);
    if (rows / PANEL < c->threads)
        return LSQ_E_LIMIT;
    suite->current = suite->count;
    bench_product_free(&suite->product);
    lsq_status status = provide(suite, bytes, c->threads);
    if (!status)
        status = bench_product_make(&suite->product, c->kernel, &c->format, rows, columns, suite->packed, c->threads);
    if (status)
        return status;
    suite->product.gemv.prefetch = suite->memory.prefetch;
    suite->reading.bytes = suite->packed;
    suite->reading.count = suite->product.bytes;
    const bench_work multiply = bench_product_work(&suite->product);
    const bench_work read = {run_reading, &suite->reading, (suite->product.bytes + PAGE - 1) / PAGE};
    /* Samples from memory are longer: each should reach well beyond what the caches hold. */
    const double seconds = c->class == CLASS_dram ? 6e-3 : 2e-3;
    bench_turn_prepare(&suite->read, &read, suite->team, seconds);
    bench_turn_prepare(&suite->multiply, &multiply, suite->team, seconds);
    /* Half the matrix ahead, so that one loop does not find in the cache what the other has just read. */
    if (c->class == CLASS_dram)
        for (unsigned t = 0; t < c->threads; t++)
            suite->read.next[t] = read.units / c->threads / 2;
    suite->current = i;
    return LSQ_OK;
}

lsq_status bench_suite_sample(bench_suite *suite, size_t i, bench_sample *sample)
{
    if (suite->current != i) {
        const lsq_status status = set_up(suite, i);
        if (status)
            return status;
    }
    sample->read_seconds = bench_turn_sample(&suite->read);
    sample->seconds = bench_turn_sample(&suite->multiply);
    sample->weights = (double)suite->product.rows * (double)suite->product.columns;
    sample->bytes = (double)suite->product.bytes;
    return LSQ_OK;
}
