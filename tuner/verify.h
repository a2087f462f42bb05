/*
 * verify.h - is a kernel right on this machine? Asked before it may be timed, let alone chosen.
 */
#ifndef LSQ_TUNER_VERIFY_H
#define LSQ_TUNER_VERIFY_H

#include "tuner/workshop.h"

typedef enum verdict { RIGHT, WRONG, NO_MEMORY } verdict;

/*
 * Compares `kernel` with `reference`, the scalar row of its kind, in every format of its family, on random and extreme codes
 * and vectors. Integer products, decoding and encoding must give the same bytes; float products must be within the bound that lsq.h
 * promises, of the product in double of what the reference decodes. WRONG: `why` says where.
 *
 * alone    kernels of gemv and decode, called by themselves, in whole and in ranges of panels
 * round    kernels of round, called by themselves: all that they write, for one vector and for several side by side
 * in_calls kernels of the other ops, in the public calls that use them
 */
verdict verify_alone(const lsq_kernel *kernel, const lsq_kernel *reference, char *why, size_t room);
verdict verify_round(const lsq_kernel *kernel, const lsq_kernel *reference, char *why, size_t room);
verdict verify_in_calls(workshop *w, const lsq_kernel *kernel, const lsq_kernel *reference, char *why, size_t room);

/* The one that the op asks for. */
verdict verify_kernel(workshop *w, const lsq_kernel *kernel, const lsq_kernel *reference, char *why, size_t room);

#endif
