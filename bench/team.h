/*
 * team.h - pinned threads that start together.
 */
#ifndef LSQ_BENCH_TEAM_H
#define LSQ_BENCH_TEAM_H

enum { BENCH_THREADS_MAX = 256 };

typedef struct bench_team bench_team;

/* A team of `threads`, the caller among them, each pinned to a core of its own where there are enough; NULL if that fails. */
bench_team *bench_team_new(unsigned threads);
void bench_team_free(bench_team *team);

unsigned bench_team_size(const bench_team *team);

/* Runs task(arg, 0) .. task(arg, size - 1) at once: seconds from the moment all have started until the last is done. */
double bench_team_run(bench_team *team, void (*task)(void *arg, unsigned thread), void *arg);

#endif
