/*
 * test_decode.c - packed bytes of every format decode to what docs/codecs.md says, whatever the bytes.
 */
#include "tests/core_sample.h"
#include "tests/guarded.h"
#include "tests/naive_decode.h"

/* Two chains of a trellis, the second one short, and neither whole panels nor whole groups. */
enum { M = 256 + 37, K = 75, LD = K + 5 };

static lsq_format formats[USUAL_FORMATS];

static void list_formats(void)
{
    ck_assert_uint_eq(usual_formats(formats, USUAL_FORMATS), USUAL_FORMATS);
}

static void check_decoding(lsq_format f, const uint8_t *packed, size_t bytes)
{
    lsq_weights *w = wrap(f, M, K, packed, bytes);
    naive n = naive_open(f, M, K, packed);
    float *got = memory(M * LD * sizeof(*got));
    uint32_t *codes = memory(M * LD * sizeof(*codes));
    OK(lsq_dequantize(NULL, w, 0, M, got, LD));
    OK(lsq_weights_codes(w, 0, M, codes, LD));
    for (size_t r = 0; r < M; r++)
        for (size_t c = 0; c < K; c++) {
            float expected = naive_weight(&n, r, c);
            EXPECT(!memcmp(&got[r * LD + c], &expected, sizeof(float)), "%s: (%zu, %zu) is %.9g, naively %.9g",
                   name_of(f), r, c, got[r * LD + c], expected);
            EXPECT(codes[r * LD + c] == naive_code(&n, r, c), "%s: code of (%zu, %zu)", name_of(f), r, c);
        }
    free(got);
    free(codes);
    lsq_weights_free(w);
}

START_TEST(any_bytes_decode_as_documented)
{
    size_t bytes;
    lsq_format f = formats[_i];
    uint8_t *packed = random_packed(f, M, K, 100 + (uint64_t)_i, f.scale == LSQ_SCALE_NONE ? 1 : 0.01f, &bytes);
    check_decoding(f, packed, bytes);
    free(packed);
}
END_TEST

START_TEST(every_curve)
{
    static const char *const names[] = {"s2", "s5.row", "s9.tensor", "t1", "t3.byte32.st64", "t6.nib32.st4"};
    for (size_t i = 0; i < COUNT(names); i++)
        for (uint8_t curve = 0; curve < 8; curve++) {
            size_t bytes;
            lsq_format f = format_named(names[i]);
            f.curve = curve;
            uint8_t *packed = random_packed(f, M, K, 1 + i, 3, &bytes);
            check_decoding(f, packed, bytes);
            free(packed);
        }
}
END_TEST

/* All ones, all zeros: every row scale that is zero, every nibble that is the last. */
START_TEST(extreme_bytes)
{
    static const char *const names[] = {"c3", "c9.row", "s2", "s9.row", "t1", "t4.nib32", "t6.byte32.st64", "b1"};
    for (size_t i = 0; i < COUNT(names); i++)
        for (int fill = 0; fill < 256; fill += 51) {
            size_t bytes;
            const float tensors[] = {0, 1e-40f, 3e38f};
            for (size_t t = 0; t < COUNT(tensors); t++) {
                lsq_format f = format_named(names[i]);
                uint8_t *packed = random_packed(f, M, K, 1, tensors[t], &bytes);
                memset(packed, fill, naive_open(f, M, K, packed).rows + 7);
                check_decoding(f, packed, bytes);
                free(packed);
            }
        }
}
END_TEST

/* No alignment, and nothing outside the bytes is read. */
START_TEST(packed_bytes_may_lie_anywhere)
{
    size_t bytes;
    lsq_format f = formats[_i];
    uint8_t *packed = random_packed(f, M, K, 7, 1, &bytes);
    float *expected = memory(M * K * sizeof(float)), *got = memory(M * K * sizeof(float)), y[2][M];
    lsq_weights *w = wrap(f, M, K, packed, bytes);
    OK(lsq_dequantize(NULL, w, 0, M, expected, K));
    OK(lsq_sgemv(NULL, LSQ_NO_TRANS, 1, w, expected, 1, 0, y[0], 1));
    lsq_weights_free(w);
    for (unsigned shift = 0; shift < 4; shift++) {
        /* Against the forbidden page at the end, and at odd places before it. */
        guarded g = guarded_new(bytes + shift * 7, shift != 3);
        uint8_t *at = (uint8_t *)g.data + (shift == 3 ? 0 : shift * 7);
        memcpy(at, packed, bytes);
        guarded_seal(&g);
        w = wrap(f, M, K, at, bytes);
        ck_assert_ptr_eq(lsq_weights_packed(w), at);
        OK(lsq_dequantize(NULL, w, 0, M, got, K));
        ck_assert(!memcmp(got, expected, M * K * sizeof(float)));
        OK(lsq_sgemv(NULL, LSQ_NO_TRANS, 1, w, expected, 1, 0, y[1], 1));
        ck_assert(!memcmp(y[0], y[1], sizeof(y[0])));
        lsq_weights_free(w);
        guarded_free(&g);
    }
    free(packed);
    free(expected);
    free(got);
}
END_TEST

