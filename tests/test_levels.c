/*
 * test_levels.c - what codes stand for, against the closed forms in long double.
 */
#include "kernels/codec.h"
#include "tests/core_sample.h"

#include <math.h>

/* L(u; s) = log2(1 + u (2^s - 1)) / s, and u at s = 0. */
static long double curve(long double u, lsq_format f)
{
    static const long double s_of[8] = {0, -0.5L, -1, -1.5L, -2, -2.5L, -3, 0};
    long double s = f.curve == 7 ? f.bits - 1.0L : s_of[f.curve];
    return s == 0 ? u : log2l(1 + u * (exp2l(s) - 1)) / s;
}

/* Scalar: a quarter off the middle, signed. */
static long double scalar_level(lsq_format f, int code)
{
    int half = 1 << (f.bits - 1);
    long double j = code - half + 0.25L, level = curve(fabsl(j) / (half - 0.25L), f);
    return j < 0 ? -level : level;
}

/* Element i of the trellis alphabet, ascending. */
static long double alphabet(lsq_format f, int i)
{
    int h = 1 << f.bits, outward = i < h ? h - 1 - i : i - h;
    long double level = curve((outward + 0.5L) / (h - 0.5L), f);
    return i < h ? -level : level;
}

static lsq_levels levels_of(lsq_format f)
{
    lsq_levels levels;
    memset(&levels, 0xee, sizeof(levels));
    lsq_levels_of(&f, &levels);
    return levels;
}

/* Integer `i` of the format's levels, whichever array kernels read it from. */
static int integer_level(const lsq_levels *levels, lsq_format f, unsigned i)
{
    return f.bits <= 6 ? levels->i8[i] : levels->i16[i];
}

static int largest_of(lsq_format f)
{
    unsigned levels = 1u << f.bits << (f.codec == LSQ_TRELLIS); /* of the alphabet: up to 16 have 7 bits */
    if (f.codec == LSQ_SIGN)
        return 1;
    return f.bits > 6 ? 16383 : levels > 16 ? 127 : 63;
}

static void check_integer(const lsq_levels *levels, lsq_format f, unsigned index, long double exact)
{
    int got = integer_level(levels, f, index);
    EXPECT(fabsl(got - exact * largest_of(f)) <= 0.5L + 1e-9L, "%s: level %u is %d, exactly %Lf", name_of(f), index,
           got, exact * largest_of(f));
    EXPECT(abs(got) <= largest_of(f), "%s: level %u is %d", name_of(f), index, got);
}

START_TEST(scalar_levels)
{
    for (unsigned bits = 2; bits <= 9; bits++)
        for (unsigned c = 0; c < 8; c++) {
            lsq_format f = {LSQ_SCALAR, (uint8_t)bits, LSQ_SCALE_BYTE32, 0, (uint8_t)c};
            lsq_levels levels = levels_of(f);
            int count = 1 << bits;
            for (int code = 0; code < count; code++) {
                check_integer(&levels, f, (unsigned)code, scalar_level(f, code));
                /* Products with float activations and decoding multiply by the same integers. */
                EXPECT(levels.f32[code] == (float)integer_level(&levels, f, (unsigned)code), "%s: level %d", name_of(f),
                       code);
                EXPECT(code == 0 || levels.f32[code] >= levels.f32[code - 1], "%s: level %d falls", name_of(f), code);
            }
            ck_assert_int_eq(integer_level(&levels, f, 0), -largest_of(f)); /* the one further out is negative */
            ck_assert_int_lt(integer_level(&levels, f, (unsigned)count - 1), largest_of(f));
            ck_assert_float_eq(levels.unit, 1);
        }
}
END_TEST

START_TEST(trellis_levels)
{
    for (unsigned bits = 1; bits <= 6; bits++)
        for (unsigned c = 0; c < 8; c++) {
            lsq_format f = {LSQ_TRELLIS, (uint8_t)bits, LSQ_SCALE_NIBBLE16, 16, (uint8_t)c};
            lsq_levels levels = levels_of(f);
            for (unsigned q = 0; q < 1u << (bits - 1); q++)
                for (unsigned z = 0; z < 4; z++) {
                    unsigned z1 = z >> 1, z0 = z & 1, index = z0 << bits | q << 1 | z1;
                    unsigned i = 4 * q + 2 * z1 + z0, mirror = (2u << bits) - 1 - i;
                    unsigned mirrored = (mirror & 1) << bits | (mirror >> 2) << 1 | (mirror >> 1 & 1);
                    check_integer(&levels, f, index, alphabet(f, (int)i));
                    EXPECT(levels.f32[index] == levels.i8[index] && levels.i8[index] == -levels.i8[mirrored],
                           "%s: level %u", name_of(f), index);
                }
            ck_assert_int_eq(levels.i8[0], -largest_of(f));
            ck_assert_float_eq(levels.unit, 1);
        }
}
END_TEST

