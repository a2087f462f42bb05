/*
 * test_compressor.c - whole models within limits, and tensors in strips: the same bytes however little memory there is.
 */
#include "tests/model_sample.h"

#include <inttypes.h>
#include <math.h>

enum { ROWS = 1000, COLUMNS = 96 };

static lsq_format format_of(const char *name)
{
    lsq_format format;
    OK(lsq_format_parse(name, &format, &sample_err));
    return format;
}

/* Three matrices, of which one is for the last axis and one holds a NaN, and what is no matrix. */
static void write_source(const char *path)
{
    static float numbers[ROWS * COLUMNS];
    static const int64_t steps[4] = {1, 2, 3, 4};
    lsq_writer *w = NULL;
    OK(lsq_writer_new(path, 1, &w, &sample_err));
    OK(lsq_writer_metadata(w, "license", "none", &sample_err));
    fill(numbers, ROWS * COLUMNS, 1);
    for (size_t i = 0; i < ROWS * COLUMNS; i++)
        numbers[i] *= numbers[i] * numbers[i]; /* heavier tails */
    lsq_tensor t = tensor_like("a", LSQ_F32, 2, ROWS, COLUMNS, 0, 0);
    OK(lsq_writer_plain(w, &t, numbers, &sample_err));
    t = tensor_like("kernel", LSQ_F32, 4, 3, 3, 32, 320);
    OK(lsq_writer_plain(w, &t, numbers, &sample_err));
    t = tensor_like("steps", LSQ_I64, 1, 4, 0, 0, 0);
    OK(lsq_writer_plain(w, &t, steps, &sample_err));
    numbers[700 * COLUMNS + 5] = NAN;
    t = tensor_like("broken", LSQ_F32, 2, ROWS, COLUMNS, 0, 0);
    OK(lsq_writer_plain(w, &t, numbers, &sample_err));
    OK(lsq_writer_finish(w, &sample_err));
    lsq_writer_free(w);
}

static uint64_t size_of(const char *path)
{
    struct stat st;
    ck_assert_int_eq(stat(path, &st), 0);
    return (uint64_t)st.st_size;
}

START_TEST(published_targets)
{
    lsq_compressor c;
    lsq_compression r;
    lsq_model *model = NULL;
    write_source(in_folder("in"));
    lsq_compressor_init(&c);
    ck_assert(c.outlier_ratio == 0.02 && c.target_ram_mb == 400 && c.target_storage_gb == 4 &&
              c.quality_threshold == 1);
    c.target_ram_mb = 1 << 20; /* sanitizers take what they take */
    OK(lsq_compress(&c, NULL, in_folder("in"), in_folder("out"), &r, &sample_err));
    ck_assert(!r.all_targets_achieved && !r.quality_target_achieved);
    ck_assert(r.ram_target_achieved && r.storage_target_achieved);
    ck_assert_uint_eq(r.input_bytes, size_of(in_folder("in")));
    ck_assert_uint_eq(r.file_bytes, size_of(in_folder("out")));
    ck_assert(r.compression_ratio == (double)r.input_bytes / (double)r.file_bytes);
    ck_assert_uint_eq(r.quantised, 2);
    ck_assert_uint_eq(r.kept, 2);
    ck_assert_uint_eq(r.weights, ROWS * COLUMNS + 3 * 3 * 32 * 320);
    ck_assert_uint_le(r.outliers, r.weights / 50);
    ck_assert_uint_ge(r.outliers, r.weights / 50 - r.weights / 1000);
    ck_assert(r.quality_loss > 20 && r.quality_loss < 80 && r.published_loss < r.quality_loss / 3);
    ck_assert(fabs(r.quality_loss - 100 * pow(10, -r.snr / 20)) < 0.1 * r.quality_loss);
    ck_assert(r.bits_per_weight > 1 && r.bits_per_weight < 1.5);
    ck_assert_int_eq(r.dtype, LSQ_F32);
    OK(lsq_model_open(in_folder("out"), LSQ_OPEN_VERIFY, &model, &sample_err));
    ck_assert_uint_eq(lsq_model_count(model), 4);
    ck_assert_uint_eq(lsq_model_find(model, "kernel", NULL)->output_axis, 3);
    ck_assert(!lsq_model_find(model, "broken", NULL)->quantised);
    const char *key, *value;
    ck_assert(lsq_model_metadata(model, 0, &key, &value) && !strcmp(key, "license"));
    lsq_model_free(model);
}
END_TEST

