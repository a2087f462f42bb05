/*
 * verify_in_calls.c - kernels whose work shows in the result of a public call: that call by the kernel, and by the reference.
 */
#include "tuner/verify.h"

#include "bench/machine.h"
#include "tuner/product.h"
#include "tuner/subject.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * Rows, columns of W and of B: one of each; parts of groups and quads; more than a chain of panels; more than a block of levels. Encoding
 * takes long, and knows no blocks.
 */
static const size_t product_shapes[][3] = {{1, 1, 2}, {37, 70, 5}, {290, 45, 19}, {16, 1100, 9}},
                    encoder_shapes[][3] = {{1, 1, 1}, {37, 70, 1}, {290, 5, 1}};

/* What it is tried on. RUNS: groups of zeros, tiny, usual and huge numbers by turns. */
typedef enum fill { BELL, EQUAL, RUNS, FILLS } fill;

static void fill_floats(float *x, size_t count, fill how)
{
    static const float sizes[] = {0.0f, 0x1p-90f, 1.0f, 0x1p60f};
    for (size_t i = 0; i < count; i++) {
        uint64_t bits;
        bench_fill_random(&bits, sizeof(bits), i + 1);
        const int sum = (int)(bits & 0xff) + (int)(bits >> 16 & 0xff) + (int)(bits >> 32 & 0xff) - 382;
        x[i] = how == EQUAL ? 1.0f : (float)sum / 128 * (how == RUNS ? sizes[i / GROUP % 4] : 1.0f);
    }
}

/* A call, ready to be made twice. */
typedef struct trial {
    const lsq_kernel *kernel, *reference;
    lsq_format format;
    lsq_context *ctx;
    size_t rows, columns, n;
    float *x;
    lsq_weights *weights;
    uint8_t *result, *expected; /* with GUARD bytes behind, of which no call may write any */
    size_t bytes;
} trial;

static lsq_status make_call(const trial *t, uint8_t *result)
{
    float *y = (float *)(void *)result;
    lsq_weights *made = NULL;
    lsq_status status;
    switch (t->kernel->op) {
    case OP_measure:
    case OP_encode:
        status = lsq_quantize(t->ctx, &t->format, t->rows, t->columns, t->x, t->columns, NULL, &made, NULL);
        if (status == LSQ_OK)
            memcpy(result, lsq_weights_packed(made), t->bytes);
        lsq_weights_free(made);
        return status;
    case OP_gemvt:
        return lsq_sgemv(t->ctx, LSQ_TRANS, 1, t->weights, t->x, 1, 0, y, 1);
    default:
        return lsq_sgemm(t->ctx, LSQ_COL_MAJOR, LSQ_NO_TRANS, LSQ_NO_TRANS, t->n, 1, t->weights, t->x, t->columns, 0, y,
                         t->rows);
    }
}

static lsq_status call_by(const trial *t, const lsq_kernel *kernel, uint8_t *result)
{
    /* Forced: levels are expanded even where codes would go straight. */
    lsq_choice choice = {kernel, lsq_tunables_default, REASON_forced, 0};
    if (kernel->op == OP_expand) /* whatever the number of columns */
        choice.tunables.value[TUNABLE_expand_from] = *lsq_tunable_legal(TUNABLE_expand_from, 1);
    lsq_choices_set(&t->ctx->choices, &lsq_everywhere, &choice);
    memset(result, 0x55, t->bytes + GUARD);
    return make_call(t, result);
}

/* Is every output of the float product within the bound of the product in double of the decoded weights? */
static int within_bounds(const trial *t, const float *decoded, const float *y)
{
    const int transposed = t->kernel->op == OP_gemvt;
    const size_t outputs = transposed ? t->columns : t->rows, inner = transposed ? t->rows : t->columns;
    for (size_t j = 0; j < (transposed ? 1 : t->n); j++)
        for (size_t i = 0; i < outputs; i++) {
            double sum = 0, size = 0;
            for (size_t l = 0; l < inner; l++) {
                const double term =
                    (double)decoded[transposed ? l * t->columns + i : i * t->columns + l] * (double)t->x[j * inner + l];
                sum += term;
                size += fabs(term);
            }
            if (!(fabs(y[j * outputs + i] - sum) <= ((double)inner / 4 + 64) * 0x1p-24 * size))
                return 0;
        }
    return 1;
}

static int is_integer_gemm(const lsq_kernel *kernel)
{
    return kernel->op == OP_gemm && kernel->act != ACT_f32;
}

static int is_float_product(const lsq_kernel *kernel)
{
    return kernel->act == ACT_f32 && (kernel->op == OP_gemm || kernel->op == OP_gemvt);
}

static verdict compare(const trial *t)
{
    if (call_by(t, t->reference, t->expected) != LSQ_OK || call_by(t, t->kernel, t->result) != LSQ_OK)
        return NO_MEMORY;
    if (memcmp(t->expected + t->bytes, t->result + t->bytes, GUARD) != 0)
        return WRONG;
    if (!is_float_product(t->kernel))
        return memcmp(t->expected, t->result, t->bytes) ? WRONG : RIGHT;
    float *decoded = malloc(t->rows * t->columns * sizeof(float));
    if (!decoded || lsq_dequantize(t->ctx, t->weights, 0, t->rows, decoded, t->columns) != LSQ_OK) {
        free(decoded);
        return NO_MEMORY;
    }
    const int good = within_bounds(t, decoded, (const float *)(const void *)t->result);
    free(decoded);
    return good ? RIGHT : WRONG;
}

