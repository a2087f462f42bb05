/*
 * in_place_of_blas.c - a program that multiplies by cblas_sgemm(), behind liblsqblas. Its product is not changed; its matrix
 * is registered, and comes from 4-bit codes from then on.
 */
#include <lsq/lsq_blas.h>

#include <cblas.h>
#include <math.h>
#include <stdio.h>

enum { OUTPUTS = 256, INPUTS = 512, BATCH = 8 };

static float w[OUTPUTS * INPUTS], x[BATCH * INPUTS], y[BATCH * OUTPUTS];

static void fill(float *to, int n)
{
    static unsigned state = 1;
    for (int i = 0; i < n; i++) {
        state = state * 1664525u + 1013904223u;
        to[i] = (float)(state >> 8) / 0x1p23f - 1;
    }
}

/* Y = X W^T, a linear layer; returns the size of Y. */
static double layer(void)
{
    double sum = 0;
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, BATCH, OUTPUTS, INPUTS, 1, x, INPUTS, w, INPUTS, 0, y,
                OUTPUTS);
    for (int i = 0; i < BATCH * OUTPUTS; i++)
        sum += (double)y[i] * (double)y[i];
    return sqrt(sum);
}

int main(void)
{
    lsq_format format;
    lsq_weights *packed = NULL;
    lsq_error err = {0};
    fill(w, OUTPUTS * INPUTS);
    fill(x, BATCH * INPUTS);

    printf("|Y| = %g from floats\n", layer());
    if (lsq_format_parse("t4", &format, &err) != LSQ_OK ||
        lsq_quantize(NULL, &format, OUTPUTS, INPUTS, w, INPUTS, NULL, &packed, &err) != LSQ_OK) {
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    lsq_status status = lsq_blas_register(w, OUTPUTS, INPUTS, INPUTS, packed);
    if (status != LSQ_OK) {
        fprintf(stderr, "%s\n", lsq_strerror(status));
        lsq_weights_free(packed);
        return 1;
    }
    printf("|Y| = %g from 4-bit codes\n", layer());
    lsq_blas_unregister(w);
    lsq_weights_free(packed);
    printf("|Y| = %g from floats again\n", layer());
    return 0;
}
