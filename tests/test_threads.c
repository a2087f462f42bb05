/*
 * test_threads.c - many threads on one context, the first use of the default one, limits, the host's own threads, and fork.
 */
#include "tests/core_sample.h"
#include "tests/emulated.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

/* Enough for three threads, not for four; and the last panel is not whole. */
enum { M = 700, K = 750, RACERS = 64, FIRST_USES = 10 };

static uint8_t *packed;
static lsq_weights *weights;
static float x[K], expected[M], first_row[K];

/* A product that no pool and no other context had a hand in. */
static void make(void)
{
    size_t bytes;
    lsq_context *alone = NULL;
    lsq_context_options options = {.size = sizeof(options), .threads = 1, .max_isa = "scalar"};
    lsq_format f = format_named("t6");
    packed = random_packed(f, M, K, 1, 0.5f, &bytes);
    weights = wrap(f, M, K, packed, bytes);
    fill_bell(2, x, K);
    OK(lsq_context_new(&options, &alone, NULL));
    OK(lsq_sgemv(alone, LSQ_NO_TRANS, 1, weights, x, 1, 0, expected, 1));
    OK(lsq_dequantize(alone, weights, 0, 1, first_row, K));
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

static int dot_is_right(const lsq_context *ctx)
{
    float y;
    return lsq_dot(ctx, weights, M - 1, x, 1, &y) == LSQ_OK && !memcmp(&y, &expected[M - 1], sizeof(y));
}

static int row_is_right(const lsq_context *ctx)
{
    float row[K];
    return lsq_dequantize(ctx, weights, 0, 1, row, K) == LSQ_OK && !memcmp(row, first_row, sizeof(row));
}

typedef struct racer {
    pthread_t thread;
    const lsq_context *ctx;
    pthread_barrier_t *start;
    unsigned number, right;
    size_t length;
} racer;

enum { ROUNDS = 2 };

/* Racers begin with different functions. */
static void *race(void *arg)
{
    static int (*const calls[])(const lsq_context *ctx) = {product_is_right, dot_is_right, row_is_right};
    racer *r = arg;
    pthread_barrier_wait(r->start);
    for (unsigned i = 0; i < ROUNDS && r->number % 4 < COUNT(calls); i++)
        r->right += (unsigned)calls[r->number % 4](r->ctx);
    r->length = lsq_describe(r->ctx, NULL, 0);
    return NULL;
}

/* How many of 64 threads that begin together get a wrong product or description. No assertions, see above. */
static unsigned losers_on(const lsq_context *ctx)
{
    static racer racers[RACERS];
    pthread_barrier_t start;
    unsigned losers = 0;
    pthread_barrier_init(&start, NULL, RACERS);
    for (size_t i = 0; i < RACERS; i++) {
        racers[i] = (racer){.ctx = ctx, .start = &start, .number = (unsigned)i};
        if (pthread_create(&racers[i].thread, NULL, race, &racers[i]))
            return RACERS; /* the others wait for ever, until the process ends */
    }
    for (size_t i = 0; i < RACERS; i++)
        pthread_join(racers[i].thread, NULL);
    pthread_barrier_destroy(&start);
    for (size_t i = 0; i < RACERS; i++)
        losers += racers[i].right != (i % 4 < 3 ? ROUNDS : 0) || racers[i].length != lsq_describe(ctx, NULL, 0);
    return losers;
}

/* The first test of this program, so that the default context is not there yet, whether or not Check forks. */
START_TEST(default_context_is_made_once)
{
    setenv("LSQ_NUM_THREADS", "3", 1); /* with a pool, which is made at first use too */
    for (unsigned i = 0; i < (emulated() ? 2 : FIRST_USES); i++) {
        pid_t child = fork();
        if (child == 0) {
            alarm(60);
            _exit(losers_on(NULL) != 0);
        }
        int status = -1;
        ck_assert_int_eq(waitpid(child, &status, 0), child);
        ck_assert_msg(status == 0, "process %u ended with status %#x", i, (unsigned)status);
    }
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
        ck_assert_uint_eq(losers_on(ctx), 0);
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
    ck_assert(product_is_right(ctx));
    lsq_context_free(ctx);
}
END_TEST

/* ---- The host's threads ---- */

typedef struct host {
    atomic_uint calls;
    atomic_size_t most;
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
        ck_assert_uint_eq(h.most, threads == 1 ? 0 : threads < 3 ? threads : 3);
        lsq_context_free(ctx);
    }
}
END_TEST

