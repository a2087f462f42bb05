/*
 * rates.c - how fast this machine multiplies with matrices of a format, and what the format keeps of Gaussian weights.
 */
#include "tools/rates.h"
#include "tools/samples.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { COLUMNS = 4096, ROWS = 64, MEBIBYTE = 1 << 20, LEAST = 32, MOST = 256 };

/* The size of the last cache and the number of threads, as the library has them. */
static lsq_status ask(rates *r)
{
    size_t size = lsq_describe(NULL, NULL, 0) + 1;
    char *text = malloc(size);
    if (!text)
        return LSQ_E_NOMEM;
    lsq_describe(NULL, text, size);
    json_t *description = json_loads(text, 0, NULL), *cpu = json_object_get(description, "cpu");
    static const char *const caches[] = {"l1d", "l2", "l3"};
    for (size_t i = 0; i < sizeof caches / sizeof *caches; i++) {
        json_int_t bytes = json_integer_value(json_object_get(cpu, caches[i]));
        r->cache = bytes > (json_int_t)r->cache ? (size_t)bytes : r->cache;
    }
    r->threads = (unsigned)json_integer_value(json_object_get(description, "threads"));
    lsq_status status = description && r->threads ? LSQ_OK : LSQ_E_NOMEM;
    json_decref(description);
    free(text);
    return status;
}

lsq_status rates_begin(rates *r, lsq_error *err)
{
    lsq_context *made = NULL; /* says what is wrong with the environment */
    *r = (rates){0};
    lsq_status status = lsq_context_new(NULL, &made, err);
    lsq_context_free(made);
    if (status == LSQ_OK)
        status = ask(r);
    size_t mebibytes = 2 * (r->cache / MEBIBYTE);
    mebibytes = mebibytes < LEAST ? LEAST : mebibytes > MOST ? MOST : mebibytes;
    while (status == LSQ_OK && mebibytes && !(r->packed = aligned_alloc(4096, mebibytes * MEBIBYTE)))
        mebibytes /= 2;
    if (status != LSQ_OK || !r->packed)
        return status != LSQ_OK ? status : LSQ_E_NOMEM;
    r->most = mebibytes * MEBIBYTE;
    r->state = 1;
    return LSQ_OK;
}

void rates_end(rates *r)
{
    free(r->packed);
    r->packed = NULL;
}

/* ---- Products ---- */

/* Random bytes up to there, as far as they are not yet made; `bytes` is a multiple of 64. */
static void fill(rates *r, size_t bytes)
{
    for (; r->filled < bytes; r->filled += sizeof r->state) {
        r->state ^= r->state << 13; /* Marsaglia's xorshift */
        r->state ^= r->state >> 7;
        r->state ^= r->state << 17;
        memcpy(r->packed + r->filled, &r->state, sizeof r->state);
    }
}

/* A matrix of so many rows, a multiple of 64: then the scale of the tensor begins the last 64 bytes (docs/codecs.md). */
static lsq_status matrix(rates *r, const lsq_format *format, size_t rows, lsq_weights **w, lsq_error *err)
{
    const float one = 1;
    size_t bytes;
    lsq_status status = lsq_packed_bytes(format, rows, COLUMNS, &bytes);
    if (status != LSQ_OK)
        return status;
    fill(r, bytes);
    memcpy(r->packed + bytes - 64, &one, sizeof one);
    return lsq_weights_wrap(format, rows, COLUMNS, r->packed, bytes, w, err);
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* The mean of as many products as `seconds` allow, at least one. */
static lsq_status time_products(const lsq_weights *w, const float *x, float *y, double seconds, double *each)
{
    double begun = now(), taken = 0;
    lsq_status status = LSQ_OK;
    size_t count = 0;
    do {
        status = lsq_sgemv(NULL, LSQ_NO_TRANS, 1, w, x, 1, 0, y, 1);
        taken = now() - begun;
        count++;
    } while (status == LSQ_OK && taken < seconds);
    *each = taken / (double)count;
    return status;
}

/* The most rows that there is room for and that take about a tenth of a second at most; the last product of the search is a warm-up. */
static lsq_status find_rows(rates *r, const lsq_format *format, const float *x, float *y, size_t *rows, lsq_error *err)
{
    double each = 0;
    lsq_status status = LSQ_OK;
    size_t next = ROWS, bytes;
    do {
        lsq_weights *w = NULL;
        *rows = next;
        status = matrix(r, format, next, &w, err);
        if (status == LSQ_OK)
            status = time_products(w, x, y, 0, &each);
        lsq_weights_free(w);
        next *= 2;
    } while (status == LSQ_OK && each < 0.05 && lsq_packed_bytes(format, next, COLUMNS, &bytes) == LSQ_OK &&
             bytes <= r->most);
    return status;
}

static lsq_status measure(rates *r, part *p, const float *x, float *y, lsq_error *err)
{
    lsq_weights *w = NULL;
    size_t rows = 0, bytes = 0;
    lsq_status status = find_rows(r, &p->format, x, y, &rows, err);
    if (status == LSQ_OK)
        status = matrix(r, &p->format, rows, &w, err);
    for (int all = 0; status == LSQ_OK && all < 2; all++) {
        double each;
        unsigned before = lsq_set_num_threads_local(all ? 0 : 1);
        if (all && r->threads == 1)
            p->rates[1] = p->rates[0];
        else if ((status = time_products(w, x, y, r->threads == 1 ? 0.25 : 0.125, &each)) == LSQ_OK)
            p->rates[all] = (double)rows * COLUMNS / each;
        lsq_set_num_threads_local(before);
    }
    if (status == LSQ_OK && lsq_packed_bytes(&p->format, rows, COLUMNS, &bytes) == LSQ_OK && bytes > r->used)
        r->used = bytes;
    lsq_weights_free(w);
    return status;
}

lsq_status rates_measure(rates *r, part *p, lsq_error *err)
{
    uint64_t state = 1;
    size_t most = 8 * r->most / COLUMNS + ROWS; /* rows, were a weight one bit */
    float *x = calloc(COLUMNS, sizeof *x), *y = calloc(most, sizeof *y);
    lsq_status status = x && y ? LSQ_OK : LSQ_E_NOMEM;
    for (size_t i = 0; status == LSQ_OK && i < COLUMNS; i++)
        x[i] = quality_normal(&state);
    if (status == LSQ_OK)
        status = measure(r, p, x, y, err);
    free(x);
    free(y);
    return status;
}

/* ---- What a format keeps ---- */

lsq_status rates_noise(part *p, int curve, lsq_error *err)
{
    enum { SAMPLE_ROWS = 128, SAMPLE_COLUMNS = 512 };
    const wish want = {.version = 2};
    lsq_format format = p->format;
    sample s = {.rows = SAMPLE_ROWS, .columns = SAMPLE_COLUMNS, .w = calloc(SAMPLE_ROWS * SAMPLE_COLUMNS, sizeof *s.w)};
    uint64_t state = 1;
    double seconds;
    lsq_status status = s.w ? LSQ_OK : LSQ_E_NOMEM;
    for (size_t i = 0; status == LSQ_OK && i < s.rows * s.columns; i++)
        s.w[i] = 0.02f * quality_normal(&state);
    if (status == LSQ_OK && curve == LSQ_CURVE_BEST && format.codec != LSQ_CLASSIC)
        status = sample_curve(&s, &want, &format, err);
    if (status == LSQ_OK)
        status = sample_measure(&s, &want, &format, &p->noise, &seconds, err);
    sample_free(&s);
    return status;
}
