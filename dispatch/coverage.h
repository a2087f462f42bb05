/*
 * coverage.h - which products something is said of: a bit for each place of each kind.
 */
#ifndef LSQ_DISPATCH_COVERAGE_H
#define LSQ_DISPATCH_COVERAGE_H

#include "dispatch/select.h"

/* Nothing yet if all is zero. */
typedef struct lsq_coverage {
    uint32_t places[OPS][CODECS][ACTS];
} lsq_coverage;

/* Is something said of one of these products already? */
int lsq_covers(const lsq_coverage *coverage, unsigned op, unsigned codec, unsigned act, const lsq_place *where);

/* From now on it is, of all of them. */
void lsq_cover(lsq_coverage *coverage, unsigned op, unsigned codec, unsigned act, const lsq_place *where);

#endif