START_TEST(all_targets_can_be_met)
{
    lsq_compressor c;
    lsq_compression r;
    write_source(in_folder("in"));
    lsq_compressor_init(&c);
    c.target_ram_mb = 1 << 20;
    c.format = format_of("s8");
    c.outlier_ratio = 0;
    OK(lsq_compress(&c, NULL, in_folder("in"), in_folder("out"), &r, &sample_err));
    ck_assert(r.all_targets_achieved && r.quality_loss <= 1);
}
END_TEST

START_TEST(limits_are_kept)
{
    lsq_compressor c;
    lsq_compression r = {.kept = 99};
    write_source(in_folder("in"));
    lsq_compressor_init(&c);
    c.target_ram_mb = 1 << 20;
    c.target_storage_gb = 200000 * 0x1p-30;
    ck_assert_int_eq(lsq_compress(&c, NULL, in_folder("in"), in_folder("out"), &r, &sample_err), LSQ_E_LIMIT);
    ck_assert_ptr_nonnull(strstr(sample_err.text, "200000"));
    c.target_storage_gb = 4;
    c.target_ram_mb = 0.5;
    ck_assert_int_eq(lsq_compress(&c, NULL, in_folder("in"), in_folder("out"), &r, &sample_err), LSQ_E_LIMIT);
    uint64_t would_do = 0;
    const char *limit = strstr(sample_err.text, "the limit is ");
    ck_assert_msg(limit && sscanf(limit, "the limit is 524288, target_ram_mb = %" SCNu64, &would_do) == 1, "%s",
                  sample_err.text);
    ck_assert_uint_gt(would_do, 16);
    ck_assert_int_ne(access(in_folder("out"), F_OK), 0);
    ck_assert_uint_eq(r.kept, 99);
}
END_TEST

