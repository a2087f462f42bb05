/*
 * test_visit.c - tensors in pieces are what they are as a whole, in every form.
 */
#include "model/dtype.h"
#include "tests/emulated.h"
#include "tests/model_sample.h"

#include <errno.h>
#include <math.h>

enum { PIECE_MAX = 1 << 20, GIVEN_UP = 77 };

/* What came of a visit. */
typedef struct {
    size_t index, pieces, refused_at; /* the piece that is answered with an error; 0: none */
    uint64_t size, total;
    uint8_t *bytes;
} visited;

static lsq_status take(void *arg, const lsq_piece *piece)
{
    visited *v = arg;
    ck_assert_uint_eq(piece->index, v->index);
    ck_assert_uint_eq(piece->offset, v->size);
    if (v->pieces++ == 0) {
        v->total = piece->total;
        v->bytes = malloc(piece->total + 1);
        ck_assert_ptr_nonnull(v->bytes);
    }
    ck_assert_uint_eq(piece->total, v->total);
    ck_assert_uint_le(piece->size, PIECE_MAX);
    ck_assert_uint_le(v->size + piece->size, v->total);
    if (piece->tensor->quantised) /* never packed form and outliers at once */
        ck_assert(piece->offset >= piece->tensor->bytes || piece->offset + piece->size <= piece->tensor->bytes ||
                  piece->total != piece->tensor->bytes + piece->tensor->outlier_bytes);
    if (piece->size)
        memcpy(v->bytes + v->size, piece->bytes, piece->size);
    v->size += piece->size;
    errno = 33;
    return v->pieces == v->refused_at ? (lsq_status)GIVEN_UP : LSQ_OK;
}

static visited visit(const lsq_model *model, size_t i, lsq_form form)
{
    visited v = {.index = i};
    errno = 12;
    OK(lsq_model_visit(model, i, form, take, &v, &sample_err));
    ck_assert_int_eq(errno, 12);
    ck_assert_uint_ge(v.pieces, 1);
    ck_assert_uint_eq(v.size, v.total);
    return v;
}

static void expect(const lsq_model *model, size_t i, lsq_form form, const void *bytes, size_t size)
{
    visited v = visit(model, i, form);
    ck_assert_uint_eq(v.size, size);
    ck_assert(size == 0 || memcmp(v.bytes, bytes, size) == 0);
    free(v.bytes);
}

/* Tensor i in all forms, against what reads it whole. */
static void expect_tensor(const lsq_model *model, size_t i)
{
    const lsq_tensor *t = lsq_model_tensor(model, i);
    const lsq_weights *weights = NULL;
    float *numbers = malloc((t->elements + 1) * sizeof *numbers);
    OK(lsq_model_read(model, i, numbers, &sample_err));
    expect(model, i, LSQ_FORM_F32, numbers, t->elements * 4);
    if (t->quantised) {
        size_t size;
        OK(lsq_model_weights(model, i, &weights, &sample_err));
        visited v = visit(model, i, LSQ_FORM_STORED);
        ck_assert_uint_eq(v.size, t->bytes + t->outlier_bytes);
        ck_assert_mem_eq(v.bytes, lsq_weights_packed(weights), t->bytes);
        const void *outliers = lsq_weights_outliers(weights, &size, NULL);
        ck_assert_uint_eq(size, t->outlier_bytes);
        ck_assert(size == 0 || memcmp(v.bytes + t->bytes, outliers, size) == 0);
        free(v.bytes);
    } else if (lsq_model_blocks(model, i, NULL)) {
        expect(model, i, LSQ_FORM_STORED, numbers, t->bytes);
    } else {
        expect(model, i, LSQ_FORM_STORED, lsq_model_bytes(model, i), t->bytes);
    }
    if (t->dtype == LSQ_F16 && !t->quantised) {
        expect(model, i, LSQ_FORM_F16, lsq_model_bytes(model, i), t->bytes);
    } else if (lsq_dtype_to_half(numbers, t->elements, (uint8_t *)numbers) == t->elements) {
        expect(model, i, LSQ_FORM_F16, numbers, t->elements * 2);
    }
    free(numbers);
}

static void expect_model(const char *path, unsigned flags)
{
    lsq_model *model = NULL;
    OK(lsq_model_open(path, flags, &model, &sample_err));
    ck_assert_uint_gt(lsq_model_count(model), 0);
    for (size_t i = 0; i < lsq_model_count(model); i++)
        expect_tensor(model, i);
    lsq_model_free(model);
}

START_TEST(pieces_are_the_whole)
{
    write_sample(in_folder("sample"));
    write_with_outliers(in_folder("outliers"));
    for (unsigned flags = 0; flags <= LSQ_OPEN_READ; flags += LSQ_OPEN_READ) {
        expect_model(in_folder("sample"), flags);
        expect_model(in_folder("outliers"), flags);
        expect_model(TEST_DATA "/all_types.safetensors", flags);
        expect_model(TEST_DATA "/fixture.safetensors", flags);
        expect_model(TEST_DATA "/gguf/blocks.gguf", flags);
        expect_model(TEST_DATA "/../golden/v1_b4_two.lsq", flags);
        expect_model(TEST_DATA "/npy/columns of rank 8.npy", flags);
    }
}
END_TEST

