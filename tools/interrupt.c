/*
 * interrupt.c - a thread that waits for signals, so that cleaning up is ordinary code and not a signal handler's.
 */
#include "tools/interrupt.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/signalfd.h>
#include <unistd.h>

static pthread_mutex_t held = PTHREAD_MUTEX_INITIALIZER;
static sigset_t watched;
static void (*clean)(void *arg);
static void *clean_arg;
static atomic_int waits;
static int arrivals; /* readable when a signal has come */

static void *watch(void *unused)
{
    int number;
    struct pollfd arrival = {.fd = arrivals, .events = POLLIN};
    (void)unused;
    /* It is taken only when `waits` is set, so that at no moment it neither pends nor waits. */
    while (poll(&arrival, 1, -1) != 1)
        continue;
    waits = 1;
    while (sigwait(&watched, &number) != 0)
        continue;
    /* A second one ends the process at once, whatever it leaves. */
    signal(number, SIG_DFL);
    pthread_sigmask(SIG_UNBLOCK, &watched, NULL);
    pthread_mutex_lock(&held); /* never released: nobody holds it after this */
    if (clean)
        clean(clean_arg);
    raise(number);
    return NULL;
}

int interrupt_watch(void (*cleanup)(void *arg), void *arg)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
    pthread_t thread;
    clean = cleanup;
    clean_arg = arg;
    sigemptyset(&watched);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        struct sigaction now;
        /* Who started us may have chosen to ignore it, as nohup does. */
        if (sigaction(numbers[i], NULL, &now) == 0 && now.sa_handler != SIG_IGN)
            sigaddset(&watched, numbers[i]);
    }
    if (pthread_sigmask(SIG_BLOCK, &watched, NULL) != 0)
        return -1;
    arrivals = signalfd(-1, &watched, SFD_CLOEXEC);
    if (arrivals < 0 || pthread_create(&thread, NULL, watch, NULL) != 0)
        return -1;
    pthread_detach(thread);
    return 0;
}

void interrupt_hold(void)
{
    pthread_mutex_lock(&held);
}

void interrupt_release(void)
{
    pthread_mutex_unlock(&held);
    while (interrupt_waits()) /* whoever was about to go on would take the lock again before the other thread wakes */
        pause();
}

int interrupt_waits(void)
{
    struct pollfd arrival = {.fd = arrivals, .events = POLLIN};
    return waits || (arrivals > 0 && poll(&arrival, 1, 0) == 1);
}

void interrupt_settle(void)
{
    clean = NULL;
    interrupt_release();
}
