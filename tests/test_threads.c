/*
 * test_threads.c - many threads on one context, the first use of the default one, the host's own threads, and fork.
 */
#include "tests/core_sample.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

/* Three chains: enough for three threads. */
enum { M = 700, K = 96, RACERS = 64 };

static uint8_t *packed;
static lsq_weights *weights;
static float x[K], expected[M];

/* A product that no pool and no other context had a hand in. */
static void make(void)
{
    size_t bytes;
    lsq_context *alone = NULL;
    lsq_context_options options = {.size = sizeof(options), .threads = 1, .max_isa = "scalar"};
    lsq_format f = format_named("t4");
    packed = random_packed(f, M, K, 1, 0.5f, &bytes);
    weights = wrap(f, M, K, packed, bytes);
    fill_bell(2, x, K);
    OK(lsq_context_new(&options, &alone, NULL));
    OK(lsq_sgemv(alone, LSQ_NO_TRANS, 1, weights, x, 1, 0, expected, 1));
    lsq_context_free(alone);
}

static void drop(void)
{
    lsq_weights_free(weights);
    free(packed);
}

/* One product, and is it right? No assertions: also called where Check cannot follow. */
static int product_is_right(const lsq_context *ctx)
{
    float y[M] = {0};
    return lsq_sgemv(ctx, LSQ_NO_TRANS, 1, weights, x, 1, 0, y, 1) == LSQ_OK && !memcmp(y, expected, sizeof(y));
}

typedef struct racer {
    pthread_t thread;
    const lsq_context *ctx;
    pthread_barrier_t *start;
    unsigned right;
    size_t length;
} racer;

enum { ROUNDS = 4 };

static void *race(void *arg)
{
    racer *r = arg;
    pthread_barrier_wait(r->start);
    for (unsigned i = 0; i < ROUNDS; i++)
        r->right += (unsigned)product_is_right(r->ctx);
    r->length = lsq_describe(r->ctx, NULL, 0);
    return NULL;
}

static void race_on(const lsq_context *ctx)
{
    static racer racers[RACERS];
    pthread_barrier_t start;
    ck_assert_int_eq(pthread_barrier_init(&start, NULL, RACERS), 0);
    for (size_t i = 0; i < RACERS; i++) {
        racers[i] = (racer){.ctx = ctx, .start = &start};
        ck_assert_int_eq(pthread_create(&racers[i].thread, NULL, race, &racers[i]), 0);
    }
    for (size_t i = 0; i < RACERS; i++)
        pthread_join(racers[i].thread, NULL);
    pthread_barrier_destroy(&start);
    for (size_t i = 0; i < RACERS; i++) {
        ck_assert_uint_eq(racers[i].right, ROUNDS);
        ck_assert_uint_eq(racers[i].length, lsq_describe(ctx, NULL, 0));
    }
}

/* The first test of this program, so that the default context is not there yet, whether or not Check forks. */
START_TEST(default_context_is_made_once)
{
    setenv("LSQ_NUM_THREADS", "3", 1); /* with a pool, which is made at first use too */
    race_on(NULL);
    unsetenv("LSQ_NUM_THREADS");
}
END_TEST

static lsq_context *threaded(unsigned threads, lsq_parallel_for *parallel_for, void *host)
{
    lsq_context *ctx = NULL;
    lsq_context_options options = {
        .size = sizeof(options), .threads = threads, .parallel_for = parallel_for, .host = host};
    OK(lsq_context_new(&options, &ctx, NULL));
    return ctx;
}

START_TEST(one_context_for_all)
{
    for (unsigned threads = 1; threads <= 4; threads += 3) {
        lsq_context *ctx = threaded(threads, NULL, NULL);
        race_on(ctx);
        lsq_context_free(ctx);
    }
}
END_TEST

START_TEST(pools_come_and_go)
{
    for (unsigned i = 0; i < 20; i++) {
        lsq_context *ctx = threaded(1 + i % 4, NULL, NULL);
        errno = 77;
        for (unsigned j = 0; j < i % 3; j++) /* and some are never used */
            ck_assert(product_is_right(ctx));
        lsq_context_free(ctx);
        ck_assert_int_eq(errno, 77);
    }
    lsq_context *ctx = threaded(4096, NULL, NULL); /* more than there is work for */
    lsq_context_free(ctx);
}
END_TEST

/* ---- The host's threads ---- */

typedef struct host {
    unsigned calls;
    size_t most;
} host;

typedef struct host_task {
    pthread_t thread;
    void (*task)(void *arg, size_t i);
    void *arg;
    size_t i;
} host_task;

