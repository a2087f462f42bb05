/*
 * loss.c - how far matrices are from what they were.
 *
 * A matrix is cut into chunks of rows, of which threads take one after the other: w beside what it decodes to, 16 rows at a time. Sums of chunks
 * are then added in their order, so results depend on neither threads nor, since chunks divide 256 rows, on strips of so many.
 */
#include <lsq/lsq_model.h>

#include <errno.h>
#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum {
    BAND = 16,               /* rows that are packed together */
    CHUNK_ROWS = 256,        /* at most, */
    CHUNK_WEIGHTS = 1 << 15, /* or fewer of so many weights */
    CHUNKS = 1 << 10,        /* that have sums at a time */
    SCRATCH = 4 << 20,       /* bytes for all threads, unless one takes more */
    LANES = 2                /* of a row, side by side in a vector of any machine */
};

/*
 * The sum of twelve numbers uniform in [-1/2, 1/2], whose variance is 1: normal to the eye, and exact, so that it is the same on every
 * machine.
 */
static void fill_normal(float *x, size_t n)
{
    uint64_t state = 1;
    for (size_t i = 0; i < n; i++) {
        double sum = 0;
        for (int k = 0; k < 12; k++) {
            state = state * 6364136223846793005u + 1442695040888963407u; /* Knuth's MMIX generator */
            sum += (double)(state >> 43) * 0x1p-21 - 0.5;
        }
        x[i] = (float)sum;
    }
}

/* ---- A row ------------------------------------------------------------------------------------------------------- */

/* As in lsq_loss, but for what comes of a row; then extremes. */
enum { SIGNAL, NOISE, DISTANCE, ZEROS, POWERS, OUTPUT = POWERS + 4, LOST_OUTPUT, SUMS };
enum { LARGEST_ERROR, HIGHEST, LOWEST, EXTREMES };

typedef struct sums {
    double sum[SUMS];
    double extreme[EXTREMES]; /* the largest; of the lowest weight its negative */
} sums;

/* Of every other weight. */
typedef struct lanes {
    double sum[SUMS][LANES], extreme[EXTREMES][LANES];
} lanes;

static inline double larger(double a, double b)
{
    return a > b ? a : b;
}

static inline void add_weight(lanes *s, unsigned l, double first, double w, double decoded, double x)
{
    const double lost = w - decoded, distance = fabs(lost), apart = w - first, square = apart * apart;
    s->sum[SIGNAL][l] += w * w;
    s->sum[NOISE][l] += lost * lost;
    s->sum[DISTANCE][l] += distance;
    s->sum[ZEROS][l] += decoded == 0 ? 1 : 0;
    s->sum[POWERS][l] += apart;
    s->sum[POWERS + 1][l] += square;
    s->sum[POWERS + 2][l] += square * apart;
    s->sum[POWERS + 3][l] += square * square;
    s->sum[OUTPUT][l] += w * x;
    s->sum[LOST_OUTPUT][l] += lost * x;
    s->extreme[LARGEST_ERROR][l] = larger(distance, s->extreme[LARGEST_ERROR][l]);
    s->extreme[HIGHEST][l] = larger(w, s->extreme[HIGHEST][l]);
    s->extreme[LOWEST][l] = larger(-w, s->extreme[LOWEST][l]);
}

static void add_sums(sums *to, const sums *from)
{
    for (unsigned i = 0; i < SUMS; i++)
        to->sum[i] += from->sum[i];
    for (unsigned i = 0; i < EXTREMES; i++)
        to->extreme[i] = larger(from->extreme[i], to->extreme[i]);
}

