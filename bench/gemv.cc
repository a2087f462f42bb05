/*
 * gemv.cc - `lsq-bench gemv`: the suite, run and reported by Google Benchmark.
 *
 * One repetition is one sample, its time is set by hand: so Google Benchmark's own statistics are the medians over interleaved
 * samples, and compare.py can test them.
 */
#include "bench/command.h"
#include "bench/matrix.h"
#include "bench/suite.h"
#include "bench/watch.h"

extern "C" {
#include "bench/team.h"
#include "bench/turn.h"
}

#include <benchmark/benchmark.h>

#include <cstdio>
#include <iostream>
#include <memory>
#include <regex>
#include <sstream>
#include <string>
#include <vector>

namespace {

double median_distance(const std::vector<double> &samples)
{
    std::vector<double> copy = samples;
    return bench_spread(copy.data(), copy.size());
}

/* Takes one sample and hands it to Google Benchmark as its only iteration. */
void take_sample(benchmark::State &state, bench_suite *suite, size_t i)
{
    bench_sample sample = {};
    const lsq_status status = bench_suite_sample(suite, i, &sample);
    if (status) {
        state.SkipWithError(lsq_strerror(status));
        return;
    }
    for (auto iteration : state) {
        (void)iteration;
        state.SetIterationTime(sample.seconds);
    }
    state.counters["weights_per_second"] = sample.weights / sample.seconds;
    state.counters["bytes_per_second"] = sample.bytes / sample.seconds;
    state.counters["read_bytes_per_second"] = sample.bytes / sample.read_seconds;
    state.counters["percent_of_read_bandwidth"] = 100 * sample.read_seconds / sample.seconds;
    state.counters["packed_bytes"] = sample.bytes;
}

/* Registers what the filter lets through, and returns how many cases that is. The filter is ours, because names get suffixes. */
size_t register_suite(bench_suite *suite, const bench_options &options)
{
    const std::regex filter(options.filter ? options.filter : ".", std::regex::extended);
    size_t count = 0;
    for (size_t i = 0; bench_suite_name(suite, i); i++) {
        if (!std::regex_search(bench_suite_name(suite, i), filter))
            continue;
        count++;
        benchmark::RegisterBenchmark(bench_suite_name(suite, i),
                                     [suite, i](benchmark::State &state) { take_sample(state, suite, i); })
            ->UseManualTime()
            ->Iterations(1)
            ->Repetitions(static_cast<int>(options.samples))
            ->Unit(benchmark::kMicrosecond)
            ->ComputeStatistics("mad", median_distance);
    }
    return count;
}

/* Takes the medians of each case; single samples are for --json, which another reporter prints. */
class Medians : public benchmark::BenchmarkReporter {
  public:
    Medians(const bench_suite *suite, bench_matrix *matrix, benchmark::BenchmarkReporter *also)
        : suite_(suite), matrix_(matrix), also_(also)
    {
    }

    bool ReportContext(const Context &context) override
    {
        return !also_ || also_->ReportContext(context);
    }

    void ReportRuns(const std::vector<Run> &runs) override
    {
        if (also_)
            also_->ReportRuns(runs);
        const Run *median = nullptr, *spread = nullptr;
        for (const Run &run : runs) {
            if (run.error_occurred) {
                if (!also_)
                    std::fprintf(stderr, "lsq-bench: %s: %s\n", run.run_name.function_name.c_str(),
                                 run.error_message.c_str());
                failed_ = !also_;
                return;
            }
            if (run.aggregate_name == "median")
                median = &run;
            if (run.aggregate_name == "mad")
                spread = &run;
        }
        if (median && spread)
            add(*median, *spread);
    }

    void Finalize() override
    {
        if (also_)
            also_->Finalize();
        bench_matrix_end(matrix_);
    }

    bool failed() const
    {
        return failed_;
    }

  private:
    void add(const Run &median, const Run &spread)
    {
        const auto counter = [&](const char *key) { return static_cast<double>(median.counters.at(key)); };
        size_t i = 0;
        while (median.run_name.function_name != bench_suite_name(suite_, i))
            i++;
        bench_result result = {};
        result.about = bench_suite_about(suite_, i);
        result.weights_per_second = counter("weights_per_second");
        result.bits = 8 * counter("bytes_per_second") / counter("weights_per_second");
        result.readable_per_second = 8 * counter("read_bytes_per_second") / result.bits;
        result.percent = counter("percent_of_read_bandwidth");
        result.spread = spread.GetAdjustedRealTime() / median.GetAdjustedRealTime();
        result.samples = static_cast<unsigned>(median.repetitions);
        failed_ = bench_matrix_add(matrix_, &result) || failed_;
    }

