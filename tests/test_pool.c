/*
 * test_pool.c - every piece once, on no more threads than were asked for, whichever of them can be started; jobs inside jobs, and
 * from many callers.
 */
#include "dispatch/pool.h"

#include "tests/core_sample.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

/* How many more threads of pools can be started; the linker puts __wrap_pthread_create in place of pthread_create. */
static atomic_int startable = 1 << 20, refused;

int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*run)(void *), void *arg);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*run)(void *), void *arg);

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*run)(void *), void *arg)
{
    if (startable-- <= 0) {
        refused++;
        errno = EAGAIN; /* as clone() would */
        return EAGAIN;
    }
    return __real_pthread_create(thread, attr, run, arg);
}

static struct lsq_pool *pool_new(void)
{
    struct lsq_pool *pool = lsq_pool_new();
    ck_assert_ptr_nonnull(pool);
    return pool;
}

enum { PIECES = 9000 };

/* What became of a job: how often each piece ran, how many at once, on which threads. */
typedef struct record {
    atomic_uint runs[PIECES];
    atomic_uint now, most;
    unsigned pause; /* microseconds a piece takes */
} record;

static void run(void *arg, size_t i)
{
    record *r = arg;
    unsigned now = ++r->now, most = r->most;
    while (now > most && !atomic_compare_exchange_weak(&r->most, &most, now))
        ;
    r->runs[i]++;
    if (r->pause)
        usleep(r->pause);
    r->now--;
}

/* Runs a job; is each piece done once, on at most `threads` threads? No assertions: also called from other threads. */
static int job_is_right(struct lsq_pool *pool, unsigned threads, size_t count, unsigned pause, unsigned *most)
{
    record *r = calloc(1, sizeof(*r));
    if (!r)
        return 0;
    r->pause = pause;
    lsq_pool_run(pool, threads, count, run, r);
    int right = r->now == 0 && r->most <= threads;
    for (size_t i = 0; i < PIECES; i++)
        right &= r->runs[i] == (i < count);
    if (most)
        *most = r->most;
    free(r);
    return right;
}

START_TEST(every_piece_once)
{
    static const size_t counts[] = {0, 1, 2, 3, 7, 8, 64, 1000};
    struct lsq_pool *pool = pool_new();
    errno = 77;
    for (unsigned round = 0; round < 3; round++)
        for (unsigned threads = 1; threads <= 9; threads++)
            for (size_t c = 0; c < COUNT(counts); c++) {
                EXPECT(job_is_right(pool, threads, counts[c], 0, NULL), "%zu pieces, %u threads", counts[c], threads);
                if (round == 2 && c % 4 == 3)
                    usleep(2000); /* long enough for all to sleep */
            }
    ck_assert_int_eq(errno, 77);
    lsq_pool_free(pool);
    lsq_pool_free(NULL);
}
END_TEST

/* ---- Who does what ---- */

enum { PARTIES = 4 };

typedef struct meeting {
    pthread_barrier_t all;
    pthread_t who[PARTIES];
    int blocked[PARTIES];
} meeting;

/* Nobody is through with a first piece before everybody has one, so each does that of its own share. */
static void meet(void *arg, size_t i)
{
    meeting *m = arg;
    sigset_t set;
    pthread_barrier_wait(&m->all);
    m->who[i] = pthread_self();
    pthread_sigmask(SIG_BLOCK, NULL, &set);
    m->blocked[i] = sigismember(&set, SIGTERM) && sigismember(&set, SIGALRM);
}

START_TEST(shares_stay_with_their_threads)
{
    struct lsq_pool *pool = pool_new();
    meeting m, first = {.blocked = {0}};
    for (unsigned round = 0; round < 50; round++) {
        ck_assert_int_eq(pthread_barrier_init(&m.all, NULL, PARTIES), 0);
        lsq_pool_run(pool, PARTIES, PARTIES, meet, &m);
        pthread_barrier_destroy(&m.all);
        first = round ? first : m;
        for (unsigned i = 0; i < PARTIES; i++) {
            EXPECT(pthread_equal(m.who[i], first.who[i]), "round %u, part %u is another's", round, i);
            EXPECT(m.blocked[i] == (i > 0), "round %u: signals reach a thread of the pool", round);
        }
        ck_assert(pthread_equal(m.who[0], pthread_self()));
    }
    lsq_pool_free(pool);
}
END_TEST

