/*
 * test_large.c - files of more than 4 GiB, with holes instead of most of their numbers: what is behind them is found, and where 32 bits
 * hold addresses the file is refused.
 */
#include "model/lsq2.h"
#include "tests/hostile.h"

#include <stdint.h>

/* In each file: `a`, 2^20 + 1 rows of 2^10 float32, of which the last is A_LAST; but for .npy also `b`, a single float32 behind it. */
#define ROWS    1048577
#define COLUMNS 1024
#define BYTES   4294971392ll /* of a */
#define A_LAST  7.0f
#define B       5.0f

static char path[64];

typedef struct {
    const char *format;
    void (*write)(FILE *file);
} sample;

static void put(FILE *file, const void *bytes, size_t size)
{
    ck_assert_uint_eq(fwrite(bytes, 1, size, file), size);
}

static void skip(FILE *file, long long bytes)
{
    ck_assert_int_eq(fseeko(file, bytes, SEEK_CUR), 0);
}

static void put_number(FILE *file, uint64_t number, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        put(file, &(uint8_t){(uint8_t)(number >> (8 * i))}, 1);
}

static void put_a(FILE *file)
{
    skip(file, BYTES - 4);
    put(file, &(float){A_LAST}, 4);
}

static void put_b(FILE *file)
{
    put(file, &(float){B}, 4);
}

/* 128 bytes with this shape. */
static void put_npy_header(FILE *file, const char *shape)
{
    char header[128];
    memset(header, ' ', sizeof header);
    memcpy(header, "\x93NUMPY\1\0\x76\0", 10);
    const int length =
        snprintf(header + 10, sizeof header - 10, "{'descr': '<f4', 'fortran_order': False, 'shape': %s}", shape);
    header[10 + length] = ' ';
    header[127] = '\n';
    put(file, header, sizeof header);
}

static void write_npy(FILE *file)
{
    put_npy_header(file, "(1048577, 1024)");
    put_a(file);
}

static void write_safetensors(FILE *file)
{
    static const char header[] = "{\"a\":{\"dtype\":\"F32\",\"shape\":[1048577,1024],\"data_offsets\":[0,4294971392]},"
                                 "\"b\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[4294971392,4294971396]}}";
    put_number(file, sizeof header - 1, 8);
    put(file, header, sizeof header - 1);
    put_a(file);
    put_b(file);
}

static void put_gguf_tensor(FILE *file, const char *name, unsigned rank, uint64_t offset)
{
    put_number(file, 1, 8);
    put(file, name, 1);
    put_number(file, rank, 4);
    if (rank) {
        put_number(file, COLUMNS, 8);
        put_number(file, ROWS, 8);
    }
    put_number(file, 0, 4);
    put_number(file, offset, 8);
}

static void write_gguf(FILE *file)
{
    put(file, "GGUF\3\0\0\0", 8);
    put_number(file, 2, 8);
    put_number(file, 0, 8);
    put_gguf_tensor(file, "a", 2, 0);
    put_gguf_tensor(file, "b", 0, BYTES);
    skip(file, 96 - ftello(file));
    put_a(file);
    put_b(file);
}

static void write_lsq2(FILE *file)
{
#define SUM "\"xxh3_128\":\"00000000000000000000000000000000\"" /* compared when asked for */
    static const char header[] =
        "{\"chain_panels\":16,\"tensors\":{\"a\":{\"data_offsets\":[64,4294971456],\"dtype\":\"F32\","
        "\"shape\":[1048577,1024]," SUM "},\"b\":{\"data_offsets\":[4294971456,4294971460],"
        "\"dtype\":\"F32\",\"shape\":[]," SUM "}}}";
    const uint64_t offset = 64 + BYTES + 64;
    uint8_t preamble[LSQ2_PREAMBLE];
    lsq_preamble p = {.version = LSQ2_VERSION,
                      .header_offset = offset,
                      .header_bytes = sizeof header - 1,
                      .file_bytes = offset + sizeof header - 1};
    lsq_hash(header, sizeof header - 1, p.header_hash);
    lsq_preamble_encode(&p, preamble);
    put(file, preamble, sizeof preamble);
    put_a(file);
    put_b(file);
    skip(file, 60);
    put(file, header, sizeof header - 1);
}

#if LSQ_ZLIB
/* Entries of a known size, with a CRC that nobody compares. */
static void put_numbers(FILE *file, const uint64_t (*numbers)[2])
{
    for (; (*numbers)[1]; numbers++)
        put_number(file, (*numbers)[0], (unsigned)(*numbers)[1]);
}

static void put_header(FILE *file, const char *name, uint64_t size)
{
    put_numbers(
        file, (const uint64_t[][2]){
                  {0x04034b50, 4}, {45, 2}, {0, 8}, {0, 4}, {0xffffffff, 4}, {0xffffffff, 4}, {5, 2}, {20, 2}, {0, 0}});
    put(file, name, 5);
    put_numbers(file, (const uint64_t[][2]){{1, 2}, {16, 2}, {size, 8}, {size, 8}, {0, 0}});
}

