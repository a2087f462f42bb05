/*
 * loss.c - how far matrices are from what they were.
 */
#include <lsq/lsq_model.h>

#include <errno.h>
#include <math.h>
#include <stdlib.h>

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

static void add_row(lsq_loss *loss, const float *w, const float *decoded, const float *x, size_t n)
{
    double y = 0, off = 0;
    for (size_t i = 0; i < n; i++) {
        const double was = (double)w[i], lost = was - (double)decoded[i], distance = fabs(lost);
        loss->signal += was * was;
        loss->noise += lost * lost;
        loss->distance += distance;
        loss->largest_error = distance > loss->largest_error ? distance : loss->largest_error;
        loss->lowest = was < loss->lowest ? was : loss->lowest;
        loss->highest = was > loss->highest ? was : loss->highest;
        y += was * (double)x[i];
        off += lost * (double)x[i];
    }
    loss->output_signal += y * y;
    loss->output_noise += off * off;
    loss->weights += (double)n;
}

lsq_status lsq_loss_add(lsq_loss *loss, const float *w, const lsq_weights *quantised)
{
    enum { BAND = 16 }; /* rows that are packed together */
    const size_t rows = lsq_weights_rows(quantised), k = lsq_weights_columns(quantised);
    const int before = errno;
    float *x = calloc(BAND + 1, k * sizeof *x), *decoded = x + k;
    lsq_status status = x ? LSQ_OK : LSQ_E_NOMEM;
    lsq_loss sum = *loss;
    if (sum.weights == 0)
        sum.lowest = sum.highest = (double)w[0];
    if (x)
        fill_normal(x, k);
    for (size_t row = 0; status == LSQ_OK && row < rows; row += BAND) {
        const size_t band = rows - row < BAND ? rows - row : BAND;
        status = lsq_dequantize(NULL, quantised, row, band, decoded, k);
        for (size_t r = 0; status == LSQ_OK && r < band; r++)
            add_row(&sum, w + (row + r) * k, decoded + r * k, x, k);
    }
    if (status == LSQ_OK)
        *loss = sum;
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