/* ---- Threads that cannot be started ---- */

START_TEST(as_many_as_can_be_started)
{
    for (int can = 0; can <= 5; can++) {
        struct lsq_pool *pool = pool_new();
        unsigned most;
        refused = 0;
        startable = can;
        errno = 77;
        for (unsigned round = 0; round < 20; round++) {
            EXPECT(job_is_right(pool, 5, 40, 100, &most), "%d threads can be started: wrong", can);
            EXPECT(most <= (unsigned)can + 1, "%d threads can be started: %u work", can, most);
            EXPECT(refused == (can < 4), "%d threads can be started: %d refused", can, refused);
        }
        ck_assert_int_eq(errno, 77);
        startable = 1 << 20;
        ck_assert(job_is_right(pool, 5, 40, 0, NULL)); /* not tried again for as many, */
        ck_assert_int_eq(refused, can < 4);
        ck_assert(job_is_right(pool, 8, 40, 0, NULL)); /* but for more */
        ck_assert_int_eq(refused, can < 4);
        lsq_pool_free(pool);
    }
}
END_TEST

START_TEST(four_thousand)
{
    unsigned threads = 4096;
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__) || !defined(__OPTIMIZE__)
    threads = 300; /* each costs a sanitizer much memory */
#endif
    struct lsq_pool *pool = pool_new();
    for (unsigned round = 0; round < 3; round++)
        ck_assert(job_is_right(pool, threads, PIECES, 0, NULL));
    ck_assert(job_is_right(pool, 2, 20, 0, NULL));
    lsq_pool_free(pool);
}
END_TEST

/* ---- Many callers ---- */

typedef struct caller {
    pthread_t thread;
    struct lsq_pool *pool;
    unsigned right;
} caller;

enum { CALLERS = 16, ROUNDS = 50 };

static void *call(void *arg)
{
    caller *c = arg;
    for (unsigned i = 0; i < ROUNDS; i++)
        c->right += (unsigned)job_is_right(c->pool, 2 + i % 4, 1 + i * 3, 0, NULL);
    return NULL;
}

START_TEST(callers_take_turns)
{
    struct lsq_pool *pool = pool_new();
    caller callers[CALLERS];
    for (unsigned i = 0; i < CALLERS; i++) {
        callers[i] = (caller){.pool = pool};
        ck_assert_int_eq(pthread_create(&callers[i].thread, NULL, call, &callers[i]), 0);
    }
    for (unsigned i = 0; i < CALLERS; i++) {
        pthread_join(callers[i].thread, NULL);
        ck_assert_uint_eq(callers[i].right, ROUNDS);
    }
    lsq_pool_free(pool);
}
END_TEST

typedef struct nest {
    struct lsq_pool *inner;
    atomic_uint right;
} nest;

static void run_inner(void *arg, size_t i)
{
    nest *n = arg;
    n->right += (unsigned)job_is_right(n->inner, 3, 20 + i, 0, NULL);
}

START_TEST(jobs_inside_jobs)
{
    struct lsq_pool *outer = pool_new();
    nest n = {.inner = pool_new()};
    lsq_pool_run(outer, 4, 60, run_inner, &n);
    ck_assert_uint_eq(n.right, 60);
    lsq_pool_free(outer);
    lsq_pool_free(n.inner);
}
END_TEST

/* AddressSanitizer takes the stack that a cancelled thread has unwound for one still in use. */
#if defined(__has_feature)
#define ADDRESS_SANITIZER __has_feature(address_sanitizer)
#elif defined(__SANITIZE_ADDRESS__)
#define ADDRESS_SANITIZER 1
#else
#define ADDRESS_SANITIZER 0
#endif