START_TEST(any_rows_can_be_decoded_alone)
{
    static const char *const names[] = {"c5.row", "s3", "s8.tensor", "t2.st64", "t5.nib32", "b1.byte32"};
    static const size_t starts[] = {0, 1, 15, 16, 17, 31, 200, 255, 256, 257, M - 1, M};
    for (size_t i = 0; i < COUNT(names); i++) {
        size_t bytes;
        lsq_format f = format_named(names[i]);
        uint8_t *packed = random_packed(f, M, K, 3, 1, &bytes);
        lsq_weights *w = wrap(f, M, K, packed, bytes);
        float *all = memory(M * K * sizeof(float)), part[40 * LD];
        uint32_t *all_codes = memory(M * K * sizeof(*all_codes)), codes[40 * LD];
        OK(lsq_dequantize(NULL, w, 0, M, all, K));
        OK(lsq_weights_codes(w, 0, M, all_codes, K));
        for (size_t s = 0; s < COUNT(starts); s++)
            for (size_t rows = 0; rows <= 40 && starts[s] + rows <= M; rows += 1 + rows / 4) {
                memset(part, 0x55, sizeof(part));
                memset(codes, 0x55, sizeof(codes));
                OK(lsq_dequantize(NULL, w, starts[s], rows, part, LD));
                OK(lsq_weights_codes(w, starts[s], rows, codes, LD));
                for (size_t r = 0; r < 40; r++)
                    for (size_t c = 0; c < LD; c++) {
                        size_t from = (starts[s] + r) * K + c;
                        uint32_t got;
                        memcpy(&got, &part[r * LD + c], sizeof(got));
                        if (r < rows && c < K)
                            EXPECT(!memcmp(&part[r * LD + c], &all[from], 4) && codes[r * LD + c] == all_codes[from],
                                   "%s: rows [%zu, +%zu): (%zu, %zu)", names[i], starts[s], rows, r, c);
                        else
                            EXPECT(got == 0x55555555 && codes[r * LD + c] == 0x55555555, "%s: (%zu, %zu) was written",
                                   names[i], r, c);
                    }
            }
        lsq_weights_free(w);
        free(packed);
        free(all);
        free(all_codes);
    }
}
END_TEST

START_TEST(rows_outside_are_refused)
{
    static const size_t wrong[][2] = {{0, M + 1},    {M, 1},        {M + 1, 0},   {1, M},
                                      {1, SIZE_MAX}, {SIZE_MAX, 1}, {SIZE_MAX, 2}};
    size_t bytes;
    lsq_format f = format_named("s4");
    uint8_t *packed = random_packed(f, M, K, 3, 1, &bytes);
    lsq_weights *w = wrap(f, M, K, packed, bytes);
    float out = 5;
    uint32_t code = 5;
    for (size_t i = 0; i < COUNT(wrong); i++) {
        REFUSED(lsq_dequantize(NULL, w, wrong[i][0], wrong[i][1], &out, K));
        REFUSED(lsq_weights_codes(w, wrong[i][0], wrong[i][1], &code, K));
    }
    REFUSED(lsq_dequantize(NULL, w, 0, 1, &out, K - 1));
    REFUSED(lsq_weights_codes(w, 0, 1, &code, K - 1));
    ck_assert(out == 5 && code == 5);
    ck_assert_uint_eq(lsq_weights_rows(w), M);
    ck_assert_uint_eq(lsq_weights_columns(w), K);
    lsq_format same = lsq_weights_format(w);
    ck_assert_mem_eq(&same, &f, sizeof(f));
    lsq_weights_free(w);
    lsq_weights_free(NULL);
    free(packed);
}
END_TEST