static void put_record(FILE *file, const char *name, uint64_t size, uint64_t offset)
{
    put_numbers(file, (const uint64_t[][2]){{0x02014b50, 4},
                                            {45, 2},
                                            {45, 2},
                                            {0, 8},
                                            {0, 4},
                                            {0xffffffff, 4},
                                            {0xffffffff, 4},
                                            {5, 2},
                                            {28, 2},
                                            {0, 8},
                                            {0, 2},
                                            {0xffffffff, 4},
                                            {0, 0}});
    put(file, name, 5);
    put_numbers(file, (const uint64_t[][2]){{1, 2}, {24, 2}, {size, 8}, {size, 8}, {offset, 8}, {0, 0}});
}

static void write_npz(FILE *file)
{
    const uint64_t a_size = 128 + BYTES, b_size = 128 + 4;
    put_header(file, "a.npy", a_size);
    put_npy_header(file, "(1048577, 1024)");
    put_a(file);
    const uint64_t b = (uint64_t)ftello(file);
    put_header(file, "b.npy", b_size);
    put_npy_header(file, "()");
    put_b(file);
    const uint64_t start = (uint64_t)ftello(file);
    put_record(file, "a.npy", a_size, 0);
    put_record(file, "b.npy", b_size, b);
    const uint64_t end = (uint64_t)ftello(file);
    put_numbers(file, (const uint64_t[][2]){
                          {0x06064b50, 4}, {44, 8},          {45, 2},    {45, 2},         {0, 8}, {2, 8},
                          {2, 8},          {end - start, 8}, {start, 8}, {0x07064b50, 4}, {0, 4}, {end, 8},
                          {1, 4},          {0x06054b50, 4},  {0, 4},     {2, 2},          {2, 2}, {end - start, 4},
                          {0xffffffff, 4}, {0, 2},           {0, 0}});
}
#endif

static const sample samples[] = {
    {"npy", write_npy}, {"safetensors", write_safetensors}, {"gguf", write_gguf}, {"lsq2", write_lsq2},
#if LSQ_ZLIB
    {"npz", write_npz},
#endif
};

static long long make(const sample *s)
{
    snprintf(path, sizeof path, "/tmp/lsq_large_XXXXXX");
    const int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    FILE *file = fdopen(fd, "wb");
    ck_assert_ptr_nonnull(file);
    s->write(file);
    const long long size = ftello(file);
    ck_assert_int_eq(fclose(file), 0);
    return size;
}

static void remove_file(void)
{
    unlink(path);
}

static void check_numbers(const lsq_model *model)
{
    float row[COLUMNS], b;
    size_t i;
    ck_assert_uint_eq(lsq_model_tensor(model, 0)->bytes, BYTES);
    ck_assert_int_eq(lsq_model_read_rows(model, 0, 0, ROWS - 1, 1, row, NULL), LSQ_OK);
    ck_assert_float_eq(row[COLUMNS - 2], 0);
    ck_assert_float_eq(row[COLUMNS - 1], A_LAST);
    if (strcmp(lsq_model_format(model), "npy") == 0)
        return;
    ck_assert_ptr_nonnull(lsq_model_find(model, "b", &i));
    ck_assert_int_eq(lsq_model_read(model, i, &b, NULL), LSQ_OK);
    ck_assert_float_eq(b, B);
}

START_TEST(behind_4_gib)
{
    lsq_model *model = NULL;
    lsq_error err = {.text = ""};
    const long long size = make(&samples[_i]);
    const lsq_status status = lsq_model_open(path, 0, &model, &err);
    if (sizeof(size_t) == 4) {
        ck_assert_msg(status == LSQ_E_LIMIT, "status %d, %s", status, err.text);
        return;
    }
    ck_assert_msg(status == LSQ_OK, "status %d, %s", status, err.text);
    ck_assert_str_eq(lsq_model_format(model), samples[_i].format);
    ck_assert_uint_eq(lsq_model_file_bytes(model), (uint64_t)size);
    check_numbers(model);
    lsq_model_free(model);

    ck_assert_int_eq(truncate(path, size - 1), 0);
    ck_assert_msg(lsq_model_open(path, 0, &model, &err) == LSQ_E_TRUNCATED, "status %d, %s", err.status, err.text);
    ck_assert_int_eq(truncate(path, size - 4096), 0);
    ck_assert_msg(lsq_model_open(path, 0, &model, &err) == LSQ_E_TRUNCATED, "status %d, %s", err.status, err.text);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("large");
    TCase *cases = tcase_create("all");
    tcase_set_timeout(cases, 60);
    tcase_add_checked_fixture(cases, NULL, remove_file);
    tcase_add_loop_test(cases, behind_4_gib, 0, sizeof samples / sizeof samples[0]);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
