/*
 * in_place.c - a program that calls its BLAS, which liblsqblas stands before: without weights, with them, and without again.
 */
#include <lsq/lsq_blas.h>

#include <stdio.h>

/* As <cblas.h> has it, which a machine may lack. */
void cblas_sgemv(int order, int trans, int m, int n, float alpha, const float *a, int lda, const float *x, int incx,
                 float beta, float *y, int incy);

enum { N = 32 };
static float a[N * N], x[N], y[N];

static float product(void)
{
    cblas_sgemv(101, 111, N, N, 1, a, N, x, 1, 0, y, 1); /* by rows, as it is */
    return y[0];
}

int main(void)
{
    static float other[N * N];
    lsq_format format;
    lsq_weights *packed = NULL;
    for (int i = 0; i < N * N; i++)
        other[i] = 3 * (a[i] = 1); /* the weights are told from the matrix by what the product is */
    for (int i = 0; i < N; i++)
        x[i] = 1;
    lsq_status status = lsq_format_parse("s8", &format, NULL);
    if (status == LSQ_OK)
        status = lsq_quantize(NULL, &format, N, N, other, N, NULL, &packed, NULL);
    float before = product();
    if (status == LSQ_OK)
        status = lsq_blas_register(a, N, N, N, packed);
    float between = product();
    lsq_blas_unregister(a);
    float after = product();
    lsq_weights_free(packed);
    if (status != LSQ_OK || before != N || between < 95 || between > 97 || after != N) {
        fprintf(stderr, "in_place: %s; %g, %g, %g\n", lsq_strerror(status), before, between, after);
        return 1;
    }
    puts("liblsqblas: in the place of a BLAS");
    return 0;
}