/* Several pieces: rows in their order, one long row, rows along the last axis (which come back in another order), numbers. */
START_TEST(large_tensors_come_in_pieces)
{
    static const struct {
        uint64_t shape[3];
        unsigned axis;
        const char *format;
    } large[] = {{{700, 1000, 1}, 0, "b1"},
                 {{3, 600000, 1}, 0, "b1"},
                 {{1, 700, 1000}, 1, "b1"},
                 {{300, 3, 1001}, 2, "b1"},
                 {{900, 5, 200}, 1, "s2.row"}};
    lsq_writer *w = NULL;
    lsq_model *model = NULL;
    char name[] = "0";
    OK(lsq_writer_new(in_folder("large"), 0, &w, &sample_err));
    for (size_t i = 0; i < sizeof large / sizeof *large; i++, name[0]++) {
        const uint64_t *s = large[i].shape;
        const lsq_tensor t = tensor_like(name, LSQ_F32, 3, s[0], s[1], s[2], 0);
        add_quantised(w, &t, large[i].axis, large[i].format, (uint32_t)i);
    }
    const lsq_tensor plain = tensor_like("plain", LSQ_I16, 1, 700001, 0, 0, 0);
    int16_t *numbers = malloc(700001 * sizeof *numbers);
    for (int i = 0; i < 700001; i++)
        numbers[i] = (int16_t)(i * 31);
    OK(lsq_writer_plain(w, &plain, numbers, &sample_err));
    free(numbers);
    OK(lsq_writer_finish(w, &sample_err));
    lsq_writer_free(w);
    expect_model(in_folder("large"), 0);
    OK(lsq_model_open(in_folder("large"), 0, &model, &sample_err));
    visited v = visit(model, 0, LSQ_FORM_F32);
    ck_assert_uint_eq(v.pieces, 3);
    free(v.bytes);
    lsq_model_free(model);
}
END_TEST

/* Pieces of a checksum, on their way, of which there are `total` bytes. */
typedef struct told {
    uint64_t bytes, pieces;
} told;

static lsq_status be_told(void *arg, const lsq_piece *piece)
{
    told *t = arg;
    ck_assert_uint_eq(piece->offset, t->bytes);
    ck_assert_uint_le(piece->size, 4 << 20);
    t->bytes += piece->size;
    t->pieces++;
    return t->bytes == piece->total ? LSQ_OK : (lsq_status)(t->pieces == 2 ? GIVEN_UP : LSQ_OK);
}

START_TEST(checksums_are_told_of)
{
    enum { LARGE = 9 << 20 };
    lsq_writer *w = NULL;
    lsq_model *model = NULL;
    const lsq_tensor large = tensor_like("large", LSQ_U8, 1, LARGE, 0, 0, 0);
    uint8_t *numbers = calloc(LARGE, 1);
    OK(lsq_writer_new(in_folder("large"), 0, &w, &sample_err));
    OK(lsq_writer_plain(w, &large, numbers, &sample_err));
    OK(lsq_writer_finish(w, &sample_err));
    lsq_writer_free(w);
    free(numbers);
    OK(lsq_model_open(in_folder("large"), 0, &model, &sample_err));
    told t = {0};
    ck_assert_int_eq(lsq_model_verify_pieces(model, 0, be_told, &t, NULL), GIVEN_UP);
    ck_assert(t.pieces == 2 && t.bytes == 8 << 20);
    lsq_model_free(model);
    write_with_outliers(in_folder("outliers"));
    OK(lsq_model_open(in_folder("outliers"), 0, &model, &sample_err));
    for (size_t i = 0; i < lsq_model_count(model); i++) {
        const lsq_tensor *tensor = lsq_model_tensor(model, i);
        t = (told){0};
        errno = 12;
        OK(lsq_model_verify_pieces(model, i, be_told, &t, &sample_err));
        ck_assert_int_eq(errno, 12);
        ck_assert_uint_eq(t.bytes, tensor->bytes + tensor->outlier_bytes);
        visited v = {.index = i, .refused_at = 1};
        ck_assert_int_eq(lsq_model_verify_pieces(model, i, take, &v, NULL), tensor->bytes ? GIVEN_UP : LSQ_OK);
        free(v.bytes);
    }
    ck_assert_int_eq(lsq_model_verify_pieces(model, 99, be_told, &t, NULL), LSQ_E_ARGUMENT);
    lsq_model_free(model);
}
END_TEST

