/*
 * core_sample.h - what the tests of the products share: numbers that are the same everywhere, and every format there is.
 */
#ifndef LSQ_TESTS_CORE_SAMPLE_H
#define LSQ_TESTS_CORE_SAMPLE_H

#include <lsq/lsq.h>

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define OK(call)      ck_assert_int_eq(call, LSQ_OK)
#define REFUSED(call) ck_assert_int_eq(call, LSQ_E_ARGUMENT)
#define COUNT(array)  (sizeof(array) / sizeof(*(array)))

/* ck_assert_msg() for inner loops: Check notes every assertion that it passes, at the price of a system call. */
#define EXPECT(condition, ...)                                                                                         \
    do {                                                                                                               \
        if (!(condition))                                                                                              \
            ck_abort_msg(__VA_ARGS__);                                                                                 \
    } while (0)

/* ---- Numbers ---- */

typedef struct number_source {
    uint64_t state;
} number_source;

static inline uint32_t next_u32(number_source *s)
{
    s->state = s->state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(s->state >> 32);
}

static inline void random_bytes(number_source *s, void *to, size_t n)
{
    for (size_t i = 0; i < n; i++)
        ((uint8_t *)to)[i] = (uint8_t)(next_u32(s) >> 13);
}

/* Nearly Gaussian, sigma = 1 / 16, by exact operations only: the sum of 12 uniform numbers of 16 bits, less its mean. */
static inline float bell(number_source *s)
{
    int32_t sum = -6 * 65535;
    for (unsigned i = 0; i < 12; i++)
        sum += (int32_t)(next_u32(s) >> 16);
    return (float)sum / 0x1p20f;
}

static inline void fill_bell(uint64_t seed, float *to, size_t n)
{
    number_source s = {seed};
    for (size_t i = 0; i < n; i++)
        to[i] = bell(&s);
}

static inline void *memory(size_t bytes)
{
    void *m = calloc(bytes ? bytes : 1, 1);
    EXPECT(m != NULL, "no memory for a test");
    return m;
}

/* ---- Formats ---- */

/* As lsq.h lists them. */
static inline int is_format(lsq_format f)
{
    static const uint8_t lowest[4] = {3, 2, 1, 1}, highest[4] = {9, 9, 6, 1};
    static const char allowed[4][7] = {"++++--", "-+++--", "---+++", "-+++--"}; /* none tensor row byte32 nib32 nib16 */
    if (f.codec > 3 || f.scale > 5 || f.bits < lowest[f.codec] || f.bits > highest[f.codec] || f.curve > 7 ||
        allowed[f.codec][f.scale] == '-')
        return 0;
    if (f.codec == LSQ_TRELLIS)
        return f.states == 4 || f.states == 8 || f.states == 16 || f.states == 64;
    return f.states == 0 && (f.codec == LSQ_SCALAR || f.curve == (f.codec == LSQ_SIGN ? 0 : 7));
}

/* The i-th format of all fields up to (4, 10, 6, 65, 8), whether it is one or not; 0 behind the last. */
static inline int nth_combination(size_t i, lsq_format *f)
{
    static const uint8_t states[] = {0, 4, 8, 16, 64, 1, 2, 32, 65, 255};
    f->codec = (uint8_t)(i % 5);
    f->bits = (uint8_t)(i / 5 % 11);
    f->scale = (uint8_t)(i / 55 % 7);
    f->states = states[i / 385 % COUNT(states)];
    f->curve = (uint8_t)(i / (385 * COUNT(states)));
    return f->curve < 9;
}

/* Every format whose curve is the default: all that differ in where bits are and how they are decoded. 127 of them. */
static inline size_t usual_formats(lsq_format *formats, size_t room)
{
    size_t count = 0;
    lsq_format f;
    for (size_t i = 0; nth_combination(i, &f); i++) {
        uint8_t curve = f.codec == LSQ_CLASSIC                 ? 7
                        : f.codec == LSQ_SIGN                  ? 0
                        : f.codec == LSQ_SCALAR && f.bits <= 7 ? 3
                                                               : 4;
        if (is_format(f) && f.curve == curve) {
            ck_assert_uint_lt(count, room);
            formats[count++] = f;
        }
    }
    return count;
}

enum { USUAL_FORMATS = 7 * 4 + 8 * 3 + 6 * 3 * 4 + 3 };

static inline lsq_format format_named(const char *name)
{
    lsq_format f;
    OK(lsq_format_parse(name, &f, NULL));
    return f;
}

static inline const char *name_of(lsq_format f)
{
    static char name[LSQ_FORMAT_NAME_MAX];
    OK(lsq_format_name(&f, name));
    return name;
}

/* ---- Packed matrices ---- */

/* Bit `bit` of the code of (row, column) of a tile: which bit of its 64 C bytes. Written a second time, from docs/codecs.md. */
static inline unsigned place_of(unsigned bits, unsigned row, unsigned column, unsigned bit)
{
    static const char *const widths[10] = {"", "1", "2", "21", "4", "41", "42", "421", "8", "81"};
    unsigned step = column / 4, lane = row * 4 + column % 4, p = (unsigned)(widths[bits][0] - '0'), vector = 0, q = p;
    for (const char *w = widths[bits]; bit >= (q = (unsigned)(*w - '0')); w++) {
        bit -= q;
        vector += q;
    }
    unsigned slot = step % (8 / p), v = step / (8 / p);
    return ((vector + v * q / p) * 64 + lane) * 8 + p * slot + v % (p / q) * q + bit;
}

/* Random codes, scales and rows, and this scale of the tensor: any bytes are a matrix. free() them. */
static inline uint8_t *random_packed(lsq_format f, size_t m, size_t k, uint64_t seed, float tensor, size_t *bytes)
{
    number_source s = {seed};
    OK(lsq_packed_bytes(&f, m, k, bytes));
    uint8_t *packed = memory(*bytes);
    random_bytes(&s, packed, *bytes);
    /* The tensor's float is the first thing behind the rows; only zeros follow it, up to the next multiple of 64. */
    size_t tiles = (m + 15) / 16 * ((k + 31) / 32), scale = f.scale == LSQ_SCALE_NIBBLE32 ? 8 : f.scale >= 3 ? 16 : 0;
    size_t at = tiles * 64 * f.bits + (tiles * scale + 63) / 64 * 64 + (m + 15) / 16 * 16;
    memcpy(packed + at, &tensor, sizeof(tensor)); /* little-endian, as the tests' machines are */
    memset(packed + at + sizeof(tensor), 0, *bytes - at - sizeof(tensor));
    return packed;
}

static inline lsq_weights *wrap(lsq_format f, size_t m, size_t k, const uint8_t *packed, size_t bytes)
{
    lsq_weights *w = NULL;
    lsq_error err = {0};
    ck_assert_msg(lsq_weights_wrap(&f, m, k, packed, bytes, &w, &err) == LSQ_OK, "%s", err.text);
    return w;
}

/* ---- Running ---- */

static inline int run_suite(Suite *suite)
{
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}

/* A case of a suite. Two minutes: some machines are emulated. */
static inline TCase *new_case(Suite *suite, const char *name)
{
    TCase *tests = tcase_create(name);
    tcase_set_timeout(tests, 120);
    suite_add_tcase(suite, tests);
    return tests;
}

#endif
