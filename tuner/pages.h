/*
 * pages.h - what huge pages are worth here.
 *
 * They are no choice of a tune file: where the system gives them they were never slower, so the library asks for them for all weights
 * that it allocates. But files that are mapped have small ones, and some systems give none; this is what that costs.
 */
#ifndef LSQ_TUNER_PAGES_H
#define LSQ_TUNER_PAGES_H

#include "tuner/subject.h"

typedef struct pages {
    int measured;
    double gain; /* how much more a second a product from memory does on huge pages: 0.12 is 12 % */
} pages;

/* Takes about `budget` nanoseconds. Nothing is measured if there is no memory for it. */
void pages_measure(workshop *w, double budget, const volatile sig_atomic_t *stop, pages *p);

#endif
