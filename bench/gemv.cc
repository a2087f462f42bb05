/*
 * gemv.cc - `lsq-bench gemv`: the suite, run and reported by Google Benchmark.
 *
 * One repetition is one sample, its time is set by hand: so Google Benchmark's own statistics are the medians over interleaved
 * samples, and compare.py can test them.
 */
#include "bench/command.h"
#include "bench/suite.h"
#include "bench/table.h"

extern "C" {
#include "bench/machine.h"
#include "bench/team.h"
#include "bench/turn.h"
}

#include <benchmark/benchmark.h>

#include <getopt.h>
#include <cmath>
#include <cstdio>
#include <regex>
#include <string>
#include <vector>

namespace {

struct Options {
    std::string filter = ".";
    bool json = false;
    unsigned samples = 21;
    std::vector<lsq_format> formats;
    std::vector<unsigned> threads;
};

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
size_t register_suite(bench_suite *suite, const Options &options)
{
    const std::regex filter(options.filter, std::regex::extended);
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

const bench_column columns[] = {
    {"kernel", "kernel / format / size", "", 34, -1},
    {"packed_bytes", "packed", "MB", 8, 2},
    {"time", "time", "us", 11, 2},
    {"spread", "+-", "%", 5, 1},
    {"weights_per_second", "weights", "G/s", 8, 2},
    {"bytes_per_second", "packed", "GB/s", 7, 2},
    {"read_bytes_per_second", "a read", "GB/s", 7, 2},
    {"percent_of_read_bandwidth", "of a read", "%", 9, 1},
};

/* Rows of the medians; single samples are for --json. */
class TableReporter : public benchmark::BenchmarkReporter {
  public:
    explicit TableReporter(bench_table *table) : table_(table)
    {
    }

    bool ReportContext(const Context &) override
    {
        return true;
    }

    void ReportRuns(const std::vector<Run> &runs) override
    {
        const Run *median = nullptr, *spread = nullptr;
        for (const Run &run : runs) {
            if (run.error_occurred) {
                std::fprintf(stderr, "lsq-bench: %s: %s\n", run.run_name.function_name.c_str(),
                             run.error_message.c_str());
                failed_ = true;
                return;
            }
            if (run.aggregate_name == "median")
                median = &run;
            if (run.aggregate_name == "mad")
                spread = &run;
        }
        if (!median || !spread)
            return;
        const auto counter = [&](const char *key) { return static_cast<double>(median->counters.at(key)); };
        const double time = median->GetAdjustedRealTime();
        const bench_cell cells[] = {
            {median->run_name.function_name.c_str(), NAN},
            {nullptr, 1e-6 * counter("packed_bytes")},
            {nullptr, time},
            {nullptr, 100 * spread->GetAdjustedRealTime() / time},
            {nullptr, 1e-9 * counter("weights_per_second")},
            {nullptr, 1e-9 * counter("bytes_per_second")},
            {nullptr, 1e-9 * counter("read_bytes_per_second")},
            {nullptr, counter("percent_of_read_bandwidth")},
        };
        bench_table_row(table_, cells);
    }

    bool failed() const
    {
        return failed_;
    }

  private:
    bench_table *table_;
    bool failed_ = false;
};

bool valid_regex(const std::string &text)
{
    try {
        std::regex regex(text, std::regex::extended);
        return true;
    } catch (const std::regex_error &) {
        return false;
    }
}

int run_json(bench_suite *suite)
{
    const char *key, *value;
    for (size_t i = 0; (key = bench_suite_context(suite, i, &value)); i++)
        benchmark::AddCustomContext(key, value);
    benchmark::JSONReporter reporter;
    benchmark::RunSpecifiedBenchmarks(&reporter, "all");
    return BENCH_OK;
}

int run_table(const Options &options, bench_suite *suite)
{
    bench_table *table = bench_table_new("lsq.bench/1", columns, sizeof columns / sizeof *columns, 0);
    if (!table)
        return bench_failed(nullptr, LSQ_E_NOMEM, nullptr);
    const char *key, *value;
    for (size_t i = 0; (key = bench_suite_context(suite, i, &value)); i++)
        bench_table_context(table, key, value);
    std::printf("medians of %u samples, each beside a plain read of the same bytes\n\n", options.samples);
    TableReporter reporter(table);
    benchmark::RunSpecifiedBenchmarks(&reporter, "all");
    bench_table_end(table, 1);
    return reporter.failed() ? BENCH_LIMIT : BENCH_OK;
}

int run(const Options &options)
{
    bench_suite *suite =
        bench_suite_new(options.formats.data(), options.formats.size(), options.threads.data(), options.threads.size());
    if (!suite)
        return bench_failed(nullptr, LSQ_E_NOMEM, nullptr);
    int status;
    if (register_suite(suite, options) == 0) {
        status = bench_usage("no case matches '%s'", options.filter.c_str());
    } else {
        bench_watch watch;
        bench_watch_begin(&watch);
        status = options.json ? run_json(suite) : run_table(options, suite);
        if (!status)
            bench_watch_end(&watch);
    }
    benchmark::Shutdown();
    bench_suite_free(suite);
    return status ? status : bench_flush();
}

} // namespace

extern "C" int bench_gemv(int argc, char **argv)
{
    static const option long_options[] = {
        {"filter", required_argument, nullptr, 'f'},  {"codec", required_argument, nullptr, 'c'},
        {"threads", required_argument, nullptr, 't'}, {"samples", required_argument, nullptr, 'n'},
        {"json", no_argument, nullptr, 'j'},          {nullptr, 0, nullptr, 0},
    };
    Options options;
    lsq_format format;
    lsq_error err = {};
    unsigned number;
    opterr = 0;
    for (int c; (c = getopt_long(argc, argv, "f:c:t:n:j", long_options, nullptr)) != -1;) {
        switch (c) {
        case 'f':
            if (!valid_regex(optarg))
                return bench_usage("--filter '%s': not a regular expression", optarg);
            options.filter = optarg;
            break;
        case 'c':
            if (lsq_format_parse(optarg, &format, &err))
                return bench_usage("--codec: %s", err.text);
            options.formats.push_back(format);
            break;
        case 't':
            if (!bench_number(optarg, 1, BENCH_THREADS_MAX, &number))
                return bench_usage("--threads '%s': not a number from 1 to %d", optarg, BENCH_THREADS_MAX);
            options.threads.push_back(number);
            break;
        case 'n':
            if (!bench_number(optarg, 2, 10000, &options.samples))
                return bench_usage("--samples '%s': not a number from 2 to 10000", optarg);
            break;
        case 'j':
            options.json = true;
            bench_errors_as_json();
            break;
        default:
            return bench_usage("gemv: '%s' is no option, or lacks its value", argv[optind - 1]);
        }
    }
    if (optind < argc)
        return bench_usage("gemv takes no argument '%s'", argv[optind]);
    return run(options);
}
