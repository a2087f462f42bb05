/*
 * blas.h - the functions of BLAS that are taken over, as this library defines them and as it calls those of the next BLAS.
 *
 * lsq_blas.h does not declare them: every program that includes it has its own <cblas.h>, in one of several wordings.
 */
#ifndef LSQ_BINDINGS_BLAS_H
#define LSQ_BINDINGS_BLAS_H

#include <lsq/lsq.h>

LSQ_API void cblas_sgemv(int order, int trans, int m, int n, float alpha, const float *a, int lda, const float *x,
                         int incx, float beta, float *y, int incy);
LSQ_API void cblas_sgemm(int order, int trans_a, int trans_b, int m, int n, int k, float alpha, const float *a, int lda,
                         const float *b, int ldb, float beta, float *c, int ldc);
LSQ_API void sgemv_(const char *trans, const int *m, const int *n, const float *alpha, const float *a, const int *lda,
                    const float *x, const int *incx, const float *beta, float *y, const int *incy);
LSQ_API void sgemm_(const char *trans_a, const char *trans_b, const int *m, const int *n, const int *k,
                    const float *alpha, const float *a, const int *lda, const float *b, const int *ldb,
                    const float *beta, float *c, const int *ldc);

/*
 * The same, somewhere else. In Fortran the lengths of strings come behind the arguments, unseen. Nobody reads them, but a
 * compiled Fortran function may use their place on the stack as its own, so it must be there.
 */
typedef struct lsq_blas {
    void (*cblas_sgemv)(int order, int trans, int m, int n, float alpha, const float *a, int lda, const float *x,
                        int incx, float beta, float *y, int incy);
    void (*cblas_sgemm)(int order, int trans_a, int trans_b, int m, int n, int k, float alpha, const float *a, int lda,
                        const float *b, int ldb, float beta, float *c, int ldc);
    void (*sgemv)(const char *trans, const int *m, const int *n, const float *alpha, const float *a, const int *lda,
                  const float *x, const int *incx, const float *beta, float *y, const int *incy, size_t trans_length);
    void (*sgemm)(const char *trans_a, const char *trans_b, const int *m, const int *n, const int *k,
                  const float *alpha, const float *a, const int *lda, const float *b, const int *ldb, const float *beta,
                  float *c, const int *ldc, size_t trans_a_length, size_t trans_b_length);
} lsq_blas;

/* The one that calls are handed on to; found at the first call. */
const lsq_blas *lsq_blas_next(void);

/* Plain loops, for where there is no other. What is wrong with a call they do not say; they do nothing then. */
extern const lsq_blas lsq_blas_plain;

enum { CONJ_TRANS = 113 };

/* What CBLAS calls N, T or C in either case; 0 for anything else. */
static inline int lsq_blas_trans(const char *letter)
{
    switch (*letter) {
    case 'N':
    case 'n':
        return LSQ_NO_TRANS;
    case 'T':
    case 't':
        return LSQ_TRANS;
    case 'C':
    case 'c':
        return CONJ_TRANS;
    }
    return 0;
}

#endif
