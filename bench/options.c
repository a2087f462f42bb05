#include "bench/options.h"

#include "bench/command.h"
#include "bench/team.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Values: each reader returns BENCH_OK, or has said what is wrong ---- */

static int read_filter(bench_options *to, const char *value)
{
    to->filter = value;
    return BENCH_OK;
}

static int read_codec(bench_options *to, const char *value)
{
    lsq_error err = {0};
    if (to->format_count == BENCH_LIST_MAX)
        return bench_usage("--codec: more than %d formats", BENCH_LIST_MAX);
    if (lsq_format_parse(value, &to->formats[to->format_count], &err))
        return bench_usage("--codec: %s", err.text);
    to->codecs[to->format_count++] = value;
    return BENCH_OK;
}

/* Appends a number to a list; 0 if it is none, or one too many. */
static int append_number(const char *value, unsigned high, unsigned *list, size_t *count)
{
    return *count < BENCH_LIST_MAX && bench_number(value, 1, high, &list[*count]) && ++*count;
}

static int read_batch(bench_options *to, const char *value)
{
    if (append_number(value, BENCH_BATCH_MAX, to->batches, &to->batch_count))
        return BENCH_OK;
    return bench_usage("--batch '%s': not a number from 1 to %d, or too many", value, BENCH_BATCH_MAX);
}

static int read_threads(bench_options *to, const char *value)
{
    if (append_number(value, BENCH_THREADS_MAX, to->threads, &to->thread_count))
        return BENCH_OK;
    return bench_usage("--threads '%s': not a number from 1 to %d, or too many", value, BENCH_THREADS_MAX);
}

/* Two whole numbers with an x between them; 0 if it is none. */
static int read_pair(const char *value, unsigned *first, unsigned *second)
{
    char text[16];
    const char *by = strchr(value, 'x');
    if (!by || (size_t)(by - value) >= sizeof text)
        return 0;
    snprintf(text, sizeof text, "%.*s", (int)(by - value), value);
    return bench_number(text, 1, BENCH_SIDE_MAX, first) && bench_number(by + 1, 1, BENCH_SIDE_MAX, second);
}

static int read_size(bench_options *to, const char *value)
{
    unsigned rows, columns;
    if (!read_pair(value, &rows, &columns))
        return bench_usage("--size '%s': not ROWSxCOLUMNS, each from 1 to %d", value, BENCH_SIDE_MAX);
    to->rows = rows;
    to->columns = columns;
    return BENCH_OK;
}

static int read_make(bench_options *to, const char *value)
{
    bench_network *make = &to->make;
    if (!read_pair(value, &make->layers, &make->hidden) || make->layers > 1024 || make->hidden > 65536 ||
        make->hidden % 16)
        return bench_usage("--make '%s': not LAYERSxHIDDEN, up to 1024 and a multiple of 16 up to 65536", value);
    return BENCH_OK;
}

static int read_memory(bench_options *to, const char *value)
{
    static const char units[] = "KMG";
    char digits[16];
    unsigned number;
    const size_t length = strcspn(value, units);
    const char *unit = value[length] ? strchr(units, value[length]) : NULL;
    if (length < sizeof digits && !(unit && value[length + 1])) {
        snprintf(digits, sizeof digits, "%.*s", (int)length, value);
        if (bench_number(digits, 1, 1u << 30, &number)) {
            to->memory = (size_t)number << (unit ? 10 * (unit - units + 1) : 0);
            return BENCH_OK;
        }
    }
    return bench_usage("--memory '%s': not a number of bytes up to 2^30, or of K, M or G", value);
}

static int read_rotate(bench_options *to, const char *value)
{
    (void)value;
    to->rotate = 1;
    return BENCH_OK;
}

static int read_trans(bench_options *to, const char *value)
{
    (void)value;
    to->transposed = 1;
    return BENCH_OK;
}

static int read_activation(bench_options *to, const char *value)
{
    to->activation = strcmp(value, "float") == 0 ? LSQ_ACT_FLOAT : LSQ_ACT_INT;
    return BENCH_OK;
}

static int read_source(bench_options *to, const char *value)
{
    if (to->source_count == BENCH_SOURCES_MAX)
        return bench_usage("--source: more than %d", BENCH_SOURCES_MAX);
    to->sources[to->source_count++] = bench_source_find(value);
    return BENCH_OK;
}