/* What is too small for two is not handed out; what is large is, however few rows it has. */
START_TEST(shares_are_worth_it)
{
    static const struct {
        size_t m, k, n, most;
    } products[] = {{64, 64, 1, 0},    {512, 512, 1, 0},  {64, 16384, 1, 4},
                    {48, 16384, 1, 3}, {16, 65536, 1, 0}, {64, 1024, 64, 4}};
    for (size_t i = 0; i < COUNT(products); i++) {
        const size_t m = products[i].m, k = products[i].k, n = products[i].n;
        host h = {0};
        lsq_context *ctx = threaded(4, thread_each, &h);
        size_t bytes;
        uint8_t *codes = random_packed(format_named("s4"), m, k, 1, 0.5f, &bytes);
        lsq_weights *w = wrap(format_named("s4"), m, k, codes, bytes);
        float *b = memory(k * n * sizeof(float)), *c = memory(m * n * sizeof(float));
        OK(lsq_sgemm(ctx, LSQ_COL_MAJOR, LSQ_NO_TRANS, LSQ_NO_TRANS, n, 1, w, b, k, 0, c, m));
        EXPECT(h.most == products[i].most, "%zu x %zu, n = %zu: %zu threads", m, k, n, h.most);
        free(b);
        free(c);
        lsq_weights_free(w);
        free(codes);
        lsq_context_free(ctx);
    }
}
END_TEST

/* Cuts fall anywhere in the chains of a trellis, and panels are not a multiple of any number of threads. */
START_TEST(same_bits_for_any_count)
{
    enum { ROWS = 965, COLUMNS = 2048, N = 4 };
    static const char *const names[] = {"c4.row", "s2", "s5", "s8", "t1.st4", "t2.nib32", "t4", "t6.st64", "b1"};
    static const unsigned counts[] = {1, 2, 3, 5, 7};
    float *b = memory(N * COLUMNS * sizeof(float)), *c[COUNT(counts)], *y[COUNT(counts)];
    fill_bell(3, b, N * COLUMNS);
    for (size_t f = 0; f < COUNT(names); f++) {
        size_t bytes;
        uint8_t *codes = random_packed(format_named(names[f]), ROWS, COLUMNS, f, 0.5f, &bytes);
        lsq_weights *w = wrap(format_named(names[f]), ROWS, COLUMNS, codes, bytes);
        for (size_t i = 0; i < COUNT(counts); i++) {
            host h = {0};
            lsq_context *ctx = threaded(counts[i], i % 2 ? thread_each : NULL, &h);
            y[i] = memory((ROWS + COLUMNS) * sizeof(float)); /* W x, and W^T times that */
            c[i] = memory(N * ROWS * sizeof(float));
            OK(lsq_sgemv(ctx, LSQ_NO_TRANS, 1, w, b, 1, 0, y[i], 1));
            OK(lsq_sgemm(ctx, LSQ_COL_MAJOR, LSQ_NO_TRANS, LSQ_NO_TRANS, N, 1, w, b, COLUMNS, 0, c[i], ROWS));
            OK(lsq_sgemv(ctx, LSQ_TRANS, 1, w, c[i], 1, 0, y[i] + ROWS, 1));
            EXPECT(!memcmp(y[i], y[0], (ROWS + COLUMNS) * sizeof(float)), "%s: %u threads, other y", names[f],
                   counts[i]);
            EXPECT(!memcmp(c[i], c[0], N * ROWS * sizeof(float)), "%s: %u threads, other C", names[f], counts[i]);
            lsq_context_free(ctx);
        }
        for (size_t i = 0; i < COUNT(counts); i++) {
            free(y[i]);
            free(c[i]);
        }
        lsq_weights_free(w);
        free(codes);
    }
    free(b);
}
END_TEST

