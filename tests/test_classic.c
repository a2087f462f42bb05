/*
 * test_classic.c - the published code: its vectors, its formula in every rounding, its bit strings.
 */
#include "tests/core_sample.h"

#include <math.h>
#include <stdio.h>

/* ---- golden/classic_vectors.txt ---- */

static char vectors[16384];

static void read_vectors(void)
{
    FILE *file = fopen(TEST_DATA "/../golden/classic_vectors.txt", "r");
    ck_assert_ptr_nonnull(file);
    size_t n = fread(vectors, 1, sizeof(vectors) - 1, file);
    fclose(file);
    ck_assert_uint_lt(n, sizeof(vectors) - 1);
    vectors[n] = '\0';
}

/* What stands behind `label` in the line of B, or in the one after it. */
static const char *field(unsigned b, const char *label)
{
    char head[16];
    snprintf(head, sizeof(head), "\nB=%u ", b);
    const char *line = strstr(vectors, head), *found = line ? strstr(line, label) : NULL;
    ck_assert_msg(found != NULL, "no %s for B = %u", label, b);
    return found + strlen(label);
}

/* Numbers in brackets, quoted or not. */
static size_t list(const char *text, double *numbers, size_t room)
{
    size_t n = 0;
    ck_assert(*text++ == '[');
    while (*text != ']') {
        char *end;
        text += strspn(text, " ',");
        ck_assert_uint_lt(n, room);
        numbers[n++] = strtod(text, &end);
        ck_assert(end != text);
        text = end + strspn(end, " ',");
    }
    return n;
}

static size_t hex(const char *text, uint8_t *bytes, size_t room)
{
    size_t n = 0;
    for (unsigned byte; sscanf(text + 2 * n, "%2x", &byte) == 1 && text[2 * n] > ' '; n++) {
        ck_assert_uint_lt(n, room);
        bytes[n] = (uint8_t)byte;
    }
    return n;
}

static const unsigned listed[] = {2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 15};

static size_t published_inputs(float w[16])
{
    double numbers[16];
    const char *line = strstr(vectors, "# inputs: ");
    ck_assert_ptr_nonnull(line);
    size_t n = list(line + strlen("# inputs: "), numbers, 16);
    for (size_t i = 0; i < n; i++)
        w[i] = (float)numbers[i];
    return n;
}

START_TEST(published_codes)
{
    float w[16];
    size_t n = published_inputs(w);
    ck_assert_uint_eq(n, 12);
    for (size_t i = 0; i < COUNT(listed); i++) {
        double expected[16];
        uint32_t codes[16], back[16];
        unsigned bits = listed[i] + 1;
        ck_assert_uint_eq(list(field(listed[i], "codes="), expected, 16), n);
        OK(lsq_classic_encode(bits, n, w, LSQ_ROUND_PUBLISHED, codes));
        for (size_t j = 0; j < n; j++)
            ck_assert_msg(codes[j] == (uint32_t)expected[j], "C = %u, w = %g: code %u", bits, w[j], codes[j]);

        uint8_t string[32] = {0}, packed[32];
        size_t bytes = hex(field(listed[i], "packed="), packed, 32);
        unsigned long padding = strtoul(field(listed[i], "pad="), NULL, 10);
        ck_assert_uint_eq(lsq_bit_string_bytes(bits, n), bytes);
        ck_assert_uint_eq(bytes * 8 - n * bits, padding);
        OK(lsq_bit_string_pack(bits, n, codes, string));
        ck_assert_mem_eq(string, packed, bytes);
        OK(lsq_bit_string_unpack(bits, n, packed, back));
        ck_assert_mem_eq(back, codes, n * sizeof(*codes));
    }
}
END_TEST

