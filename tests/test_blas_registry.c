/*
 * test_blas_registry.c - matrices come and go while others multiply with them, in any number, and across fork.
 *
 * The arrays hold zeros and the weights do not: a product says whose it is.
 */
#include <lsq/lsq_blas.h>

#include "bindings/blas/blas.h"
#include "tests/core_sample.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

enum { R = 21, K = 70, LD = K + 2, NO = 111, ROW = 101 };

static float array[R * LD], x[K], expected[R];
static const float zeros[R];
static uint8_t *packed;
static size_t packed_bytes;
static lsq_weights *weights;

static void make(void)
{
    lsq_format f = format_named("s4");
    packed = random_packed(f, R, K, 1, 0.5f, &packed_bytes);
    weights = wrap(f, R, K, packed, packed_bytes);
    fill_bell(2, x, K);
    OK(lsq_sgemv(NULL, LSQ_NO_TRANS, 1, weights, x, 1, 0, expected, 1));
}

static void drop(void)
{
    lsq_weights_free(weights);
    free(packed);
}

enum whose { OURS, NEXT, WRONG };

/* No assertions: also called where Check cannot follow. */
static enum whose product_with(const float *a, int ld)
{
    float y[R];
    cblas_sgemv(ROW, NO, R, K, 1, a, ld, x, 1, 0, y, 1);
    return !memcmp(y, expected, sizeof(y)) ? OURS : !memcmp(y, zeros, sizeof(y)) ? NEXT : WRONG;
}

START_TEST(registered_and_not)
{
    errno = 77;
    ck_assert_int_eq(product_with(array, LD), NEXT);
    REFUSED(lsq_blas_unregister(array));
    OK(lsq_blas_register(array, R, K, LD, weights));
    ck_assert_int_eq(product_with(array, LD), OURS);
    REFUSED(lsq_blas_register(array, R, K, LD, weights)); /* a second time */
    ck_assert_int_eq(product_with(array, LD), OURS);
    OK(lsq_blas_unregister(array));
    ck_assert_int_eq(product_with(array, LD), NEXT);
    ck_assert_int_eq(errno, 77);
}
END_TEST

START_TEST(wrong_arguments)
{
    REFUSED(lsq_blas_register(NULL, R, K, LD, weights));
    REFUSED(lsq_blas_register(array, R, K, LD, NULL));
    REFUSED(lsq_blas_register(array, K, R, LD, weights));
    REFUSED(lsq_blas_register(array, R - 1, K, LD, weights));
    REFUSED(lsq_blas_register(array, R, K + 1, LD, weights));
    REFUSED(lsq_blas_register(array, R, K, K - 1, weights));
    REFUSED(lsq_blas_unregister(NULL));
    ck_assert_int_eq(product_with(array, LD), NEXT);
}
END_TEST

/* Far more than there are chains; in one order in, in another one out. */
START_TEST(any_number)
{
    enum { MANY = 5000 };
    static float many[MANY][R * K];
    for (size_t i = 0; i < MANY; i++)
        OK(lsq_blas_register(many[i], R, K, K, weights));
    for (size_t i = 0; i < MANY; i++) {
        const float *a = many[i * 7 % MANY];
        EXPECT(product_with(a, K) == OURS, "matrix %zu is not found", i * 7 % MANY);
        OK(lsq_blas_unregister(a));
        EXPECT(product_with(a, K) == NEXT, "matrix %zu is still there", i * 7 % MANY);
    }
}
END_TEST

/* ---- Threads ---- */

enum { SLOTS = 6, TURNS = 200, READERS = 4 };

static float slots[SLOTS][R * LD];
static atomic_int stop;
static atomic_uint seen[3]; /* what came of products, by enum whose; in [WRONG] also what failed otherwise */

typedef struct worker {
    pthread_t thread;
    size_t first; /* of the slots that it registers */
} worker;

/* Each time with weights of its own, which are gone as soon as lsq_blas_unregister() has returned. */
static void *come_and_go(void *arg)
{
    const worker *me = arg;
    lsq_format f = lsq_weights_format(weights);
    for (size_t i = 0; i < TURNS || !seen[OURS] || !seen[NEXT]; i++) {
        const float *a = slots[me->first + i % (SLOTS / 2)];
        lsq_weights *w = NULL;
        seen[WRONG] += lsq_weights_wrap(&f, R, K, packed, packed_bytes, &w, NULL) != LSQ_OK ||
                       lsq_blas_register(a, R, K, LD, w) != LSQ_OK;
        sched_yield();
        seen[WRONG] += product_with(a, LD) != OURS || lsq_blas_unregister(a) != LSQ_OK || product_with(a, LD) != NEXT;
        lsq_weights_free(w);
    }
    return NULL;
}

static void *keep_multiplying(void *arg)
{
    (void)arg;
    for (size_t i = 0; !stop; i++)
        seen[product_with(slots[i % SLOTS], LD)]++;
    return NULL;
}

static void start(pthread_t readers[READERS])
{
    stop = 0;
    memset(seen, 0, sizeof(seen));
    for (size_t i = 0; i < READERS; i++)
        ck_assert_int_eq(pthread_create(&readers[i], NULL, keep_multiplying, NULL), 0);
}

static void end(pthread_t readers[READERS])
{
    stop = 1;
    for (size_t i = 0; i < READERS; i++)
        pthread_join(readers[i], NULL);
    ck_assert_uint_eq(seen[WRONG], 0);
}

START_TEST(in_the_middle_of_products)
{
    worker writers[2] = {{.first = 0}, {.first = SLOTS / 2}};
    pthread_t readers[READERS];
    start(readers);
    for (size_t i = 0; i < 2; i++)
        ck_assert_int_eq(pthread_create(&writers[i].thread, NULL, come_and_go, &writers[i]), 0);
    for (size_t i = 0; i < 2; i++)
        pthread_join(writers[i].thread, NULL);
    end(readers);
}
END_TEST

/* ---- fork ---- */

/* Everything that locks or waits; nobody is left who could be waited for. */
static int works_alone(void)
{
    return product_with(slots[0], LD) == OURS && lsq_blas_unregister(slots[0]) == LSQ_OK &&
           product_with(slots[0], LD) == NEXT && lsq_blas_register(slots[0], R, K, LD, weights) == LSQ_OK &&
           product_with(slots[0], LD) == OURS;
}

START_TEST(children)
{
    pthread_t readers[READERS];
    OK(lsq_blas_register(slots[0], R, K, LD, weights));
    start(readers);
    for (unsigned i = 0; i < 40; i++) {
        pid_t child = fork();
        if (child == 0) {
            alarm(60);
            _exit(works_alone() ? 0 : 1);
        }
        int status = -1;
        ck_assert_int_ge(child, 0);
        ck_assert_int_eq(waitpid(child, &status, 0), child);
        ck_assert_msg(status == 0, "the child ended with status %#x", (unsigned)status);
    }
    end(readers);
    ck_assert(works_alone());
    OK(lsq_blas_unregister(slots[0]));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("blas registry");
    TCase *registry = new_case(suite, "registry");
    tcase_add_checked_fixture(registry, make, drop);
    tcase_add_test(registry, registered_and_not);
    tcase_add_test(registry, wrong_arguments);
    tcase_add_test(registry, any_number);
    tcase_add_test(registry, in_the_middle_of_products);
    tcase_add_test(registry, children);
    return run_suite(suite);
}