static void *run_task(void *arg)
{
    host_task *t = arg;
    t->task(t->arg, t->i);
    return NULL;
}

/* A thread for each task, the last one first. */
static void thread_each(void *arg, size_t count, void (*task)(void *arg, size_t i), void *task_arg)
{
    host *h = arg;
    host_task tasks[16];
    h->calls++;
    h->most = count > h->most ? count : h->most;
    for (size_t i = count; i-- > 0;) {
        tasks[i] = (host_task){.task = task, .arg = task_arg, .i = i};
        pthread_create(&tasks[i].thread, NULL, run_task, &tasks[i]);
    }
    for (size_t i = 0; i < count; i++)
        pthread_join(tasks[i].thread, NULL);
}

START_TEST(threads_of_the_host)
{
    for (unsigned threads = 1; threads <= 8; threads++) {
        host h = {0};
        lsq_context *ctx = threaded(threads, thread_each, &h);
        ck_assert(product_is_right(ctx));
        ck_assert_uint_eq(h.calls, threads > 1); /* one thread: not asked */
        ck_assert(h.most <= threads && (threads == 1 || h.most > 1));
        lsq_context_free(ctx);
    }
}
END_TEST

/* ---- fork ---- */

static atomic_int stop;

static void *keep_multiplying(void *ctx)
{
    unsigned wrong = 0;
    while (!stop)
        wrong += !product_is_right(ctx);
    return wrong ? ctx : NULL;
}

/* Forks and multiplies in the child, which has no other thread; it must neither hang nor be wrong. */
static void check_child(const lsq_context *ctx)
{
    pid_t child = fork();
    if (child == 0) {
        alarm(60);
        _exit(product_is_right(ctx) && product_is_right(ctx) ? 0 : 1);
    }
    int status = -1;
    ck_assert_int_ge(child, 0);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_msg(status == 0, "the child ended with status %#x", (unsigned)status);
}

START_TEST(children_of_a_used_pool)
{
    lsq_context *ctx = threaded(3, NULL, NULL);
    pthread_t other;
    check_child(ctx); /* before there is a pool */
    ck_assert(product_is_right(ctx));
    check_child(ctx);
    stop = 0;
    ck_assert_int_eq(pthread_create(&other, NULL, keep_multiplying, ctx), 0);
    for (unsigned i = 0; i < 40; i++) /* in the middle of products */
        check_child(ctx);
    stop = 1;
    void *wrong;
    pthread_join(other, &wrong);
    ck_assert_ptr_null(wrong);
    ck_assert(product_is_right(ctx));
    lsq_context_free(ctx);
}
END_TEST

/*
 * What breaks, itself, when a program forks while another thread makes a thread: QEMU's user mode, and AddressSanitizer, whose
 * allocator may be locked at that moment and then stays so in the child.
 */
static int cannot_fork_now(void)
{
#if defined(__SANITIZE_ADDRESS__)
    return 1;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
    return 1;
#endif
#endif
#if defined(__x86_64__)
    unsigned a, b = 0, c = 0, d = 0;
    __cpuid(0x40000000, a, b, c, d);
    return b == 0x54474354 && c == 0x43544743 && d == 0x47435447; /* "TCGTCGTCGTCG" */
#else
    return 0;
#endif
}

START_TEST(children_while_the_pool_is_made)
{
    if (cannot_fork_now())
        return;
    for (unsigned i = 0; i < 40; i++) {
        lsq_context *ctx = threaded(3, NULL, NULL);
        pthread_t other;
        void *wrong;
        stop = 0;
        ck_assert_int_eq(pthread_create(&other, NULL, keep_multiplying, ctx), 0);
        for (unsigned j = 0; j < i * 200; j++)
            atomic_thread_fence(memory_order_seq_cst); /* a little later each time */
        check_child(ctx);
        stop = 1;
        pthread_join(other, &wrong);
        ck_assert_ptr_null(wrong);
        lsq_context_free(ctx);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("threads");
    TCase *threads = new_case(suite, "threads");
    tcase_add_checked_fixture(threads, make, drop);
    tcase_add_test(threads, default_context_is_made_once);
    tcase_add_test(threads, one_context_for_all);
    tcase_add_test(threads, pools_come_and_go);
    tcase_add_test(threads, threads_of_the_host);
    tcase_add_test(threads, children_of_a_used_pool);
    tcase_add_test(threads, children_while_the_pool_is_made);
    return run_suite(suite);
}
