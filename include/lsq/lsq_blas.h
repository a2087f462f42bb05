/*
 * lsq_blas.h - packed weights in the place of matrices that a program multiplies with its BLAS: liblsqblas.
 *
 * liblsqblas exports cblas_sgemv(), cblas_sgemm(), sgemv_() and sgemm_(), as BLAS declares them, with sizes of type int. Put
 * before the program's BLAS, by LD_PRELOAD or on the linker's line, it hands every call on, bit for bit, but those that
 * multiply with a whole matrix that was registered here: these are lsq_sgemv() and lsq_sgemm() with its weights, in the
 * default context (lsq.h). It quantises nothing by itself.
 *
 * A matrix counts where BLAS has A of gemv, and A or B of gemm (A, if both are registered), in either order and language:
 * an array that is rows x columns row by row is columns x rows column by column. Part of it, or the same memory in another
 * shape, is not the matrix. Should liblsq fail, for lack of memory, the call is handed on like any other.
 *
 * The next BLAS is looked for once, at the first call that is handed on: the file that the environment variable LSQ_BLAS_NEXT
 * names, and no other, if there is such a variable; else what the dynamic linker has behind liblsqblas; else libblas.so.3,
 * libcblas.so.3 or libopenblas.so.0. Without any, plain loops, right and slow, do the work, silent about bad arguments.
 */
#ifndef LSQ_LSQ_BLAS_H
#define LSQ_LSQ_BLAS_H

#include <lsq/lsq.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * From now on products with the array a, rows x columns, row by row with leading dimension ld >= columns, are products with
 * w. Until lsq_blas_unregister() w must live, and a must be neither freed nor changed: an address and a shape are all
 * by which a matrix is known. LSQ_E_ARGUMENT if w has other sizes or an array at a is registered already; LSQ_E_NOMEM;
 * LSQ_E_CONFIG if there is no default context (lsq_context_new).
 */
LSQ_API lsq_status lsq_blas_register(const float *a, size_t rows, size_t columns, size_t ld, const lsq_weights *w);

/*
 * From now on they are the BLAS's again. Returns when no product uses the weights any more, so that they can be freed.
 * LSQ_E_ARGUMENT if nothing is registered at a.
 */
LSQ_API lsq_status lsq_blas_unregister(const float *a);

#ifdef __cplusplus
}
#endif

#endif
