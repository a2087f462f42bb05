/*
 * product.h - a matrix of arbitrary codes and a vector, for kernels of gemv and decode to be checked on, called by themselves: in whole
 * and in ranges, on outputs that they must not leave.
 */
#ifndef LSQ_TUNER_PRODUCT_H
#define LSQ_TUNER_PRODUCT_H

#include "dispatch/select.h"
#include "dispatch/weights.h"

#include <lsq/lsq.h>

enum { GUARD = 64 };

typedef struct product {
    unsigned op;
    enum lsq_act act;
    lsq_weights *weights;
    size_t panels, groups;
    float *x;         /* the vector before it is rounded: 32 * groups */
    float *out;       /* gemv: 16 a panel. decode: 16 * 32 * groups a panel */
    size_t out_panel; /* floats between the outputs of two panels */
    size_t outputs;   /* floats in `out`, GUARD of which no kernel may touch: the last ones */
    lsq_gemv_args gemv;
    void *scratch; /* what gemv.x points into */
} product;

/*
 * Makes a product over packed bytes that may be anything: they stay the caller's, and only the tensor's float is set, to 1.
 * `packed` holds product_bytes() of them. Takes the kind from `kernel`. 0 if memory ran out.
 */
int product_make(product *p, const lsq_kernel *kernel, const lsq_format *format, size_t panels, size_t groups,
                 uint8_t *packed);
size_t product_bytes(const lsq_format *format, size_t panels, size_t groups);
void product_free(product *p);

/* Rounds p->x into what kernels read. Call after changing x. */
void product_round(product *p);

/* Runs panels [p0, p1), p0 < p1 <= panels. The kernel must be of the kind that the product was made for. */
void product_run(const product *p, const lsq_kernel *kernel, size_t p0, size_t p1);

/* One weight of a matrix that was decoded. */
float product_weight(const product *p, size_t row, size_t column);

#endif