START_TEST(published_levels)
{
    for (size_t i = 0; i < COUNT(listed); i++) {
        double first[16], sum = 0;
        unsigned b = listed[i];
        size_t n = strtoul(field(b, "n="), NULL, 10), named = list(field(b, "first="), first, 16);
        ck_assert_uint_eq(n, (1u << b) - 1);
        uint32_t *codes = memory(n * sizeof(*codes));
        float *levels = memory(n * sizeof(*levels));
        for (size_t v = 1; v <= n; v++)
            codes[v - 1] = (uint32_t)v;
        OK(lsq_classic_decode(b + 1, n, codes, 0, levels));
        for (size_t j = 0; j < n; j++)
            sum += levels[j];
        for (size_t j = 0; j < named; j++) /* nine digits, as they are printed */
            ck_assert_double_eq_tol(levels[j], first[j], 1e-7);
        ck_assert_double_eq_tol(levels[n - 1], strtod(field(b, "last="), NULL), 1e-7);
        ck_assert_double_eq_tol(sum, strtod(field(b, "sum="), NULL), 1e-7 * (double)n);
        free(codes);
        free(levels);
    }
}
END_TEST

/* The files in the list end in the bit string of their last tensor and the count of bits that pad it. */
START_TEST(published_files_hold_these_codes)
{
    static const float w[6] = {0, 0.25f, -0.5f, 1, -1, 0.75f};
    size_t files = 0;
    for (const char *line = vectors; (line = strstr(line, "\nfile B=")) != NULL; line++, files++) {
        unsigned bits = (unsigned)strtoul(line + strlen("\nfile B="), NULL, 10) + 1;
        uint8_t bytes[128], string[32];
        uint32_t codes[6];
        const char *one = strstr(line, " one tensor ");
        if (!one || one > strchr(line + 1, '\n'))
            continue; /* test_lsq1.c has it, as a file */
        size_t size = hex(strstr(one, "]: ") + 3, bytes, sizeof(bytes)), packed = lsq_bit_string_bytes(bits, 6);
        OK(lsq_classic_encode(bits, 6, w, LSQ_ROUND_PUBLISHED, codes));
        OK(lsq_bit_string_pack(bits, 6, codes, string));
        ck_assert_mem_eq(bytes + size - 1 - packed, string, packed);
        ck_assert_uint_eq(bytes[size - 1], packed * 8 - 6 * bits);
    }
    ck_assert_uint_eq(files, 5);
}
END_TEST

/* ---- The formula ---- */

/* As published, in double arithmetic and with this machine's exp2. */
static uint32_t formula(unsigned bits, float w)
{
    unsigned b = bits - 1;
    double clipped = fabs((double)w) > 1 ? 1 : fabs((double)w), top = ldexp(1, (int)b);
    double n = nearbyint(top - exp2(b * clipped));
    n = n < 1 ? 1 : n > top - 1 ? top - 1 : n;
    return (w < 0 ? 1u << b : 0) | (uint32_t)(top - n);
}

static float from_bits(uint32_t bits)
{
    float f;
    memcpy(&f, &bits, sizeof(f));
    return f;
}

/* Floats of every size up to beyond 1, of both signs. */
static void sweep(float *w, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint32_t highest = 0x3f900000, pattern = (uint32_t)((uint64_t)highest * (i + n) / (2 * n));
        w[i] = from_bits((i % 8 ? pattern : (uint32_t)((uint64_t)highest * i / n)) | (uint32_t)i << 31);
    }
}

START_TEST(sweep_follows_the_formula)
{
    enum { N = 1 << 17 };
    float *w = memory(N * sizeof(*w));
    uint32_t *codes = memory(N * sizeof(*codes));
    size_t off = 0;
    sweep(w, N);
    for (unsigned bits = 3; bits <= 16; bits++) {
        OK(lsq_classic_encode(bits, N, w, LSQ_ROUND_PUBLISHED, codes));
        for (size_t i = 0; i < N; i++) {
            uint32_t expected = formula(bits, w[i]), difference = codes[i] - expected + 1;
            EXPECT(difference <= 2, "C = %u, w = %.9g: code %u, formula %u", bits, w[i], codes[i], expected);
            off += difference != 1;
        }
    }
    printf("classic codes that differ from this machine's exp2: %zu of %d\n", off, 14 * N);
    ck_assert_uint_le(off, 14 * N / 1000000); /* as much as exp2 of other libraries may be off */
    free(w);
    free(codes);
}
END_TEST

/*
 * Magnitude v begins where 2^(B w) passes v - 1/2. No float hits such a tie (its logarithm is irrational), so the half-to-even
 * of the formula is never seen and the first float beyond it decides. Nearest to a tie comes 2^(B w) - v = 1/2 + 1e-7, far from
 * what double arithmetic loses.
 */
