/*
 * options.c - the command line of lsq-tune.
 */
#include "tuner/options.h"

#include <lsq/lsq.h>

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

static const char help[] =
    "Usage: lsq-tune [OPTION]...\n"
    "Measures which kernel is the fastest for each kind of product on this machine, and writes what it\n"
    "found where programs that use liblsq look for it. Every kernel is checked before it is timed.\n"
    "\n"
    "  --quick           take 9 seconds, and leave open what does not fit in\n"
    "  --full            take ten minutes\n"
    "  --budget SECONDS  take that long, 1 to 3600; 60 if not given\n"
    "  --only REGEX      only kinds of product that match, for example '^gemv_p4'; keep the file's others\n"
    "  --resume          only what the file does not cover yet\n"
    "  --output FILE     write FILE\n"
    "  --system          write into /etc/lsq, for all users\n"
    "  --dry-run         write nothing\n"
    "  --print-path      print the path of the file that would be written, and stop\n"
    "  --show            print the file that programs would use now, and stop\n"
    "  --check           time what that file chooses against the defaults again, and stop\n"
    "  --svg FILE        draw tuned against default speed\n"
    "  --json            print one JSON document instead of a table\n"
    "  -q, --quiet       print no table and no progress\n"
    "  -h, --help        print this help\n"
    "  -V, --version     print the version\n"
    "\n"
    "Exit status: 0 done; 1 a kernel gave wrong results and was left out, or --check found a choice that is\n"
    "slower than the default; 2 usage; 5 a file could not be read or written; 6 out of memory; 130 interrupted,\n"
    "what was finished is written.\n";

static int usage(const char *why, const char *what)
{
    fprintf(stderr, "lsq-tune: %s%s%s\nTry 'lsq-tune --help'.\n", why, what ? ": " : "", what ? what : "");
    return EXIT_USAGE;
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
    enum { QUICK = 256, FULL, BUDGET, ONLY, RESUME, OUTPUT, SYSTEM, DRY_RUN, PRINT_PATH, SHOW, CHECK, SVG, JSON };
    static const struct option known[] = {
        {"quick", no_argument, NULL, QUICK},
        {"full", no_argument, NULL, FULL},
        {"budget", required_argument, NULL, BUDGET},
        {"only", required_argument, NULL, ONLY},
        {"resume", no_argument, NULL, RESUME},
        {"output", required_argument, NULL, OUTPUT},
        {"system", no_argument, NULL, SYSTEM},
        {"dry-run", no_argument, NULL, DRY_RUN},
        {"print-path", no_argument, NULL, PRINT_PATH},
        {"show", no_argument, NULL, SHOW},
        {"check", no_argument, NULL, CHECK},
        {"svg", required_argument, NULL, SVG},
        {"json", no_argument, NULL, JSON},
        {"quiet", no_argument, NULL, 'q'},
        {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'V'},
        {NULL, 0, NULL, 0},
    };
    *o = (options){.seconds = 60};
    for (int c; (c = getopt_long(argc, argv, "qhV", known, NULL)) != -1;)
        switch (c) {
        case QUICK:
            o->seconds = 9;
            break;
        case FULL:
            o->seconds = 600;
            break;
        case BUDGET:
            if (!read_seconds(optarg, &o->seconds))
                return usage("--budget takes a whole number of seconds from 1 to 3600", optarg);
            break;
        case ONLY:
            o->only = optarg;
            break;
        case RESUME:
            o->resume = 1;
            break;
        case OUTPUT:
            o->output = optarg;
            break;
        case SYSTEM:
            o->system = 1;
            break;
        case DRY_RUN:
            o->dry_run = 1;
            break;
        case PRINT_PATH:
            o->print_path = 1;
            break;
        case SHOW:
            o->show = 1;
            break;
        case CHECK:
            o->check = 1;
            break;
        case SVG:
            o->svg = optarg;
            break;
        case JSON:
            o->json = 1;
            break;
        case 'q':
            o->quiet = 1;
            break;
        case 'h':
            fputs(help, stdout);
            return EXIT_FINE;
        case 'V':
            printf("lsq-tune (liblsq) %s\n", lsq_version());
            return EXIT_FINE;
        default:
            fputs("Try 'lsq-tune --help'.\n", stderr);
            return EXIT_USAGE;
        }
    if (optind < argc)
        return usage("unexpected argument", argv[optind]);
    if (o->output && (o->system || !*o->output))
        return usage("--output takes the path of a file, and does not go with --system", NULL);
    if (o->svg && !*o->svg)
        return usage("--svg takes the path of a file", NULL);
    return -1;
}
