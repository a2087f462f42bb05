/*
 * interrupt.h - SIGINT, SIGTERM and SIGHUP while a file is being written: nothing half done is left behind.
 */
#ifndef LSQ_TOOLS_INTERRUPT_H
#define LSQ_TOOLS_INTERRUPT_H

/*
 * From now on a signal is taken by a thread of its own, which calls cleanup(arg), unless that is NULL, while others go on, and ends the
 * process by that signal. 0, or -1 if there is no such thread to be had. To be called once, before other threads begin.
 */
int interrupt_watch(void (*cleanup)(void *arg), void *arg);

/* Between the two a signal waits: what cleanup() looks at may be changed. If one has come, the second does not return. Not nested. */
void interrupt_hold(void);
void interrupt_release(void);

/* Does a signal wait? For what takes long between the two. */
int interrupt_waits(void);

/* Instead of interrupt_release(): from now on there is nothing to clean up. */
void interrupt_settle(void);

#endif
