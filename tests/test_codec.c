/*
 * test_codec.c - formats and their names, sizes of the packed form, where each bit of it is, what scales stand for.
 *
 * The expected values are written down here a second time, from docs/codecs.md.
 */
#include "kernels/codec.h"
#include "tests/core_sample.h"

#include <math.h>
#include <stdio.h>

/* ---- Bits of a tile ---- */

START_TEST(every_bit_has_one_place)
{
    unsigned bits = (unsigned)_i;
    uint8_t seen[64 * 9 * 8] = {0}, tile[64 * 9];
    for (unsigned row = 0; row < 16; row++)
        for (unsigned column = 0; column < 32; column++)
            for (unsigned bit = 0; bit < bits; bit++) {
                unsigned at = place_of(bits, row, column, bit);
                EXPECT(at < 64 * bits * 8 && !seen[at]++, "(%u, %u) bit %u: %u is taken", row, column, bit, at);
                memset(tile, 0, sizeof(tile));
                lsq_code_put(tile, bits, row, column, 1u << bit);
                EXPECT(tile[at / 8] == 1u << at % 8, "(%u, %u) bit %u is not written at %u", row, column, bit, at);
                tile[at / 8] = 0;
                for (size_t i = 0; i < sizeof(tile); i++)
                    EXPECT(!tile[i], "(%u, %u) bit %u: byte %zu is written too", row, column, bit, i);
            }
}
END_TEST

START_TEST(planes_begin_as_designed)
{
    /* The design of the layout, in other words: step t is at bit t p % 8 of vector t p / 8 of the first plane. */
    unsigned bits = (unsigned)_i, p = bits & 8 ? 8 : bits & 4 ? 4 : bits & 2 ? 2 : 1;
    for (unsigned t = 0; t < 8; t++)
        for (unsigned lane = 0; lane < 64; lane++)
            EXPECT(place_of(bits, lane / 4, 4 * t + lane % 4, 0) == (t * p / 8 * 64 + lane) * 8 + t * p % 8,
                   "step %u, lane %u", t, lane);
}
END_TEST

START_TEST(codes_are_read_from_their_places)
{
    unsigned bits = (unsigned)_i;
    number_source s = {bits};
    for (unsigned round = 0; round < 20; round++) {
        uint8_t tile[64 * 9], again[64 * 9] = {0};
        uint16_t codes[STEPS][LANES];
        random_bytes(&s, tile, 64 * bits);
        lsq_tile_codes(tile, bits, codes);
        for (unsigned row = 0; row < 16; row++)
            for (unsigned column = 0; column < 32; column++) {
                unsigned expected = 0;
                for (unsigned bit = 0; bit < bits; bit++) {
                    unsigned at = place_of(bits, row, column, bit);
                    expected |= (tile[at / 8] >> at % 8 & 1u) << bit;
                }
                EXPECT(lsq_code_get(tile, bits, row, column) == expected, "(%u, %u)", row, column);
                EXPECT(codes[column / 4][row * 4 + column % 4] == expected, "(%u, %u) of all", row, column);
                lsq_code_put(again, bits, row, column, expected);
            }
        ck_assert_mem_eq(again, tile, 64 * bits);
    }
}
END_TEST

/* ---- Scales ---- */

START_TEST(byte_scales)
{
    for (int b = 0; b < 256; b++) {
        int e = b >> 4 & 7, m = b & 15; /* a half float's value: subnormal at e = 0 */
        double expected = e ? ldexp(1 + m / 16.0, e - 15) : ldexp(m / 16.0, -14);
        expected = b & 128 ? -expected : expected;
        ck_assert_msg((double)lsq_scale_byte((uint8_t)b) == expected, "byte %d: %g", b, lsq_scale_byte((uint8_t)b));
    }
    ck_assert_float_eq(lsq_scale_byte(0), 0);
    ck_assert_float_eq(lsq_scale_byte(127), LSQ_SCALE_BYTE_MAX);
    ck_assert_float_eq(lsq_scale_byte(255), -LSQ_SCALE_BYTE_MAX);
}
END_TEST

START_TEST(multipliers)
{
    static const double step[5] = {1 / 8.0, 1 / 6.0, 1 / 4.0, 3 / 8.0, 1 / 2.0};
    for (unsigned s = 0; s < 4; s++)
        for (unsigned c = 0; c < 16; c++) {
            const int magnitude = s == 3 && c == 15 ? 0 : (int)nearbyint(255 * exp2(-(int)c * step[s]));
            const int half = s == 3 && c >= 14 ? 0 : (int)nearbyint(127 * exp2(-(int)(c / 2) * step[s + 1]));
            ck_assert_int_eq(lsq_multiplier(0, (uint8_t)(s << 6), c), magnitude);
            ck_assert_int_eq(lsq_multiplier(1, (uint8_t)(s << 6), c), c % 2 ? -half : half);
        }
}
END_TEST