static void add_row(sums *to, double first, const float *w, const float *decoded, const float *x, size_t n)
{
    lanes s = {0};
    sums row;
    size_t i = 0;
    for (unsigned l = 0; l < LANES; l++) {
        s.extreme[HIGHEST][l] = (double)w[0];
        s.extreme[LOWEST][l] = -(double)w[0];
    }
    for (; i + LANES <= n; i += LANES)
        for (unsigned l = 0; l < LANES; l++)
            add_weight(&s, l, first, (double)w[i + l], (double)decoded[i + l], (double)x[i + l]);
    if (i < n)
        add_weight(&s, 0, first, (double)w[i], (double)decoded[i], (double)x[i]);
    for (unsigned k = 0; k < SUMS; k++)
        row.sum[k] = s.sum[k][0] + s.sum[k][1];
    for (unsigned k = 0; k < EXTREMES; k++)
        row.extreme[k] = larger(s.extreme[k][0], s.extreme[k][1]);
    row.sum[OUTPUT] *= row.sum[OUTPUT];
    row.sum[LOST_OUTPUT] *= row.sum[LOST_OUTPUT];
    add_sums(to, &row);
}

static void count_errors(uint32_t *errors, const float *w, const float *decoded, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const float error = fabsf(w[i] - decoded[i]);
        uint32_t bits;
        memcpy(&bits, &error, sizeof bits);
        errors[bits >> 16]++;
    }
}

/* ---- Chunks ------------------------------------------------------------------------------------------------------ */

typedef struct job {
    const lsq_context *ctx;
    const float *w, *x;
    const lsq_weights *quantised;
    size_t rows, columns, chunk, first; /* rows of the matrix, and of a chunk; the first chunk that has sums */
    double start;                       /* what powers are about */
    sums *sums;                         /* of each chunk */
    atomic_size_t next;                 /* chunk that nobody has taken yet, of */
    size_t count;
    _Atomic uint64_t *errors; /* of all; NULL: not wanted */
    atomic_int out_of_memory;
} job;

static size_t rows_of_chunk(size_t columns)
{
    size_t rows = BAND;
    while (rows < CHUNK_ROWS && rows * columns < CHUNK_WEIGHTS)
        rows *= 2;
    return rows;
}

static lsq_status add_chunk(const job *j, size_t chunk, sums *to, float *decoded, uint32_t *errors)
{
    const size_t k = j->columns, start = (j->first + chunk) * j->chunk;
    const size_t end = j->rows - start < j->chunk ? j->rows : start + j->chunk;
    lsq_status status = LSQ_OK;
    for (size_t row = start; status == LSQ_OK && row < end; row += BAND) {
        const size_t band = end - row < BAND ? end - row : BAND;
        const float *w = j->w + row * k;
        status = lsq_dequantize(j->ctx, j->quantised, row, band, decoded, k);
        for (size_t r = 0; status == LSQ_OK && r < band; r++)
            add_row(to, j->start, w + r * k, decoded + r * k, j->x, k);
        if (status == LSQ_OK && errors)
            count_errors(errors, w, decoded, band * k);
    }
    return status;
}

/* The workers [first, end) are one: whoever comes takes what is left. */
static void add_chunks(void *arg, size_t first, size_t end)
{
    job *j = arg;
    float *decoded = calloc(BAND, j->columns * sizeof *decoded);
    uint32_t *errors = j->errors ? calloc(LSQ_ERROR_BINS, sizeof *errors) : NULL;
    int done = decoded && (errors || !j->errors);
    (void)first;
    (void)end;
    for (size_t i; done && (i = j->next++) < j->count;)
        done = add_chunk(j, i, &j->sums[i], decoded, errors) == LSQ_OK;
    for (size_t i = 0; done && errors && i < LSQ_ERROR_BINS; i++)
        if (errors[i])
            atomic_fetch_add_explicit(&j->errors[i], errors[i], memory_order_relaxed);
    if (!done)
        j->out_of_memory = 1;
    free(errors);
    free(decoded);
}

static size_t workers_of(const job *j)
{
    const size_t each = BAND * j->columns * sizeof(float) + (j->errors ? LSQ_ERROR_BINS * sizeof(uint32_t) : 0);
    const size_t most = each < SCRATCH ? SCRATCH / each : 1;
    return most < j->count ? most : j->count;
}