static int encodes(const trial *t)
{
    return t->kernel->op == OP_measure || t->kernel->op == OP_encode;
}

/* Random codes under a scale of 1; what is encoded has none. */
static int wrap(trial *t, workshop *w, size_t bytes)
{
    if (encodes(t))
        return 1;
    return set_tensor_scale(&t->format, t->rows, t->columns, w->packed) &&
           lsq_weights_wrap(&t->format, t->rows, t->columns, w->packed, bytes, &t->weights, NULL) == LSQ_OK;
}

static verdict try_shape(trial *t, workshop *w, const size_t *shape, fill how)
{
    t->rows = shape[0];
    t->columns = shape[1];
    t->n = t->kernel->op == OP_gemvt ? 1 : shape[2];
    size_t bytes = 0;
    lsq_packed_bytes(&t->format, t->rows, t->columns, &bytes);
    const size_t widest = t->rows > t->columns ? t->rows : t->columns;
    const size_t inputs = encodes(t) ? t->rows * t->columns : widest * t->n;
    const size_t outputs = t->kernel->op == OP_gemvt ? t->columns : t->rows * t->n;
    t->bytes = encodes(t) ? bytes : outputs * sizeof(float);
    t->x = malloc(inputs * sizeof(float));
    t->result = malloc(t->bytes + GUARD);
    t->expected = malloc(t->bytes + GUARD);
    verdict result = NO_MEMORY;
    if (t->x && t->result && t->expected && wrap(t, w, bytes)) {
        fill_floats(t->x, inputs, how);
        if (is_integer_gemm(t->kernel))
            workshop_expand_from(t->ctx, lsq_family_of(&t->format), t->kernel->act,
                                 subject_expand_from(t->kernel->codec));
        result = compare(t);
    }
    if (is_integer_gemm(t->kernel))
        workshop_expand_from(t->ctx, lsq_family_of(&t->format), t->kernel->act, 0);
    lsq_weights_free(t->weights);
    t->weights = NULL;
    free(t->x);
    free(t->result);
    free(t->expected);
    return result;
}

/* ---- Formats ---- */

/* What kernels of a codec tell apart: scales, states of a trellis, magnitudes of levels, and for encoders classic codes. */
static size_t formats_of(enum lsq_family codec, int encoding, lsq_format *list)
{
    static const char *const levels[][3] = {{"s4", "s6", "t4"}, {"s7", "s8", "s9"}, {"s4", "t4", "s8"}};
    static const uint8_t states[] = {4, 8, 16, 64};
    size_t count = 0;
    if (codec >= CODEC_e8) {
        for (; count < 3; count++)
            lsq_format_parse(levels[codec - CODEC_e8][count], &list[count], NULL);
        return count;
    }
    for (unsigned i = 0; i < (codec < CODEC_t1 ? 2 : 8); i++) {
        lsq_format *format = &list[count++];
        *format = subject_format(codec);
        if (codec < CODEC_t1)
            format->scale = i ? LSQ_SCALE_ROW : LSQ_SCALE_BYTE32;
        else
            format->scale = i / 4 ? LSQ_SCALE_NIBBLE32 : LSQ_SCALE_NIBBLE16;
        if (codec >= CODEC_t1)
            format->states = states[i % 4];
    }
    if (encoding && codec >= CODEC_p3 && codec < CODEC_t1) {
        const char classic[] = {'c', lsq_family_names[codec][1], 0};
        lsq_format_parse(classic, &list[count++], NULL);
    }
    return count;
}

verdict verify_in_calls(workshop *w, const lsq_kernel *kernel, const lsq_kernel *reference, char *why, size_t room)
{
    enum { FORMATS_MAX = 8 };
    lsq_format list[FORMATS_MAX];
    trial t = {.kernel = kernel, .reference = reference};
    t.ctx = workshop_context(w, is_float_product(kernel) ? LSQ_ACT_FLOAT : LSQ_ACT_INT, CREW_one);
    verdict result = RIGHT;
    const size_t count = formats_of(kernel->codec, encodes(&t), list);
    const size_t(*shapes)[3] = encodes(&t) ? encoder_shapes : product_shapes;
    const size_t shape_count = encodes(&t) ? sizeof(encoder_shapes) / sizeof(*encoder_shapes)
                                           : sizeof(product_shapes) / sizeof(*product_shapes);
    if (kernel == reference && !is_float_product(kernel)) /* it is the definition */
        return RIGHT;
    for (size_t i = 0; result == RIGHT && i < count * shape_count * FILLS; i++) {
        const fill how = (fill)(i % FILLS);
        t.format = list[i / (shape_count * FILLS)];
        result = try_shape(&t, w, shapes[i / FILLS % shape_count], how);
        if (result == WRONG) {
            static const char *const fills[FILLS] = {"a bell curve", "equal numbers", "groups of all sizes"};
            char name[LSQ_FORMAT_NAME_MAX] = "?";
            lsq_format_name(&t.format, name);
            snprintf(why, room, "%s, %zu x %zu, %zu columns of %s: not the same as by %s", name, t.rows, t.columns, t.n,
                     fills[how], reference->name);
        }
    }
    const lsq_choice usual = {lsq_kernel_default(&w->cpu, kernel->op, kernel->codec, kernel->act), lsq_tunables_default,
                              REASON_default, 0};
    lsq_choices_set(&t.ctx->choices, &lsq_everywhere, &usual);
    return result;
}