START_TEST(row_scales)
{
    static const float tensors[] = {1, 0, 0.02f, 1e-40f, 1e38f, 3.4e38f, 1e-45f};
    for (unsigned scale = LSQ_SCALE_NONE; scale <= LSQ_SCALE_NIBBLE16; scale++)
        for (size_t t = 0; t < COUNT(tensors); t++) {
            lsq_format f = {.scale = (uint8_t)scale};
            unsigned zero = scale >= LSQ_SCALE_NIBBLE32 ? 63 : 255;
            float row[256];
            lsq_row_scales(&f, tensors[t], row);
            for (unsigned b = 0; b < 256; b++) {
                /* 2^-x as a float, times the tensor's, rounded once. */
                long double octaves = (b & zero) / (zero == 63 ? 4.0L : 16.0L);
                float expected = (float)((double)tensors[t] * (double)(float)exp2l(-octaves));
                ck_assert_msg(row[b] == ((b & zero) == zero ? 0 : expected), "scale %u, tensor %g, byte %u: %.9g",
                              scale, tensors[t], b, row[b]);
            }
        }
}
END_TEST

START_TEST(scales_of_a_tile)
{
    uint8_t bytes[3 * 16];
    number_source s = {5};
    random_bytes(&s, bytes, sizeof(bytes));
    for (unsigned tile = 0; tile < 3; tile++)
        for (unsigned row = 0; row < 16; row++)
            for (unsigned step = 0; step < 4; step++) {
                float got[2];
                uint8_t row_byte = (uint8_t)(step << 6 | 21);
                const unsigned mirrored = tile % 2, byte = bytes[tile * 8 + row % 8];
                lsq_tiles w = {.scales = bytes, .scale = LSQ_SCALE_BYTE32, .mirrored = mirrored};
                lsq_tile_scale(&w, tile, row, row_byte, got);
                ck_assert(got[0] == lsq_scale_byte(bytes[tile * 16 + row]) && got[1] == got[0]);
                w.scale = LSQ_SCALE_NIBBLE16; /* columns 0 to 15 in the low half */
                lsq_tile_scale(&w, tile, row, row_byte, got);
                ck_assert(got[0] == lsq_multiplier(mirrored, row_byte, bytes[tile * 16 + row] & 15) &&
                          got[1] == lsq_multiplier(mirrored, row_byte, bytes[tile * 16 + row] >> 4));
                w.scale = LSQ_SCALE_NIBBLE32; /* rows 0 to 7 in the low halves of 8 bytes, 8 to 15 in the high ones */
                lsq_tile_scale(&w, tile, row, row_byte, got);
                ck_assert(got[0] == lsq_multiplier(mirrored, row_byte, row < 8 ? byte & 15 : byte >> 4) &&
                          got[1] == got[0]);
                w = (lsq_tiles){.scale = LSQ_SCALE_ROW};
                lsq_tile_scale(&w, tile, row, row_byte, got);
                ck_assert(got[0] == 1 && got[1] == 1);
            }
}
END_TEST

/* ---- Sizes ---- */

static uint64_t up(uint64_t bytes)
{
    return (bytes + 63) / 64 * 64;
}

START_TEST(sizes)
{
    static const size_t some[] = {1, 2, 15, 16, 17, 31, 32, 33, 255, 256, 257, 1000, 4096};
    static const unsigned scale_bytes[] = {0, 0, 0, 16, 8, 16};
    lsq_format formats[USUAL_FORMATS];
    size_t count = usual_formats(formats, USUAL_FORMATS);
    ck_assert_uint_eq(count, USUAL_FORMATS);
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < COUNT(some) * COUNT(some); j++) {
            size_t m = some[j / COUNT(some)], k = some[j % COUNT(some)], bytes = 0;
            uint64_t panels = (m + 15) / 16, tiles = panels * ((k + 31) / 32);
            uint64_t scales = up(tiles * scale_bytes[formats[i].scale]);
            lsq_geometry g;
            EXPECT(lsq_packed_bytes(&formats[i], m, k, &bytes) == LSQ_OK, "%zu x %zu", m, k);
            EXPECT(bytes == tiles * 64 * formats[i].bits + scales + up(panels * 16 + 4), "%s: %zu x %zu are %zu bytes",
                   name_of(formats[i]), m, k, bytes);
            EXPECT(lsq_geometry_of(&formats[i], m, k, &g) == LSQ_OK, "%zu x %zu", m, k);
            EXPECT(g.panels == panels && g.groups == (k + 31) / 32 && g.scale_bytes == scale_bytes[formats[i].scale] &&
                       g.scales == tiles * 64 * formats[i].bits && g.rows == g.scales + scales &&
                       g.tensor == g.rows + panels * 16 && g.bytes == bytes,
                   "%s: geometry of %zu x %zu", name_of(formats[i]), m, k);
        }
}
END_TEST

