/*
 * options.h - the command line: one table of options a command, from which both the parser and --help are made.
 */
#ifndef LSQ_TOOLS_OPTIONS_H
#define LSQ_TOOLS_OPTIONS_H

#include <jansson.h>

enum { OPTIONS_MAX = 24 };

/*
 * An option. `argument` names its value; NULL: it takes none. "a|b|c" are all the values there are; "CODEC" is the name of a format. --help is made from this table, and from --help completions and the heads of the manual's
 * options (tools/regenerate.py).
 */
typedef struct option_row {
    const char *name;
    char letter; /* 0: none */
    const char *argument;
    const char *help;
} option_row;

struct arguments;

/* A command of lsq. */
typedef struct verb {
    const char *name;
    const char *operands; /* "IN -o OUT.lsq" */
    const char *summary;  /* one line, for the list of commands */
    const char *details;  /* a paragraph or several, with an empty line between them, after the options */
    const option_row *options;
    size_t option_count;
    int operand_count, more_operands; /* that must be there, and that may be */
    int (*run)(struct arguments *args);
} verb;

/* An option of the command as it was given: some may be repeated. */
typedef struct occurrence {
    size_t option; /* index in command->options */
    const char *value;
} occurrence;

/* What was asked for. */
typedef struct arguments {
    const verb *command;
    int json, quiet, verbose; /* verbose counts */
    int color;                /* headings on stdout may be coloured */
    const char
        *values[OPTIONS_MAX]; /* by index in command->options: the value, "" for an option without one, or NULL */
    occurrence *given;        /* all of them, in order */
    size_t given_count;
    char **operands;
    int operand_count;
    json_t *warnings; /* of strings; what --json prints with the result */
} arguments;

/* How a run ends; docs/man/lsq.1.scd lists them for users. */
enum exit_code {
    EXIT_OK = 0,
    EXIT_CHECK = 1, /* the check that was asked for failed */
    EXIT_USAGE = 2,
    EXIT_MALFORMED = 3,
    EXIT_UNSUPPORTED = 4,
    EXIT_IO = 5,
    EXIT_MEMORY = 6 /* or a limit */
};

enum { CARRY_ON = -1 };

/* Fills args from argv[0] = the command's name. CARRY_ON, or the exit code when all is said (--help, an error). */
int options_parse(const verb *command, int argc, char **argv, arguments *args);

/* The place of an option's value among those that "a|b|c" lists, 0 if it was not given. */
size_t options_choice(const arguments *args, size_t option);

/* Frees what options_parse() took, whatever it returned. */
void options_free(arguments *args);

#endif
