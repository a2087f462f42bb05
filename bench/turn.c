#include "bench/turn.h"

#include <math.h>
#include <stdlib.h>
#include <time.h>

double bench_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double bench_median(double *values, size_t n)
{
    qsort(values, n, sizeof *values, ascending);
    return (values[(n - 1) / 2] + values[n / 2]) / 2;
}

double bench_spread(double *values, size_t n)
{
    const double middle = bench_median(values, n);
    for (size_t i = 0; i < n; i++)
        values[i] = fabs(values[i] - middle);
    return bench_median(values, n);
}

/* Thread i of n has units [units * i / n, units * (i + 1) / n). */
static size_t share_start(const bench_turn *turn, unsigned i)
{
    return turn->work.units * i / bench_team_size(turn->team);
}

static void run_share(void *arg, unsigned thread)
{
    bench_turn *turn = arg;
    const size_t start = share_start(turn, thread), share = share_start(turn, thread + 1) - start;
    size_t next = turn->next[thread];
    for (size_t left = share ? turn->step : 0; left;) {
        const size_t take = left < share - next ? left : share - next;
        turn->work.run(turn->work.arg, thread, start + next, start + next + take);
        next = (next + take) % share;
        left -= take;
    }
    turn->next[thread] = next;
}

static double run_step(bench_turn *turn)
{
    return bench_team_run(turn->team, run_share, turn);
}

/* The shorter of two: one that was interrupted would make all samples too short. */
static double run_twice(bench_turn *turn)
{
    const double once = run_step(turn), again = run_step(turn);
    return once < again ? once : again;
}

double bench_turn_sample(bench_turn *turn)
{
    const double seconds = run_step(turn);
    return seconds * (double)turn->work.units / ((double)turn->step * bench_team_size(turn->team));
}

void bench_turn_prepare(bench_turn *turn, const bench_work *work, bench_team *team, double seconds)
{
    *turn = (bench_turn){.work = *work, .team = team, .step = 1};
    const unsigned n = bench_team_size(team);
    const size_t share = work->units > n ? work->units / n : 1;

    /* Double until the clock sees it well; the caches and the clock frequency warm up meanwhile. */
    double took = run_twice(turn);
    while (took < seconds / 4) {
        turn->step *= 2;
        took = run_twice(turn);
    }
    const double wanted = (double)turn->step * seconds / took;
    if (wanted >= (double)share)
        turn->step = share * (size_t)(wanted / (double)share + 0.5);
    else
        turn->step = wanted > 1 ? (size_t)wanted : 1;
}
