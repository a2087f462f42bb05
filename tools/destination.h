/*
 * destination.h - where a command may write.
 */
#ifndef LSQ_TOOLS_DESTINATION_H
#define LSQ_TOOLS_DESTINATION_H

#include "tools/options.h"

/*
 * Refuses terminals, what is not an ordinary file and, unless `force`, what exists: before any work is done, and in words
 * that name the option. CARRY_ON or, with a message, an exit code.
 */
int destination_check(const arguments *args, const char *path, int force);

#endif
