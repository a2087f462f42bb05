/*
 * stream.h - the parts of a stream, and who works on them.
 *
 *     stream_open.c   the header becomes a model without numbers
 *     stream_plan.c   which tensors stay in memory, how large the ring is
 *     stream_read.c   bytes from the file into memory, ahead of the caller where there is a thread
 *     stream.c        what the caller is given
 *
 *     memory:  | tensors that stay | ring                                      |
 *                                  | free | with the caller, or read ahead | free |
 *
 * Items are counted through all passes: item n is at position n % count of the order. Items [released, done) have been read and are in
 * use, or wait for the caller.
 */
#ifndef LSQ_MODEL_RUNTIME_STREAM_H
#define LSQ_MODEL_RUNTIME_STREAM_H

#include "model/model.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/types.h>

/* Items that may be read ahead, itself included: small tensors come in crowds. And the thread's stack, which needs no more. */
enum { LSQ_STREAM_SLOTS = 16, LSQ_STREAM_STACK = 256 << 10 };

/* An item that has been read, or will be next. */
typedef struct lsq_stream_slot {
    size_t at, bytes; /* its place in the ring; no bytes: it is not there */
    const uint8_t *data;
    lsq_error error; /* what became of reading it */
} lsq_stream_slot;

/* What is known of a tensor of the model. */
typedef struct lsq_stream_tensor {
    size_t first;         /* position of its first use; as many as there are positions: none */
    uint8_t *place;       /* where it stays; NULL: it comes through the ring */
    int is_read;          /* and is there already */
    lsq_weights *weights; /* of one that stays, once it has been asked for */
} lsq_stream_tensor;

struct lsq_stream {
    lsq_model *model;
    int fd;
    pid_t owner; /* the process whose thread it is */
    int verify;
    size_t *order, count;
    lsq_stream_tensor *tensors; /* one for each of the model */

    uint8_t *memory, *ring;
    size_t memory_bytes, ring_bytes;
    uint64_t resident_bytes; /* of memory: tensors that stay */
    uint64_t fixed_bytes;    /* what is taken besides memory and weights */

    /* between the caller and the thread */
    pthread_mutex_t lock;
    pthread_cond_t has_room, has_item;
    pthread_t thread;
    int has_thread;
    atomic_int leave;
    uint64_t released, done;
    uint64_t bytes_read;
    size_t end_of_ring; /* where the next item goes, if there is room */
    lsq_stream_slot slots[LSQ_STREAM_SLOTS];

    /* the caller's */
    uint64_t given;                       /* items that it was given */
    lsq_weights *weights;                 /* of the item that it has, unless that stays */
    uint64_t weights_bytes, weights_peak; /* of all weights there are */
    double seconds_waited;
    lsq_error failure;
};

/* The bytes that an item takes, its outliers and all padding included: a multiple of 64. */
size_t lsq_stream_span(const lsq_entry *entry);

/* What lsq_weights_wrap_outliers() allocates for it, at most. */
uint64_t lsq_stream_weights_bytes(const lsq_tensor *tensor);

/* Opens the file: s->model and s->fd, or -1. `memory` is the limit. */
lsq_status lsq_stream_open(lsq_stream *s, const char *path, size_t memory, lsq_error *err);

/* Decides what stays, and allocates: s->memory, s->ring and the places. LSQ_E_LIMIT, LSQ_E_NOMEM. */
lsq_status lsq_stream_allocate(lsq_stream *s, size_t memory, lsq_error *err);

/* `size` bytes from an offset of the file; stops, with nothing said, when *leave is set. It may be NULL. */
lsq_status lsq_stream_pread(int fd, void *to, size_t size, uint64_t offset, const atomic_int *leave, const char *where,
                            lsq_error *err);

/*
 * Reads one more item; the lock must be held, and is given up meanwhile. 0: there is no room for one before the caller releases
 * another.
 */
int lsq_stream_advance(lsq_stream *s);

/* Starts the thread, if the system gives one; ends it. */
void lsq_stream_start(lsq_stream *s);
void lsq_stream_stop(lsq_stream *s);

#endif