START_TEST(codes_change_at_the_right_float)
{
    for (unsigned bits = 3; bits <= 16; bits++) {
        unsigned b = bits - 1, count = (1u << b) - 2;
        float *w = memory(3 * count * sizeof(*w));
        uint32_t *codes = memory(3 * count * sizeof(*codes));
        for (unsigned i = 0; i < count; i++) {
            float at = (float)(log2l(i + 1.5L) / b);
            w[3 * i] = nextafterf(at, 0);
            w[3 * i + 1] = at;
            w[3 * i + 2] = nextafterf(at, 2);
        }
        OK(lsq_classic_encode(bits, 3 * count, w, LSQ_ROUND_PUBLISHED, codes));
        for (unsigned i = 0; i < 3 * count; i++) {
            unsigned v = i / 3 + 2;
            long double beyond = exp2l((long double)w[i] * b) - (v - 0.5L);
            EXPECT(codes[i] == (beyond > 0 ? v : v - 1), "C = %u, v = %u: w = %.9g has code %u", bits, v, w[i],
                   codes[i]);
            EXPECT(i % 3 != 2 || codes[i - 2] < codes[i], "C = %u: v = %u does not begin near %.9g", bits, v, w[i]);
        }
        free(w);
        free(codes);
    }
}
END_TEST

/* The ties that the vectors list, as (k, v) where 2^(B w) = k + 1/2: both sides of each are the two neighbours of v. */
START_TEST(published_ties_lie_between_even_and_odd)
{
    size_t lines = 0;
    for (const char *line = vectors; (line = strstr(line, "\nties B ")) != NULL; line++, lines++) {
        unsigned b = (unsigned)strtoul(line + strlen("\nties B "), NULL, 10), k, v;
        int length;
        for (const char *pair = strstr(line, ": [(") + 3; sscanf(pair, "(%u, %u)%n", &k, &v, &length) == 2;) {
            float at = (float)(log2l(k + 0.5L) / b), w[2] = {nextafterf(at, 0), nextafterf(at, 2)};
            uint32_t codes[2];
            OK(lsq_classic_encode(b + 1, 2, w, LSQ_ROUND_PUBLISHED, codes));
            ck_assert(codes[0] == k && codes[1] == k + 1);
            ck_assert(v % 2 == 0 && (v == k || v == k + 1));
            pair += length + strspn(pair + length, ", ");
        }
    }
    ck_assert_uint_eq(lines, 2);
}
END_TEST

START_TEST(levels_are_correctly_rounded)
{
    for (unsigned bits = 3; bits <= 16; bits++) {
        unsigned b = bits - 1, half = 1u << b;
        uint32_t *codes = memory(2 * half * sizeof(*codes));
        float *w = memory(2 * half * sizeof(*w)), *compat = memory(2 * half * sizeof(*compat));
        for (uint32_t i = 0; i < 2 * half; i++)
            codes[i] = i | (i % 3 ? 0 : 0xffffffffu << bits); /* bits above C are ignored */
        OK(lsq_classic_decode(bits, 2 * half, codes, 0, w));
        OK(lsq_classic_decode(bits, 2 * half, codes, 1, compat));
        for (uint32_t v = 0; v < half; v++) {
            float level = v ? (float)(log2l(v) / b) : 0;
            double published = log2(v + 1e-9) / b;
            EXPECT(w[v] == level && w[v + half] == -level, "C = %u, v = %u: %.9g, %.9g", bits, v, w[v], w[v + half]);
            EXPECT(!signbit(w[v]) && signbit(w[v + half]), "C = %u, v = %u: sign of zero", bits, v);
            EXPECT(fabs(compat[v] - published) <= fabs(published) * 0x1p-23 && compat[v + half] == -compat[v],
                   "C = %u, v = %u: %.9g, %.9g as published", bits, v, compat[v], compat[v + half]);
        }
        ck_assert_double_eq_tol(compat[0], -29.897353 / b, 1e-6);
        free(codes);
        free(w);
        free(compat);
    }
}
END_TEST

