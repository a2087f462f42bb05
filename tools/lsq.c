/*
 * lsq.c - the lsq command: finds the command meant and runs it.
 */
#include "tools/commands.h"
#include "tools/messages.h"
#include "tools/output.h"

#include <lsq/lsq.h>

#include <stdio.h>
#include <string.h>

static const verb *const commands[] = {&compress_command, &info_command, &verify_command, &diff_command,
                                       &export_command,   &plan_command, &cpu_command};
enum { COMMANDS = sizeof commands / sizeof *commands };

static const verb *find(const char *name)
{
    for (size_t i = 0; i < COMMANDS; i++)
        if (strcmp(commands[i]->name, name) == 0)
            return commands[i];
    return strcmp(name, "decode") == 0 ? &export_command : NULL; /* its other name */
}

static int print_help(const arguments *none)
{
    puts("Usage: lsq COMMAND [OPTION]...\n\nNeural network weights in 1 to 9 bits.\n\nCommands:");
    for (size_t i = 0; i < COMMANDS; i++) {
        const int column = printf("  %-10s  ", commands[i]->name);
        print_wrapped(commands[i]->summary, (size_t)column, (size_t)column);
    }
    putchar('\n');
    print_wrapped(
        "'lsq COMMAND --help' tells more, and 'lsq --version' the version.\n\n"
        "Exit codes: 0 done, 1 a check failed or a goal is out of reach, 2 wrong usage, 3 a damaged file, 4 not "
        "supported, 5 the system refused to read or write, 6 no memory or over a limit, 130 interrupted.",
        0, 0);
    return output_close(none);
}

static int print_version(const arguments *none)
{
    printf("lsq %d.%d.%d\n", LSQ_VERSION_MAJOR, LSQ_VERSION_MINOR, LSQ_VERSION_PATCH);
    printf("liblsq %s, jansson %s\n", lsq_version(), jansson_version_str());
    puts("Built with " LSQ_BUILT_WITH "\n"
         "Kernels: " LSQ_LEVELS_BUILT "\n"
         "Codecs: c3..c9, s2..s9, t1..t6, b1\n"
         "Files: .lsq 1 and 2, .safetensors, .npy, .gguf, .onnx" LSQ_ZIP_FILES "\n"
         "Licence: Apache-2.0");
    return output_close(none);
}

static int run(const verb *command, int argc, char **argv)
{
    arguments args;
    int code = options_parse(command, argc, argv, &args);
    if (code == CARRY_ON) {
        code = command->run(&args);
        int closed = output_close(&args);
        if (code == EXIT_OK || code == EXIT_CHECK) /* what could not be told is worse than what was found */
            code = closed != EXIT_OK ? closed : code;
    }
    options_free(&args);
    return code;
}

int main(int argc, char **argv)
{
    const arguments none = {0};
    output_guard();
    const char *first = argc > 1 ? argv[1] : "";
    if (argc < 2)
        return usage_error(&none, "a command is missing");
    if (strcmp(first, "--help") == 0 || strcmp(first, "-h") == 0 || (strcmp(first, "help") == 0 && argc == 2))
        return print_help(&none);
    if (strcmp(first, "--version") == 0 || strcmp(first, "-V") == 0)
        return print_version(&none);
    if (strcmp(first, "help") == 0 && argc == 3 && find(argv[2])) {
        char *help[] = {argv[2], (char[]){"--help"}, NULL};
        return run(find(argv[2]), 2, help);
    }
    if (!find(first))
        return usage_error(&none, *first == '-' ? "option '%s' is unknown" : "'%s' is not a command", first);
    return run(find(first), argc - 1, argv + 1);
}
