/*
 * gemv.cc - `lsq-bench gemv`: the suite, run and reported by Google Benchmark.
 *
 * One repetition is one sample, its time is set by hand: so Google Benchmark's own statistics are the medians over interleaved
 * samples, and compare.py can test them.
 */
#include "bench/command.h"
#include "bench/matrix.h"
#include "bench/suite.h"

extern "C" {
#include "bench/machine.h"
#include "bench/team.h"
#include "bench/turn.h"
}

#include <benchmark/benchmark.h>

#include <getopt.h>
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
    std::string picture;
    bench_memory memory = bench_memory_usual();
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
        failed_ = bench_matrix_add(matrix_, &result) || failed_;
    }

    const bench_suite *suite_;
    bench_matrix *matrix_;
    benchmark::BenchmarkReporter *also_;
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

/* Runs the suite: rows into the table, or without one everything as Google Benchmark's JSON. */
int run_suite(bench_suite *suite, bench_table *table, const Options &options)
{
    const char *key, *value;
    for (size_t i = 0; (key = bench_suite_context(suite, i, &value)); i++) {
        if (table)
            bench_table_context(table, key, value);
        else
            benchmark::AddCustomContext(key, value);
    }
    if (table)
        std::printf("medians of %u samples, each beside a plain read of the same bytes\n\n", options.samples);
    bench_matrix *matrix = bench_matrix_new(table);
    if (!matrix)
        return bench_failed(nullptr, LSQ_E_NOMEM, nullptr);
    benchmark::JSONReporter json;
    Medians medians(suite, matrix, table ? nullptr : &json);
    benchmark::RunSpecifiedBenchmarks(&medians, "all");
    int status = medians.failed() ? BENCH_LIMIT : BENCH_OK;
    if (!status && !options.picture.empty()) {
        lsq_error err = {};
        const std::string title = std::string("Products of a matrix with a vector, ") + bench_suite_cpu(suite);
        const lsq_status drawn = bench_matrix_draw(matrix, title.c_str(), options.picture.c_str(), &err);
        status = drawn ? bench_failed(nullptr, drawn, &err) : BENCH_OK;
    }
    bench_matrix_free(matrix);
    return status;
}

int run_as_asked(bench_suite *suite, const Options &options)
{
    if (options.json)
        return run_suite(suite, nullptr, options);
    bench_table *table = bench_table_new("lsq.bench/1", bench_matrix_columns, bench_matrix_columns_count, 0);
    if (!table)
        return bench_failed(nullptr, LSQ_E_NOMEM, nullptr);
    const int status = run_suite(suite, table, options);
    bench_table_end(table, 1);
    return status;
}

int run(const Options &options)
{
    bench_suite *suite = bench_suite_new(options.formats.data(), options.formats.size(), options.threads.data(),
                                         options.threads.size(), &options.memory);
    if (!suite)
        return bench_failed(nullptr, LSQ_E_NOMEM, nullptr);
    int status;
    if (register_suite(suite, options) == 0) {
        status = bench_usage("no case matches '%s'", options.filter.c_str());
    } else {
        bench_watch watch;
        bench_watch_begin(&watch);
        status = run_as_asked(suite, options);
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
        {"filter", required_argument, nullptr, 'f'},
        {"codec", required_argument, nullptr, 'c'},
        {"threads", required_argument, nullptr, 't'},
        {"samples", required_argument, nullptr, 'n'},
        {"svg", required_argument, nullptr, 's'},
        {"prefetch", required_argument, nullptr, 'p'},
        {"small-pages", no_argument, nullptr, 'S'},
        {"json", no_argument, nullptr, 'j'},
        {nullptr, 0, nullptr, 0},
    };
    Options options;
    lsq_format format;
    lsq_error err = {};
    unsigned number;
    opterr = 0;
    for (int c; (c = getopt_long(argc, argv, "f:c:t:n:s:p:j", long_options, nullptr)) != -1;) {
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
        case 's':
            options.picture = optarg;
            break;
        case 'p':
            if (!bench_number(optarg, 0, 1u << 20, &options.memory.prefetch))
                return bench_usage("--prefetch '%s': not a number from 0 to %u", optarg, 1u << 20);
            break;
        case 'S':
            options.memory.small_pages = 1;
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
