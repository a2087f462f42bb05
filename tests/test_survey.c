/*
 * test_survey.c - the largest weights of a matrix, found without sorting, are those that sorting finds.
 */
#include "tests/core_sample.h"

#include <errno.h>
#include <math.h>

enum { ROWS = 50, COLUMNS = 41, N = ROWS * COLUMNS };

static int descending(const void *a, const void *b)
{
    const float x = fabsf(*(const float *)a), y = fabsf(*(const float *)b);
    return (x < y) - (x > y);
}

/* What a survey shall find. */
static lsq_magnitudes sorted(const float *w, size_t n, double share)
{
    const size_t wanted = (size_t)(share * (double)n);
    float *all = memory(n * sizeof(*all));
    lsq_magnitudes m = {0};
    memcpy(all, w, n * sizeof(*all));
    qsort(all, n, sizeof(*all), descending);
    m.largest = m.dense = m.bound = fabsf(all[0]);
    while (m.outliers < wanted && all[m.outliers] != 0)
        m.outliers++;
    if (wanted) {
        m.bound = fabsf(all[wanted - 1]);
        m.dense = m.outliers < n ? fabsf(all[m.outliers]) : 0;
        while (m.ties < m.outliers && fabsf(all[m.outliers - m.ties - 1]) == m.bound)
            m.ties++;
    }
    free(all);
    return m;
}

/* Passes over the matrix, `step` rows at a time; returns how many it took. */
static unsigned survey_of(const float *w, size_t step, double share, lsq_magnitudes *known)
{
    lsq_survey *survey;
    int again = 1;
    unsigned passes = 0;
    OK(lsq_survey_new(COLUMNS, share, &survey, NULL));
    for (; again; passes++) {
        for (size_t r = 0; r < ROWS; r += step)
            OK(lsq_survey_rows(survey, ROWS - r < step ? ROWS - r : step, w + r * COLUMNS, COLUMNS, NULL));
        OK(lsq_survey_end(survey, known, &again, NULL));
    }
    again = 7;
    OK(lsq_survey_end(survey, known, &again, NULL)); /* as often as one likes */
    ck_assert_int_eq(again, 0);
    lsq_survey_free(survey);
    return passes;
}

static void check_survey(const float *w, double share, unsigned passes)
{
    const lsq_magnitudes want = sorted(w, N, share);
    lsq_magnitudes found;
    for (size_t step = 1; step <= ROWS; step = step * 7 + 1) {
        EXPECT(survey_of(w, step, share, &found) <= passes, "share %g: more than %u passes", share, passes);
        EXPECT(found.largest == want.largest && found.bound == want.bound && found.dense == want.dense &&
                   found.ties == want.ties && found.outliers == want.outliers,
               "share %g: largest %g dense %g bound %g ties %d outliers %d, expected %g %g %g %d %d", share,
               (double)found.largest, (double)found.dense, (double)found.bound, (int)found.ties, (int)found.outliers,
               (double)want.largest, (double)want.dense, (double)want.bound, (int)want.ties, (int)want.outliers);
    }
}

/* Numbers with so many bits of mantissa, from a few units in the last place upwards, with many ties and zeros if there are few. */
static void fill_rounded(float *w, unsigned bits, uint64_t seed)
{
    number_source s = {seed};
    for (size_t i = 0; i < N; i++) {
        uint32_t number;
        w[i] = ldexpf(bell(&s), (int)(next_u32(&s) % 8));
        memcpy(&number, &w[i], sizeof(number));
        number &= ~(((uint32_t)1 << (23 - bits)) - 1);
        memcpy(&w[i], &number, sizeof(number));
        if (next_u32(&s) % 4 == 0)
            w[i] = 0;
    }
}

START_TEST(the_bound_is_that_of_a_sorted_matrix)
{
    static const double shares[] = {0, 0.0004, 0.0005, 0.001, 0.01, 0.05, 0.0999, 0.1};
    static float w[N];
    for (size_t i = 0; i < COUNT(shares); i++) {
        for (unsigned bits = 0; bits <= 23; bits++) {
            fill_rounded(w, bits, bits + 1);
            check_survey(w, shares[i], bits <= 10 || shares[i] * N < 1 ? 1 : 2); /* bfloat16 has 7, float16 10 */
        }
        fill_bell(4, w, N);
        for (size_t j = 0; j < N; j++) /* neighbours, which differ in their last bits only */
            w[j] = 1 + 0x1p-23f * (float)(j * 7 % 1000);
        check_survey(w, shares[i], 2);
        for (size_t j = 0; j < N; j++)
            w[j] = j % 100 == 3 ? -0x1.2345p-130f : 0;
        check_survey(w, shares[i], 2);
        memset(w, 0, sizeof(w));
        check_survey(w, shares[i], 1);
    }
}
END_TEST

