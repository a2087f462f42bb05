/*
 * machine_state.h - calling a kernel and looking at what it did to the machine besides its outputs.
 */
#ifndef LSQ_TESTS_MACHINE_STATE_H
#define LSQ_TESTS_MACHINE_STATE_H

#include <stddef.h>

/*
 * Calls fn(a, i, j, k); a function of fewer arguments takes what it needs. Returns NULL, or the name of something that a callee
 * must leave as it was: a register of its caller, the control bits of floating point, the upper halves of vector registers (x86,
 * clean or every later SSE instruction pays); or of an exception that finite numbers must not raise.
 */
const char *call_and_look(void (*fn)(void), const void *a, size_t i, size_t j, size_t k);

/* Does the CPU tell which parts of its vector registers are in use? (Emulators do not.) Without it that is not looked at. */
int upper_halves_visible(void);

#endif