static int read_all(bench_options *to, const char *value)
{
    (void)value;
    to->all = 1;
    return BENCH_OK;
}

static int read_peers(bench_options *to, const char *value)
{
    (void)value;
    to->peers = 1;
    return BENCH_OK;
}

static int read_outliers(bench_options *to, const char *value)
{
    char *end;
    to->outliers = strtod(value, &end);
    if (end == value || *end || !(to->outliers >= 0 && to->outliers <= 0.1))
        return bench_usage("--outliers '%s': a share from 0 to 0.1", value);
    return BENCH_OK;
}

static int read_against(bench_options *to, const char *value)
{
    to->against = value;
    return BENCH_OK;
}

static int read_shapes(bench_options *to, const char *value)
{
    (void)value;
    to->shapes = 1;
    return BENCH_OK;
}

static int read_samples(bench_options *to, const char *value)
{
    if (bench_number(value, 2, 10000, &to->samples))
        return BENCH_OK;
    return bench_usage("--samples '%s': not a number from 2 to 10000", value);
}

static int read_svg(bench_options *to, const char *value)
{
    to->picture = value;
    return BENCH_OK;
}

static int read_prefetch(bench_options *to, const char *value)
{
    to->prefetch_given = 1;
    if (bench_number(value, 0, 1u << 20, &to->prefetch))
        return BENCH_OK;
    return bench_usage("--prefetch '%s': not a number from 0 to %u", value, 1u << 20);
}

static int read_small_pages(bench_options *to, const char *value)
{
    (void)value;
    to->small_pages = 1;
    return BENCH_OK;
}

static int read_format(bench_options *to, const char *value)
{
    static const char *const names[] = {
        [BENCH_TEXT] = "text", [BENCH_MARKDOWN] = "md", [BENCH_CSV] = "csv", [BENCH_JSON] = "json"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!strcmp(value, names[i])) {
            to->output = (bench_output)i;
            if (to->output == BENCH_JSON)
                bench_errors_as_json();
        }
    return BENCH_OK;
}

static int read_json(bench_options *to, const char *value)
{
    (void)value;
    to->output = BENCH_JSON;
    bench_errors_as_json();
    return BENCH_OK;
}

/* ---- The options ---- */

static const struct kind {
    const char *name, *value; /* value NULL: it takes none; "a|b|c": one of these */
    int repeats;
    int (*read)(bench_options *to, const char *value);
} kinds[BENCH_OPTIONS] = {
    [BENCH_OPTION_FILTER] = {"filter", "REGEX", 0, read_filter},
    [BENCH_OPTION_CODEC] = {"codec", "CODEC", 1, read_codec},
    [BENCH_OPTION_BATCH] = {"batch", "N", 1, read_batch},
    [BENCH_OPTION_THREADS] = {"threads", "N", 1, read_threads},
    [BENCH_OPTION_SIZE] = {"size", "RxC", 0, read_size},
    [BENCH_OPTION_ROTATE] = {"rotate", NULL, 0, read_rotate},
    [BENCH_OPTION_TRANS] = {"trans", NULL, 0, read_trans},
    [BENCH_OPTION_ACTIVATION] = {"activation", "int|float", 0, read_activation},
    [BENCH_OPTION_SOURCE] = {"source", "sine54|uniform|gauss|laplace|t5", 1, read_source},
    [BENCH_OPTION_ALL] = {"all", NULL, 0, read_all},
    [BENCH_OPTION_PEERS] = {"peers", NULL, 0, read_peers},
    [BENCH_OPTION_OUTLIERS] = {"outliers", "SHARE", 0, read_outliers},
    [BENCH_OPTION_AGAINST] = {"against", "FILE", 0, read_against},
    [BENCH_OPTION_SHAPES] = {"shapes", NULL, 0, read_shapes},
    [BENCH_OPTION_SAMPLES] = {"samples", "N", 0, read_samples},
    [BENCH_OPTION_SVG] = {"svg", "FILE", 0, read_svg},
    [BENCH_OPTION_PREFETCH] = {"prefetch", "BYTES", 0, read_prefetch},
    [BENCH_OPTION_SMALL_PAGES] = {"small-pages", NULL, 0, read_small_pages},
    [BENCH_OPTION_MEMORY] = {"memory", "BYTES", 0, read_memory},
    [BENCH_OPTION_MAKE] = {"make", "LxH", 0, read_make},
    [BENCH_OPTION_FORMAT] = {"format", "text|md|csv|json", 0, read_format},
    [BENCH_OPTION_JSON] = {"json", NULL, 0, read_json},
};

