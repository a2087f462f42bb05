/*
 * ask.h - one question to this machine: which way to products of a kind at a place is the fastest?
 */
#ifndef LSQ_TUNER_ASK_H
#define LSQ_TUNER_ASK_H

#include "tuner/kinds.h"
#include "tuner/subject.h"

/* Of some answer: what was timed, how it went, and what is to run from now on. */
typedef struct answer {
    target of;
    lsq_format format;
    size_t rows, columns, n, bytes;
    double weights;  /* of a step */
    contest kernels; /* with default tunables */
    contest numbers; /* values of `number`, with the kernel that won; no candidates: there is none here */
    enum lsq_tunable number;
    candidate chosen, usual; /* ns of both from the last contest, or of `usual` twice if it stays */
    int withdrawn;           /* another way won at first, and not always again */
    int threshold;           /* it is of ask_threshold() */
} answer;

/*
 * Which kernel, and which number for it, if one matters there. Within `budget` nanoseconds, or what it takes at least. DECIDED with
 * no weights: this CPU, or its memory, has no such product, so the default it is.
 */
contest_end ask(const kind *k, workshop *w, const target *of, double budget, const volatile sig_atomic_t *stop,
                answer *a);

/*
 * From how many columns on expanding pays, or from how many bytes on a second thread, with that kernel: at legal values from the lowest
 * on, a product that just crosses the threshold is tried either way.
 */
contest_end ask_threshold(workshop *w, const target *of, enum lsq_tunable number, const lsq_kernel *kernel,
                          double budget, const volatile sig_atomic_t *stop, answer *a);

/*
 * Which of the legal values is the threshold, if this is how the first `asked` of them went: the first at which crossing won, or else
 * `asked` itself, the next to ask about or the last there is. At a value the other way than the default's has won, or it has not; the
 * default crosses from value `usual` on.
 */
size_t threshold_among(const int *other_won, size_t asked, size_t usual);

/*
 * What was chosen against the default once more, on a product made anew: another moment, other memory. Both candidates of the answer get
 * their times, and `withdrawn` is whether the default won. DECIDED with no weights as above.
 */
contest_end ask_again(workshop *w, double budget, const volatile sig_atomic_t *stop, answer *a);

/* What the answer is about: format, sides, weights. */
void answer_set_product(answer *a, const subject *s);

/* Is it the default in every respect? */
int is_usual(const answer *a);

#endif
