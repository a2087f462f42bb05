/*
 * team.c - pinned threads that start together.
 *
 * Waking a thread takes as long as many a product, so it stays outside the time: all meet at a spinning gate before the clock
 * is read, and the caller spins until the last is done.
 */
#include "bench/team.h"

#include "bench/machine.h"
#include "bench/turn.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>

struct bench_team {
    unsigned size;
    pthread_mutex_t lock;
    pthread_cond_t woken;
    unsigned round; /* under the lock: counts runs */
    int closing;
    atomic_uint at_gate, done;
    atomic_uint opened; /* the round whose gate is open */
    void (*task)(void *arg, unsigned thread);
    void *arg;
    struct member {
        bench_team *team;
        unsigned number;
        pthread_t thread;
    } members[];
};

static void *member_main(void *arg)
{
    const struct member *self = arg;
    bench_team *team = self->team;
    bench_pin(self->number);
    for (unsigned seen = 0;; seen++) {
        pthread_mutex_lock(&team->lock);
        while (team->round == seen && !team->closing)
            pthread_cond_wait(&team->woken, &team->lock);
        const int closing = team->closing;
        pthread_mutex_unlock(&team->lock);
        if (closing)
            return NULL;
        atomic_fetch_add(&team->at_gate, 1);
        while (atomic_load(&team->opened) == seen)
            sched_yield();
        team->task(team->arg, self->number);
        atomic_fetch_add(&team->done, 1);
    }
}

bench_team *bench_team_new(unsigned threads)
{
    bench_team *team = calloc(1, sizeof *team + threads * sizeof *team->members);
    if (!team)
        return NULL;
    pthread_mutex_init(&team->lock, NULL);
    pthread_cond_init(&team->woken, NULL);
    bench_pin(0);
    for (team->size = 1; team->size < threads; team->size++) {
        struct member *m = &team->members[team->size];
        *m = (struct member){.team = team, .number = team->size};
        if (pthread_create(&m->thread, NULL, member_main, m)) {
            bench_team_free(team);
            return NULL;
        }
    }
    return team;
}

void bench_team_free(bench_team *team)
{
    if (!team)
        return;
    pthread_mutex_lock(&team->lock);
    team->closing = 1;
    pthread_cond_broadcast(&team->woken);
    pthread_mutex_unlock(&team->lock);
    for (unsigned i = 1; i < team->size; i++)
        pthread_join(team->members[i].thread, NULL);
    pthread_cond_destroy(&team->woken);
    pthread_mutex_destroy(&team->lock);
    free(team);
}

unsigned bench_team_size(const bench_team *team)
{
    return team->size;
}

double bench_team_run(bench_team *team, void (*task)(void *arg, unsigned thread), void *arg)
{
    const unsigned others = team->size - 1;
    team->task = task;
    team->arg = arg;
    atomic_store(&team->at_gate, 0);
    atomic_store(&team->done, 0);
    pthread_mutex_lock(&team->lock);
    team->round++;
    pthread_cond_broadcast(&team->woken);
    pthread_mutex_unlock(&team->lock);
    while (atomic_load(&team->at_gate) < others)
        sched_yield();
    const double start = bench_now();
    atomic_store(&team->opened, team->round);
    task(arg, 0);
    while (atomic_load(&team->done) < others)
        ;
    return bench_now() - start;
}
