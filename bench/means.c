#include "bench/means.h"

#include "bench/rivals.h"
#include "bench/sources.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct bench_kept kept;

static void add(kept *to, double db, double bits)
{
    to->db += db;
    to->bits += bits;
}

static lsq_status measure_packed(const bench_plan_row *row, double outliers, size_t m, size_t k, const float *w,
                                 kept *to, lsq_error *err)
{
    const lsq_quantize_options options = {
        .size = sizeof options, .rounding = row->rounding, .curve = row->curve, .outliers = outliers};
    lsq_weights *weights;
    lsq_status status = lsq_quantize(NULL, &row->format, m, k, w, k, &options, &weights, err);
    if (status)
        return status;
    float *decoded = malloc(m * k * sizeof *decoded);
    status = decoded ? lsq_dequantize(NULL, weights, 0, m, decoded, k) : LSQ_E_NOMEM;
    if (!status) {
        size_t bytes = 0, outlier_bytes;
        bench_snr snr = {0, 0};
        bench_snr_add(&snr, w, decoded, m * k);
        lsq_packed_bytes(&row->format, m, k, &bytes);
        lsq_weights_outliers(weights, &outlier_bytes, NULL);
        add(to, bench_snr_db(snr), 8.0 * (double)(bytes + outlier_bytes));
    }
    free(decoded);
    lsq_weights_free(weights);
    return status;
}

/* Blocks of 32 in each row, with 16 bits for the scale of each. */
static double scale_bits(size_t m, size_t k)
{
    return 16.0 * (double)m * (double)((k + 31) / 32);
}

static lsq_status measure_row(const bench_plan_row *row, double outliers, size_t m, size_t k, const float *w, kept *to,
                              lsq_error *err)
{
    if (row->way == BENCH_PACKED)
        return measure_packed(row, outliers, m, k, w, to, err);
    const size_t block = row->way == BENCH_CODE_ABSMAX_32 ? 32 : 0;
    add(to, bench_classic_db(row->format.bits, row->rounding, block, m, k, w),
        (double)m * (double)k * row->format.bits + (block ? scale_bits(m, k) : 0));
    return LSQ_OK;
}

/* On a terminal, a line that the next one overwrites, and at the end nothing. */
static void show_progress(const bench_means *means, const char *row)
{
    if (!isatty(STDERR_FILENO))
        return;
    fputs("\r\033[K", stderr);
    if (row)
        fprintf(stderr, "matrix %.0f: %s", means->matrices + 1, row);
}

static lsq_status measure_rivals(bench_means *means, size_t m, size_t k, const float *w)
{
    const double n = (double)m * (double)k;
    bench_lloyd *lloyd = bench_lloyd_new(w, m * k);
    if (!lloyd)
        return LSQ_E_NOMEM;
    for (unsigned bits = 1; bits <= BENCH_BITS_MAX; bits++) {
        if (!means->plan->widths[bits])
            continue;
        add(&means->lloyd[bits], bench_lloyd_db(lloyd, bits), n * bits);
        add(&means->int_group[bits], bits > 1 ? bench_int_db(bits, 32, m, k, w) : NAN, n * bits + scale_bits(m, k));
    }
    bench_lloyd_free(lloyd);
    add(&means->int8_tensor, bench_int_db(8, 0, m, k, w), 8 * n + 32);
    add(&means->int8_row, bench_int_db(8, k, m, k, w), 8 * n + 32 * (double)m);
    add(&means->nf4, bench_nf4_db(m * k, w), 4 * n + 16 * ceil(n / 64));
    return LSQ_OK;
}

lsq_status bench_means_begin(bench_means *means, const bench_plan *plan)
{
    *means = (bench_means){.plan = plan, .rows = calloc(plan->count + 1, sizeof *means->rows), .hash = BENCH_HASH};
    return means->rows ? LSQ_OK : LSQ_E_NOMEM;
}

lsq_status bench_means_add(bench_means *means, size_t m, size_t k, const float *w, lsq_error *err)
{
    bench_snr signal = {0, 0};
    bench_snr_add(&signal, w, w, m * k);
    means->hash = bench_hash_add(means->hash, w, m * k);
    if (!(signal.signal > 0))
        return LSQ_OK;
    for (size_t i = 0; i < means->plan->count; i++) {
        show_progress(means, means->plan->rows[i].name);
        const lsq_status status =
            measure_row(&means->plan->rows[i], means->plan->outliers, m, k, w, &means->rows[i], err);
        show_progress(means, NULL);
        if (status)
            return status;
    }
    means->weights += (double)m * (double)k;
    means->matrices += 1;
    return measure_rivals(means, m, k, w);
}

void bench_means_finish(bench_means *means)
{
    kept *const all[] = {means->rows,      means->lloyd,        means->int_group,
                         &means->int8_row, &means->int8_tensor, &means->nf4};
    const size_t counts[] = {means->plan->count, BENCH_BITS_MAX + 1, BENCH_BITS_MAX + 1, 1, 1, 1};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        for (size_t j = 0; j < counts[i]; j++) {
            const int none = all[i][j].bits == 0;
            all[i][j].db = none ? NAN : all[i][j].db / means->matrices;
            all[i][j].bits = none ? NAN : all[i][j].bits / means->weights;
        }
}

void bench_means_free(bench_means *means)
{
    free(means->rows);
    *means = (bench_means){0};
}