START_TEST(what_is_no_weight_is_named_by_its_place)
{
    static const float wrong[] = {NAN, INFINITY, -INFINITY, 0x1.000002p100f};
    static float w[N];
    lsq_magnitudes known, want;
    lsq_survey *survey;
    lsq_error err;
    int again = 1;
    for (size_t i = 0; i < COUNT(wrong); i++) {
        fill_bell(5, w, N);
        w[3] = -0x1p100f; /* may be */
        OK(lsq_survey_new(COLUMNS, 0.05, &survey, NULL));
        while (again) {
            OK(lsq_survey_rows(survey, 20, w, COLUMNS, NULL));
            w[23 * COLUMNS + 7] = wrong[i];
            errno = 12345;
            ck_assert_int_eq(lsq_survey_rows(survey, 30, w + 20 * COLUMNS, COLUMNS, &err), LSQ_E_VALUE);
            ck_assert_int_eq(errno, 12345);
            ck_assert_msg(strstr(err.text, "weight (23, 7)") != NULL, "%s", err.text);
            w[23 * COLUMNS + 7] = 0.25f; /* these rows have not been counted */
            OK(lsq_survey_rows(survey, 30, w + 20 * COLUMNS, COLUMNS, NULL));
            OK(lsq_survey_end(survey, &known, &again, NULL));
        }
        lsq_survey_free(survey);
        want = sorted(w, N, 0.05);
        ck_assert(known.bound == want.bound && known.outliers == want.outliers && known.largest == 0x1p100f);
        again = 1;
    }
}
END_TEST

START_TEST(misuse_is_refused)
{
    static const double shares[] = {-0.01, 0.1001, NAN};
    static float w[N];
    lsq_magnitudes known = {.ties = 77};
    lsq_survey *survey = NULL;
    int again = 7;
    fill_bell(6, w, N);
    for (size_t i = 0; i < COUNT(shares); i++)
        REFUSED(lsq_survey_new(COLUMNS, shares[i], &survey, NULL));
    REFUSED(lsq_survey_new(0, 0, &survey, NULL));
    REFUSED(lsq_survey_new(1, 0, NULL, NULL));
    ck_assert_ptr_null(survey);
    OK(lsq_survey_new(COLUMNS, 0.05, &survey, NULL));
    REFUSED(lsq_survey_end(survey, &known, &again, NULL));
    REFUSED(lsq_survey_rows(survey, 1, NULL, COLUMNS, NULL));
    REFUSED(lsq_survey_rows(survey, 1, w, COLUMNS - 1, NULL));
    REFUSED(lsq_survey_rows(NULL, 1, w, COLUMNS, NULL));
    OK(lsq_survey_rows(survey, ROWS, w, COLUMNS, NULL));
    REFUSED(lsq_survey_end(survey, NULL, &again, NULL));
    REFUSED(lsq_survey_end(survey, &known, NULL, NULL));
    REFUSED(lsq_survey_end(NULL, &known, &again, NULL));
    ck_assert(known.ties == 77 && again == 7);
    OK(lsq_survey_end(survey, &known, &again, NULL));
    ck_assert(known.ties == 77 && again == 1);
    again = 7;
    OK(lsq_survey_rows(survey, ROWS - 1, w, COLUMNS, NULL)); /* not all of them */
    REFUSED(lsq_survey_end(survey, &known, &again, NULL));
    w[(ROWS - 1) * COLUMNS] = sorted(w, N, 0.05).bound; /* others */
    OK(lsq_survey_rows(survey, 1, w + (ROWS - 1) * COLUMNS, COLUMNS, NULL));
    REFUSED(lsq_survey_end(survey, &known, &again, NULL));
    ck_assert(known.ties == 77 && again == 7);
    lsq_survey_free(survey);
    OK(lsq_survey_new(COLUMNS, 0, &survey, NULL));
    OK(lsq_survey_rows(survey, ROWS, w, COLUMNS, NULL));
    OK(lsq_survey_end(survey, &known, &again, NULL));
    REFUSED(lsq_survey_rows(survey, 1, w, COLUMNS, NULL)); /* it is at its end */
    lsq_survey_free(survey);
    lsq_survey_free(NULL);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("survey");
    TCase *tests = new_case(suite, "all");
    tcase_add_test(tests, the_bound_is_that_of_a_sorted_matrix);
    tcase_add_test(tests, what_is_no_weight_is_named_by_its_place);
    tcase_add_test(tests, misuse_is_refused);
    return run_suite(suite);
}