START_TEST(what_cannot_be_wrapped)
{
    size_t bytes;
    lsq_format f = format_named("t4"), none = format_named("c4.none"), wrong = {LSQ_SCALAR, 1, 3, 0, 3};
    uint8_t *packed = random_packed(f, M, K, 3, 1, &bytes);
    lsq_weights *w = (lsq_weights *)(void *)&bytes;
    lsq_error err;
    REFUSED(lsq_weights_wrap(&f, M, K, packed, bytes - 1, &w, &err));
    REFUSED(lsq_weights_wrap(&f, M, K, packed, bytes + 64, &w, &err));
    REFUSED(lsq_weights_wrap(&f, M, 0, packed, bytes, &w, &err));
    REFUSED(lsq_weights_wrap(&f, 0, K, packed, bytes, &w, &err));
    REFUSED(lsq_weights_wrap(&wrong, M, K, packed, bytes, &w, &err));
    REFUSED(lsq_weights_wrap(NULL, M, K, packed, bytes, &w, &err));
    REFUSED(lsq_weights_wrap(&f, M, K, NULL, bytes, &w, &err));
    ck_assert_int_eq(lsq_weights_wrap(&f, SIZE_MAX, K, packed, bytes, &w, &err), LSQ_E_LIMIT);
    free(packed);
    static const float scales[] = {INFINITY, -INFINITY, NAN, -1, -0.0f};
    for (size_t i = 0; i < COUNT(scales); i++) {
        packed = random_packed(f, M, K, 3, scales[i], &bytes);
        err.text[0] = 0;
        ck_assert_int_eq(lsq_weights_wrap(&f, M, K, packed, bytes, &w, &err), LSQ_E_MALFORMED);
        ck_assert(err.status == LSQ_E_MALFORMED && strstr(err.text, "tensor scale"));
        free(packed);
    }
    packed = random_packed(none, M, K, 3, 0.5f, &bytes);
    ck_assert_int_eq(lsq_weights_wrap(&none, M, K, packed, bytes, &w, NULL), LSQ_E_MALFORMED);
    free(packed);
    ck_assert_ptr_eq(w, (lsq_weights *)(void *)&bytes); /* untouched by all of them */
}
END_TEST

START_TEST(codes_become_weights)
{
    for (unsigned bits = 3; bits <= 9; bits++) {
        number_source s = {bits};
        static uint32_t codes[M * LD], back[M * LD];
        static float levels[M * LD], decoded[M * LD];
        for (size_t i = 0; i < M * LD; i++)
            codes[i] = i % LD < K ? next_u32(&s) >> (32 - bits) : 0xffffffffu;
        lsq_weights *w = NULL;
        lsq_error err = {0};
        OK(lsq_weights_from_codes(bits, M, K, codes, LD, &w, &err));
        lsq_format f = lsq_weights_format(w), expected = {LSQ_CLASSIC, (uint8_t)bits, LSQ_SCALE_NONE, 0, 7};
        ck_assert_mem_eq(&f, &expected, sizeof(f));
        OK(lsq_weights_codes(w, 0, M, back, LD));
        OK(lsq_dequantize(NULL, w, 0, M, decoded, LD));
        OK(lsq_classic_decode(bits, M * LD, codes, 0, levels));
        for (size_t r = 0; r < M; r++) {
            ck_assert(!memcmp(back + r * LD, codes + r * LD, K * sizeof(*codes)));
            ck_assert(!memcmp(decoded + r * LD, levels + r * LD, K * sizeof(float)));
        }
        lsq_weights_free(w);
        w = NULL;
        codes[3 * LD + 2] = 1u << bits;
        ck_assert_int_eq(lsq_weights_from_codes(bits, M, K, codes, LD, &w, &err), LSQ_E_VALUE);
        ck_assert_msg(strstr(err.text, "(3, 2)") != NULL, "%s", err.text);
        REFUSED(lsq_weights_from_codes(bits, M, K, codes, K - 1, &w, NULL));
        REFUSED(lsq_weights_from_codes(bits, 0, K, codes, K, &w, NULL));
        ck_assert_ptr_null(w);
    }
    lsq_weights *w = NULL;
    uint32_t code = 0;
    REFUSED(lsq_weights_from_codes(2, 1, 1, &code, 1, &w, NULL));
    REFUSED(lsq_weights_from_codes(10, 1, 1, &code, 1, &w, NULL));
    REFUSED(lsq_weights_from_codes(259, 1, 1, &code, 1, &w, NULL)); /* 3 as a byte */
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("decode");
    TCase *decoding = new_case(suite, "decoding");
    tcase_add_checked_fixture(decoding, list_formats, NULL);
    tcase_add_loop_test(decoding, any_bytes_decode_as_documented, 0, USUAL_FORMATS);
    tcase_add_test(decoding, every_curve);
    tcase_add_test(decoding, extreme_bytes);
    tcase_add_loop_test(decoding, packed_bytes_may_lie_anywhere, 0, USUAL_FORMATS);
    tcase_add_test(decoding, any_rows_can_be_decoded_alone);
    tcase_add_test(decoding, rows_outside_are_refused);
    TCase *making = new_case(suite, "making");
    tcase_add_test(making, what_cannot_be_wrapped);
    tcase_add_test(making, codes_become_weights);
    return run_suite(suite);
}
