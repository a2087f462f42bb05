/*
 * test_allocate.c - allocation beside a search of all ways, on curves small enough for that.
 */
#include "tools/allocate.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>

enum { CURVES = 4, POINTS = 5, RUNS = 400 };

static point storage[CURVES][POINTS];
static curve curves[CURVES];

static uint64_t below(uint64_t n)
{
    static uint64_t state = 1;
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (state >> 33) % n;
}

/* Points of any kind, dominated and off the hull too. Noise is whole, so that sums are exact. */
static void make_curves(void)
{
    for (size_t i = 0; i < CURVES; i++) {
        curves[i] = (curve){.points = storage[i], .count = below(POINTS + 1)};
        for (size_t j = 0; j < curves[i].count; j++)
            storage[i][j] = (point){.bytes = 1 + below(40), .noise = (double)below(1000)};
        curve_sort(&curves[i]);
    }
}

typedef struct found {
    double noise;   /* the least within the bytes; INFINITY: there is no way */
    uint64_t bytes; /* the least within the noise; UINT64_MAX: there is no way */
} found;

static found search(size_t i, uint64_t bytes, double noise, uint64_t most_bytes, double most_noise)
{
    if (i == CURVES)
        return (found){bytes <= most_bytes ? noise : INFINITY, noise <= most_noise ? bytes : UINT64_MAX};
    if (!curves[i].count)
        return search(i + 1, bytes, noise, most_bytes, most_noise);
    found best = {INFINITY, UINT64_MAX};
    for (size_t j = 0; j < curves[i].count; j++) {
        const point *p = &curves[i].points[j];
        found f = search(i + 1, bytes + p->bytes, noise + p->noise, most_bytes, most_noise);
        best.noise = fmin(best.noise, f.noise);
        best.bytes = f.bytes < best.bytes ? f.bytes : best.bytes;
    }
    return best;
}

/* No edge of a hull is longer than from one end of a curve to the other. */
static void longest(uint64_t *bytes, double *noise)
{
    *bytes = 0;
    *noise = 0;
    for (size_t i = 0; i < CURVES; i++) {
        const curve *c = &curves[i];
        if (!c->count)
            continue;
        uint64_t b = c->points[c->count - 1].bytes - c->points[0].bytes;
        *bytes = b > *bytes ? b : *bytes;
        *noise = fmax(*noise, c->points[0].noise - c->points[c->count - 1].noise);
    }
}

START_TEST(sorted_curves_fall)
{
    for (int run = 0; run < RUNS; run++) {
        make_curves();
        for (size_t i = 0; i < CURVES; i++)
            for (size_t j = 1; j < curves[i].count; j++) {
                ck_assert(storage[i][j].bytes > storage[i][j - 1].bytes);
                ck_assert(storage[i][j].noise < storage[i][j - 1].noise);
            }
    }
    point twice[] = {{.bytes = 2, .noise = 5}, {.bytes = 2, .noise = 3}, {.bytes = 1, .noise = 3}, {.bytes = 9}};
    curve c = {.points = twice, .count = 4};
    curve_sort(&c);
    ck_assert_uint_eq(c.count, 2);
    ck_assert(twice[0].bytes == 1 && twice[1].bytes == 9);
}
END_TEST

/*
 * Greed is the optimum of the linear relaxation until the first edge that does not fit. So it is at least as good as the best
 * of all ways within a limit that is smaller by one edge, and no better than the best within the limit itself.
 */
START_TEST(near_the_best_within_bytes)
{
    for (int run = 0; run < RUNS; run++) {
        uint64_t edge_bytes, most = below(160);
        double edge_noise;
        make_curves();
        longest(&edge_bytes, &edge_noise);
        found best = search(0, 0, 0, most, 0);
        lsq_status status = allocate_within_bytes(curves, CURVES, most);
        if (isinf(best.noise)) {
            ck_assert_int_eq(status, LSQ_E_VALUE);
            for (size_t i = 0; i < CURVES; i++)
                ck_assert_uint_eq(curves[i].at, 0);
            continue;
        }
        ck_assert_int_eq(status, LSQ_OK);
        ck_assert_uint_le(allocated_bytes(curves, CURVES), most);
        ck_assert_double_ge(allocated_noise(curves, CURVES), best.noise);
        if (most >= edge_bytes)
            ck_assert_double_le(allocated_noise(curves, CURVES), search(0, 0, 0, most - edge_bytes, 0).noise);
    }
}
END_TEST

START_TEST(near_the_best_within_noise)
{
    for (int run = 0; run < RUNS; run++) {
        uint64_t edge_bytes;
        double edge_noise, most = (double)below(3000);
        make_curves();
        longest(&edge_bytes, &edge_noise);
        found best = search(0, 0, 0, 0, most);
        lsq_status status = allocate_within_noise(curves, CURVES, most);
        if (best.bytes == UINT64_MAX) {
            ck_assert_int_eq(status, LSQ_E_VALUE);
            for (size_t i = 0; i < CURVES; i++)
                ck_assert(curves[i].at + 1 == curves[i].count || curves[i].count == 0);
            continue;
        }
        ck_assert_int_eq(status, LSQ_OK);
        ck_assert_double_le(allocated_noise(curves, CURVES), most);
        ck_assert_uint_ge(allocated_bytes(curves, CURVES), best.bytes);
        ck_assert_uint_le(allocated_bytes(curves, CURVES), search(0, 0, 0, 0, most - edge_noise).bytes);
    }
}
END_TEST

START_TEST(more_until_it_is_enough)
{
    for (int run = 0; run < RUNS; run++) {
        size_t before[CURVES];
        make_curves();
        double most = (double)below(3000);
        allocate_within_bytes(curves, CURVES, below(160));
        for (size_t i = 0; i < CURVES; i++)
            before[i] = curves[i].at;
        int possible = search(0, 0, 0, 0, most).bytes != UINT64_MAX;
        ck_assert_int_eq(allocate_more(curves, CURVES, most), possible ? LSQ_OK : LSQ_E_VALUE);
        for (size_t i = 0; i < CURVES; i++)
            ck_assert(possible ? curves[i].at >= before[i] : curves[i].at == before[i]);
        if (possible)
            ck_assert_double_le(allocated_noise(curves, CURVES), most);
    }
}
END_TEST

/* Two steps would be enough each; the one that costs less is taken, though the other is steeper. */
START_TEST(more_is_not_more_than_needed)
{
    point large[] = {{.bytes = 10, .noise = 100}, {.bytes = 50, .noise = 10}};
    point small[] = {{.bytes = 10, .noise = 30}, {.bytes = 20, .noise = 20}};
    curve both[] = {{.points = large, .count = 2}, {.points = small, .count = 2}};
    ck_assert_int_eq(allocate_more(both, 2, 125), LSQ_OK);
    ck_assert(both[0].at == 0 && both[1].at == 1);
    ck_assert_int_eq(allocate_more(both, 2, 100), LSQ_OK);
    ck_assert(both[0].at == 1 && both[1].at == 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("allocate");
    TCase *tcase = tcase_create("allocate");
    tcase_add_test(tcase, sorted_curves_fall);
    tcase_add_test(tcase, near_the_best_within_bytes);
    tcase_add_test(tcase, near_the_best_within_noise);
    tcase_add_test(tcase, more_until_it_is_enough);
    tcase_add_test(tcase, more_is_not_more_than_needed);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
