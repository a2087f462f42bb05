/*
 * verify.h - is a kernel right on this machine? Asked before it may be timed, let alone chosen.
 */
#ifndef LSQ_TUNER_VERIFY_H
#define LSQ_TUNER_VERIFY_H

#include "dispatch/select.h"

typedef enum verdict { RIGHT, WRONG, NO_MEMORY } verdict;

/*
 * Compares `kernel` with `reference`, the scalar row of its kind, in every format of its family, on random and extreme codes
 * and vectors, in whole and in ranges of panels. Integer products and decoding must give the same bytes; float products
 * must be within the bound that lsq.h promises, of the product in double of what the reference decodes. WRONG: `why` says
 * where.
 */
verdict verify_kernel(const lsq_kernel *kernel, const lsq_kernel *reference, char *why, size_t room);

#endif