START_TEST(classic_levels)
{
    for (unsigned bits = 3; bits <= 9; bits++) {
        lsq_format f = {LSQ_CLASSIC, (uint8_t)bits, LSQ_SCALE_BYTE32, 0, 7};
        lsq_levels levels = levels_of(f);
        unsigned half = 1u << (bits - 1);
        for (unsigned v = 0; v < half; v++) {
            long double exact = v ? log2l(v) / (bits - 1) : 0;
            check_integer(&levels, f, v, exact);
            check_integer(&levels, f, v | half, -exact);
            ck_assert_float_eq(levels.f32[v], (float)exact); /* exact products see the published levels */
            ck_assert_float_eq(levels.f32[v | half], -(float)exact);
        }
        ck_assert_float_eq(levels.unit, 1.0f / (float)largest_of(f));
    }
}
END_TEST

/* Signs are one, as integers and as floats: kernels do without the tables. */
START_TEST(sign_levels)
{
    lsq_levels levels = levels_of(format_named("b1"));
    for (unsigned i = 0; i < 128; i++) {
        ck_assert_int_eq(levels.i8[i], i % 2 ? 1 : -1);
        ck_assert_float_eq(levels.f32[i], i % 2 ? 1 : -1);
    }
    ck_assert_float_eq(levels.unit, 1);
    lsq_format f = format_named("b1");
    ck_assert_int_eq(lsq_largest_level(&f), 1);
}
END_TEST

START_TEST(levels_repeat_to_the_end)
{
    lsq_format f;
    for (size_t i = 0; nth_combination(i, &f); i++) {
        if (!is_format(f))
            continue;
        lsq_levels levels = levels_of(f);
        unsigned count = 1u << (f.bits + (f.codec == LSQ_TRELLIS));
        for (unsigned j = 0; j < 512; j++) {
            EXPECT(levels.f32[j] == levels.f32[j % count], "%s: f32[%u]", name_of(f), j);
            EXPECT(levels.i16[j] == (f.bits <= 6 ? 0 : levels.i16[j % count]), "%s: i16[%u]", name_of(f), j);
        }
        for (unsigned j = 0; j < 128; j++)
            EXPECT(levels.i8[j] == (f.bits <= 6 ? levels.i8[j % count] : 0), "%s: i8[%u]", name_of(f), j);
    }
}
END_TEST

/* Scales and states do not change what a code stands for. */
START_TEST(levels_depend_on_codec_width_and_curve_alone)
{
    lsq_format f;
    for (size_t i = 0; nth_combination(i, &f); i++) {
        if (!is_format(f))
            continue;
        lsq_format plain = f;
        plain.scale = LSQ_SCALE_BYTE32;
        plain.states = f.codec == LSQ_TRELLIS ? 4 : 0;
        lsq_levels a = levels_of(f), b = levels_of(plain);
        EXPECT(!memcmp(&a, &b, sizeof(a)), "%s", name_of(f));
    }
}
END_TEST

/* The convolutional codes, written as in docs/codecs.md: which u[-h] are in z0 and in z1. */
START_TEST(codes_of_the_states)
{
    static const struct {
        unsigned states, z0[2], z1[2], memory;
    } known[] = {{4, {1, 0}, {2, 0}, 2}, {8, {2, 0}, {1, 3}, 3}, {16, {2, 0}, {1, 4}, 4}, {64, {2, 4}, {1, 6}, 6}};
    for (size_t i = 0; i < COUNT(known); i++) {
        lsq_code code = lsq_code_of(known[i].states);
        unsigned z0 = 0, z1 = 0;
        for (unsigned j = 0; j < 2; j++) {
            z0 |= known[i].z0[j] ? 1u << (known[i].z0[j] - 1) : 0;
            z1 |= known[i].z1[j] ? 1u << (known[i].z1[j] - 1) : 0;
        }
        ck_assert(code.z0 == z0 && code.z1 == z1 && code.memory == known[i].memory);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("levels");
    TCase *levels = new_case(suite, "levels");
    tcase_add_test(levels, scalar_levels);
    tcase_add_test(levels, trellis_levels);
    tcase_add_test(levels, classic_levels);
    tcase_add_test(levels, sign_levels);
    tcase_add_test(levels, levels_repeat_to_the_end);
    tcase_add_test(levels, levels_depend_on_codec_width_and_curve_alone);
    tcase_add_test(levels, codes_of_the_states);
    return run_suite(suite);
}