/* What every command has. */
static const bench_choice shared[] = {
    {BENCH_OPTION_FORMAT, 0, "how results are printed (text); md: a table of Markdown"},
    {BENCH_OPTION_JSON, 'j', "the same as --format json"},
    {BENCH_OPTION_END, 0, NULL},
};

/* The i-th option of a command, its own first; NULL past the last. */
static const bench_choice *choice_of(const bench_command *command, size_t i)
{
    const bench_choice *choice = command->choices;
    int own = 1;
    for (;; i--, choice++) {
        if (choice->option == BENCH_OPTION_END && own) {
            choice = shared;
            own = 0;
        }
        if (choice->option == BENCH_OPTION_END)
            return NULL;
        if (i == 0)
            return choice;
    }
}

/* ---- Reading ---- */

enum { LONG = 256 }; /* what getopt_long() returns for the i-th option's name is LONG + i */

/* What a command takes, in getopt's words. */
static void spell(const bench_command *command, struct option *names, char *letters)
{
    const bench_choice *choice;
    size_t i = 0;
    for (; (choice = choice_of(command, i)); i++) {
        const struct kind *kind = &kinds[choice->option];
        names[i] = (struct option){kind->name, kind->value ? required_argument : no_argument, NULL, LONG + (int)i};
        if (choice->letter) {
            *letters++ = choice->letter;
            if (kind->value)
                *letters++ = ':';
        }
    }
    names[i] = (struct option){NULL, 0, NULL, 0};
    *letters = 0;
}

static const bench_choice *find_choice(const bench_command *command, int found)
{
    const bench_choice *choice;
    if (found >= LONG)
        return choice_of(command, (size_t)(found - LONG));
    for (size_t i = 0; (choice = choice_of(command, i)); i++)
        if (choice->letter == found)
            return choice;
    return NULL;
}

/* Is `value` one of "a|b|c"? */
static int is_among(const char *list, const char *value)
{
    const size_t length = strlen(value);
    for (;; list++) {
        const size_t this = strcspn(list, "|");
        if (this == length && strncmp(list, value, length) == 0)
            return 1;
        list += this;
        if (!*list)
            return 0;
    }
}

/* What was not asked for otherwise. */
static void fill_in(const bench_command *command, bench_options *options)
{
    if (options->thread_count == 0)
        options->threads[options->thread_count++] = 1;
    if (options->format_count == 0 && command->codecs)
        for (const char *const *name = command->codecs; *name; name++)
            read_codec(options, *name);
}

int bench_options_read(const bench_command *command, int argc, char **argv, bench_options *options)
{
    struct option names[BENCH_OPTIONS + 1];
    char letters[2 * BENCH_OPTIONS + 1];
    spell(command, names, letters);
    *options = (bench_options){
        .samples = command->samples, .rows = command->rows, .columns = command->columns, .activation = LSQ_ACT_INT};
    opterr = 0;
    for (int found; (found = getopt_long(argc, argv, letters, names, NULL)) != -1;) {
        const bench_choice *choice = found == '?' ? NULL : find_choice(command, found);
        if (!choice)
            return bench_usage("%s: '%s' is no option, or lacks its value", command->name, argv[optind - 1]);
        const struct kind *kind = &kinds[choice->option];
        if (kind->value && strchr(kind->value, '|') && !is_among(kind->value, optarg))
            return bench_usage("--%s '%s': none of %s", kind->name, optarg, kind->value);
        const int refused = kind->read(options, optarg);
        if (refused)
            return refused;
    }
    if (!command->operands && optind < argc)
        return bench_usage("%s takes no argument '%s'", command->name, argv[optind]);
    if (command->missing && optind == argc)
        return bench_usage("%s: %s", command->name, command->missing);
    options->files = argv + optind;
    options->file_count = (size_t)(argc - optind);
    fill_in(command, options);
    return BENCH_OK;
}

/* ---- Help ---- */

enum { WIDTH = 80 };

