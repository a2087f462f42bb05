/*
 * findings.h - all that was found out, and the entries of a tune file that it comes to.
 */
#ifndef LSQ_TUNER_FINDINGS_H
#define LSQ_TUNER_FINDINGS_H

#include "tuner/ask.h"

typedef struct findings {
    answer *answers; /* malloc */
    size_t count;
    failures wrong;
    size_t questions; /* that there were; fewer answers: time or patience ran out */
} findings;

/* 0 if memory ran out. */
int findings_add(findings *found, const answer *a);
void findings_free(findings *found);

/* The kernel that was chosen for a kind at one place, or NULL. */
const lsq_kernel *findings_kernel(const findings *found, const kind *k, const lsq_place *where);

/*
 * What was found about those kinds, as entries where it is not the default, and as kept where it is. Only places of which all was found
 * out are in it. 0 if memory ran out.
 */
int findings_tune(const findings *found, const kind *kinds, size_t count, int with_crew, lsq_tune *tune);

#endif
