#include "bench/clock.h"

#include "bench/machine.h"
#include "bench/turn.h"

#include <math.h>
#include <pthread.h>
#include <stdint.h>

enum { CHAIN = 16, ROUNDS = 1 << 15, TRIES = 100 };

/* Adds CHAIN * ROUNDS times. The addend is no constant: some processors add small constants without waiting. */
static uint64_t add(uint64_t sum, uint64_t addend)
{
    for (int i = 0; i < ROUNDS; i++)
        for (int k = 0; k < CHAIN; k++) {
            sum += addend;
            __asm__ volatile("" : "+r"(sum), "+r"(addend)); /* so that the compiler does not multiply */
        }
    return sum;
}

/* The shortest of many tries, since whatever happens in between only makes them longer; the clock speeds up meanwhile. */
static void *measure(void *to)
{
    double shortest = INFINITY;
    uint64_t sum = 1;
    bench_pin(0);
    for (int i = 0; i < TRIES; i++) {
        const double begin = bench_now();
        sum = add(sum, sum | 1);
        shortest = fmin(shortest, bench_now() - begin);
    }
    *(double *)to = 1e-9 * CHAIN * ROUNDS / shortest;
    return NULL;
}

/* On a thread of its own: the caller stays where it is. */
double bench_clock_ghz(void)
{
    pthread_t thread;
    double ghz = 0;
    if (pthread_create(&thread, NULL, measure, &ghz))
        return 0;
    pthread_join(thread, NULL);
    return ghz;
}
