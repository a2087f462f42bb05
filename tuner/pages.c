/*
 * pages.c - the same product from memory twice, its weights on huge pages and on small ones.
 */
#include "tuner/pages.h"

#include "bench/machine.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { HUGE_PAGES, SMALL_PAGES, KINDS };

/* Candidates differ by their place in the contest only. */
typedef struct pair {
    subject on[KINDS];
    const contest *contest;
} pair;

static double time_one(void *arg, const candidate *c, size_t steps)
{
    pair *p = arg;
    return subject_time(&p->on[c - p->contest->candidates], c, steps);
}

/* Half of the workshop's random bytes, so that two matrices fit where one did: still twice the last cache. */
static int make_subject(workshop *w, uint8_t *packed, subject *s)
{
    const target of = {OP_gemv, CODEC_p4, ACT_i8, {CLASS_dram, LSQ_ANY, CREW_one}};
    const lsq_format format = subject_format(of.codec);
    workshop half = *w;
    size_t rows, columns;
    half.packed = packed;
    return subject_size(&w->cpu, &format, CLASS_dram, &rows, &columns) &&
           subject_make_sized(s, &half, &of, rows / 2, columns, 1);
}

static void compare(pair *p, double budget, const volatile sig_atomic_t *stop, pages *result)
{
    const lsq_kernel *kernel = lsq_kernel_default(&p->on[0].ctx->cpu, OP_gemv, CODEC_p4, ACT_i8);
    contest c = {.count = KINDS, .usual = SMALL_PAGES, .budget = budget, .time = time_one, .arg = p, .stop = stop};
    p->contest = &c;
    for (int i = 0; i < KINDS; i++)
        c.candidates[i] = (candidate){.kernel = kernel, .tunables = lsq_tunables_default};
    if (contest_run(&c) != DECIDED || !c.candidates[HUGE_PAGES].samples)
        return;
    const summary huge = c.candidates[HUGE_PAGES].ns, small = c.candidates[SMALL_PAGES].ns;
    result->measured = 1;
    result->gain = small.median / huge.median - 1;
}

void pages_measure(workshop *w, double budget, const volatile sig_atomic_t *stop, pages *p)
{
    *p = (pages){0};
#if defined(MADV_NOHUGEPAGE)
    const size_t huge = (size_t)2 << 20, bytes = (w->packed_bytes / 2 / huge + 1) * huge;
    uint8_t *packed = aligned_alloc(huge, bytes);
    pair both = {.contest = NULL};
    if (packed && !madvise(packed, bytes, MADV_NOHUGEPAGE)) {
        bench_fill_random(packed, bytes, 2);
        if (make_subject(w, w->packed, &both.on[HUGE_PAGES]) && make_subject(w, packed, &both.on[SMALL_PAGES]))
            compare(&both, budget, stop, p);
        subject_free(&both.on[HUGE_PAGES]);
        subject_free(&both.on[SMALL_PAGES]);
    }
    free(packed);
#else
    (void)w;
    (void)budget;
    (void)stop;
#endif
}
