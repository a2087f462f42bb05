/*
 * check.h - what the tune file in use still earns.
 */
#ifndef LSQ_TUNER_CHECK_H
#define LSQ_TUNER_CHECK_H

#include "tuner/options.h"

#include <signal.h>

/*
 * Times each entry of the file that programs use against the default again, within the seconds of the options, and prints both
 * speeds. EXIT_CHECK_FAILED if an entry is slower than the default by more than the spread, and 3 %: it is time to tune again.
 */
int check_used(const options *o, const volatile sig_atomic_t *stop);

#endif
