/*
 * test_golden.c - bits that must be the same on every machine, at every level, in every release:
 * level tables, what quantising makes, what packed bytes decode to, integer products. golden/bits.txt has a hash of each.
 *
 * `test_golden --print` writes that file as this machine has it.
 */
#include "dispatch/cpu.h"
#include "dispatch/fnv.h"
#include "kernels/codec.h"
#include "tests/core_sample.h"

#include <inttypes.h>
#include <stdio.h>

static lsq_format formats[USUAL_FORMATS];

/* ---- What is hashed ---- */

static uint64_t hash_levels(lsq_format f)
{
    lsq_levels levels;
    lsq_levels_of(&f, &levels);
    uint64_t hash = fnv_add(FNV_START, levels.i8, sizeof(levels.i8));
    hash = fnv_add(hash, levels.i16, sizeof(levels.i16));
    hash = fnv_add(hash, levels.f32, sizeof(levels.f32));
    return fnv_add(hash, &levels.unit, sizeof(levels.unit));
}

/* Matrices made by exact operations: bell-shaped, a tenth of it large, a row of zeros, one of 1e-40, one constant. */
static uint64_t hash_packed(lsq_format f, int rounding)
{
    static const size_t shapes[][2] = {{19, 100}, {1, 33}, {33, 1}};
    lsq_quantize_options options = {.size = sizeof(options), .rounding = rounding};
    uint64_t hash = FNV_START;
    for (size_t i = 0; i < COUNT(shapes); i++) {
        size_t m = shapes[i][0], k = shapes[i][1], bytes;
        float *x = memory(m * k * sizeof(*x));
        lsq_weights *w = NULL;
        fill_bell(i, x, m * k);
        for (size_t j = 0; j < m * k; j++)
            x[j] = j / k == 3 ? 0 : j / k == 4 ? 1e-40f : j / k == 5 ? 0.5f : j % 10 ? x[j] : 8 * x[j];
        OK(lsq_quantize(NULL, &f, m, k, x, k, &options, &w, NULL));
        OK(lsq_packed_bytes(&f, m, k, &bytes));
        hash = fnv_add(hash, lsq_weights_packed(w), bytes);
        lsq_weights_free(w);
        free(x);
    }
    return hash;
}

/* Decoded weights and y = W x of random bytes; of y = W^T x, *transposed. */
static uint64_t hash_products(const lsq_context *ctx, lsq_format f, size_t m, size_t k, uint64_t *transposed)
{
    size_t bytes;
    uint8_t *packed = random_packed(f, m, k, 4711, f.scale == LSQ_SCALE_NONE ? 1 : 0.0123f, &bytes);
    float *x = memory(m * k * sizeof(*x)), *y = memory((m + k) * sizeof(*y)),
          *decoded = memory(m * k * sizeof(*decoded));
    lsq_weights *w = wrap(f, m, k, packed, bytes);
    fill_bell(42, x, m + k);
    OK(lsq_dequantize(ctx, w, 0, m, decoded, k));
    OK(lsq_sgemv(ctx, LSQ_NO_TRANS, 1.25f, w, x, 1, 0, y, 1));
    OK(lsq_sgemv(ctx, LSQ_NO_TRANS, -0.7f, w, x + m, -1, 0.5f, y, 1));
    OK(lsq_sgemv(ctx, LSQ_TRANS, 1.25f, w, x, 1, 0, y + m, 1));
    OK(lsq_sgemv(ctx, LSQ_TRANS, -0.7f, w, x + k, -1, 0.5f, y + m, 1));
    uint64_t hash = fnv_add(FNV_START, decoded, m * k * sizeof(*decoded));
    hash = fnv_add(hash, y, m * sizeof(*y));
    *transposed = fnv_add(FNV_START, y + m, k * sizeof(*y));
    lsq_weights_free(w);
    free(packed);
    free(x);
    free(y);
    free(decoded);
    return hash;
}

enum { ROWS = 277, COLUMNS = 83, MANY_ROWS = 1300, MANY_COLUMNS = 1000 };

static const char *const tall[] = {"c4.row", "s2", "s5", "s8", "t1.st4", "t2.nib32", "t4", "t6.byte32.st64", "b1"};

/* ---- The file ---- */

static char golden[32768];

static void read_golden(void)
{
    FILE *file = fopen(TEST_DATA "/../golden/bits.txt", "r");
    ck_assert_ptr_nonnull(file);
    size_t n = fread(golden, 1, sizeof(golden) - 1, file);
    fclose(file);
    ck_assert_uint_lt(n, sizeof(golden) - 1);
    golden[n] = '\0';
}

static void list_formats(void)
{
    ck_assert_uint_eq(usual_formats(formats, USUAL_FORMATS), USUAL_FORMATS);
    read_golden();
}

/* The hash in the line "what name hash". */
static void expect_hash(const char *what, const char *name, uint64_t hash, const char *where)
{
    char head[64], got[20];
    snprintf(head, sizeof(head), "\n%s %s ", what, name);
    const char *line = strstr(golden, head);
    EXPECT(line != NULL, "golden/bits.txt has no %s of %s", what, name);
    snprintf(got, sizeof(got), "%016" PRIx64, hash);
    EXPECT(!strncmp(line + strlen(head), got, 16), "%s of %s are others%s%s: %s", what, name, *where ? " on " : "",
           where, got);
}

