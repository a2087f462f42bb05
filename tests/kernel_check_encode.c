/*
 * kernel_check_encode.c - the kernels of encoders against the first of their kind: the same errors, ranks, metrics and ways, to the bit.
 *
 * Scales reach from those that clip every weight to zero ones; some weights have no importance, some states no way into them.
 */
#include "kernels/coder.h"
#include "tests/kernel_subject.h"

#include <string.h>

enum { MOST_TRIES = 9, MOST_STATES = 64, MOST_PATHS = 32 };

typedef struct task {
    guarded coder, x, importance, scale, error, metric, rank, chose;
    lsq_encode_args args;
    size_t metrics;
} task;

static float fraction(void)
{
    return (float)(random32() % 2001) / 1000 - 1;
}

static void fill_task(task *t, const subject *s, size_t tries)
{
    float *x = t->x.data, *importance = t->importance.data, *scale = t->scale.data, *metric = t->metric.data;
    const int trellis = s->kernel->codec >= CODEC_t1;
    const float top = s->v.format.codec == LSQ_CLASSIC ? 1 : (float)lsq_largest_level(&s->v.format);
    for (size_t i = 0; i < TILE; i++) {
        x[i] = s->how == RANDOM ? fraction() * fraction() : (float)value(1, s->how, i);
        importance[i] = s->how == RANDOM && random32() % 8 == 0 ? 0 : random_scale();
    }
    for (size_t i = 0; i < tries * PANEL; i++) {
        static const float shares[] = {0, 0x1p-60f, 0.1f, 0.5f, 0.8f, 1, 1.3f, 20};
        scale[i] = shares[random32() % 8] / top;
        if (!trellis && random32() % 2)
            scale[i] = -scale[i];
    }
    for (size_t i = 0; i < t->metrics; i++)
        metric[i] = random32() % 4 ? random_scale() : 1e30f;
}

static void task_make(task *t, const subject *s, size_t tries, int at_end)
{
    const unsigned bits = s->v.format.bits;
    lsq_levels levels;
    memset(t, 0, sizeof(*t));
    t->metrics = s->kernel->codec >= CODEC_t1 ? lsq_path_count(bits) * (size_t)s->v.format.states * PANEL : 0;
    t->coder = guarded_new(sizeof(lsq_coder), at_end);
    t->x = guarded_new(TILE * sizeof(float), at_end);
    t->importance = guarded_new(TILE * sizeof(float), at_end);
    t->scale = guarded_new(tries * PANEL * sizeof(float), at_end);
    t->error = guarded_new(tries * PANEL * sizeof(float), at_end);
    t->metric = guarded_new(t->metrics * sizeof(float), at_end);
    t->rank = guarded_new(TILE * sizeof(uint16_t), at_end);
    t->chose = guarded_new(TILE * 2 * sizeof(uint32_t), at_end);
    lsq_levels_of(&s->v.format, &levels);
    lsq_coder_of(&s->v.format, &levels, LSQ_ROUND_NEAREST, t->coder.data);
    fill_task(t, s, tries);
    guarded *inputs[] = {&t->coder, &t->x, &t->importance, &t->scale};
    for (size_t i = 0; i < sizeof(inputs) / sizeof(*inputs); i++)
        guarded_seal(inputs[i]);
    memset(t->error.data, 0xee, tries * PANEL * sizeof(float));
    memset(t->rank.data, 0xee, TILE * sizeof(uint16_t));
    memset(t->chose.data, 0xee, TILE * 2 * sizeof(uint32_t));
    t->args = (lsq_encode_args){.coder = t->coder.data,
                                .x = t->x.data,
                                .importance = t->importance.data,
                                .scale = t->scale.data,
                                .tries = tries,
                                .error = t->error.data,
                                .metric = t->metric.data,
                                .rank = t->rank.data,
                                .chose = t->chose.data};
}

static void task_free(task *t)
{
    guarded *all[] = {&t->coder, &t->x, &t->importance, &t->scale, &t->error, &t->metric, &t->rank, &t->chose};
    for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
        guarded_free(all[i]);
}

static void expect_bytes(const subject *s, const void *got, const void *expected, size_t n, const char *what)
{
    s->verdict->checks++;
    for (size_t i = 0; i < n; i++)
        if (((const uint8_t *)got)[i] != ((const uint8_t *)expected)[i]) {
            fault(s, "byte %zu of %s is another one", i, what);
            return;
        }
}

/* Measures, or encodes, a part of a tile's paths and steps. */
static void check_part(const subject *s, const lsq_encode_args *part, size_t tries, int at_end)
{
    task expected, got;
    const int measures = s->kernel->op == OP_measure;
    const uint32_t seed = random32();
    for (unsigned i = 0; i < 2; i++) {
        const lsq_kernel *kernel = i ? s->kernel : s->reference;
        task *t = i ? &got : &expected;
        seed_random(seed);
        task_make(t, s, measures ? tries : 1, at_end);
        t->args.path0 = part->path0;
        t->args.path1 = part->path1;
        t->args.step0 = part->step0;
        t->args.step1 = part->step1;
        run(s, measures ? (void (*)(void))kernel->run.measure : (void (*)(void))kernel->run.encode, &t->args, 0, 0, 0);
    }
    expect_bytes(s, got.error.data, expected.error.data, (measures ? tries : 1) * PANEL * sizeof(float), "error");
    expect_bytes(s, got.metric.data, expected.metric.data, got.metrics * sizeof(float), "metric");
    expect_bytes(s, got.rank.data, expected.rank.data, TILE * sizeof(uint16_t), "rank");
    expect_bytes(s, got.chose.data, expected.chose.data, TILE * 2 * sizeof(uint32_t), "chose");
    task_free(&expected);
    task_free(&got);
}

void check_encode(const subject *s)
{
    const unsigned paths = lsq_path_count(s->v.format.bits), steps = lsq_path_steps(s->v.format.bits);
    const lsq_encode_args parts[] = {
        {.path1 = paths, .step1 = steps},
        {.path1 = paths, .step0 = steps / 2, .step1 = steps},
        {.path0 = paths / 2, .path1 = paths, .step1 = 1},
    };
    for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++)
        for (size_t tries = 1; tries <= MOST_TRIES; tries += 4)
            check_part(s, &parts[i], tries, i % 2 == 0);
}