START_TEST(legal_codes_come_back)
{
    for (unsigned bits = 3; bits <= 16; bits++) {
        uint32_t half = 1u << (bits - 1), legal = 0;
        uint32_t *codes = memory(2 * half * sizeof(*codes)), *back = memory(2 * half * sizeof(*back));
        float *w = memory(2 * half * sizeof(*w));
        for (uint32_t v = 1; v < half; v++) {
            codes[legal++] = v;
            codes[legal++] = v | half;
        }
        ck_assert_uint_eq(legal, 2 * (half - 1));
        OK(lsq_classic_decode(bits, legal, codes, 0, w));
        for (int rounding = 0; rounding < 2; rounding++) {
            OK(lsq_classic_encode(bits, legal, w, rounding, back));
            for (uint32_t i = 0; i < legal; i++) /* -0 has lost its sign: the formula asks for M < 0 */
                EXPECT(back[i] == (codes[i] == (half | 1) ? 1 : codes[i]), "C = %u: code %u becomes %u", bits, codes[i],
                       back[i]);
        }
        free(codes);
        free(back);
        free(w);
    }
}
END_TEST

START_TEST(nearest_is_nearest)
{
    enum { N = 1 << 15 };
    float *w = memory(N * sizeof(*w));
    uint32_t *codes = memory(N * sizeof(*codes));
    sweep(w, N);
    for (unsigned bits = 3; bits <= 16; bits++) {
        uint32_t half = 1u << (bits - 1);
        OK(lsq_classic_encode(bits, N, w, LSQ_ROUND_NEAREST, codes));
        for (size_t i = 0; i < N; i++) {
            uint32_t v = codes[i] & (half - 1), near[3] = {v > 1 ? v - 1 : v, v, v + 1 < half ? v + 1 : v};
            float levels[3];
            EXPECT(v >= 1 && codes[i] >> bits == 0 && !(codes[i] & half) == !(w[i] < 0), "w = %g: %u", w[i], codes[i]);
            lsq_classic_decode(bits, 3, near, 0, levels);
            double off = fabs(fabs((double)w[i]) - levels[1]);
            EXPECT(off <= fabs(fabs((double)w[i]) - levels[0]) && off <= fabs(fabs((double)w[i]) - levels[2]),
                   "C = %u, w = %.9g: v = %u", bits, w[i], v);
        }
    }
    free(w);
    free(codes);
}
END_TEST

START_TEST(extremes_are_clipped_and_nan_refused)
{
    const float w[] = {INFINITY, -INFINITY, 3e38f, -1.5f, 1e-45f, -1e-45f, -0.0f};
    for (unsigned bits = 3; bits <= 16; bits++) {
        uint32_t half = 1u << (bits - 1), codes[COUNT(w)];
        const uint32_t expected[COUNT(w)] = {half - 1, 2 * half - 1, half - 1, 2 * half - 1, 1, half | 1, 1};
        for (int rounding = 0; rounding < 2; rounding++) {
            OK(lsq_classic_encode(bits, COUNT(w), w, rounding, codes));
            ck_assert_mem_eq(codes, expected, sizeof(codes));
        }
        uint32_t untouched[2] = {7, 7};
        ck_assert_int_eq(lsq_classic_encode(bits, 2, (float[]){0.5f, NAN}, 0, untouched), LSQ_E_VALUE);
        ck_assert_int_eq(lsq_classic_encode(bits, 2, (float[]){0.5f, -NAN}, 1, untouched), LSQ_E_VALUE);
        ck_assert(untouched[0] == 7 && untouched[1] == 7);
    }
}
END_TEST

START_TEST(other_widths_are_refused)
{
    static const unsigned refused[] = {0, 1, 2, 17, 32, 0x80000003u};
    uint32_t code = 7;
    float w = 0.5f;
    for (size_t i = 0; i < COUNT(refused); i++) {
        REFUSED(lsq_classic_encode(refused[i], 1, &w, 0, &code));
        REFUSED(lsq_classic_decode(refused[i], 1, &code, 0, &w));
    }
    REFUSED(lsq_classic_encode(8, 1, &w, 2, &code));
    REFUSED(lsq_classic_encode(8, 1, &w, -1, &code));
    ck_assert(code == 7 && w == 0.5f);
}
END_TEST

/* ---- Bit strings ---- */