START_TEST(what_it_refuses)
{
    lsq_compressor good, c;
    lsq_compression r;
    write_source(in_folder("in"));
    lsq_compressor_init(&good);
#define REFUSED(field, bad)                                                                                            \
    c = good;                                                                                                          \
    c.field = bad;                                                                                                     \
    ck_assert_int_eq(lsq_compress(&c, NULL, in_folder("in"), in_folder("out"), &r, &sample_err), LSQ_E_ARGUMENT);      \
    ck_assert_ptr_nonnull(strstr(sample_err.text, #field));
    REFUSED(size, 1)
    REFUSED(outlier_ratio, 0.2)
    REFUSED(outlier_ratio, NAN)
    REFUSED(target_ram_mb, 0)
    REFUSED(target_ram_mb, NAN)
    REFUSED(target_storage_gb, -1)
    REFUSED(quality_threshold, NAN)
    c = good;
    c.format.bits = 12;
    ck_assert_int_eq(lsq_compress(&c, NULL, in_folder("in"), in_folder("out"), &r, &sample_err), LSQ_E_ARGUMENT);
    ck_assert_int_eq(lsq_compress(&good, NULL, in_folder("none"), in_folder("out"), &r, &sample_err), LSQ_E_IO);
    write_file(in_folder("there"), "precious", 8);
    ck_assert_int_eq(lsq_compress(&good, NULL, in_folder("in"), in_folder("there"), &r, &sample_err), LSQ_E_IO);
    ck_assert_uint_eq(size_of(in_folder("there")), 8);
}
END_TEST

/* ---- Strips ------------------------------------------------------------------------------------------------------ */

static const char *const formats[] = {"b1", "s4", "t2", "c8.none", "s3.row", "t4.nib32"};

static lsq_status count_rows(void *arg, size_t row, size_t rows, const float *w, const lsq_weights *quantised)
{
    size_t *count = arg;
    ck_assert_uint_eq(row, count[0]);
    ck_assert_uint_eq(lsq_weights_rows(quantised), rows);
    ck_assert(w[0] == w[0]);
    count[0] += rows;
    count[1]++;
    return LSQ_OK;
}

static lsq_status quantise(const lsq_model *model, const char *name, unsigned axis, const char *format_name,
                           double outliers, size_t memory, const char *path, size_t count[2])
{
    const lsq_quantize_options how = {
        .size = sizeof how, .curve = LSQ_CURVE_BEST, .outliers = outliers, .outlier_choice = LSQ_OUTLIERS_LARGEST};
    const lsq_format format = format_of(format_name);
    lsq_writer *w = NULL;
    size_t i;
    ck_assert_ptr_nonnull(lsq_model_find(model, name, &i));
    OK(lsq_writer_new(path, 1, &w, &sample_err));
    lsq_status status =
        lsq_writer_quantise(w, NULL, model, i, axis, &format, &how, memory, count_rows, count, &sample_err);
    if (status == LSQ_OK) {
        ck_assert_str_eq(lsq_writer_last(w)->name, name);
        ck_assert_uint_eq(lsq_writer_last(w)->output_axis, axis);
        OK(lsq_writer_finish(w, &sample_err));
    }
    lsq_writer_free(w);
    return status;
}

START_TEST(strips_give_the_same_bytes)
{
    const char *name = formats[_i / 4];
    const int last_axis = _i / 2 % 2;
    const char *tensor = last_axis ? "kernel" : "a";
    const double outliers = _i % 2 ? 0.02 : 0;
    size_t whole[2] = {0}, strips[2] = {0}, size, other;
    lsq_model *model = NULL;
    write_source(in_folder("in"));
    OK(lsq_model_open(in_folder("in"), 0, &model, &sample_err));
    const lsq_format format = format_of(name);
    const lsq_quantize_options how = {.size = sizeof how, .outliers = outliers};
    const uint64_t least = lsq_quantise_memory(lsq_model_find(model, tensor, NULL), last_axis ? 3 : 0, &format, &how);
    OK(quantise(model, tensor, last_axis ? 3 : 0, name, outliers, SIZE_MAX, in_folder("whole"), whole));
    OK(quantise(model, tensor, last_axis ? 3 : 0, name, outliers, (size_t)least, in_folder("strips"), strips));
    ck_assert_uint_eq(whole[1], 1);
    ck_assert_uint_eq(strips[1], last_axis ? 2 : 4);
    ck_assert_uint_eq(whole[0], strips[0]);
    uint8_t *a = contents_of(in_folder("whole"), &size), *b = contents_of(in_folder("strips"), &other);
    ck_assert_uint_eq(size, other);
    ck_assert(memcmp(a, b, size) == 0);
    free(a);
    free(b);
    ck_assert_int_eq(
        quantise(model, tensor, last_axis ? 3 : 0, name, outliers, (size_t)least - 2, in_folder("x"), strips),
        LSQ_E_LIMIT);
    lsq_model_free(model);
}
END_TEST

static lsq_status refuse(void *arg, size_t row, size_t rows, const float *w, const lsq_weights *quantised)
{
    (void)row;
    (void)rows;
    (void)w;
    (void)quantised;
    return *(lsq_status *)arg;
}

START_TEST(the_callers_function_ends_it)
{
    lsq_status own = LSQ_E_CONFIG;
    const lsq_format format = format_of("s4");
    lsq_model *model = NULL;
    write_source(in_folder("in"));
    OK(lsq_model_open(in_folder("in"), 0, &model, &sample_err));
    ck_assert_int_eq(lsq_writer_quantise(NULL, NULL, model, 0, 0, &format, NULL, SIZE_MAX, refuse, &own, &sample_err),
                     LSQ_E_CONFIG);
    own = LSQ_OK;
    OK(lsq_writer_quantise(NULL, NULL, model, 0, 0, &format, NULL, SIZE_MAX, refuse, &own, &sample_err));
    ck_assert_int_eq(lsq_writer_quantise(NULL, NULL, model, 2, 0, &format, NULL, SIZE_MAX, NULL, NULL, &sample_err),
                     LSQ_E_ARGUMENT); /* no matrix */
    ck_assert_int_eq(lsq_writer_quantise(NULL, NULL, model, 9, 0, &format, NULL, SIZE_MAX, NULL, NULL, &sample_err),
                     LSQ_E_ARGUMENT);
    size_t i;
    ck_assert_ptr_nonnull(lsq_model_find(model, "broken", &i));
    ck_assert_int_eq(lsq_writer_quantise(NULL, NULL, model, i, 0, &format, NULL, SIZE_MAX, NULL, NULL, &sample_err),
                     LSQ_E_VALUE);
    lsq_model_free(model);
}
END_TEST

/* ---- Loss -------------------------------------------------------------------------------------------------------- */

START_TEST(parts_add_up)
{
    static float w[512 * COLUMNS];
    const lsq_format format = format_of("s3.row");
    lsq_loss whole = {0}, parts = {0};
    fill(w, 512 * COLUMNS, 3);
    for (size_t row = 0; row < 512; row += 256) {
        lsq_weights *part = NULL;
        OK(lsq_quantize(NULL, &format, 256, COLUMNS, w + row * COLUMNS, COLUMNS, NULL, &part, &sample_err));
        OK(lsq_loss_add(NULL, &parts, NULL, w + row * COLUMNS, part));
        lsq_weights_free(part);
    }
    lsq_weights *all = NULL;
    OK(lsq_quantize(NULL, &format, 512, COLUMNS, w, COLUMNS, NULL, &all, &sample_err));
    OK(lsq_loss_add(NULL, &whole, NULL, w, all));
    ck_assert(fabs(lsq_loss_snr(&whole) - lsq_loss_snr(&parts)) < 0.1);
    ck_assert(fabs(lsq_loss_of_output(&whole) - pow(10, -lsq_loss_snr(&whole) / 20)) <
              0.05 * lsq_loss_of_output(&whole));
    ck_assert(whole.weights == 512 * COLUMNS && parts.lowest == whole.lowest && parts.highest == whole.highest);
    /* By hand. */
    static float decoded[512 * COLUMNS];
    double noise = 0, distance = 0;
    OK(lsq_dequantize(NULL, all, 0, 512, decoded, COLUMNS));
    for (size_t i = 0; i < 512 * COLUMNS; i++) {
        const double off = fabs((double)w[i] - (double)decoded[i]);
        noise += off * off;
        distance += off;
    }
    ck_assert(fabs(whole.noise - noise) < 1e-9 * noise);
    ck_assert(fabs(lsq_loss_of_range(&whole) * whole.weights * (whole.highest - whole.lowest) - distance) <
              1e-9 * distance);
    lsq_weights_free(all);
    /* What is exact has no loss. */
    memset(w, 0, sizeof w);
    lsq_loss none = {0};
    OK(lsq_quantize(NULL, &format, 16, COLUMNS, w, COLUMNS, NULL, &all, &sample_err));
    OK(lsq_loss_add(NULL, &none, NULL, w, all));
    ck_assert(isinf(lsq_loss_snr(&none)) && lsq_loss_of_output(&none) == 0);
    lsq_weights_free(all);
}
END_TEST

/* Adds w in parts of so many rows. */
static void measure_loss(unsigned threads, size_t part, const float *w, lsq_loss *loss, uint64_t *errors)
{
    const lsq_format format = format_of("s2.row");
    const lsq_context_options options = {.size = sizeof options, .threads = threads};
    lsq_context *ctx = NULL;
    OK(lsq_context_new(&options, &ctx, &sample_err));
    for (size_t row = 0; row < ROWS; row += part) {
        const size_t rows = ROWS - row < part ? ROWS - row : part;
        lsq_weights *quantised = NULL;
        OK(lsq_quantize(ctx, &format, rows, COLUMNS, w + row * COLUMNS, COLUMNS, NULL, &quantised, &sample_err));
        OK(lsq_loss_add(ctx, loss, errors, w + row * COLUMNS, quantised));
        lsq_weights_free(quantised);
    }
    lsq_context_free(ctx);
}

START_TEST(loss_is_the_same_on_threads)
{
    static const unsigned threads[] = {1, 2, 7};
    static float w[ROWS * COLUMNS];
    lsq_loss first = {0};
    uint64_t counts[LSQ_ERROR_BINS] = {0}, all = 0, largest = 0;
    fill(w, ROWS * COLUMNS, 4);
    for (size_t i = 0; i < ROWS * COLUMNS; i++)
        w[i] += i % 5 ? 0.5f : 0; /* a mean, and zeros */
    w[ROWS * COLUMNS - 1] = 2;    /* of the last chunk: a float for all parts */
    for (size_t part = 256; part < ROWS; part += 256)
        w[part * COLUMNS - 1] = 2;
    measure_loss(1, ROWS, w, &first, counts);
    for (size_t i = 0; i < LSQ_ERROR_BINS; i++) {
        all += counts[i];
        largest = counts[i] ? i : largest;
    }
    const float bound = (float)first.largest_error;
    uint32_t bits;
    memcpy(&bits, &bound, sizeof bits);
    ck_assert(all == ROWS * COLUMNS && largest == bits >> 16 && first.weights == ROWS * COLUMNS);
    double powers[4] = {0}; /* by hand */
    for (size_t i = 0; i < ROWS * COLUMNS; i++)
        for (int p = 0; p < 4; p++)
            powers[p] += pow((double)w[i] - first.first, p + 1);
    for (int p = 0; p < 4; p++)
        ck_assert(fabs(first.powers[p] - powers[p]) < 1e-9 * first.powers[3] * ROWS);
    for (size_t i = 0; i < sizeof threads / sizeof *threads; i++)
        for (size_t part = 256; part <= 1024; part *= 2) {
            lsq_loss loss = {0};
            uint64_t errors[LSQ_ERROR_BINS] = {0};
            measure_loss(threads[i], part, w, &loss, errors);
            ck_assert_msg(!memcmp(&loss, &first, sizeof loss), "%u threads, %zu rows: another loss", threads[i], part);
            ck_assert_msg(!memcmp(errors, counts, sizeof errors), "%u threads, %zu rows: other errors", threads[i],
                          part);
        }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("compressor");
    TCase *models = tcase_create("models"), *strips = tcase_create("strips");
    tcase_add_checked_fixture(models, make_folder, drop_folder);
    tcase_add_checked_fixture(strips, make_folder, drop_folder);
    tcase_set_timeout(models, 60);
    tcase_set_timeout(strips, 60);
    tcase_add_test(models, published_targets);
    tcase_add_test(models, all_targets_can_be_met);
    tcase_add_test(models, limits_are_kept);
    tcase_add_test(models, what_it_refuses);
    tcase_add_loop_test(strips, strips_give_the_same_bytes, 0, 4 * (int)(sizeof formats / sizeof *formats));
    tcase_add_test(strips, the_callers_function_ends_it);
    tcase_add_test(strips, parts_add_up);
    tcase_add_test(strips, loss_is_the_same_on_threads);
    suite_add_tcase(suite, models);
    suite_add_tcase(suite, strips);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
