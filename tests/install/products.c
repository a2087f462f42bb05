/*
 * products.c - a program of somebody else in C, on liblsq alone: a product with packed weights, and what went wrong if it is wrong.
 */
#include <lsq/lsq.h>

#include <stdio.h>
#include <string.h>

enum { ROWS = 48, COLUMNS = 64 };

int main(void)
{
    static float w[ROWS * COLUMNS], x[COLUMNS], y[ROWS];
    lsq_format format;
    lsq_weights *packed = NULL;
    lsq_error err;
    char header[32];
    for (int i = 0; i < ROWS * COLUMNS; i++)
        w[i] = (float)(i * 37 % 101) - 50;
    for (int i = 0; i < COLUMNS; i++)
        x[i] = (float)(i * 29 % 23) - 11;

    snprintf(header, sizeof header, "%d.%d.%d", LSQ_VERSION_MAJOR, LSQ_VERSION_MINOR, LSQ_VERSION_PATCH);
    if (strcmp(header, lsq_version()) != 0) {
        fprintf(stderr, "the header is of %s, the library of %s\n", header, lsq_version());
        return 1;
    }
    if (lsq_format_parse("s8", &format, &err) != LSQ_OK ||
        lsq_quantize(NULL, &format, ROWS, COLUMNS, w, COLUMNS, NULL, &packed, &err) != LSQ_OK) {
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    lsq_status status = lsq_sgemv(NULL, LSQ_NO_TRANS, 1, packed, x, 1, 0, y, 1);
    lsq_weights_free(packed);
    double error = 0, size = 0;
    for (int r = 0; r < ROWS; r++) {
        double sum = 0;
        for (int c = 0; c < COLUMNS; c++)
            sum += (double)w[r * COLUMNS + c] * x[c];
        error += (y[r] - sum) * (y[r] - sum);
        size += sum * sum;
    }
    if (status != LSQ_OK || !(size > 0 && error < 1e-3 * size)) {
        fprintf(stderr, "%s; squared error %g of %g\n", lsq_strerror(status), error, size);
        return 1;
    }
    printf("liblsq %s: a product as it should be\n", lsq_version());
    return 0;
}
