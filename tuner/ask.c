/*
 * ask.c - contests for one kind and place: of kernels, then of a number for the kernel that won, then of both against the default.
 *
 * Numbers that say from where on something pays (columns: expanding; bytes: a second thread) are sought upwards: the lowest one at which
 * crossing pays, each time by the rules of a contest.
 */
#include "tuner/ask.h"

#include "dispatch/product.h"
#include "tuner/plan.h"

#include <string.h>

int is_usual(const answer *a)
{
    return a->chosen.kernel == a->usual.kernel &&
           !memcmp(&a->chosen.tunables, &a->usual.tunables, sizeof(a->usual.tunables));
}

void answer_set_product(answer *a, const subject *s)
{
    a->format = s->format;
    a->rows = s->rows;
    a->columns = s->columns;
    a->n = s->n;
    a->bytes = s->bytes;
    a->weights = subject_weights(s);
}

static candidate by_default(const lsq_kernel *kernel)
{
    return (candidate){.kernel = kernel, .tunables = lsq_tunables_default};
}

static const candidate *winner_of(const contest *c)
{
    return &c->candidates[c->winner];
}

static contest contest_for(subject *s, double budget, const volatile sig_atomic_t *stop)
{
    return (contest){.budget = budget, .time = subject_time, .arg = s, .stop = stop};
}

static contest_end run(contest *c, subject *s)
{
    const contest_end end = contest_run(c);
    c->arg = NULL; /* the subject does not outlive its question */
    c->stop = NULL;
    return s->failed ? OUT_OF_MEMORY : end;
}

/* ---- The three contests ---- */

static contest_end choose_kernel(const kind *k, subject *s, double budget, const volatile sig_atomic_t *stop, answer *a)
{
    a->kernels = contest_for(s, budget, stop);
    a->kernels.count = k->count;
    for (size_t i = 0; i < k->count; i++) {
        a->kernels.candidates[i] = by_default(k->rows[i]);
        if (k->rows[i] == k->usual)
            a->kernels.usual = i;
    }
    const contest_end end = run(&a->kernels, s);
    if (end == DECIDED)
        a->chosen = *winner_of(&a->kernels);
    return end;
}

static contest_end choose_number(subject *s, double budget, const volatile sig_atomic_t *stop, answer *a)
{
    contest *c = &a->numbers;
    const uint32_t *legal;
    *c = contest_for(s, budget, stop);
    for (; (legal = lsq_tunable_legal(a->number, c->count)); c->count++) {
        c->candidates[c->count] = by_default(a->chosen.kernel);
        c->candidates[c->count].tunables.value[a->number] = *legal;
        if (*legal == lsq_tunables_default.value[a->number])
            c->usual = c->count;
    }
    const contest_end end = run(c, s);
    if (end == DECIDED)
        a->chosen = *winner_of(c);
    return end;
}

/* Candidate 0 against candidate 1, which must be ahead by a share of the time to be chosen. */
static contest_end contest_of_two(subject *s, const candidate *usual, const candidate *other, double share,
                                  double budget, const volatile sig_atomic_t *stop, contest *c)
{
    *c = contest_for(s, budget, stop);
    c->share = share;
    c->candidates[c->count++] = *usual;
    c->candidates[c->count++] = *other;
    return run(c, s);
}

/* Once more, since the best of several looks better than it is: what does not win again is withdrawn. */
static contest_end confirm(subject *s, double budget, const volatile sig_atomic_t *stop, answer *a)
{
    contest c;
    if (is_usual(a)) {
        a->usual = a->chosen;
        return DECIDED;
    }
    const contest_end end = contest_of_two(s, &a->usual, &a->chosen, 0, budget, stop, &c);
    if (end != DECIDED)
        return end;
    a->usual = c.candidates[0];
    a->chosen = c.candidates[1];
    a->withdrawn = c.winner == 0;
    if (a->withdrawn)
        a->chosen = a->usual;
    return DECIDED;
}

/* ---- From where on something pays ---- */

/* A product at the threshold: of so many columns, or with so many bytes for each of two threads. */
static int make_probe(subject *s, workshop *w, const target *of, enum lsq_tunable number, uint32_t threshold)
{
    const size_t columns = 1024;
    const lsq_format format = subject_format(of->codec);
    if (number == TUNABLE_expand_from)
        return subject_make_sized(s, w, of, 512, 2048, threshold);
    size_t chain = 0;
    lsq_packed_bytes(&format, CHAIN * PANEL, columns, &chain);
    return subject_make_sized(s, w, of, (2 * (size_t)threshold * CHAIN / chain + 1) * PANEL, columns, 1);
}

/* The default as a number: expand_from has 0 for "by the codec". */
static uint32_t usual_threshold(const lsq_cpu *cpu, const lsq_kernel *kernel, enum lsq_tunable number)
{
    if (number != TUNABLE_expand_from)
        return lsq_tunables_default.value[number];
    const lsq_kernel *gemm = lsq_kernel_default(cpu, OP_gemm, kernel->codec, kernel->act);
    return lsq_product_expand_from(kernel, lsq_product_goes_direct(gemm, kernel) ? gemm : NULL);
}

/*
 * A second thread earlier than by default must be worth a core: a fifth less time, of the half that it could save. What it costs to
 * hand over work also differs from moment to moment more than anything else here.
 */
static double share_across(enum lsq_tunable number)
{
    return number == TUNABLE_thread_bytes ? 0.2 : 0;
}

