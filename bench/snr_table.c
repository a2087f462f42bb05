#include "bench/snr_table.h"

#include "bench/frontier.h"
#include "bench/rivals.h"
#include "bench/text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- Formats ---- */

static const bench_column columns[] = {
    {"source", "source", "", 12, -1},
    {"codec", "codec", "", 14, -1},
    {"rounding", "rounding", "", 9, -1},
    {"bits_per_weight", "bits", "a weight", 8, 3},
    {"snr", "SNR", "dB", 6, 2},
    {"below_gaussian_bound", "below R(D)", "dB", 10, 2},
    {"lloyd_max", "Lloyd-Max", "dB", 9, 2},
    {"nf4", "NF4", "dB", 6, 2},
    {"int8_tensor", "int8 tensor", "dB", 11, 2},
    {"int8_row", "int8 row", "dB", 8, 2},
    {"int_group32", "intC of 32", "dB", 10, 2},
    {"published", "published", "dB", 9, 2},
};
enum { COLUMNS = sizeof columns / sizeof *columns };

static const bench_table_kind kind = {"lsq.snr/1", columns, COLUMNS, 3, "snr"};

bench_table *bench_snr_table_new(bench_output output)
{
    bench_table *table = bench_table_new(&kind, output);
    if (!table)
        return NULL;
    bench_table_context(table, "lsq_version", lsq_version());
    bench_table_note(table, "snr", "10 log10(sum w^2 / sum (w - w^)^2); of files the mean over their matrices");
    bench_table_note(table, "R(D)", "of independent Gaussian numbers: 6.02 dB a bit; other sources may pass it");
    bench_table_note(table, "others", "bits a weight: Lloyd-Max C, NF4 4.25, int8 8 and a float, intC C + 0.5");
    return table;
}

void bench_snr_table_add(bench_table *table, const char *source, const bench_means *r)
{
    for (size_t i = 0; i < r->plan->count; i++) {
        const bench_plan_row *row = &r->plan->rows[i];
        const unsigned bits = row->format.bits;
        const char *rounding = row->rounding == LSQ_ROUND_NEAREST ? "nearest" : "published";
        const bench_cell cells[COLUMNS] = {
            {source, NAN},
            {row->name, NAN},
            {row->format.codec == LSQ_CLASSIC ? rounding : "-", NAN},
            {NULL, r->rows[i].bits},
            {NULL, r->rows[i].db},
            {NULL, bench_gaussian_bound_db(r->rows[i].bits) - r->rows[i].db},
            {NULL, r->lloyd[bits].db},
            {NULL, r->nf4.db},
            {NULL, r->int8_tensor.db},
            {NULL, r->int8_row.db},
            {NULL, r->int_group[bits].db},
            {NULL, row->format.codec == LSQ_CLASSIC ? bench_published_db(bits) : NAN},
        };
        bench_table_row(table, cells);
    }
}

/* ---- Types of ggml ---- */

static const bench_column peer_columns[] = {
    {"source", "source", "", 12, -1},
    {"library", "library", "", 12, -1},
    {"type", "type", "", 8, -1},
    {"bits_per_weight", "bits", "a weight", 8, 3},
    {"snr", "its SNR", "dB", 7, 2},
    {"ours", "our SNR at", "as many, dB", 11, 2},
    {"lead", "lead", "dB", 6, 2},
    {"codec", "our codec with", "no more bits", 14, -1},
    {"codec_bits_per_weight", "bits", "a weight", 8, 3},
    {"codec_snr", "its SNR", "dB", 7, 2},
};
enum { PEER_COLUMNS = sizeof peer_columns / sizeof *peer_columns };

static const bench_table_kind peer_kind = {"lsq.snr.peers/1", peer_columns, PEER_COLUMNS, 3, "ours"};

bench_table *bench_snr_peers_new(bench_output output)
{
    bench_table *table = bench_table_new(&peer_kind, output);
    if (!table)
        return NULL;
    bench_table_context(table, "lsq_version", lsq_version());
    bench_table_note(table, "snr", "10 log10(sum w^2 / sum (w - w^)^2); of files the mean over their matrices");
    bench_table_context(table, "peers", bench_ggml_origin);
    bench_table_note(table, "ours", "by the line through our formats at their bits, 6.02 dB a bit beyond the ends");
    return table;
}

/* The best of our packed formats with no more bits than that, or NULL. */
static const struct bench_kept *best_within(const bench_means *means, double bits)
{
    const struct bench_kept *best = NULL;
    for (size_t i = 0; i < means->plan->count; i++) {
        const struct bench_kept *kept = &means->rows[i];
        if (means->plan->rows[i].way == BENCH_PACKED && kept->bits <= bits && (!best || kept->db > best->db))
            best = kept;
    }
    return best;
}

lsq_status bench_snr_peers_add(bench_table *table, const char *source, int column, const bench_means *means,
                               bench_least_lead *least)
{
    bench_point *points = calloc(means->plan->count + 1, sizeof *points);
    if (!points)
        return LSQ_E_NOMEM;
    size_t count = 0;
    for (size_t i = 0; i < means->plan->count; i++)
        if (means->plan->rows[i].way == BENCH_PACKED)
            points[count++] = (bench_point){means->rows[i].bits, means->rows[i].db};
    count = bench_frontier(points, count);
    for (size_t i = 0; count > 0 && i < bench_ggml_types_count; i++) {
        const bench_ggml_type *type = &bench_ggml_types[i];
        if (isnan(type->db[column]))
            continue;
        const double ours = bench_frontier_db(points, count, type->bits), lead = ours - type->db[column];
        const struct bench_kept *within = best_within(means, type->bits);
        const bench_cell cells[PEER_COLUMNS] = {
            {source, NAN},
            {type->library, NAN},
            {type->name, NAN},
            {NULL, type->bits},
            {NULL, type->db[column]},
            {NULL, ours},
            {NULL, lead},
            {within ? means->plan->rows[within - means->rows].name : NULL, NAN},
            {NULL, within ? within->bits : NAN},
            {NULL, within ? within->db : NAN},
        };
        bench_table_row(table, cells);
        if (!least->type || lead < least->db) {
            *least = (bench_least_lead){lead, type, ""};
            bench_text_copy(least->source, sizeof least->source, source);
        }
    }
    free(points);
    return LSQ_OK;
}

void bench_snr_peers_conclude(bench_table *table, const bench_least_lead *least)
{
    char text[256];
    if (!least->type)
        return;
    snprintf(text, sizeof text, "%.2f dB, before %s on %s", least->db, least->type->name, least->source);
    bench_table_context(table, "least_lead", text);
}
