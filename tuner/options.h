/*
 * options.h - the command line of lsq-tune.
 */
#ifndef LSQ_TUNER_OPTIONS_H
#define LSQ_TUNER_OPTIONS_H

/* Exit codes, as of all commands of this project; 128 + n after signal n. */
enum { EXIT_FINE = 0, EXIT_CHECK_FAILED = 1, EXIT_USAGE = 2, EXIT_IO = 5, EXIT_MEMORY = 6, EXIT_SIGNAL = 128 };

typedef struct options {
    double seconds;     /* from start to end, about */
    const char *only;   /* extended regular expression, or NULL */
    const char *output; /* where to write instead of the usual place, or NULL */
    const char *svg;    /* a picture of it, or NULL */
    int system, print_path, show, check, resume, dry_run, json, quiet;
} options;

/* Reads the command line. Returns -1 to go on; otherwise what was asked for is done, and it is the exit code. */
int options_read(options *o, int argc, char **argv);

#endif