    const bench_suite *suite_;
    bench_matrix *matrix_;
    benchmark::BenchmarkReporter *also_;
    bool failed_ = false;
};

bool valid_regex(const char *text)
{
    try {
        std::regex regex(text, std::regex::extended);
        return true;
    } catch (const std::regex_error &) {
        return false;
    }
}

/* Facts about the run: into the table, or without one into Google Benchmark's document. */
void tell(bench_table *table, const char *key, const char *value)
{
    if (table)
        bench_table_context(table, key, value);
    else
        benchmark::AddCustomContext(key, value);
}

void tell_all(const bench_suite *suite, bench_table *table, const bench_options &options)
{
    const char *key, *value;
    for (size_t i = 0; (key = bench_suite_context(suite, i, &value)); i++)
        tell(table, key, value);
    const std::string samples =
        std::to_string(options.samples) +
        " of each, beside as many plain reads of the same bytes; shown are medians, spread is the "
        "median distance from the median time";
    if (!table)
        return;
    bench_table_note(table, "samples", samples.c_str());
    bench_table_note(table, "w/s", "weights a second");
}

int draw(const bench_suite *suite, const bench_matrix *matrix, const char *path)
{
    lsq_error err = {};
    const lsq_status drawn = bench_matrix_draw(matrix, bench_suite_cpu(suite), path, &err);
    return drawn ? bench_failed(nullptr, drawn, &err) : BENCH_OK;
}

/* Runs the suite: rows into the table, or without one everything as Google Benchmark's JSON. */
int run_suite(bench_suite *suite, bench_table *table, const bench_options &options)
{
    const auto watch = std::make_unique<bench_watch>();
    tell_all(suite, table, options);
    bench_matrix *matrix = bench_matrix_new(table);
    if (!matrix)
        return bench_failed(nullptr, LSQ_E_NOMEM, nullptr);
    std::ostringstream document;
    benchmark::JSONReporter json;
    json.SetOutputStream(&document);
    json.SetErrorStream(&std::cerr);
    Medians medians(suite, matrix, table ? nullptr : &json);
    bench_watch_begin(watch.get(), table);
    benchmark::RunSpecifiedBenchmarks(&medians, "all");
    int status = medians.failed() ? BENCH_LIMIT : BENCH_OK;
    if (!status && options.picture)
        status = draw(suite, matrix, options.picture);
    bench_matrix_free(matrix);
    if (!status)
        bench_watch_end(watch.get(), table);
    if (!table)
        bench_watch_print(watch.get(), document.str().c_str());
    return status;
}

int run_as_asked(bench_suite *suite, const bench_options &options)
{
    if (options.output == BENCH_JSON)
        return run_suite(suite, nullptr, options);
    bench_table *table = bench_table_new(&bench_matrix_kind, options.output);
    if (!table)
        return bench_failed(nullptr, LSQ_E_NOMEM, nullptr);
    const int status = run_suite(suite, table, options);
    bench_table_end(table, 1);
    return status;
}

int run(const bench_options &options)
{
    bench_memory memory = bench_memory_usual();
    if (options.prefetch_given)
        memory.prefetch = options.prefetch;
    memory.small_pages = options.small_pages;
    bench_suite *suite =
        bench_suite_new(options.formats, options.format_count, options.threads, options.thread_count, &memory);
    if (!suite)
        return bench_failed(nullptr, LSQ_E_NOMEM, nullptr);
    int status;
    if (register_suite(suite, options) == 0) {
        status = bench_usage("no case matches '%s'", options.filter ? options.filter : ".");
    } else {
        status = run_as_asked(suite, options);
    }
    benchmark::Shutdown();
    bench_suite_free(suite);
    return status ? status : bench_flush();
}

int run_command(const bench_options *options)
{
    if (options->filter && !valid_regex(options->filter))
        return bench_usage("--filter '%s': not a regular expression", options->filter);
    return run(*options);
}

const bench_choice choices[] = {
    {BENCH_OPTION_FILTER, 'f', "only cases whose name, 'gemv_p4_i8_avx2_r1/s4/l3', matches"},
    {BENCH_OPTION_CODEC, 'c', "with this format instead of the default one of each width"},
    {BENCH_OPTION_THREADS, 't', "with N threads, a core each (1)"},
    {BENCH_OPTION_SAMPLES, 'n', "samples of each case"},
    {BENCH_OPTION_SVG, 's', "also draw speed against bits a weight, a line for each instruction set"},
    {BENCH_OPTION_PREFETCH, 'p', "how far ahead kernels ask for codes (4096)"},
    {BENCH_OPTION_SMALL_PAGES, 0, "memory without huge pages"},
    {BENCH_OPTION_END, 0, nullptr},
};

const char about[] =
    "gemv  times every kernel this machine can run, on weights in L2, in L3 and in memory, each beside a plain read\n"
    "      of the same bytes; kernels for several columns and for transposed products are in gemm; the command "
    "without\n"
    "      a name";

} // namespace

extern "C" const bench_command bench_gemv_command = {"gemv",  about, choices, nullptr, nullptr,
                                                     nullptr, 21,    0,       0,       run_command};
