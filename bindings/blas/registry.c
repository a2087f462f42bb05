/*
 * registry.c - a hash table of chains under one lock, which nobody holds during a product.
 *
 * Nearly all calls of a program are not ours, so an empty chain is told without the lock: a miss costs one load, or a lock and
 * a few comparisons where another matrix has the same chain. Who registers a matrix and then lets another thread multiply
 * has let that thread know somehow, so the load sees it.
 */
#include "bindings/blas/registry.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

enum { CHAINS = 1 << 10 };

static lsq_link chains[CHAINS];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t idle = PTHREAD_COND_INITIALIZER; /* an entry has no users any more */

static lsq_link *chain_of(const float *a)
{
    /* Fibonacci hashing: arrays begin at multiples of large powers of two. */
    return &chains[(uint64_t)(uintptr_t)a * UINT64_C(0x9e3779b97f4a7c15) >> (64 - 10)];
}

/* The link that leads to the entry of a, or the one at the end of its chain. Under the lock. */
static lsq_link *link_to(const float *a)
{
    lsq_link *link = chain_of(a);
    while (*link && (*link)->a != a)
        link = &(*link)->next;
    return link;
}

/* ---- fork ---- */

static void before_fork(void)
{
    pthread_mutex_lock(&lock);
}

static void after_fork(void)
{
    pthread_mutex_unlock(&lock);
}

/* The child has none of the threads that multiplied or waited. */
static void in_child(void)
{
    for (size_t i = 0; i < CHAINS; i++)
        for (lsq_entry *e = chains[i]; e; e = e->next)
            e->users = 0;
    pthread_cond_init(&idle, NULL);
    pthread_mutex_unlock(&lock);
}

static int fork_status;

static void prepare_for_fork(void)
{
    fork_status = pthread_atfork(before_fork, after_fork, in_child);
}

/* ---- Products ---- */

lsq_entry *lsq_registry_acquire(const float *a, int rows, int columns, int ld)
{
    if (!atomic_load_explicit(chain_of(a), memory_order_acquire))
        return NULL;
    pthread_mutex_lock(&lock);
    lsq_entry *e = *link_to(a);
    /* Of a single row the leading dimension says nothing. */
    if (e && e->rows == (size_t)rows && e->columns == (size_t)columns &&
        (e->ld == (size_t)ld || (rows == 1 && ld >= columns)))
        e->users++;
    else
        e = NULL;
    pthread_mutex_unlock(&lock);
    return e;
}

void lsq_registry_release(lsq_entry *entry)
{
    pthread_mutex_lock(&lock);
    if (--entry->users == 0)
        pthread_cond_broadcast(&idle);
    pthread_mutex_unlock(&lock);
}

/* ---- Registering ---- */

lsq_status lsq_blas_register(const float *a, size_t rows, size_t columns, size_t ld, const lsq_weights *w)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    float nothing;
    if (!a || !w || rows != lsq_weights_rows(w) || columns != lsq_weights_columns(w) || ld < columns)
        return LSQ_E_ARGUMENT;
    /* No rows at all, but in the default context: now is the time to hear that there is none. */
    lsq_status status = lsq_dequantize(NULL, w, 0, 0, &nothing, ld);
    if (status != LSQ_OK)
        return status;
    const int saved = errno;
    lsq_entry *entry = malloc(sizeof(*entry));
    errno = saved;
    pthread_once(&once, prepare_for_fork);
    if (!entry || fork_status != 0) {
        free(entry);
        return LSQ_E_NOMEM;
    }
    *entry = (lsq_entry){.a = a, .rows = rows, .columns = columns, .ld = ld, .w = w};
    pthread_mutex_lock(&lock);
    lsq_link *link = link_to(a);
    const int taken = *link != NULL;
    if (!taken)
        atomic_store_explicit(link, entry, memory_order_release);
    pthread_mutex_unlock(&lock);
    if (taken)
        free(entry);
    return taken ? LSQ_E_ARGUMENT : LSQ_OK;
}

lsq_status lsq_blas_unregister(const float *a)
{
    pthread_mutex_lock(&lock);
    lsq_link *link = link_to(a);
    lsq_entry *entry = *link;
    if (entry) {
        *link = entry->next; /* nobody finds it any more */
        while (entry->users)
            pthread_cond_wait(&idle, &lock);
    }
    pthread_mutex_unlock(&lock);
    free(entry);
    return entry ? LSQ_OK : LSQ_E_ARGUMENT;
}
