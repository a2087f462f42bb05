/*
 * command.h - the commands of lsq-bench, and how they fail.
 */
#ifndef LSQ_BENCH_COMMAND_H
#define LSQ_BENCH_COMMAND_H

#include "bench/options.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Exit statuses, as all commands of this project have them. */
enum {
    BENCH_OK = 0,
    BENCH_CHECK_FAILED = 1,
    BENCH_USAGE = 2,
    BENCH_MALFORMED = 3,
    BENCH_UNSUPPORTED = 4,
    BENCH_IO = 5,
    BENCH_LIMIT = 6
};

extern const bench_command bench_gemv_command, bench_gemm_command, bench_layers_command, bench_snr_command,
    bench_encode_command, bench_peers_command, bench_file_command, bench_overhead_command, bench_compare_command,
    bench_quality_command, bench_stream_command, bench_read_command;

/* The formats whose products are timed where none is named, up to NULL. */
extern const char *const bench_product_codecs[];

/* Errors from now on are JSON too: {"schema": "lsq.error/1", "error": ..., "exit_code": ..., "message": ...}. */
void bench_errors_as_json(void);

/* One line on stderr; each returns the exit status that fits. */
int bench_usage(const char *format, ...) __attribute__((format(printf, 1, 2)));
int bench_failed(const char *where, lsq_status status, const lsq_error *err);

/* Reads an option's value as a whole number in [low, high]; 0 if it is none. */
int bench_number(const char *text, unsigned low, unsigned high, unsigned *value);

/* Writes out stdout: BENCH_IO, and a line on stderr, if the system refuses. */
int bench_flush(void);

#ifdef __cplusplus
}
#endif

#endif
