/*
 * lsq-bench.cc - which command is meant.
 */
#include "bench/command.h"
#include "bench/peers/openblas.h"

#include <cstdio>
#include <cstring>

/* The first is meant where none is named. */
static const bench_command *const commands[] = {&bench_gemv_command,
                                                &bench_gemm_command,
                                                &bench_layers_command,
                                                &bench_snr_command,
                                                &bench_encode_command,
                                                &bench_peers_command,
                                                &bench_quality_command,
                                                &bench_file_command,
                                                &bench_stream_command,
                                                &bench_read_command,
                                                &bench_overhead_command,
                                                &bench_compare_command,
                                                nullptr};

static bool is(const char *text, const char *letter, const char *word)
{
    return !std::strcmp(text, letter) || !std::strcmp(text, word);
}

static const bench_command *find(const char *name)
{
    for (const bench_command *const *command = commands; *command; command++)
        if (!std::strcmp((*command)->name, name))
            return *command;
    return nullptr;
}

int main(int argc, char **argv)
{
    bench_openblas_begin(argv);
    const bool is_named = argc > 1 && argv[1][0] != '-';
    const bench_command *command = is_named ? find(argv[1]) : commands[0];
    for (int i = 1; i < argc && std::strcmp(argv[i], "--"); i++) {
        if (is(argv[i], "-h", "--help")) {
            const bench_command *const one[] = {command, nullptr};
            bench_options_help(is_named && command ? one : commands);
            return bench_flush();
        }
        if (is(argv[i], "-j", "--json"))
            bench_errors_as_json(); // those of reading the others too
        if (is(argv[i], "-V", "--version")) {
            std::printf("lsq-bench %s\nLicence: Apache-2.0\n", lsq_version());
            return bench_flush();
        }
    }
    if (!command)
        return bench_usage("no command '%s'", argv[1]);
    bench_options options;
    const int refused = bench_options_read(command, argc - is_named, argv + is_named, &options);
    return refused ? refused : command->run(&options);
}