START_TEST(sizes_have_limits)
{
    const size_t most = (size_t)1 << 40;
    lsq_format f = format_named("s4.row");
    size_t bytes = 77;
    REFUSED(lsq_packed_bytes(&f, 0, 1, &bytes));
    REFUSED(lsq_packed_bytes(&f, 1, 0, &bytes));
    REFUSED(lsq_packed_bytes(&f, 0, SIZE_MAX, &bytes));
    static const size_t too_many[] = {((size_t)1 << 40) + 1, (size_t)1 << 60, SIZE_MAX - 31, SIZE_MAX - 15, SIZE_MAX};
    for (size_t i = 0; i < COUNT(too_many); i++) {
        ck_assert_int_eq(lsq_packed_bytes(&f, too_many[i], 1, &bytes), LSQ_E_LIMIT);
        ck_assert_int_eq(lsq_packed_bytes(&f, 1, too_many[i], &bytes), LSQ_E_LIMIT);
        ck_assert_int_eq(lsq_packed_bytes(&f, too_many[i], too_many[i], &bytes), LSQ_E_LIMIT);
        ck_assert_int_eq(lsq_packed_bytes(&f, (size_t)1 << 32, too_many[i], &bytes), LSQ_E_LIMIT);
    }
    ck_assert_int_eq(lsq_packed_bytes(&f, most, most, &bytes), LSQ_E_LIMIT);
    ck_assert_uint_eq(bytes, 77); /* untouched */

    /* 2^40 by 1 and 1 by 2^40 are allowed. */
    OK(lsq_packed_bytes(&f, most, 1, &bytes));
    ck_assert_uint_eq(bytes, (most / 16) * 256 + most + 64);
    OK(lsq_packed_bytes(&f, 1, most, &bytes));
    ck_assert_uint_eq(bytes, (most / 32) * 256 + 64);
}
END_TEST

/* 2^48 bytes are allowed and no more, whatever the format. */
START_TEST(size_limit_is_in_bytes)
{
    lsq_format formats[USUAL_FORMATS];
    size_t count = usual_formats(formats, USUAL_FORMATS);
    for (size_t i = 0; i < count; i++) {
        const size_t m = (size_t)1 << 24;
        size_t low = 32, high = (size_t)1 << 40, bytes = 0;
        while (high - low > 32) {
            size_t k = low + (high - low) / 64 * 32;
            if (lsq_packed_bytes(&formats[i], m, k, &bytes) == LSQ_OK)
                low = k;
            else
                high = k;
        }
        OK(lsq_packed_bytes(&formats[i], m, low, &bytes));
        size_t one_group = m / 16 *
                           (64 * formats[i].bits + (formats[i].scale == LSQ_SCALE_NIBBLE32 ? 8
                                                    : formats[i].scale >= LSQ_SCALE_BYTE32 ? 16
                                                                                           : 0));
        ck_assert_msg(bytes <= (size_t)1 << 48 && bytes + one_group > (size_t)1 << 48, "%s: the limit is at %zu bytes",
                      name_of(formats[i]), bytes);
        ck_assert_int_eq(lsq_packed_bytes(&formats[i], m, high, &bytes), LSQ_E_LIMIT);
    }
}
END_TEST

/* ---- Names ---- */

START_TEST(formats_and_only_formats_have_names)
{
    lsq_format f, back;
    size_t valid = 0;
    for (size_t i = 0; nth_combination(i, &f); i++) {
        char name[LSQ_FORMAT_NAME_MAX] = "untouched";
        size_t bytes = 77;
        lsq_status status = lsq_format_name(&f, name);
        EXPECT(status == (is_format(f) ? LSQ_OK : LSQ_E_ARGUMENT), "codec %u bits %u scale %u states %u curve %u: %d",
               f.codec, f.bits, f.scale, f.states, f.curve, status);
        if (status != LSQ_OK) {
            EXPECT(!strcmp(name, "untouched") && lsq_packed_bytes(&f, 1, 1, &bytes) == LSQ_E_ARGUMENT && bytes == 77,
                   "codec %u bits %u scale %u states %u curve %u", f.codec, f.bits, f.scale, f.states, f.curve);
            continue;
        }
        memset(&back, 0xee, sizeof(back));
        EXPECT(lsq_format_parse(name, &back, NULL) == LSQ_OK && !memcmp(&back, &f, sizeof(f)), "%s comes back changed",
               name);
        valid++;
    }
    ck_assert_uint_eq(valid, 7 * 4 + 8 * 3 * 8 + 6 * 3 * 4 * 8 + 3);
}
END_TEST