static void cancel_caller(void *arg, size_t i)
{
    (void)i;
    pthread_cancel(*(pthread_t *)arg);
    usleep(1000); /* would be the end of a caller that can be cancelled here */
}

static void *be_cancelled(void *pool)
{
    pthread_t self = pthread_self();
    lsq_pool_run(pool, 3, 9, cancel_caller, &self);
    pthread_testcancel();
    return NULL;
}

START_TEST(cancelled_callers_leave_the_pool_usable)
{
    struct lsq_pool *pool = pool_new();
    pthread_t thread;
    void *end;
    ck_assert_int_eq(pthread_create(&thread, NULL, be_cancelled, pool), 0);
    pthread_join(thread, &end);
    ck_assert(end == PTHREAD_CANCELED);
    ck_assert(job_is_right(pool, 3, 50, 0, NULL));
    lsq_pool_free(pool);
}
END_TEST

/* ---- On which CPU ---- */

typedef struct encounter {
    pthread_t caller;
    cpu_set_t allowed, caller_alone;
    atomic_int begun;
    int cpu, same_mask; /* of the other thread, as it began */
} encounter;

/* Both must begin. The other thread goes to the caller's CPU in the end, and may go elsewhere again. */
static void encounter_other(void *arg, size_t i)
{
    encounter *m = arg;
    (void)i;
    if (pthread_equal(pthread_self(), m->caller)) {
        for (int waited = 0; !m->begun && waited < 5000; waited++)
            usleep(200);
        return;
    }
    cpu_set_t mine;
    m->cpu = sched_getcpu();
    m->same_mask = !sched_getaffinity(0, sizeof(mine), &mine) && CPU_EQUAL(&mine, &m->allowed);
    sched_setaffinity(0, sizeof(m->caller_alone), &m->caller_alone);
    sched_setaffinity(0, sizeof(m->allowed), &m->allowed);
    m->begun = 1;
}

/* A thread that wakes where the caller works goes elsewhere, and where it may be afterwards is where it might before. */
START_TEST(threads_leave_the_callers_cpu_to_it)
{
    enum { JOBS = 20 };
    encounter m = {.caller = pthread_self()};
    struct lsq_pool *pool = pool_new();
    if (sched_getaffinity(0, sizeof(m.allowed), &m.allowed) || CPU_COUNT(&m.allowed) < 2) {
        lsq_pool_free(pool);
        return; /* nowhere to go */
    }
    size_t cpu = 0;
    while (!CPU_ISSET(cpu, &m.allowed))
        cpu++;
    CPU_ZERO(&m.caller_alone);
    CPU_SET(cpu, &m.caller_alone);
    int elsewhere = 0, met = 0;
    for (int job = 0; job < JOBS; job++) {
        m.begun = 0;
        lsq_pool_run(pool, 2, 2, encounter_other, &m);
        if (job == 0) /* when the thread has been made, with the caller's mask */
            ck_assert_int_eq(sched_setaffinity(0, sizeof(m.caller_alone), &m.caller_alone), 0);
        if (!m.begun)
            continue;
        met++;
        ck_assert(m.same_mask);
        elsewhere += m.cpu != (int)cpu;
    }
    sched_setaffinity(0, sizeof(m.allowed), &m.allowed);
    ck_assert_int_gt(met, 0);
    ck_assert_int_gt(elsewhere, met / 2);
    lsq_pool_free(pool);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("pool");
    TCase *tests = new_case(suite, "pool");
    tcase_add_test(tests, every_piece_once);
    tcase_add_test(tests, shares_stay_with_their_threads);
    tcase_add_test(tests, as_many_as_can_be_started);
    tcase_add_test(tests, four_thousand);
    tcase_add_test(tests, callers_take_turns);
    tcase_add_test(tests, jobs_inside_jobs);
    tcase_add_test(tests, threads_leave_the_callers_cpu_to_it);
    if (!ADDRESS_SANITIZER)
        tcase_add_test(tests, cancelled_callers_leave_the_pool_usable);
    return run_suite(suite);
}
