/*
 * options.c - a command's table of options, driving getopt_long and printing --help.
 */
#include "tools/options.h"
#include "tools/messages.h"
#include "tools/output.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Options of every command. Their places in getopt's table follow those of the command. */
enum { JSON, QUIET, VERBOSE, COLOR, HELP, SHARED };

static const option_row shared[SHARED] = {
    [JSON] = {"json", 0, NULL, "print one JSON document; errors are JSON on standard error"},
    [QUIET] = {"quiet", 'q', NULL, "print errors only"},
    [VERBOSE] = {"verbose", 'v', NULL, "print more"},
    [COLOR] = {"color", 0, "auto|always|never", "colour headings (default auto: on a terminal)"},
    [HELP] = {"help", 'h', NULL, "print this and exit"},
};

enum { FIRST_ID = 256 }; /* what getopt_long returns for an option: FIRST_ID + its place */

static const option_row *option_at(const verb *command, size_t i)
{
    return i < command->option_count ? &command->options[i] : &shared[i - command->option_count];
}

static void print_help(const verb *command)
{
    enum { HELP_COLUMN = 30 };
    printf("Usage: lsq %s [OPTION]...%s%s\n\n%s.\n\nOptions:\n", command->name, *command->operands ? " " : "",
           command->operands, command->summary);
    for (size_t i = 0; i < command->option_count + SHARED; i++) {
        const option_row *o = option_at(command, i);
        char letter[] = "-x,";
        letter[1] = o->letter;
        int column = printf("  %3s --%s%s%s", o->letter ? letter : "", o->name, o->argument ? " " : "",
                            o->argument ? o->argument : "");
        if (column + 2 > HELP_COLUMN)
            column = printf("\n") - 1;
        printf("%*s", HELP_COLUMN - column, "");
        print_wrapped(o->help, HELP_COLUMN, HELP_COLUMN);
    }
    if (command->details) {
        putchar('\n');
        print_wrapped(command->details, 0, 0);
    }
}

/* --json decides how the errors of parsing itself are told, so it is looked for first. */
static int mentions_json(int argc, char **argv)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (strcmp(argv[i], "--json") == 0)
            return 1;
    return 0;
}

static int color_wanted(size_t when)
{
    enum { AUTO, ALWAYS };
    const char *term = getenv("TERM"), *none = getenv("NO_COLOR");
    if (when != AUTO)
        return when == ALWAYS;
    return isatty(STDOUT_FILENO) && !(none && *none) && !(term && strcmp(term, "dumb") == 0);
}

/* The place of what getopt_long returned: FIRST_ID + place, or a letter of the table. */
static size_t place_of(const verb *command, int id)
{
    size_t i = 0;
    if (id >= FIRST_ID)
        return (size_t)(id - FIRST_ID);
    while (option_at(command, i)->letter != id)
        i++;
    return i;
}

static int bad_option(arguments *args, int result, char **argv)
{
    /* getopt_long sets optopt for a short option, and for a long one only when it knows which one it was. */
    char letter[3] = {'-', (char)optopt, 0};
    const char *what = optopt && optopt < FIRST_ID ? letter : argv[optind - 1];
    if (result == ':')
        return usage_error(args, "option '%s' needs a value", what);
    return usage_error(args, "option '%s' is unknown, ambiguous or takes no value", what);
}

static int take_own(arguments *args, size_t place, const char *value)
{
    occurrence *given = realloc(args->given, (args->given_count + 1) * sizeof *given);
    if (!given)
        return out_of_memory(args);
    given[args->given_count++] = (occurrence){place, value};
    args->given = given;
    args->values[place] = value;
    return CARRY_ON;
}

/* The place of `value` in "a|b|c", or -1. */
static int place_among(const char *list, const char *value)
{
    const size_t length = strlen(value);
    for (int place = 0;; place++) {
        const size_t this = strcspn(list, "|");
        if (this == length && strncmp(list, value, length) == 0)
            return place;
        if (!list[this])
            return -1;
        list += this + 1;
    }
}

size_t options_choice(const arguments *args, size_t option)
{
    const char *value = args->values[option];
    return value ? (size_t)place_among(args->command->options[option].argument, value) : 0;
}

static int take_option(arguments *args, size_t place, const char *value)
{
    const size_t own = args->command->option_count;
    const option_row *o = option_at(args->command, place);
    const int is_choice = o->argument && strchr(o->argument, '|');
    if (is_choice && place_among(o->argument, value) < 0)
        return usage_error(args, "--%s takes one of %s, not '%s'", o->name, o->argument, value);
    if (place < own)
        return take_own(args, place, value ? value : "");
    if (place == own + QUIET)
        args->quiet = 1;
    else if (place == own + VERBOSE)
        args->verbose++;
    else if (place == own + COLOR)
        args->color = color_wanted((size_t)place_among(o->argument, value));
    else if (place == own + HELP) {
        print_help(args->command);
        return output_close(args);
    }
    return CARRY_ON;
}

static int parse_all(const struct option *rows, const char *letters, int argc, char **argv, arguments *args)
{
    int id, end = CARRY_ON;
    opterr = 0;
    optind = 1;
    while (end == CARRY_ON && (id = getopt_long(argc, argv, letters, rows, NULL)) != -1) {
        if (id == '?' || id == ':')
            return bad_option(args, id, argv);
        end = take_option(args, place_of(args->command, id), optarg);
    }
    if (end != CARRY_ON)
        return end;
    const int most = args->command->operand_count + args->command->more_operands;
    args->operands = argv + optind;
    args->operand_count = argc - optind;
    if (args->operand_count < args->command->operand_count)
        return usage_error(args, "a file name is missing");
    if (args->operand_count > most)
        return usage_error(args, "'%s' is one argument too many", args->operands[most]);
    return CARRY_ON;
}

int options_parse(const verb *command, int argc, char **argv, arguments *args)
{
    struct option rows[OPTIONS_MAX + SHARED + 1] = {0};
    char letters[2 * (OPTIONS_MAX + SHARED) + 2] = ":", *end = letters + 1;

    *args = (arguments){.command = command, .json = mentions_json(argc, argv), .color = color_wanted(0)};
    for (size_t i = 0; i < command->option_count + SHARED; i++) {
        const option_row *o = option_at(command, i);
        rows[i] = (struct option){o->name, o->argument ? required_argument : no_argument, NULL, FIRST_ID + (int)i};
        if (o->letter)
            *end++ = o->letter;
        if (o->letter && o->argument)
            *end++ = ':';
    }
    *end = 0;
    args->warnings = json_array();
    if (!args->warnings)
        return out_of_memory(args);
    return parse_all(rows, letters, argc, argv, args);
}

void options_free(arguments *args)
{
    json_decref(args->warnings);
    free(args->given);
}
