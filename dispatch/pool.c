/*
 * pool.c - threads that wait for pieces of a product.
 *
 * A job is posted to as many members as it wants, and the caller works as member 0. Each has a share of the pieces and takes
 * them one by one, front to back; whoever is through goes on with what is left of the others'. A member's state is
 *
 *     IDLE --post--> POSTED --it woke up--> BUSY --nothing is left--> IDLE
 *                       `--the caller was faster: withdrawn--------->
 *
 * so the caller waits for those that have begun, never for one that the system has not run yet. Waiting is spinning for about as long
 * as sleeping and being woken would take, then sleeping: products that follow each other closely find the threads awake, and
 * an idle pool costs nothing. Where there are more members than CPUs they do not spin, since that would keep others from working.
 *
 * A thread that cannot be started leaves the pool with those it has. After a fork the child has none, and works alone.
 */
#include "dispatch/pool.h"

#include "dispatch/processors.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { IDLE, POSTED, BUSY, LEAVE };
/* How long spinning may take: until the next job; and until another member is through with its last piece. */
enum { IDLE_NS = 50000, LAST_NS = 10000 };

typedef struct member {
    _Alignas(64) atomic_size_t next; /* piece of its share; taking one is adding 1, beyond the end too */
    size_t end;
    _Alignas(64) atomic_int state;
    atomic_int asleep;
    unsigned index;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t woken;
    struct lsq_pool *pool;
} member;

struct lsq_pool {
    pthread_mutex_t turn; /* held by the caller whose job it is; all below, but for `owner`, is its */
    _Atomic(pid_t) owner; /* the process whose threads these are; 0 before there are any */
    member **members;     /* the caller's first; it has no thread */
    unsigned count,
        asked; /* members; as many as were ever asked for, so that a failure is not repeated by each product */
    atomic_int spin;
    /* the job */
    atomic_int cpu; /* where the caller was when it posted it; -1: the system does not say */
    unsigned parties;
    void (*task)(void *arg, size_t i);
    void *arg;
    /* where the caller sleeps until members are through */
    pthread_mutex_t lock;
    pthread_cond_t through;
    atomic_int waiting;
};

struct lsq_pool *lsq_pool_new(void)
{
    struct lsq_pool *pool = calloc(1, sizeof(*pool));
    if (pool) { /* on Linux these allocate nothing, so they cannot fail and need no end */
        pthread_mutex_init(&pool->turn, NULL);
        pthread_mutex_init(&pool->lock, NULL);
        pthread_cond_init(&pool->through, NULL);
    }
    return pool;
}

/* ---- Waiting ---- */

static void pause_cpu(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

static int64_t nanoseconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* Spins until *state is no longer `old`, but no longer than this. */
static void spin_while(const atomic_int *state, int old, int64_t ns)
{
    const int64_t end = nanoseconds() + ns;
    do
        for (unsigned i = 0; i < 32; i++) {
            if (atomic_load_explicit(state, memory_order_acquire) != old)
                return;
            pause_cpu();
        }
    while (nanoseconds() < end);
}

/*
 * Sleeper and waker each write one flag and then read the other's, in one order for all (the default of C11 atomics): one of them sees
 * what the other wrote. If it is the waker, the lock tells it that the sleeper sleeps, or has seen the new state. Flags are written by
 * exchanges: QEMU 7.2 lets a load pass an AArch64 store-release, which the order for all forbids. On x86 either is an xchg.
 */
static int wait_for_post(member *m)
{
    if (m->pool->spin)
        spin_while(&m->state, IDLE, IDLE_NS);
    if (m->state == IDLE) {
        pthread_mutex_lock(&m->lock);
        atomic_exchange(&m->asleep, 1);
        while (m->state == IDLE)
            pthread_cond_wait(&m->woken, &m->lock);
        m->asleep = 0;
        pthread_mutex_unlock(&m->lock);
    }
    return m->state;
}

static void post(member *m, int state)
{
    atomic_exchange(&m->state, state);
    if (m->asleep) {
        pthread_mutex_lock(&m->lock);
        pthread_mutex_unlock(&m->lock);
        pthread_cond_signal(&m->woken);
    }
}

static void finish(member *m)
{
    struct lsq_pool *pool = m->pool;
    atomic_exchange(&m->state, IDLE);
    if (pool->waiting) {
        pthread_mutex_lock(&pool->lock);
        pthread_mutex_unlock(&pool->lock);
        pthread_cond_signal(&pool->through);
    }
}

static void wait_for_finish(struct lsq_pool *pool, member *m)
{
    int posted = POSTED;
    if (atomic_compare_exchange_strong(&m->state, &posted, IDLE))
        return;
    if (pool->spin)
        spin_while(&m->state, BUSY, LAST_NS);
    if (m->state == BUSY) {
        pthread_mutex_lock(&pool->lock);
        atomic_exchange(&pool->waiting, 1);
        while (m->state == BUSY)
            pthread_cond_wait(&pool->through, &pool->lock);
        pool->waiting = 0;
        pthread_mutex_unlock(&pool->lock);
    }
}

/* ---- Working ---- */

static void work(const struct lsq_pool *pool, unsigned index)
{
    for (unsigned i = 0; i < pool->parties; i++) {
        member *m = pool->members[(index + i) % pool->parties];
        for (size_t piece; (piece = atomic_fetch_add_explicit(&m->next, 1, memory_order_relaxed)) < m->end;)
            pool->task(pool->arg, piece);
    }
}

/*
 * The system may wake a member on the very CPU where the caller works, and leave both there for milliseconds although another one has
 * nothing to do; seen on a virtual machine, where two threads then were as slow as one. A member that finds itself there asks to be
 * elsewhere; where it may be stays as it was.
 */
static void leave_to_caller(int cpu)
{
    cpu_set_t before, without;
    if (cpu < 0 || cpu >= CPU_SETSIZE || sched_getcpu() != cpu || sched_getaffinity(0, sizeof(before), &before))
        return;
    without = before;
    CPU_CLR((size_t)cpu, &without);
    if (CPU_COUNT(&without) > 0 && !sched_setaffinity(0, sizeof(without), &without))
        sched_setaffinity(0, sizeof(before), &before);
}

static void *member_main(void *arg)
{
    member *m = arg;
    for (;;) {
        int state = wait_for_post(m);
        if (state == LEAVE)
            return NULL;
        if (state == POSTED && m->pool->spin) /* with fewer CPUs than members some have to share one */
            leave_to_caller(atomic_load_explicit(&m->pool->cpu, memory_order_relaxed));
        if (state == POSTED && atomic_compare_exchange_strong(&m->state, &state, BUSY)) {
            work(m->pool, m->index);
            finish(m);
        }
    }
}

/* ---- Members ---- */

/* Signals are for the threads of the program, which installed the handlers. */
static int start(member *m)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&m->thread, NULL, member_main, m);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return !failed;
}