/* Every alphabet once: levels do not depend on scales or states. */
static int nth_alphabet(size_t i, lsq_format *f)
{
    *f = (lsq_format){(uint8_t)(i / 88), (uint8_t)(i % 11), LSQ_SCALE_BYTE32, (uint8_t)(i / 88 == 2 ? 4 : 0),
                      (uint8_t)(i / 11 % 8)};
    return i < 4 * 88;
}

/* A test only because Check's assertions need one. */
START_TEST(print_golden)
{
    lsq_format f;
    uint64_t transposed;
    size_t count = usual_formats(formats, USUAL_FORMATS);
    puts("# what, of which format, FNV-1a: written by test_golden --print");
    for (size_t i = 0; nth_alphabet(i, &f); i++)
        if (is_format(f))
            printf("levels %s %016" PRIx64 "\n", name_of(f), hash_levels(f));
    for (size_t i = 0; i < count; i++) {
        const char *name = name_of(formats[i]);
        printf("packed %s %016" PRIx64 "\n", name, hash_packed(formats[i], LSQ_ROUND_PUBLISHED));
        if (formats[i].codec == LSQ_CLASSIC)
            printf("nearest %s %016" PRIx64 "\n", name, hash_packed(formats[i], LSQ_ROUND_NEAREST));
        printf("products %s %016" PRIx64 "\n", name, hash_products(NULL, formats[i], ROWS, COLUMNS, &transposed));
        printf("transposed %s %016" PRIx64 "\n", name, transposed);
    }
    for (size_t i = 0; i < COUNT(tall); i++) {
        printf("many %s %016" PRIx64 "\n", tall[i],
               hash_products(NULL, format_named(tall[i]), MANY_ROWS, MANY_COLUMNS, &transposed));
        printf("many_transposed %s %016" PRIx64 "\n", tall[i], transposed);
    }
}
END_TEST

/* ---- Tests ---- */

START_TEST(level_tables)
{
    lsq_format f;
    size_t tables = 0;
    for (size_t i = 0; nth_alphabet(i, &f); i++)
        if (is_format(f)) {
            expect_hash("levels", name_of(f), hash_levels(f), "");
            tables++;
        }
    ck_assert_uint_eq(tables, 7 + 8 * 8 + 6 * 8 + 1);
}
END_TEST

START_TEST(quantised_bytes)
{
    expect_hash("packed", name_of(formats[_i]), hash_packed(formats[_i], LSQ_ROUND_PUBLISHED), "");
    if (formats[_i].codec == LSQ_CLASSIC)
        expect_hash("nearest", name_of(formats[_i]), hash_packed(formats[_i], LSQ_ROUND_NEAREST), "");
}
END_TEST

static lsq_context *context_of(const char *isa)
{
    lsq_context *ctx = NULL;
    lsq_context_options options = {.size = sizeof(options), .max_isa = isa, .threads = 1, .tune_file = "none"};
    OK(lsq_context_new(&options, &ctx, NULL));
    return ctx;
}

START_TEST(products_of_every_level)
{
    lsq_context *ctx = context_of(lsq_isa_names[_i]);
    for (size_t i = 0; i < USUAL_FORMATS; i++) {
        uint64_t transposed, plain = hash_products(ctx, formats[i], ROWS, COLUMNS, &transposed);
        expect_hash("products", name_of(formats[i]), plain, lsq_isa_names[_i]);
        expect_hash("transposed", name_of(formats[i]), transposed, lsq_isa_names[_i]);
    }
    lsq_context_free(ctx);
}
END_TEST

START_TEST(products_of_many_rows)
{
    for (size_t i = 0; i < COUNT(tall); i++) {
        uint64_t transposed, plain = hash_products(NULL, format_named(tall[i]), MANY_ROWS, MANY_COLUMNS, &transposed);
        expect_hash("many", tall[i], plain, "");
        expect_hash("many_transposed", tall[i], transposed, "");
    }
}
END_TEST

int main(int argc, char **argv)
{
    Suite *suite = suite_create("golden");
    if (argc == 2 && !strcmp(argv[1], "--print")) {
        tcase_add_test(new_case(suite, "print"), print_golden);
        SRunner *runner = srunner_create(suite);
        srunner_set_fork_status(runner, CK_NOFORK);
        srunner_run_all(runner, CK_SILENT);
        int failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed != 0;
    }
    TCase *bits = new_case(suite, "bits");
    tcase_add_checked_fixture(bits, list_formats, NULL);
    tcase_add_test(bits, level_tables);
    tcase_add_loop_test(bits, quantised_bytes, 0, USUAL_FORMATS);
    tcase_add_loop_test(bits, products_of_every_level, 0, ISAS);
    tcase_add_test(bits, products_of_many_rows);
    return run_suite(suite);
}
