/*
 * tune.c - time divided among questions.
 *
 * Each gets its share of what is left, so what early ones do not need (most kernels drop out at the first look) later ones have. The
 * last quarter is for second thoughts: machines, virtual ones above all, have moods of seconds and minutes, which no contest of
 * milliseconds can see through. What does not win whenever it is asked again is withdrawn.
 */
#include "tuner/tune.h"

#include "tuner/plan.h"

#include <stdio.h>
#include <stdlib.h>

/* A kernel that is so much slower in one size class is not the fastest in any. */
static const double never = 2.5;

static const double for_questions = 0.75; /* of the time */
enum { PASSES = 3 /* over all that is not the default */ };

/* Does the file know already what the question is for? */
static int covered(const lsq_coverage *by, const question *q, int with_crew)
{
    const kind *k = q->kind;
    lsq_place places[PLACES_MAX];
    const size_t count = kind_places(k, with_crew, places);
    for (size_t i = 0; i < count; i++)
        if (question_matters(q, &places[i]) && !lsq_covers(by, k->op, k->codec, k->act, &places[i]))
            return 0;
    return 1;
}

static void show(const run *r, const question *q, size_t done, size_t of)
{
    if (!r->progress)
        return;
    const double left = (r->deadline - clock_ns()) / 1e9;
    fprintf(stderr, "\r\033[K[%zu/%zu] %s%s%s%s, at most %.0f s left", done + 1, of, q->kind->name,
            q->where.size_class == LSQ_ANY ? "" : " ",
            q->where.size_class == LSQ_ANY ? "" : lsq_class_names[q->where.size_class],
            q->where.crew == CREW_many ? ", several threads" : "", left > 0 ? left : 0);
}

static contest_end put(const run *r, const question *q, double budget, findings *found)
{
    const target of = {q->kind->op, q->kind->codec, q->kind->act, q->where};
    answer a;
    contest_end end;
    if (!kind_check(q->kind, r->workshop, &found->wrong, r->stop))
        return OUT_OF_MEMORY;
    if (*r->stop)
        return STOPPED;
    if (!q->kind->usual)
        return DECIDED;
    if (q->threshold) {
        const lsq_place source = kernel_place(q->kind, &q->where);
        const lsq_kernel *kernel = findings_kernel(found, q->kind, &source);
        end = ask_threshold(r->workshop, &of, q->number, kernel ? kernel : q->kind->usual, budget, r->stop, &a);
    } else {
        end = ask(q->kind, r->workshop, &of, budget, r->stop, &a);
        if (end == DECIDED && a.kernels.count)
            kind_drop_slow(q->kind, &a.kernels, never);
    }
    if (end != DECIDED)
        return end;
    return findings_add(found, &a) ? DECIDED : OUT_OF_MEMORY;
}

static int by_kind(const void *a, const void *b)
{
    const question *x = a, *y = b;
    if (x->kind != y->kind)
        return x->kind < y->kind ? -1 : 1;
    return x->rank < y->rank ? -1 : x->rank > y->rank;
}

/*
 * What is left to ask, and how much of it in any case, however little time there is, or repeated runs would come to nothing: one
 * question, or where another run's answers are completed, all of one kind. Some places need several answers of one run.
 */
static size_t leave_open(const run *r, question *list, size_t count, size_t *least)
{
    const int with_crew = r->workshop->machine.crew > 1;
    size_t kept = 0;
    for (size_t i = 0; i < count; i++)
        if (!r->answered || !covered(r->answered, &list[i], with_crew))
            list[kept++] = list[i];
    *least = kept > 0;
    if (!r->answered)
        return kept;
    qsort(list, kept, sizeof(*list), by_kind);
    while (*least && *least < kept && list[*least].kind == list[0].kind)
        ++*least;
    return kept;
}

static size_t changes(const findings *found)
{
    size_t count = 0;
    for (size_t i = 0; i < found->count; i++)
        count += !is_usual(&found->answers[i]);
    return count;
}

static contest_end think_again(const run *r, findings *found)
{
    contest_end end = DECIDED;
    for (int pass = 0; pass < PASSES; pass++) {
        size_t left = changes(found);
        const double pass_ends = clock_ns() + (r->deadline - clock_ns()) / (PASSES - pass);
        for (size_t i = 0; i < found->count && end == DECIDED && !*r->stop; i++) {
            answer *a = &found->answers[i];
            if (is_usual(a))
                continue;
            const double budget = (pass_ends - clock_ns()) / (double)left--;
            if (r->progress)
                fprintf(stderr, "\r\033[K[again, %d/%d] at most %.0f s left", pass + 1, PASSES,
                        (r->deadline - clock_ns()) / 1e9);
            end = ask_again(r->workshop, budget > 0 ? budget : 0, r->stop, a);
            if (end == DECIDED && a->withdrawn)
                a->chosen = a->usual;
        }
    }
    return end;
}

contest_end tune(const run *r, findings *found)
{
    size_t count;
    const double questions_end = clock_ns() + for_questions * (r->deadline - clock_ns());
    size_t least = 0;
    question *list = plan_questions(r->kinds, r->kind_count, r->workshop->machine.crew > 1, &count);
    contest_end end = list ? DECIDED : OUT_OF_MEMORY;
    if (list)
        found->questions = leave_open(r, list, count, &least);
    for (size_t i = 0; i < found->questions && end == DECIDED && !*r->stop; i++) {
        const double left = questions_end - clock_ns();
        if (left <= 0 && i >= least)
            break;
        show(r, &list[i], i, found->questions);
        end = put(r, &list[i], (left > 0 ? left : 0) / (double)(found->questions - i), found);
    }
    if (end == DECIDED && !*r->stop)
        end = think_again(r, found);
    if (r->progress)
        fputs("\r\033[K", stderr);
    free(list);
    return *r->stop ? STOPPED : end;
}