static void *limit_of_a_new_thread(void *ctx)
{
    host *h = ctx;
    h->most = lsq_set_num_threads_local(0);
    return NULL;
}

START_TEST(limits_of_one_thread)
{
    static const size_t most[] = {3, 0, 2, 3, 3};
    host h = {0};
    lsq_context *ctx = threaded(8, thread_each, &h), *pool = threaded(3, NULL, NULL);
    ck_assert_uint_eq(lsq_set_num_threads_local(0), 0);
    for (unsigned limit = 0; limit < COUNT(most); limit++) {
        h.most = 0;
        ck_assert_uint_eq(lsq_set_num_threads_local(limit), limit ? limit - 1 : 0);
        ck_assert(product_is_right(ctx));
        ck_assert(product_is_right(pool));
        EXPECT(h.most == most[limit], "at most %u threads, and %zu were used", limit, h.most);
    }
    host other = {.most = 77};
    pthread_t thread;
    ck_assert_int_eq(pthread_create(&thread, NULL, limit_of_a_new_thread, &other), 0);
    pthread_join(thread, NULL);
    ck_assert_uint_eq(other.most, 0); /* it is of the thread that sets it */
    ck_assert_uint_eq(lsq_set_num_threads_local(0), COUNT(most) - 1);
    lsq_context_free(ctx);
    lsq_context_free(pool);
}
END_TEST

typedef struct nest {
    const lsq_context *ctx;
    atomic_uint right;
} nest;

static void multiply_inside(void *arg, size_t i)
{
    nest *n = arg;
    (void)i;
    n->right += (unsigned)product_is_right(n->ctx);
}

/* Products in tasks of the host's: with a pool, and with the very parallel_for that runs the task. */
START_TEST(products_inside_tasks)
{
    host outer = {0}, inner = {0};
    for (unsigned own = 0; own < 2; own++) {
        lsq_context *ctx = own ? threaded(3, NULL, NULL) : threaded(3, thread_each, &inner);
        nest n = {.ctx = ctx};
        thread_each(&outer, 8, multiply_inside, &n);
        ck_assert_uint_eq(n.right, 8);
        lsq_context_free(ctx);
    }
}
END_TEST

/* ---- Work that is no product ---- */

enum { ITEMS = 100 };

static void visit(void *arg, size_t first, size_t end)
{
    atomic_uint *visits = arg;
    for (size_t i = first; i < end; i++)
        visits[i]++;
}

START_TEST(ranges_are_all_there)
{
    atomic_uint visits[ITEMS + 1] = {0};
    unsigned expected_visits = 0;
    ck_assert_int_eq(lsq_for_ranges(NULL, 1, NULL, visits), LSQ_E_ARGUMENT);
    for (unsigned threads = 1; threads <= 4; threads++)
        for (unsigned own = 0; own < 2; own++, expected_visits++) {
            host h = {0};
            lsq_context *ctx = threaded(threads, own ? thread_each : NULL, &h);
            OK(lsq_for_ranges(ctx, 0, visit, visits));
            OK(lsq_for_ranges(ctx, ITEMS, visit, visits));
            ck_assert_uint_eq(h.most, own && threads > 1 ? threads : 0);
            OK(lsq_for_ranges(ctx, 1, visit, &visits[ITEMS]));
            lsq_context_free(ctx);
        }
    for (size_t i = 0; i <= ITEMS; i++)
        ck_assert_uint_eq(visits[i], expected_visits);
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
    return emulated();
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
            atomic_load(&stop); /* a little later each time */
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
    tcase_add_test(threads, shares_are_worth_it);
    tcase_add_test(threads, same_bits_for_any_count);
    tcase_add_test(threads, limits_of_one_thread);
    tcase_add_test(threads, products_inside_tasks);
    tcase_add_test(threads, ranges_are_all_there);
    tcase_add_test(threads, children_of_a_used_pool);
    tcase_add_test(threads, children_while_the_pool_is_made);
    return run_suite(suite);
}