START_TEST(who_is_called_ends_it)
{
    lsq_model *model = NULL;
    write_with_outliers(in_folder("outliers"));
    OK(lsq_model_open(in_folder("outliers"), 0, &model, &sample_err));
    for (size_t i = 0; i < lsq_model_count(model); i++)
        for (int form = LSQ_FORM_STORED; form <= LSQ_FORM_F16; form++) {
            visited v = {.index = i, .refused_at = 1};
            lsq_error err = {.text = "as it was"};
            ck_assert_int_eq(lsq_model_visit(model, i, (lsq_form)form, take, &v, &err), GIVEN_UP);
            ck_assert_uint_eq(v.pieces, 1);
            ck_assert_str_eq(err.text, "as it was");
            free(v.bytes);
        }
    visited v = {0};
    ck_assert_int_eq(lsq_model_visit(NULL, 0, LSQ_FORM_F32, take, &v, &sample_err), LSQ_E_ARGUMENT);
    ck_assert_int_eq(lsq_model_visit(model, 0, LSQ_FORM_F32, NULL, &v, &sample_err), LSQ_E_ARGUMENT);
    ck_assert_int_eq(lsq_model_visit(model, 0, (lsq_form)3, take, &v, NULL), LSQ_E_ARGUMENT);
    ck_assert_int_eq(lsq_model_visit(model, 99, LSQ_FORM_F32, take, &v, NULL), LSQ_E_ARGUMENT);
    ck_assert_uint_eq(v.pieces, 0);
    lsq_model_free(model);
}
END_TEST

/* ---- Float16 ----------------------------------------------------------------------------------------------------- */

static uint32_t bits_of(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static unsigned half_of(float value)
{
    uint8_t half[2] = {0};
    ck_assert_uint_eq(lsq_dtype_to_half(&value, 1, half), 1);
    return half[0] + 256u * half[1];
}

static float float_of(unsigned half)
{
    const uint8_t bytes[2] = {(uint8_t)half, (uint8_t)(half >> 8)};
    float value;
    lsq_dtype_to_float(LSQ_F16, bytes, 1, &value);
    return value;
}

/* Each float16 is itself; half way between two neighbours the even one is the nearest, and a little beside it the nearer one. */
START_TEST(float16_is_the_nearest_half_to_even)
{
    for (unsigned h = 0; h < 0x7c00; h++) {
        const float value = float_of(h), next = h == 0x7bff ? 65536.0f : float_of(h + 1), middle = (value + next) / 2;
        ck_assert_uint_eq(half_of(value), h);
        ck_assert_uint_eq(half_of(-value), h | 0x8000);
        ck_assert_uint_eq(half_of(nextafterf(middle, value)), h);
        if (h == 0x7bff)
            break;
        ck_assert_uint_eq(half_of(middle), h + h % 2);
        ck_assert_uint_eq(half_of(nextafterf(middle, next)), h + 1);
        ck_assert_uint_eq(half_of(-middle), (h + h % 2) | 0x8000);
    }
    ck_assert_uint_eq(half_of(INFINITY), 0x7c00);
    ck_assert_uint_eq(half_of(-INFINITY), 0xfc00);
    for (unsigned h = 0x7c01; h < 0x8000; h++) {
        ck_assert(isnan(float_of(half_of(float_of(h)))));
        ck_assert(isnan(float_of(half_of(-float_of(h)))));
    }
    ck_assert_uint_eq(half_of(1e-30f), 0);
    ck_assert_uint_eq(half_of(-0.0f), 0x8000);
}
END_TEST

START_TEST(what_float16_cannot_hold_is_refused)
{
    static const float large[] = {65520.0f, -65520.0f, 1e30f, 3.4e38f};
    float numbers[300001] = {0};
    const size_t at = 270000;
    lsq_model *model = NULL;
    lsq_writer *w = NULL;
    const lsq_tensor t = tensor_like("t", LSQ_F32, 1, 300001, 0, 0, 0);
    numbers[at] = large[_i];
    ck_assert_uint_eq(lsq_dtype_to_half(numbers + at - 3, 5, (uint8_t[10]){0}), 3);
    OK(lsq_writer_new(in_folder("file"), 0, &w, &sample_err));
    OK(lsq_writer_plain(w, &t, numbers, &sample_err));
    OK(lsq_writer_finish(w, &sample_err));
    lsq_writer_free(w);
    OK(lsq_model_open(in_folder("file"), 0, &model, &sample_err));
    visited v = {0};
    ck_assert_int_eq(lsq_model_visit(model, 0, LSQ_FORM_F16, take, &v, &sample_err), LSQ_E_UNSUPPORTED);
    ck_assert_ptr_nonnull(strstr(sample_err.text, "number 270000 is"));
    ck_assert_uint_eq(v.pieces, 1);
    ck_assert_uint_eq(bits_of(numbers[at]), bits_of(large[_i]));
    free(v.bytes);
    lsq_model_free(model);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("visit");
    TCase *cases = tcase_create("all");
    tcase_set_timeout(cases, 100);
    tcase_add_checked_fixture(cases, make_folder, drop_folder);
    tcase_add_test(cases, pieces_are_the_whole);
    if (!emulated())
        tcase_add_test(cases, large_tensors_come_in_pieces);
    tcase_add_test(cases, checksums_are_told_of);
    tcase_add_test(cases, who_is_called_ends_it);
    tcase_add_test(cases, float16_is_the_nearest_half_to_even);
    tcase_add_loop_test(cases, what_float16_cannot_hold_is_refused, 0, 4);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