START_TEST(names_as_documented)
{
    static const struct {
        const char *name;
        lsq_format format;
    } known[] = {
        {"c3", {LSQ_CLASSIC, 3, LSQ_SCALE_BYTE32, 0, 7}},
        {"c9.none", {LSQ_CLASSIC, 9, LSQ_SCALE_NONE, 0, 7}},
        {"s2", {LSQ_SCALAR, 2, LSQ_SCALE_BYTE32, 0, 3}},
        {"s7", {LSQ_SCALAR, 7, LSQ_SCALE_BYTE32, 0, 3}},
        {"s8", {LSQ_SCALAR, 8, LSQ_SCALE_BYTE32, 0, 4}},
        {"s9.tensor.curve0", {LSQ_SCALAR, 9, LSQ_SCALE_TENSOR, 0, 0}},
        {"t1", {LSQ_TRELLIS, 1, LSQ_SCALE_NIBBLE16, 16, 4}},
        {"t4.st64.nib32", {LSQ_TRELLIS, 4, LSQ_SCALE_NIBBLE32, 64, 4}},
        {"t6.st8.byte32.curve7", {LSQ_TRELLIS, 6, LSQ_SCALE_BYTE32, 8, 7}},
        {"b1", {LSQ_SIGN, 1, LSQ_SCALE_ROW, 0, 0}},
        {"b1.tensor", {LSQ_SIGN, 1, LSQ_SCALE_TENSOR, 0, 0}},
        {"b1.byte32", {LSQ_SIGN, 1, LSQ_SCALE_BYTE32, 0, 0}},
    };
    for (size_t i = 0; i < COUNT(known); i++) {
        lsq_format f = format_named(known[i].name);
        ck_assert_mem_eq(&f, &known[i].format, sizeof(f));
        ck_assert_str_eq(name_of(f), known[i].name);
    }
    lsq_format f = format_named("t4.nib32.st64"); /* any order */
    ck_assert_str_eq(name_of(f), "t4.st64.nib32");
    f = format_named("s4.byte32.curve3"); /* what is the default may be said */
    ck_assert_str_eq(name_of(f), "s4");
}
END_TEST

START_TEST(what_is_no_name_is_refused)
{
    static const char *const names[] = {
        "",         "c",         "c2",       "c0",         "c10",       "s1",       "t7",        "t0",      "b2",
        "C4",       " c4",       "c4 ",      "c4.",        "c4..row",   ".c4",      "c4row",     "c4.Row",  "c4.nib16",
        "s4.none",  "s4.nib32",  "s4.st16",  "t4.tensor",  "t4.row",    "t4.none",  "t4.st2",    "t4.st32", "t4.st",
        "t4.st160", "t4.curve8", "t4.curve", "t4.curve-1", "c4.curve3", "t4.nib8",  "t4.st16x",  "4t",      "t4,st16",
        "t4.st4\n", "\xff\xff",  "b0",       "b1.none",    "b1.st16",   "b1.nib16", "b1.curve3",
    };
    for (size_t i = 0; i < COUNT(names); i++) {
        lsq_format f;
        lsq_error err = {0};
        memset(&f, 0xee, sizeof(f));
        ck_assert_msg(lsq_format_parse(names[i], &f, &err) == LSQ_E_ARGUMENT, "'%s' was taken", names[i]);
        ck_assert(err.status == LSQ_E_ARGUMENT && strstr(err.text, "c3..c9") != NULL);
        ck_assert_uint_eq(f.bits, 0xee);
    }
    lsq_format f;
    REFUSED(lsq_format_parse(NULL, &f, NULL));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("codec");
    TCase *bits = new_case(suite, "bits");
    tcase_add_loop_test(bits, every_bit_has_one_place, 1, 10);
    tcase_add_loop_test(bits, planes_begin_as_designed, 1, 10);
    tcase_add_loop_test(bits, codes_are_read_from_their_places, 1, 10);
    TCase *scales = new_case(suite, "scales");
    tcase_add_test(scales, byte_scales);
    tcase_add_test(scales, multipliers);
    tcase_add_test(scales, row_scales);
    tcase_add_test(scales, scales_of_a_tile);
    TCase *geometry = new_case(suite, "sizes");
    tcase_add_test(geometry, sizes);
    tcase_add_test(geometry, sizes_have_limits);
    tcase_add_test(geometry, size_limit_is_in_bytes);
    TCase *names = new_case(suite, "names");
    tcase_add_test(names, formats_and_only_formats_have_names);
    tcase_add_test(names, names_as_documented);
    tcase_add_test(names, what_is_no_name_is_refused);
    return run_suite(suite);
}
