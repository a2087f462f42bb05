/*
 * processors.h - threads for commands that have the machine to themselves.
 */
#ifndef LSQ_TOOLS_PROCESSORS_H
#define LSQ_TOOLS_PROCESSORS_H

#include "tools/options.h"

#include <lsq/lsq.h>

/*
 * A context with a thread for each processor that this process may use, unless the environment says how many. CARRY_ON, or with a message
 * the code of the failure.
 */
int processors_all(const arguments *args, lsq_context **ctx);

#endif
