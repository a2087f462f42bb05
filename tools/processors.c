/*
 * processors.c - threads for commands that have the machine to themselves.
 */
#include "tools/processors.h"
#include "tools/messages.h"

int processors_all(const arguments *args, lsq_context **ctx)
{
    const lsq_context_options options = {.size = sizeof options, .threads = LSQ_THREADS_ALL};
    lsq_error err = {0};
    const lsq_status status = lsq_context_new(&options, ctx, &err);
    return status == LSQ_OK ? CARRY_ON : library_failure(args, status, &err);
}
