/*
 * options.c - the command line of lsq-tune.
 */
#include "tuner/options.h"
#include "tuner/messages.h"

#include <lsq/lsq.h>

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    QUICK,
    FULL,
    BUDGET,
    ONLY,
    RESUME,
    OUTPUT,
    SYSTEM,
    DRY_RUN,
    PRINT_PATH,
    SHOW,
    CHECK,
    SVG,
    JSON,
    QUIET,
    HELP,
    VERSION,
    OPTIONS
};

/* What getopt_long() reads by and --help prints; completion and the heads of the manual are made from that. */
static const struct row {
    const char *name;
    char letter;          /* 0: none */
    const char *argument; /* NULL: it takes none */
    const char *help;
} rows[OPTIONS] = {
    [QUICK] = {"quick", 0, NULL, "take 9 seconds, and leave open what does not fit in"},
    [FULL] = {"full", 0, NULL, "take ten minutes"},
    [BUDGET] = {"budget", 0, "SECONDS", "take that long, 1 to 3600; 60 if not given"},
    [ONLY] = {"only", 0, "REGEX", "only matching kinds of product, as '^gemv_p4'"},
    [RESUME] = {"resume", 0, NULL, "only what the file does not cover yet"},
    [OUTPUT] = {"output", 0, "FILE", "write FILE"},
    [SYSTEM] = {"system", 0, NULL, "write into /etc/lsq, for all users"},
    [DRY_RUN] = {"dry-run", 0, NULL, "write nothing"},
    [PRINT_PATH] = {"print-path", 0, NULL, "print the path that would be written, and stop"},
    [SHOW] = {"show", 0, NULL, "print the file that programs would use, and stop"},
    [CHECK] = {"check", 0, NULL, "time its choices against the defaults, and stop"},
    [SVG] = {"svg", 0, "FILE", "draw tuned against default speed"},
    [JSON] = {"json", 0, NULL, "print one JSON document instead of a table"},
    [QUIET] = {"quiet", 'q', NULL, "print no table and no progress"},
    [HELP] = {"help", 'h', NULL, "print this help"},
    [VERSION] = {"version", 'V', NULL, "print the version"},
};

static void print_help(void)
{
    enum { HELP_COLUMN = 30 };
    puts("Usage: lsq-tune [OPTION]...\n\n"
         "Measures which kernel is the fastest for each kind of product on this machine,\n"
         "and writes what it found where programs that use liblsq look for it. Every\n"
         "kernel is checked before it is timed.\n\n"
         "Options:");
    for (size_t i = 0; i < OPTIONS; i++) {
        char letter[] = "-x,";
        letter[1] = rows[i].letter;
        const int column = printf("  %3s --%s%s%s", rows[i].letter ? letter : "", rows[i].name,
                                  rows[i].argument ? " " : "", rows[i].argument ? rows[i].argument : "");
        printf("%*s%s\n", HELP_COLUMN - column, "", rows[i].help);
    }
    puts("\n"
         "Exit status: 0 done; 1 a kernel gave wrong results and was left out, or --check\n"
         "found a choice that is slower than the default; 2 usage; 5 a file could not be\n"
         "read or written; 6 out of memory; 130 interrupted, what was finished is written.");
}

static int read_seconds(const char *text, double *seconds)
{
    char *end;
    unsigned long number = text[0] >= '0' && text[0] <= '9' ? strtoul(text, &end, 10) : 0;
    if (number < 1 || number > 3600 || *end)
        return 0;
    *seconds = (double)number;
    return 1;
}

int options_read(options *o, int argc, char **argv)
{
    enum { FIRST_ID = 256 };
    struct option known[OPTIONS + 1] = {0};
    char letters[OPTIONS + 1] = "", *end = letters;
    for (int i = 0; i < OPTIONS; i++) {
        const int id = rows[i].letter ? rows[i].letter : FIRST_ID + i;
        known[i] = (struct option){rows[i].name, rows[i].argument ? required_argument : no_argument, NULL, id};
        if (rows[i].letter)
            *end++ = rows[i].letter;
    }
    *o = (options){.seconds = 60};
    opterr = 0;
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (strcmp(argv[i], "--json") == 0)
            errors_as_json(); /* those of reading the others too */
    for (int c; (c = getopt_long(argc, argv, letters, known, NULL)) != -1;)
        switch (c) {
        case FIRST_ID + QUICK:
            o->seconds = 9;
            break;
        case FIRST_ID + FULL:
            o->seconds = 600;
            break;
        case FIRST_ID + BUDGET:
            if (!read_seconds(optarg, &o->seconds))
                return say_error(EXIT_USAGE, "--budget takes a whole number of seconds from 1 to 3600: %s", optarg);
            break;
        case FIRST_ID + ONLY:
            o->only = optarg;
            break;
        case FIRST_ID + RESUME:
            o->resume = 1;
            break;
        case FIRST_ID + OUTPUT:
            o->output = optarg;
            break;
        case FIRST_ID + SYSTEM:
            o->system = 1;
            break;
        case FIRST_ID + DRY_RUN:
            o->dry_run = 1;
            break;
        case FIRST_ID + PRINT_PATH:
            o->print_path = 1;
            break;
        case FIRST_ID + SHOW:
            o->show = 1;
            break;
        case FIRST_ID + CHECK:
            o->check = 1;
            break;
        case FIRST_ID + SVG:
            o->svg = optarg;
            break;
        case FIRST_ID + JSON:
            o->json = 1;
            break;
        case 'q':
            o->quiet = 1;
            break;
        case 'h':
            print_help();
            return EXIT_FINE;
        case 'V':
            printf("lsq-tune (liblsq) %s\n", lsq_version());
            return EXIT_FINE;
        default:
            return say_error(EXIT_USAGE, "option '%s' is unknown, ambiguous, lacks its value or takes none",
                             argv[optind - 1]);
        }
    if (optind < argc)
        return say_error(EXIT_USAGE, "unexpected argument: %s", argv[optind]);
    if (o->output && (o->system || !*o->output))
        return say_error(EXIT_USAGE, "--output takes the path of a file, and does not go with --system");
    if (o->svg && !*o->svg)
        return say_error(EXIT_USAGE, "--svg takes the path of a file");
    return -1;
}