START_TEST(bit_strings_bit_by_bit)
{
    enum { LONGEST = 257 };
    number_source s = {11};
    for (unsigned bits = 1; bits <= 32; bits++)
        for (size_t n = 0; n <= LONGEST; n++) {
            uint32_t codes[LONGEST], back[LONGEST];
            size_t bytes = (n * bits + 7) / 8;
            EXPECT(lsq_bit_string_bytes(bits, n) == bytes, "%zu codes of %u bits: size", n, bits);
            /* Just as long as it must be, where a sanitizer sees the byte behind it, and at any alignment. */
            uint8_t *block = memory(bytes + n % 4), *string = block + n % 4, *naive = memory(bytes);
            for (size_t i = 0; i < n; i++) {
                codes[i] = next_u32(&s); /* bits above C must not reach the string */
                for (unsigned j = 0; j < bits; j++)
                    if (codes[i] >> (bits - 1 - j) & 1)
                        naive[(i * bits + j) / 8] |= (uint8_t)(0x80 >> (i * bits + j) % 8);
            }
            memset(string, 0xff, bytes);
            EXPECT(lsq_bit_string_pack(bits, n, codes, string) == LSQ_OK && !memcmp(string, naive, bytes),
                   "%zu codes of %u bits: string", n, bits);
            EXPECT(lsq_bit_string_unpack(bits, n, string, back) == LSQ_OK, "%zu codes of %u bits: back", n, bits);
            for (size_t i = 0; i < n; i++)
                EXPECT(back[i] == (codes[i] & (0xffffffffu >> (32 - bits))), "%zu codes of %u bits: %zu", n, bits, i);
            free(block);
            free(naive);
        }
}
END_TEST

START_TEST(bit_strings_of_many_codes)
{
    enum { N = 1000000 / 31 }; /* of each width: a million in all */
    number_source s = {12};
    uint32_t *codes = memory(N * sizeof(*codes)), *back = memory(N * sizeof(*back));
    for (unsigned bits = 2; bits <= 32; bits++) {
        uint8_t *string = memory(lsq_bit_string_bytes(bits, N));
        for (size_t i = 0; i < N; i++)
            codes[i] = next_u32(&s) >> (32 - bits);
        OK(lsq_bit_string_pack(bits, N, codes, string));
        OK(lsq_bit_string_unpack(bits, N, string, back));
        ck_assert(memcmp(codes, back, N * sizeof(*codes)) == 0);
        free(string);
    }
    free(codes);
    free(back);
}
END_TEST

START_TEST(bit_strings_of_other_widths_are_refused)
{
    uint32_t code = 1;
    uint8_t byte = 1;
    REFUSED(lsq_bit_string_pack(0, 1, &code, &byte));
    REFUSED(lsq_bit_string_pack(33, 1, &code, &byte));
    REFUSED(lsq_bit_string_unpack(0, 1, &byte, &code));
    REFUSED(lsq_bit_string_unpack(33, 1, &byte, &code));
    ck_assert(code == 1 && byte == 1);
    /* No overflow on the way to a size that fits. */
    ck_assert_uint_eq(lsq_bit_string_bytes(8, SIZE_MAX), SIZE_MAX);
    ck_assert_uint_eq(lsq_bit_string_bytes(4, SIZE_MAX), SIZE_MAX / 2 + 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("classic");
    TCase *published = new_case(suite, "published");
    tcase_add_checked_fixture(published, read_vectors, NULL);
    tcase_add_test(published, published_codes);
    tcase_add_test(published, published_levels);
    tcase_add_test(published, published_files_hold_these_codes);
    tcase_add_test(published, published_ties_lie_between_even_and_odd);
    TCase *formulas = new_case(suite, "formula");
    tcase_add_test(formulas, sweep_follows_the_formula);
    tcase_add_test(formulas, codes_change_at_the_right_float);
    tcase_add_test(formulas, levels_are_correctly_rounded);
    tcase_add_test(formulas, legal_codes_come_back);
    tcase_add_test(formulas, nearest_is_nearest);
    tcase_add_test(formulas, extremes_are_clipped_and_nan_refused);
    tcase_add_test(formulas, other_widths_are_refused);
    TCase *strings = new_case(suite, "bit strings");
    tcase_add_test(strings, bit_strings_bit_by_bit);
    tcase_add_test(strings, bit_strings_of_many_codes);
    tcase_add_test(strings, bit_strings_of_other_widths_are_refused);
    return run_suite(suite);
}
