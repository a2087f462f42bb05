/*
 * network.h - files of random codes in the shape of a language model, of any size and within seconds.
 */
#ifndef LSQ_BENCH_NETWORK_H
#define LSQ_BENCH_NETWORK_H

#include <lsq/lsq_model.h>

#ifdef __cplusplus
extern "C" {
#endif

/* So many layers of so wide an embedding, a multiple of 16. Everything else is in proportion to Mistral 7B, which is 32 x 4096. */
typedef struct bench_network {
    unsigned layers, hidden;
} bench_network;

/*
 * Writes a .lsq file with the tensors of such a network under their usual names: embedding and head of 125/16 hidden rows, in each
 * layer q, k, v, o (k and v of a quarter of the rows), gate, up and down of 7/2 hidden, norms as plain numbers. Codes are random;
 * scales are such that a product with a vector has about the size of the vector. LSQ_E_ARGUMENT, and those of the writer.
 */
lsq_status bench_network_write(const bench_network *network, const lsq_format *format, const char *path,
                               lsq_error *err);

#ifdef __cplusplus
}
#endif

#endif