static member *member_new(struct lsq_pool *pool)
{
    member *m = aligned_alloc(_Alignof(member), sizeof(*m));
    if (!m)
        return NULL;
    *m = (member){.pool = pool, .index = pool->count};
    pthread_mutex_init(&m->lock, NULL);
    pthread_cond_init(&m->woken, NULL);
    if (pool->count > 0 && !start(m)) {
        free(m);
        return NULL;
    }
    return m;
}

/* Members up to `threads`, as far as that goes. */
static void grow(struct lsq_pool *pool, unsigned threads)
{
    const int saved = errno;
    member **members = realloc(pool->members, threads * sizeof(member *));
    pool->asked = threads;
    if (members) {
        pool->members = members;
        const unsigned processors = lsq_processors_allowed();
        pool->spin = processors == 0 || threads <= processors;
        for (member *m; pool->count < threads && (m = member_new(pool)); pool->count++)
            pool->members[pool->count] = m;
    }
    pool->owner = getpid();
    errno = saved;
}

void lsq_pool_free(struct lsq_pool *pool)
{
    if (!pool)
        return;
    /* In the child of a fork there is nobody to send home, and a lock may be held by a thread that is not there. */
    const int ours = !pool->owner || pool->owner == getpid();
    for (unsigned i = 0; i < pool->count; i++) {
        if (ours && i > 0) {
            post(pool->members[i], LEAVE);
            pthread_join(pool->members[i]->thread, NULL);
        }
        free(pool->members[i]);
    }
    free(pool->members);
    free(pool);
}

/* ---- Jobs ---- */

/*
 * Nobody waits for the first threads to be started: whoever finds another caller at that works alone this once. So does a child
 * forked at that moment, for ever; waiting, it would hang.
 */
static int take_turn(struct lsq_pool *pool)
{
    const pid_t owner = pool->owner;
    if (!owner)
        return pthread_mutex_trylock(&pool->turn) == 0;
    return owner == getpid() && pthread_mutex_lock(&pool->turn) == 0;
}

static void run_job(struct lsq_pool *pool, unsigned parties, size_t count)
{
    pool->parties = parties;
    atomic_store_explicit(&pool->cpu, sched_getcpu(), memory_order_relaxed); /* members of the last job may look, too */
    for (unsigned i = 0; i < parties; i++) {
        atomic_store_explicit(&pool->members[i]->next, count * i / parties, memory_order_relaxed);
        pool->members[i]->end = count * (i + 1) / parties;
    }
    for (unsigned i = 1; i < parties; i++)
        post(pool->members[i], POSTED);
    work(pool, 0);
    for (unsigned i = 1; i < parties; i++)
        wait_for_finish(pool, pool->members[i]);
}

void lsq_pool_run(struct lsq_pool *pool, unsigned threads, size_t count, void (*task)(void *arg, size_t i), void *arg)
{
    if (threads > 1 && take_turn(pool)) {
        int cancel; /* a thread that is cancelled where it sleeps would keep its turn */
        pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
        if (threads > pool->asked)
            grow(pool, threads);
        const unsigned parties = threads < pool->count ? threads : pool->count;
        pool->task = task;
        pool->arg = arg;
        if (parties > 1)
            run_job(pool, parties, count);
        pthread_mutex_unlock(&pool->turn);
        pthread_setcancelstate(cancel, NULL);
        if (parties > 1)
            return;
    }
    for (size_t i = 0; i < count; i++)
        task(arg, i);
}