/* Crossing or not at the i-th legal value, which is not the last: what the default does there against the other way. */
static contest_end try_threshold(workshop *w, answer *a, size_t i, int by_default_across, double budget,
                                 const volatile sig_atomic_t *stop)
{
    subject s;
    candidate apart = by_default(a->usual.kernel), across = apart;
    across.tunables.value[a->number] = *lsq_tunable_legal(a->number, i);
    apart.tunables.value[a->number] = *lsq_tunable_legal(a->number, i + 1);
    a->weights = 0;
    if (!make_probe(&s, w, &a->of, a->number, across.tunables.value[a->number]))
        return s.failed ? OUT_OF_MEMORY : DECIDED;
    const contest_end end =
        by_default_across ? contest_of_two(&s, &across, &apart, 0, budget, stop, &a->numbers)
                          : contest_of_two(&s, &apart, &across, share_across(a->number), budget, stop, &a->numbers);
    answer_set_product(a, &s);
    subject_free(&s);
    return end;
}

size_t threshold_among(const int *other_won, size_t asked, size_t usual)
{
    size_t i = 0;
    while (i < asked && (i >= usual) == other_won[i]) /* not crossing won */
        i++;
    return i;
}

/* A product that tells the two values of a threshold apart: at the lower one. */
static int make_subject_again(subject *s, workshop *w, const answer *a)
{
    const uint32_t chosen = a->chosen.tunables.value[a->number];
    if (!a->threshold)
        return subject_make(s, w, &a->of);
    const uint32_t usual = usual_threshold(&w->cpu, a->usual.kernel, a->number);
    return make_probe(s, w, &a->of, a->number, chosen < usual ? chosen : usual);
}

contest_end ask_again(workshop *w, double budget, const volatile sig_atomic_t *stop, answer *a)
{
    subject s;
    contest c;
    a->weights = 0;
    if (!make_subject_again(&s, w, a))
        return s.failed ? OUT_OF_MEMORY : DECIDED;
    answer_set_product(a, &s);
    const int crosses_earlier =
        a->threshold && a->chosen.tunables.value[a->number] < usual_threshold(&w->cpu, a->usual.kernel, a->number);
    const contest_end end =
        contest_of_two(&s, &a->usual, &a->chosen, crosses_earlier ? share_across(a->number) : 0, budget, stop, &c);
    subject_free(&s);
    if (end != DECIDED)
        return end;
    a->usual = c.candidates[0];
    a->chosen = c.candidates[1];
    a->withdrawn = c.winner == 0;
    return DECIDED;
}

contest_end ask_threshold(workshop *w, const target *of, enum lsq_tunable number, const lsq_kernel *kernel,
                          double budget, const volatile sig_atomic_t *stop, answer *a)
{
    enum { LEGAL_MAX = 16 };
    const size_t first = number == TUNABLE_expand_from; /* behind the 0 */
    const uint32_t usual_value = usual_threshold(&w->cpu, kernel, number);
    size_t last = 0, usual = 0, asked = 0;
    int other_won[LEGAL_MAX];
    *a = (answer){.of = *of, .format = subject_format(of->codec), .number = number, .threshold = 1};
    a->chosen = a->usual = by_default(kernel);
    for (; lsq_tunable_legal(number, first + last + 1) && last < LEGAL_MAX; last++)
        usual += *lsq_tunable_legal(number, first + last) < usual_value;
    while (asked < last && threshold_among(other_won, asked, usual) == asked) {
        const contest_end end = try_threshold(w, a, first + asked, asked >= usual, budget / (double)(last + 1), stop);
        if (end != DECIDED)
            return end;
        if (a->weights == 0)
            return DECIDED;
        a->usual.ns = a->chosen.ns = a->numbers.candidates[0].ns;
        other_won[asked++] = a->numbers.winner == 1;
    }
    const uint32_t chosen = *lsq_tunable_legal(number, first + threshold_among(other_won, asked, usual));
    if (chosen == usual_value)
        return DECIDED;
    a->chosen.tunables.value[number] = chosen;
    const contest_end end = ask_again(w, budget / (double)(last + 1), stop, a);
    if (a->withdrawn)
        a->chosen = a->usual;
    return end;
}

/* ---- Which of them ---- */

static contest_end hold(const kind *k, subject *s, double budget, const volatile sig_atomic_t *stop, answer *a)
{
    const int with_number = place_number(k->op, &a->of.where, &a->number);
    const double share = with_number ? budget / 3 : budget / 2;
    answer_set_product(a, s);
    /* What fits a cache is in it when a product is repeated: so it is before the first timing. */
    subject_time(s, &a->usual, a->of.where.size_class == CLASS_dram ? 1 : s->rows / s->window);
    contest_end end = k->count > 1 ? choose_kernel(k, s, share, stop, a) : DECIDED;
    if (end == DECIDED && with_number)
        end = choose_number(s, share, stop, a);
    if (end == DECIDED)
        end = confirm(s, share, stop, a);
    return end;
}

contest_end ask(const kind *k, workshop *w, const target *of, double budget, const volatile sig_atomic_t *stop,
                answer *a)
{
    subject s;
    *a = (answer){.of = *of, .format = subject_format(of->codec)};
    a->chosen = a->usual = by_default(k->usual);
    if (!subject_make(&s, w, of))
        return s.failed ? OUT_OF_MEMORY : DECIDED;
    const contest_end end = hold(k, &s, budget, stop, a);
    subject_free(&s);
    return end;
}
