/*
 * distribution.c - counting the numbers and codes of a tensor, and drawing the counts as bars.
 */
#include "tools/distribution.h"
#include "tools/bar.h"
#include "tools/messages.h"
#include "tools/progress.h"
#include "tools/text.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- Counting ---- */

static void add_number(distribution *d, float w)
{
    int above;
    if (!isfinite(w)) {
        d->not_finite++;
        return;
    }
    if (d->finite++ == 0)
        d->least = d->most = w;
    d->least = fmin(d->least, w);
    d->most = fmax(d->most, w);
    d->sum += w;
    d->squares += (double)w * w;
    if (w == 0) {
        d->zeros++;
        return;
    }
    frexpf(w, &above); /* 2^(above - 1) <= |w| < 2^above */
    d->octaves[above - 1 - OCTAVE_LEAST]++;
}

enum { AT_ONCE = 1 << 18, CHAIN_ROWS = 256 }; /* numbers; rows whose codes can be read without those before them */

/* Rows that are read at a time. */
static uint64_t strip_rows(uint64_t rows, uint64_t columns)
{
    const uint64_t some = columns < AT_ONCE ? AT_ONCE / columns / CHAIN_ROWS * CHAIN_ROWS : 0, least = some ? some : 1;
    return least < rows ? least : rows;
}

static lsq_status add_codes(distribution *d, const lsq_weights *weights, uint64_t row, uint64_t rows, uint32_t *codes)
{
    const size_t columns = lsq_weights_columns(weights);
    const lsq_status status = lsq_weights_codes(weights, (size_t)row, (size_t)rows, codes, columns);
    for (size_t i = 0; status == LSQ_OK && i < rows * columns; i++)
        d->codes[codes[i]]++;
    return status;
}

/* The tensor as rows: of a matrix its own, of other numbers those of the first axis. */
static lsq_status add_rows(distribution *d, const lsq_model *model, size_t i, const lsq_weights *weights,
                           progress *shown, lsq_error *err)
{
    const lsq_tensor *t = d->tensor;
    const unsigned axis = t->quantised ? t->output_axis : 0;
    const uint64_t rows = t->rank < 2 ? 1 : t->shape[axis], columns = t->elements / rows;
    const uint64_t most = strip_rows(rows, columns);
    float *numbers = calloc((size_t)most, (size_t)columns * sizeof *numbers);
    uint32_t *codes = weights ? calloc((size_t)most, (size_t)columns * sizeof *codes) : NULL;
    lsq_status status = numbers && (codes || !weights) ? LSQ_OK : LSQ_E_NOMEM;
    for (uint64_t row = 0, count; status == LSQ_OK && row < rows; row += count) {
        count = rows - row < most ? rows - row : most;
        progress_show(shown, (double)row);
        status = t->rank < 2 ? lsq_model_read(model, i, numbers, err)
                             : lsq_model_read_rows(model, i, axis, row, count, numbers, err);
        for (uint64_t n = 0; status == LSQ_OK && n < count * columns; n++)
            add_number(d, numbers[n]);
        if (status == LSQ_OK && weights)
            status = add_codes(d, weights, row, count, codes);
    }
    free(numbers);
    free(codes);
    return status;
}

int distribution_take(const arguments *args, const lsq_model *model, size_t i, distribution *d)
{
    const lsq_tensor *t = lsq_model_tensor(model, i);
    const lsq_weights *weights = NULL;
    lsq_error err = {0};
    lsq_status status = LSQ_OK;
    progress shown;
    *d = (distribution){.tensor = t};
    if (t->elements == 0)
        return CARRY_ON;
    if (t->quantised && t->rank >= 2)
        status = lsq_model_weights(model, i, &weights, &err);
    if (status == LSQ_E_UNSUPPORTED) /* codes of version 1 that no product takes */
        status = LSQ_OK;
    if (status == LSQ_OK && weights) {
        d->code_count = (size_t)1 << t->format.bits;
        d->codes = calloc(d->code_count, sizeof *d->codes);
        status = d->codes ? LSQ_OK : LSQ_E_NOMEM;
    }
    progress_begin(&shown, args, t->rank < 2 ? 1 : (double)t->shape[t->quantised ? t->output_axis : 0]);
    if (status == LSQ_OK)
        status = add_rows(d, model, i, weights, &shown, &err);
    progress_clear(&shown);
    return status == LSQ_OK ? CARRY_ON : library_failure(args, status, &err);
}

void distribution_free(distribution *d)
{
    free(d->codes);
    *d = (distribution){0};
}

/* ---- Telling ---- */

static double mean(const distribution *d)
{
    return d->finite ? d->sum / (double)d->finite : 0;
}

