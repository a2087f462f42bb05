/*
 * options.h - the options of all commands: what each command takes, how values are read, and what --help says of them.
 */
#ifndef LSQ_BENCH_OPTIONS_H
#define LSQ_BENCH_OPTIONS_H

#include "bench/network.h"
#include "bench/sources.h"
#include "bench/table.h"

#include <lsq/lsq.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { BENCH_LIST_MAX = 64, BENCH_SOURCES_MAX = 16, BENCH_BATCH_MAX = 65536, BENCH_SIDE_MAX = 1 << 20 };

/* What was asked for. Lists are in the order given. */
typedef struct bench_options {
    lsq_format formats[BENCH_LIST_MAX];
    const char *codecs[BENCH_LIST_MAX]; /* the formats' names as they were given */
    unsigned threads[BENCH_LIST_MAX], batches[BENCH_LIST_MAX];
    const bench_source *sources[BENCH_SOURCES_MAX];
    size_t format_count, thread_count, batch_count, source_count;
    size_t rows, columns;
    unsigned samples, prefetch; /* prefetch: only if prefetch_given */
    lsq_activation activation;
    double outliers;
    size_t memory;      /* bytes; 0: not given */
    bench_network make; /* hidden 0: not given */
    int rotate, transposed, all, peers, shapes, prefetch_given, small_pages;
    bench_output output;
    const char *filter, *picture, *against; /* NULL: not given */
    char **files;
    size_t file_count;
} bench_options;

/* The options there are; options.c has name, value and reader of each. */
typedef enum bench_option {
    BENCH_OPTION_END,
    BENCH_OPTION_FILTER,
    BENCH_OPTION_CODEC,
    BENCH_OPTION_BATCH,
    BENCH_OPTION_THREADS,
    BENCH_OPTION_SIZE,
    BENCH_OPTION_ROTATE,
    BENCH_OPTION_TRANS,
    BENCH_OPTION_ACTIVATION,
    BENCH_OPTION_SOURCE,
    BENCH_OPTION_ALL,
    BENCH_OPTION_PEERS,
    BENCH_OPTION_OUTLIERS,
    BENCH_OPTION_AGAINST,
    BENCH_OPTION_SHAPES,
    BENCH_OPTION_SAMPLES,
    BENCH_OPTION_SVG,
    BENCH_OPTION_PREFETCH,
    BENCH_OPTION_SMALL_PAGES,
    BENCH_OPTION_MEMORY,
    BENCH_OPTION_MAKE,
    BENCH_OPTION_FORMAT,
    BENCH_OPTION_JSON,
    BENCH_OPTIONS
} bench_option;

/* An option as one command has it: its letter, 0 for none, and what --help says. A list ends with BENCH_OPTION_END. */
typedef struct bench_choice {
    bench_option option;
    char letter;
    const char *help;
} bench_choice;

/* A command. Every one has BENCH_OPTION_FORMAT and BENCH_OPTION_JSON besides, which no list names. */
typedef struct bench_command {
    const char *name;
    const char *about; /* lines for --help, the first one without indentation */
    const bench_choice *choices;
    const char *operands;                     /* "FILE...", or NULL: it takes none */
    const char *missing;                      /* what is asked of who gives no operand, or NULL: it needs none */
    const char *const *codecs;                /* the usual ones, up to NULL, or NULL: the command has others */
    unsigned samples;                         /* the usual number */
    size_t rows, columns;                     /* the usual matrix */
    int (*run)(const bench_options *options); /* returns an exit status */
} bench_command;

/* Reads the arguments after a command's name; `argv[0]` is not looked at. BENCH_OK, or what bench_usage() returned. */
int bench_options_read(const bench_command *command, int argc, char **argv, bench_options *options);

/* On stdout: how the commands are called, then what each does and takes. `commands` ends with NULL. */
void bench_options_help(const bench_command *const *commands);

#ifdef __cplusplus
}
#endif

#endif