static lsq_status add_all(job *j, sums *all)
{
    const size_t chunks = (j->rows + j->chunk - 1) / j->chunk;
    lsq_status status = LSQ_OK;
    for (; status == LSQ_OK && j->first < chunks; j->first += j->count) {
        j->next = 0;
        j->count = chunks - j->first < CHUNKS ? chunks - j->first : CHUNKS;
        for (size_t i = 0; i < j->count; i++)
            j->sums[i] = (sums){.extreme = {0, all->extreme[HIGHEST], all->extreme[LOWEST]}};
        status = lsq_for_ranges(j->ctx, workers_of(j), add_chunks, j);
        if (status == LSQ_OK && j->out_of_memory)
            status = LSQ_E_NOMEM;
        for (size_t i = 0; status == LSQ_OK && i < j->count; i++)
            add_sums(all, &j->sums[i]);
    }
    return status;
}

static sums sums_of(const lsq_loss *l, double first)
{
    const double highest = l->weights > 0 ? l->highest : first, lowest = l->weights > 0 ? l->lowest : first;
    return (sums){.sum = {l->signal, l->noise, l->distance, l->zeros, l->powers[0], l->powers[1], l->powers[2],
                          l->powers[3], l->output_signal, l->output_noise},
                  .extreme = {l->largest_error, highest, -lowest}};
}

static lsq_loss loss_of(const sums *s, double weights, double first)
{
    const double *sum = s->sum, *powers = sum + POWERS;
    return (lsq_loss){.weights = weights,
                      .signal = sum[SIGNAL],
                      .noise = sum[NOISE],
                      .output_signal = sum[OUTPUT],
                      .output_noise = sum[LOST_OUTPUT],
                      .distance = sum[DISTANCE],
                      .largest_error = s->extreme[LARGEST_ERROR],
                      .lowest = -s->extreme[LOWEST],
                      .highest = s->extreme[HIGHEST],
                      .zeros = sum[ZEROS],
                      .first = first,
                      .powers = {powers[0], powers[1], powers[2], powers[3]}};
}

lsq_status lsq_loss_add(const lsq_context *ctx, lsq_loss *loss, uint64_t *errors, const float *w,
                        const lsq_weights *quantised)
{
    const size_t rows = lsq_weights_rows(quantised), k = lsq_weights_columns(quantised);
    const int before = errno;
    float *x = calloc(k, sizeof *x);
    job j = {.ctx = ctx,
             .w = w,
             .x = x,
             .quantised = quantised,
             .rows = rows,
             .columns = k,
             .chunk = rows_of_chunk(k),
             .start = loss->weights > 0 ? loss->first : (double)w[0],
             .sums = calloc(CHUNKS, sizeof *j.sums),
             .errors = errors ? calloc(LSQ_ERROR_BINS, sizeof *j.errors) : NULL};
    lsq_status status = x && j.sums && (j.errors || !errors) ? LSQ_OK : LSQ_E_NOMEM;
    sums all = sums_of(loss, j.start);
    if (status == LSQ_OK) {
        fill_normal(x, k);
        status = add_all(&j, &all);
    }
    for (size_t i = 0; status == LSQ_OK && errors && i < LSQ_ERROR_BINS; i++)
        errors[i] += j.errors[i];
    if (status == LSQ_OK)
        *loss = loss_of(&all, loss->weights + (double)rows * (double)k, j.start);
    free((void *)j.errors);
    free(j.sums);
    free(x);
    errno = before;
    return status;
}

double lsq_loss_snr(const lsq_loss *loss)
{
    return loss->noise > 0 ? 10 * log10(loss->signal / loss->noise) : INFINITY;
}

double lsq_loss_of_output(const lsq_loss *loss)
{
    return loss->output_noise > 0 ? sqrt(loss->output_noise / loss->output_signal) : 0;
}

double lsq_loss_of_weights(const lsq_loss *loss)
{
    return loss->noise > 0 ? loss->noise / loss->signal : 0;
}

double lsq_loss_of_range(const lsq_loss *loss)
{
    const double range = loss->highest - loss->lowest;
    return range > 0 ? loss->distance / loss->weights / range : 0;
}