static double deviation(const distribution *d)
{
    const double m = mean(d), variance = d->finite ? d->squares / (double)d->finite - m * m : 0;
    return variance > 0 ? sqrt(variance) : 0;
}

double distribution_entropy(const distribution *d)
{
    double bits = 0, count = 0;
    for (size_t c = 0; c < d->code_count; c++)
        count += (double)d->codes[c];
    for (size_t c = 0; c < d->code_count; c++)
        if (d->codes[c])
            bits -= (double)d->codes[c] / count * log2((double)d->codes[c] / count);
    return bits;
}

/* The code at a place in the order of what codes stand for: classic codes are a sign above a magnitude, the others ascend. */
static size_t code_at(const distribution *d, size_t place)
{
    const size_t half = d->code_count / 2;
    return d->tensor->format.codec == LSQ_CLASSIC && place < half ? d->code_count - 1 - place
           : d->tensor->format.codec == LSQ_CLASSIC               ? place - half
                                                                  : place;
}

/* A bar for each code, or for several that are neighbours. */
static void print_codes(const arguments *args, const distribution *d)
{
    enum { BARS_MAX = 32 };
    const size_t bars = d->code_count < BARS_MAX ? d->code_count : BARS_MAX, each = d->code_count / bars;
    bar_chart chart = {0};
    for (size_t b = 0; b < bars; b++) {
        char label[BAR_LABEL_MAX];
        uint64_t count = 0;
        for (size_t place = b * each; place < (b + 1) * each; place++)
            count += d->codes[code_at(d, place)];
        const size_t from = code_at(d, b * each), to = code_at(d, (b + 1) * each - 1);
        snprintf(label, sizeof label, from == to ? "%zu" : "%zu..%zu", from, to);
        bar_add(&chart, label, count);
    }
    bar_print(&chart, args, "code");
}

/* Powers of two, of which the lowest are taken together if there are many. */
static void print_octaves(const arguments *args, const distribution *d)
{
    enum { BARS_MAX = 24 };
    bar_chart chart = {0};
    int high = OCTAVES - 1, low = 0;
    while (high >= 0 && !d->octaves[high])
        high--;
    while (low < high && !d->octaves[low])
        low++;
    uint64_t lower = 0;
    for (; high - low >= BARS_MAX; low++)
        lower += d->octaves[low];
    char label[BAR_LABEL_MAX];
    bar_add(&chart, "0", d->zeros);
    if (lower) {
        snprintf(label, sizeof label, "below 2^%d", low + OCTAVE_LEAST);
        bar_add(&chart, label, lower);
    }
    for (int o = low; o <= high; o++) {
        snprintf(label, sizeof label, "2^%d", o + OCTAVE_LEAST);
        bar_add(&chart, label, d->octaves[o]);
    }
    if (d->not_finite)
        bar_add(&chart, "not finite", d->not_finite);
    bar_print(&chart, args, "magnitude from");
}

void distribution_print(const arguments *args, const distribution *d)
{
    printf("from %.4g to %.4g, mean %.3g, standard deviation %.4g, %" PRIu64 " zeros\n", d->least, d->most, mean(d),
           deviation(d), d->zeros);
    if (d->codes) {
        printf("codes of %u bits that hold %.2f bits of information\n\n", d->tensor->format.bits,
               distribution_entropy(d));
        print_codes(args, d);
    }
    if (!d->codes || args->verbose) {
        putchar('\n');
        print_octaves(args, d);
    }
}

static json_t *octaves_json(const distribution *d)
{
    json_t *array = json_array();
    for (int o = 0; array && o < OCTAVES; o++)
        if (d->octaves[o])
            json_array_append_new(
                array, json_pack("{s:i, s:I}", "exponent", o + OCTAVE_LEAST, "count", (json_int_t)d->octaves[o]));
    return array;
}

static json_t *codes_json(const distribution *d)
{
    json_t *array = d->codes ? json_array() : json_null();
    for (size_t c = 0; c < d->code_count; c++)
        json_array_append_new(array, json_integer((json_int_t)d->codes[c]));
    return array;
}

json_t *distribution_json(const distribution *d)
{
    return json_pack("{s:o, s:o, s:o, s:o, s:I, s:I, s:o, s:o, s:o}", "least", number_json(d->least), "most",
                     number_json(d->most), "mean", number_json(mean(d)), "deviation", number_json(deviation(d)),
                     "zeros", (json_int_t)d->zeros, "not_finite", (json_int_t)d->not_finite, "octaves", octaves_json(d),
                     "codes", codes_json(d), "entropy_bits",
                     d->codes ? number_json(distribution_entropy(d)) : json_null());
}
