/*
 * subject.c - what each op is timed in.
 *
 *     gemv              y = W x, W in the middle of the size class
 *     decode            lsq_dequantize()
 *     expand, gemm      C = W B, of few columns or many; straight from codes of four
 *     gemvt             y = W^T x
 *     round             y = W x with few rows and many columns
 *     roundt            C = W B with few rows, elements of a row of B next to each other
 *     measure, encode   lsq_quantize()
 */
#include "tuner/subject.h"

#include "bench/machine.h"
#include "dispatch/weights.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A step on a large matrix is so many bytes of codes for each thread: well above what a call costs, well below a time slice. */
enum { STEP_BYTES = 1 << 20 };

static lsq_format named(const char *name)
{
    lsq_format format = {0};
    lsq_format_parse(name, &format, NULL);
    return format;
}

lsq_format subject_format(enum lsq_family codec)
{
    /* What is decoded already comes from any format; a usual one that is decoded quickly leaves most time to the rest. */
    if (codec >= CODEC_e8)
        return named(codec == CODEC_e16 ? "s8" : "s4");
    return lsq_family_format(codec);
}

uint32_t subject_expand_from(enum lsq_family codec)
{
    return codec < CODEC_e8 ? 32 : 2;
}

/* ---- Sizes ---- */

static size_t packed_bytes(const lsq_format *format, size_t rows, size_t columns)
{
    size_t bytes = 0;
    lsq_packed_bytes(format, rows, columns, &bytes);
    return bytes;
}

/*
 * For a matrix of a usual width: half of the first cache, the geometric mean of two caches, four times the last one, so that no part of
 * it is still there when the walk comes round.
 */
int subject_size(const lsq_cpu *cpu, const lsq_format *format, enum lsq_size_class size_class, size_t *rows,
                 size_t *columns)
{
    static const size_t widths[CLASSES] = {256, 1024, 2048, 4096};
    const double l1 = (double)cpu->l1d, l2 = (double)cpu->l2, l3 = (double)cpu->l3, last = l3 > l2 ? l3 : l2;
    const double targets[CLASSES] = {l1 / 2, sqrt(l1 * l2), sqrt(l2 * l3), 4 * last};
    const size_t chain = CHAIN * PANEL;
    *columns = widths[size_class];
    const double panels = targets[size_class] / (double)packed_bytes(format, chain, *columns) * CHAIN;
    *rows = (panels >= 1 ? (size_t)panels : 1) * PANEL;
    return lsq_size_class(cpu, packed_bytes(format, *rows, *columns)) == size_class;
}

size_t subject_bytes_max(const lsq_cpu *cpu)
{
    const size_t last = cpu->l3 > cpu->l2 ? cpu->l3 : cpu->l2;
    return 4 * last + (4 << 20);
}

/* ---- Making ---- */

/* Is it about a gemm kernel that some products pass by? */
static int is_about_columns(const subject *s)
{
    return s->of.op == OP_gemm && s->of.act != ACT_f32;
}

static int encodes(const subject *s)
{
    return s->of.op == OP_measure || s->of.op == OP_encode;
}

/* Rows a step, a whole number of chains unless that is all. */
static size_t window_of(const subject *s)
{
    const size_t chain = CHAIN * PANEL, row = s->bytes / s->rows + 1;
    const unsigned threads = s->ctx->threads;
    const size_t rows = ((size_t)STEP_BYTES * threads / row + chain - 1) / chain * chain;
    return s->of.op == OP_gemv && s->of.where.size_class != LSQ_ANY && rows < s->rows ? rows : s->rows;
}

static int allocate(subject *s)
{
    const size_t widest = s->rows > s->columns ? s->rows : s->columns;
    const size_t x = encodes(s) ? s->rows * s->columns : widest * s->n;
    const size_t y = s->of.op == OP_decode ? s->rows * s->columns : widest * s->n;
    s->x = aligned_alloc(64, (x * sizeof(float) + 63) / 64 * 64);
    s->y = aligned_alloc(64, (y * sizeof(float) + 63) / 64 * 64);
    if (!s->x || !s->y)
        return 0;
    /* Sums of evenly distributed numbers: the bell curve of weights and activations, near enough. */
    uint64_t bits[2];
    for (size_t i = 0; i < x; i++) {
        int sum = 0;
        if (i % 4 == 0)
            bench_fill_random(bits, sizeof(bits), i + 1);
        for (int j = 0; j < 4; j++)
            sum += (int)(bits[i % 4 / 2] >> (i % 2 * 32 + 8 * (unsigned)j) & 0xff) - 127;
        s->x[i] = (float)sum / 128;
    }
    memset(s->y, 0, y * sizeof(float));
    return 1;
}

