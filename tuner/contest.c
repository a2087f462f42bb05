/*
 * contest.c - a contest of kernels.
 *
 * Medians, because an interruption makes one time absurd and a mean with it; by turns, because clocks and neighbours drift;
 * twice, because the luckiest of several equals looks better than it is. What is slower than the best by half at the first
 * look is not looked at again: no noise that leaves a contest meaningful hides that much.
 */
#include "tuner/contest.h"

#include <stdlib.h>

static const double shortest = 50e3, longest = 5e6; /* ns of one timing: above the clock's grain, below a time slice */
static const double hopeless = 1.5, usual_share = 0.01;
enum { ROUNDS_MIN = 5, ROUNDS_MAX = 51, HALVES = 2 };

static int stopped(const contest *c)
{
    return c->stop && *c->stop;
}

/* A first estimate of ns a step: as many steps as it takes to see the clock move well, and the better of two tries. */
static double estimate(contest *c, const candidate *of)
{
    size_t steps = 1;
    double ns = c->time(c->arg, of, steps);
    while (ns < shortest && steps < 1u << 20 && !stopped(c)) {
        steps *= 2;
        ns = c->time(c->arg, of, steps);
    }
    double again = c->time(c->arg, of, steps);
    return (again < ns ? again : ns) / (double)steps;
}

/* Estimates all, marks the hopeless (samples = 0) and returns the time of one step by each of the others. */
static double sort_out(contest *c, double *best)
{
    double round = 0;
    *best = 0;
    for (size_t i = 0; i < c->count && !stopped(c); i++) {
        candidate *at = &c->candidates[i];
        at->ns = (summary){estimate(c, at), 0};
        *best = i == 0 || at->ns.median < *best ? at->ns.median : *best;
    }
    for (size_t i = 0; i < c->count; i++) {
        c->candidates[i].samples = i == c->usual || c->candidates[i].ns.median <= hopeless * *best;
        round += c->candidates[i].samples ? c->candidates[i].ns.median : 0;
    }
    return round;
}

/* Times candidates by turns; times[i * ROUNDS_MAX + n] is what one step took i in round n. Each round another one begins. */
static void half(contest *c, size_t steps, size_t rounds, double *times)
{
    for (size_t n = 0; n < rounds && !stopped(c); n++)
        for (size_t turn = 0; turn < c->count; turn++) {
            size_t i = (turn + n) % c->count;
            if (c->candidates[i].samples)
                times[i * ROUNDS_MAX + n] = c->time(c->arg, &c->candidates[i], steps) / (double)steps;
        }
}

/* Who wins one half. */
static size_t leader(const contest *c, const summary *of)
{
    size_t best = c->usual;
    for (size_t i = 0; i < c->count; i++)
        if (c->candidates[i].samples && of[i].median < of[best].median)
            best = i;
    const double gain = of[c->usual].median - of[best].median;
    const double least = (c->share > 0 ? c->share : usual_share) * of[c->usual].median;
    return gain > of[best].spread && gain > of[c->usual].spread && gain > least ? best : c->usual;
}

static void both_halves(contest *c, size_t steps, size_t rounds, double *times)
{
    size_t leaders[HALVES];
    for (size_t h = 0; h < HALVES; h++) {
        summary of[CANDIDATES_MAX] = {{0, 0}};
        double *these = times + h * CANDIDATES_MAX * ROUNDS_MAX;
        half(c, steps, rounds, these);
        for (size_t i = 0; i < c->count; i++)
            if (c->candidates[i].samples)
                of[i] = summarise(these + i * ROUNDS_MAX, rounds);
        leaders[h] = leader(c, of);
    }
    c->winner = leaders[0] == leaders[1] ? leaders[0] : c->usual;
}

/* The times of both halves together are what is reported. */
static void report(contest *c, size_t rounds, const double *times)
{
    for (size_t i = 0; i < c->count; i++) {
        double all[HALVES * ROUNDS_MAX];
        if (!c->candidates[i].samples)
            continue;
        for (size_t n = 0; n < HALVES * rounds; n++)
            all[n] = times[n / rounds * CANDIDATES_MAX * ROUNDS_MAX + i * ROUNDS_MAX + n % rounds];
        c->candidates[i].samples = HALVES * rounds;
        c->candidates[i].ns = summarise(all, HALVES * rounds);
    }
}

contest_end contest_run(contest *c)
{
    double best, round = sort_out(c, &best);
    if (stopped(c))
        return STOPPED;
    /* The budget holds two halves of rounds; a round is one timing of each, its length such that the budget lasts. */
    double timing = c->budget / (HALVES * ROUNDS_MAX) / (round / best);
    timing = timing < shortest ? shortest : timing > longest ? longest : timing;
    size_t steps = (size_t)(timing / best) + 1;
    double rounds = c->budget / HALVES / (round * (double)steps);
    size_t count = rounds < ROUNDS_MIN ? ROUNDS_MIN : rounds > ROUNDS_MAX ? ROUNDS_MAX : (size_t)rounds;
    double *times = calloc(HALVES * CANDIDATES_MAX * ROUNDS_MAX, sizeof(*times));
    if (!times)
        return OUT_OF_MEMORY;
    both_halves(c, steps, count, times);
    if (!stopped(c))
        report(c, count, times);
    free(times);
    return stopped(c) ? STOPPED : DECIDED;
}