/* Prints a piece, on a new line if this one would grow too long; returns where the line then ends. */
static int print_piece(const char *piece, int at, int indent)
{
    const int length = (int)strlen(piece) + 1;
    if (at + length > WIDTH)
        at = printf("\n%*s", indent, "") - 1;
    printf(" %s", piece);
    return at + length;
}

static void print_synopsis(const bench_command *command, int is_first)
{
    const bench_choice *choice;
    const int indent = printf("%-6s lsq-bench %s", is_first ? "usage:" : "", command->name);
    int at = indent;
    for (size_t i = 0; (choice = choice_of(command, i)); i++) {
        const struct kind *kind = &kinds[choice->option];
        char piece[64];
        snprintf(piece, sizeof piece, "[--%s%s%s]%s", kind->name, kind->value ? " " : "",
                 kind->value ? kind->value : "", kind->repeats ? "..." : "");
        at = print_piece(piece, at, indent);
    }
    if (command->operands)
        print_piece(command->operands, at, indent);
    putchar('\n');
}

/* Prints words from `at` on, the later lines indented; returns where the last one ends. */
static int print_words(const char *text, int at, int indent)
{
    while (*text) {
        char word[WIDTH];
        const int length = (int)strcspn(text, " \n");
        snprintf(word, sizeof word, "%.*s", length, text);
        if (length > 0)
            at = print_piece(word, at, indent);
        text += length + (text[length] != 0);
    }
    return at;
}

/* What a command does where the option is not given, if the command itself says so. */
static void print_usual(const bench_command *command, bench_option option, int at, int indent)
{
    char text[32];
    if (option == BENCH_OPTION_CODEC && command->codecs)
        for (const char *const *name = command->codecs; *name; name++) {
            snprintf(text, sizeof text, "%s%s%s", name == command->codecs ? "(" : "", *name, name[1] ? "" : ")");
            at = print_piece(text, at, indent);
        }
    *text = 0;
    if (option == BENCH_OPTION_SAMPLES)
        snprintf(text, sizeof text, "(%u)", command->samples);
    if (option == BENCH_OPTION_SIZE)
        snprintf(text, sizeof text, "(%zux%zu)", command->rows, command->columns);
    print_words(text, at, indent);
}

static void print_choice(const bench_command *command, const bench_choice *choice)
{
    enum { HELP_COLUMN = 30 };
    const struct kind *kind = &kinds[choice->option];
    char letter[] = "-x,", help[256];
    letter[1] = choice->letter;
    int at = printf("  %3s --%s%s%s", choice->letter ? letter : "", kind->name, kind->value ? " " : "",
                    kind->value ? kind->value : "");
    if (at + 2 > HELP_COLUMN)
        at = printf("\n") - 1;
    at += printf("%*s", HELP_COLUMN - 1 - at, "");
    snprintf(help, sizeof help, "%s%s", choice->help, kind->repeats ? "; may be repeated" : "");
    at = print_words(help, at, HELP_COLUMN - 1);
    print_usual(command, choice->option, at, HELP_COLUMN - 1);
    putchar('\n');
}

void bench_options_help(const bench_command *const *commands)
{
    for (size_t i = 0; commands[i]; i++)
        print_synopsis(commands[i], i == 0);
    for (size_t i = 0; commands[i]; i++) {
        putchar('\n');
        const int name = printf("%.*s", (int)strcspn(commands[i]->about, " "), commands[i]->about);
        print_words(commands[i]->about + name, name, 1);
        putchar('\n');
        for (const bench_choice *choice = commands[i]->choices; choice->option != BENCH_OPTION_END; choice++)
            print_choice(commands[i], choice);
    }
    putchar('\n');
    for (const bench_choice *choice = shared; choice->option != BENCH_OPTION_END; choice++)
        print_choice(commands[0], choice);
    puts("  -h, --help                  this text; after the name of a command, what\n"
         "                              concerns that one\n"
         "  -V, --version               version and licence\n"
         "\n"
         "Codecs: c3..c9, s2..s9, t1..t6, b1, qualified as in 't4.st64.nib32'.\n"
         "Exit status: 0 done, 1 a check failed, 2 usage, 3 malformed input, 4 unsupported,\n"
         "5 input or output failed, 6 memory or a limit.");
}
