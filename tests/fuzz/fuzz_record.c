/*
 * fuzz_record.c - results of earlier runs from anywhere. What is accepted does not differ from itself, and every row is found by its name.
 */
#include "bench/record.h"
#include "bench/significance.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void compare_with_itself(const bench_record_row *row)
{
    bench_difference difference;
    double *copy = malloc(row->count * sizeof *copy);
    if (!copy)
        return;
    memcpy(copy, row->samples, row->count * sizeof *copy);
    if (bench_differ(row->samples, row->count, copy, row->count, &difference) &&
        (difference.sign != 0 || !(difference.p >= 0.9)))
        abort();
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    bench_record record;
    lsq_error err = {0};
    const lsq_status status = bench_record_parse((const char *)data, size, &record, &err);
    if (status) {
        if (err.status != status || !err.text[0] || record.rows || record.count)
            abort();
        return 0;
    }
    const bench_record_row **sorted = bench_record_sorted(&record);
    for (size_t i = 0; sorted && i < record.count; i++) {
        if (bench_record_find(&record, sorted, record.rows[i].name) != &record.rows[i])
            abort();
        if (record.rows[i].samples)
            compare_with_itself(&record.rows[i]);
        else if (!record.figure)
            abort();
    }
    free(sorted);
    bench_record_free(&record);
    return 0;
}