int subject_make_sized(subject *s, workshop *w, const target *of, size_t rows, size_t columns, size_t n)
{
    *s = (subject){.of = *of, .format = subject_format(of->codec), .rows = rows, .columns = columns, .n = n};
    if ((of->op == OP_round || of->op == OP_roundt) && of->act == ACT_i16)
        s->format = named("s8");
    s->bytes = packed_bytes(&s->format, rows, columns);
    s->ctx = workshop_context(w, of->act == ACT_f32 ? LSQ_ACT_FLOAT : LSQ_ACT_INT,
                              of->where.crew == CREW_many ? CREW_many : CREW_one);
    if (!s->ctx || s->bytes > w->packed_bytes)
        return 0;
    s->window = window_of(s);
    if (s->rows > s->window) { /* whole steps, so that all are of one length */
        s->rows -= s->rows % s->window;
        s->bytes = packed_bytes(&s->format, s->rows, columns);
        rows = s->rows;
    }
    s->failed = !allocate(s) || !set_tensor_scale(&s->format, rows, columns, w->packed) ||
                lsq_weights_wrap(&s->format, rows, columns, w->packed, s->bytes, &s->weights, NULL) != LSQ_OK;
    if (s->failed) {
        subject_free(s);
        s->failed = 1;
    } else if (is_about_columns(s)) {
        workshop_expand_from(s->ctx, lsq_family_of(&s->format), of->act, subject_expand_from(of->codec));
    }
    return !s->failed;
}

int subject_make(subject *s, workshop *w, const target *of)
{
    size_t rows = 512, columns = 2048, n = 1;
    const lsq_format format = subject_format(of->codec);
    *s = (subject){.of = *of};
    switch (of->op) {
    case OP_gemv:
        if (!subject_size(&w->cpu, &format, (enum lsq_size_class)of->where.size_class, &rows, &columns))
            return 0;
        break;
    case OP_gemm:
        if (of->codec < CODEC_e8)
            n = of->where.batch == BATCH_many ? 4 * QUAD : QUAD;
        else
            n = of->where.batch == BATCH_few ? 8 : 512;
        rows = n < 512 ? 512 : 256;
        break;
    case OP_expand:
        n = 32;
        break;
    case OP_round:
        rows = PANEL;
        columns = 8192;
        break;
    case OP_roundt:
        rows = PANEL;
        n = 64;
        break;
    case OP_decode:
        rows = PANEL;
        break;
    case OP_measure:
    case OP_encode:
        rows = CHAIN * PANEL;
        columns = 32;
        break;
    default:
        break;
    }
    const int made = subject_make_sized(s, w, of, rows, columns, n);
    s->expand_from = of->op == OP_expand ? (uint32_t)n : 0;
    return made;
}

void subject_free(subject *s)
{
    if (s->ctx) { /* other subjects may run kernels of this kind too */
        const lsq_choice usual = {lsq_kernel_default(&s->ctx->cpu, s->of.op, s->of.codec, s->of.act),
                                  lsq_tunables_default, REASON_default, 0};
        lsq_choices_set(&s->ctx->choices, &lsq_everywhere, &usual);
        if (is_about_columns(s))
            workshop_expand_from(s->ctx, lsq_family_of(&s->format), s->of.act, 0);
    }
    lsq_weights_free(s->weights);
    free(s->x);
    free(s->y);
    *s = (subject){.of = s->of};
}

/* ---- Running ---- */

static lsq_status quantize(subject *s)
{
    lsq_weights *made = NULL;
    const lsq_status status =
        lsq_quantize(s->ctx, &s->format, s->rows, s->columns, s->x, s->columns, NULL, &made, NULL);
    lsq_weights_free(made);
    return status;
}

static lsq_status multiply_window(subject *s)
{
    const int by_rows = s->of.op == OP_roundt;
    const lsq_status status =
        lsq_sgemm_rows(s->ctx, LSQ_COL_MAJOR, by_rows ? LSQ_TRANS : LSQ_NO_TRANS, s->next, s->window, s->n, 1,
                       s->weights, s->x, by_rows ? s->n : s->columns, 0, s->y, s->rows);
    s->next = (s->next + s->window) % s->rows;
    return status;
}

static void step(subject *s)
{
    lsq_status status;
    if (encodes(s))
        status = quantize(s);
    else if (s->of.op == OP_decode)
        status = lsq_dequantize(s->ctx, s->weights, 0, s->rows, s->y, s->columns);
    else if (s->of.op == OP_gemvt)
        status = lsq_sgemv(s->ctx, LSQ_TRANS, 1, s->weights, s->x, 1, 0, s->y, 1);
    else
        status = multiply_window(s);
    s->failed |= status != LSQ_OK;
}

double subject_time(void *arg, const candidate *c, size_t steps)
{
    subject *s = arg;
    /* Forced: levels are expanded even where codes would go straight. */
    lsq_choice choice = {c->kernel, c->tunables, REASON_forced, 0};
    if (s->expand_from)
        choice.tunables.value[TUNABLE_expand_from] = s->expand_from;
    lsq_choices_set(&s->ctx->choices, &lsq_everywhere, &choice);
    const double begin = clock_ns();
    for (size_t i = 0; i < steps; i++)
        step(s);
    return clock_ns() - begin;
}

double subject_weights(const subject *s)
{
    return (double)s->window * (double)s->columns;
}
