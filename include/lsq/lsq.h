/*
 * lsq.h - products with log-quantized weights of 1 to 9 bits, straight from the packed codes.
 *
 * A weight matrix W of m rows (outputs) and k columns (inputs) is quantised once, by lsq_quantize(), or found ready in
 * memory, by lsq_weights_wrap(). Afterwards lsq_sgemv() and lsq_sgemm() multiply with it as BLAS would, without ever
 * expanding it. Files and networks are in lsq/lsq_model.h.
 *
 * Rules that hold for every function here:
 *   - Nothing prints, exits, aborts or changes errno, the locale or the floating point environment.
 *   - A call that fails leaves its outputs as they were.
 *   - Sizes are counts of elements unless the name says bytes. Matrices of floats are row-major unless said otherwise,
 *     with a leading dimension: the distance, in elements, from one row to the next.
 *   - lsq_weights and lsq_context are constant once made; any number of threads may use one at the same time.
 *   - Buffers that a call reads and buffers that it writes must not overlap.
 *   - `err` may be NULL. Otherwise a failing call puts the reason there, and a successful one leaves it alone.
 */
#ifndef LSQ_LSQ_H
#define LSQ_LSQ_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define LSQ_API __attribute__((visibility("default")))
#else
#define LSQ_API
#endif

#define LSQ_VERSION_MAJOR 0
#define LSQ_VERSION_MINOR 1
#define LSQ_VERSION_PATCH 0

/* The version of the library that is running, "0.1.0": compare with the macros, which are those of this header. */
LSQ_API const char *lsq_version(void);

/* ---- Status ---------------------------------------------------------------------------------------------------- */

typedef enum lsq_status {
    LSQ_OK = 0,
    LSQ_E_ARGUMENT = -1,    /* an argument outside what the function documents */
    LSQ_E_NOMEM = -2,       /* memory could not be had */
    LSQ_E_UNSUPPORTED = -3, /* well formed, but not something this build or version can do */
    LSQ_E_MALFORMED = -4,   /* data or a file that breaks its format's rules */
    LSQ_E_TRUNCATED = -5,   /* data or a file that ends too early */
    LSQ_E_CHECKSUM = -6,    /* contents that do not match their checksum */
    LSQ_E_VALUE = -7,       /* a weight that is NaN, infinite or above 2^100 in magnitude; a code that cannot be */
    LSQ_E_LIMIT = -8,       /* larger than a documented limit */
    LSQ_E_IO = -9,          /* the system refused to open, read or write */
    LSQ_E_CONFIG = -10      /* an environment variable or option that cannot be honoured (see lsq_context_new) */
} lsq_status;

/* A few English words for a status; never NULL. */
LSQ_API const char *lsq_strerror(lsq_status status);

/* Where and why a call failed: one line, without a newline at its end, cut at the end of the array if need be. */
typedef struct lsq_error {
    lsq_status status;
    char text[508];
} lsq_error;

/* ---- Formats: how weights are coded ---------------------------------------------------------------------------- */

/*
 * Four ways to turn weights into codes of C bits (docs/codecs.md has the mathematics):
 *   classic  C = 3..9  the published losiquant/LSQR code, bit for bit: sign and B = C - 1 bits of log2 magnitude
 *   scalar   C = 2..9  each weight by itself on a logarithmic curve, all 2^C codes used
 *   trellis  C = 1..6  trellis-coded quantisation over such a curve: 0.9 to 1.7 dB better at the same size
 *   sign     C = 1     plus or minus the scale: the least bits, the fastest to encode and to multiply with
 */
typedef enum lsq_codec { LSQ_CLASSIC = 0, LSQ_SCALAR = 1, LSQ_TRELLIS = 2, LSQ_SIGN = 3 } lsq_codec;

/*
 * What multiplies the levels. Every format has one float for the tensor and one byte for each row; the finer part is:
 *   NONE     nothing, and the tensor's float is 1: classic only, the published form
 *   TENSOR   nothing: one scale for the whole matrix                     (classic, scalar, sign)
 *   ROW      nothing: the byte of the row is the scale, in 1/16 octaves  (classic, scalar, sign)
 *   BYTE32   a byte for each 32 columns of a row: sign, 3 bits exponent, 4 bits mantissa (all)
 *   NIBBLE32 a nibble for each 32 columns of a row, an integer multiplier (trellis)
 *   NIBBLE16 the same for each 16 columns (trellis)
 */
typedef enum lsq_scale {
    LSQ_SCALE_NONE = 0,
    LSQ_SCALE_TENSOR = 1,
    LSQ_SCALE_ROW = 2,
    LSQ_SCALE_BYTE32 = 3,
    LSQ_SCALE_NIBBLE32 = 4,
    LSQ_SCALE_NIBBLE16 = 5
} lsq_scale;

/*
 * A format. Its short name is what all tools and files use: `c3`..`c9` classic, `s2`..`s9` scalar, `t1`..`t6` trellis,
 * `b1` sign, then, after dots, what differs from the default: `none tensor row byte32 nib32 nib16` for the scale, `st4 st8
 * st16 st64` for the trellis, `curve0`..`curve7` for the curve. "t4.st64.nib32" is an example. Defaults: c and s byte32,
 * t nib16 and 16 states, b row, curve as lsq_format_parse() sets it.
 */
typedef struct lsq_format {
    uint8_t codec;  /* an lsq_codec */
    uint8_t bits;   /* C, bits of a code */
    uint8_t scale;  /* an lsq_scale */
    uint8_t states; /* trellis: 4, 8, 16 or 64; otherwise 0 */
    uint8_t curve;  /* parameter s of the curve: 0..7 = 0, -0.5, -1, -1.5, -2, -2.5, -3, +(C-1); classic: 7, sign: 0 */
} lsq_format;

/* Reads a short name. LSQ_E_ARGUMENT if it is none; err then says what was expected. */
LSQ_API lsq_status lsq_format_parse(const char *name, lsq_format *format, lsq_error *err);

/* Enough for any short name and its final NUL. */
#define LSQ_FORMAT_NAME_MAX 32

/* Writes the short name; what is the default is left out. LSQ_E_ARGUMENT if the format is not a valid one. */
LSQ_API lsq_status lsq_format_name(const lsq_format *format, char name[LSQ_FORMAT_NAME_MAX]);

/*
 * Bytes of an m x k matrix in packed form, everything counted; always a multiple of 64. LSQ_E_ARGUMENT if the format
 * is not valid or m or k is 0; LSQ_E_LIMIT if m or k exceeds 2^40 or the size 2^48.
 */
LSQ_API lsq_status lsq_packed_bytes(const lsq_format *format, size_t m, size_t k, size_t *bytes);

/* ---- Contexts: which kernels run --------------------------------------------------------------------------------*/

/*
 * A context holds every choice that is made before a product runs: the instruction sets allowed, the kernel for each
 * kind of product, threads. It is never changed afterwards. Wherever a context is asked for, NULL is the default one,
 * made at first use from the environment alone.
 */
typedef struct lsq_context lsq_context;

/*
 * How products round the vector (or the columns of B) before they multiply.
 *   INT   to integers, one float scale for 32 values: 8 bits for codes of up to 6 bits, 13 bits for wider ones. The
 *         result is the same, bit for bit, on every machine, instruction set and number of threads. The rounding
 *         limits the result to some 40 dB (8 bits) or 70 dB (13 bits) of signal to noise. 32 values that hold a NaN
 *         or an infinity give NaN; values below 2^-100 count as zero. Transposed products round the 16 elements of x that
 *         meet 16 rows of W, times the scales that those have there, under one float scale: anew for each 16 columns.
 *   FLOAT not at all: products are exact up to float rounding of the sums. Their order depends on the machine;
 *         |error| <= (k/4 + 64) 2^-24 sum |w x| for each element of the result.
 * Outliers are multiplied with x as it is in both, and added one after the other: n of them add to the bound (n + 2) 2^-24 times the sum of
 * |w x| and |v x|, where w are weights without their outliers and v these.
 */
typedef enum lsq_activation { LSQ_ACT_INT = 0, LSQ_ACT_FLOAT = 1 } lsq_activation;

/*
 * Runs task(arg, 0) .. task(arg, count - 1), in any order, on any threads, and returns when all are done. `count` is at most the
 * number of threads a product may use. Tasks call nothing of the host.
 */
typedef void lsq_parallel_for(void *host, size_t count, void (*task)(void *arg, size_t i), void *arg);

/* As many threads as the environment says, else one for each CPU that this process may use. */
#define LSQ_THREADS_ALL (~0u)

/* Start with {.size = sizeof(lsq_context_options)}: what stays zero means the usual. */
typedef struct lsq_context_options {
    size_t size;           /* sizeof(lsq_context_options) */
    const char *max_isa;   /* use no instruction set above this one: "scalar", "avx2", ...; NULL: LSQ_MAX_ISA */
    const char *kernel;    /* use this kernel where it fits: "gemv_p4_i8_avx2_r1"; NULL: LSQ_KERNEL */
    const char *tune_file; /* a path, or "none"; NULL: LSQ_TUNE_FILE, then the usual places (docs/tuning.md) */
    unsigned threads;      /* 0: as the environment says, else 1; or LSQ_THREADS_ALL; see below */
    int activation;        /* an lsq_activation */
    lsq_parallel_for *parallel_for; /* the host's own threads, used when `threads` > 1; NULL: a pool of our own */
    void *host;                     /* handed to parallel_for */
} lsq_context_options;

/*
 * Threads. A product runs on the thread that calls it and at most `threads` - 1 others; with 1, the usual, on no other.
 *   - A count in the options is taken as it is, up to 4096. One from the environment, LSQ_NUM_THREADS or else the first number of
 *     OMP_NUM_THREADS, is cut down to the CPUs of the affinity mask and to the whole CPUs of the cgroup's quota, at least 1;
 *     lsq_describe() says so. With LSQ_THREADS_ALL and neither variable it is those CPUs.
 *   - The pool of a context starts threads when a product has work for them, and keeps them until lsq_context_free(). After a
 *     product they wait for the next one for some 50 us, then they sleep. Where the system refuses a thread, products run on
 *     those there are. All signals are blocked in them.
 *   - Threads of the pool may run wherever the thread could that called when they were made. One that is woken on the CPU of its
 *     caller asks the system for another of those, once, by its affinity, which it then puts back.
 *   - Each thread has the same share of a matrix in every product of it, so memory stays on the node of the thread that touched
 *     it first. Nothing else is done about NUMA: bind the process, or make a context with a parallel_for of your own.
 *   - Products of several threads on one context take turns with its pool. A program that has a thread for each CPU anyway is
 *     faster with lsq_set_num_threads_local(1) in each.
 *   - fork() is allowed at any time. In the child, products on a context that had threads run on the calling thread alone; a
 *     context made in the child has threads again.
 *   - The library stays loaded after dlclose(), since threads may be waiting in it.
 */

/*
 * Products that the calling thread calls from now on run on at most n threads, itself counted, or as many as their context has if that
 * is fewer; 0, the usual: no such limit. Returns the former limit.
 */
LSQ_API unsigned lsq_set_num_threads_local(unsigned n);

/*
 * Calls work(arg, first, end) for ranges that together are [0, count), in any order, on the threads that a product would have, and returns
 * when all are done: for what is to be done beside products without more threads than there are processors. There are at most eight ranges
 * for each thread. `work` must not call what runs on threads of the same context, as products and lsq_quantize() do, unless it limits
 * itself to one, by lsq_set_num_threads_local(); lsq_dequantize() does not. LSQ_E_ARGUMENT without `work`; as lsq_context_new() if ctx is NULL.
 */
LSQ_API lsq_status lsq_for_ranges(const lsq_context *ctx, size_t count,
                                  void (*work)(void *arg, size_t first, size_t end), void *arg);

/*
 * Makes a context. `options` may be NULL. Settings only narrow what the CPU has: an instruction set it lacks, an
 * unknown name or an unusable tune file is passed over, and lsq_describe() says so; with the environment variable
 * LSQ_STRICT=1 it is LSQ_E_CONFIG instead. The environment is ignored in set-uid programs.
 */
LSQ_API lsq_status lsq_context_new(const lsq_context_options *options, lsq_context **ctx, lsq_error *err);

/* Frees a context that no product uses any more. NULL is allowed. */
LSQ_API void lsq_context_free(lsq_context *ctx);

/*
 * Describes a context as one JSON object: library version, CPU, instruction sets with the reason for each that is not
 * used, the tune files looked at and what became of each, and the kernel of every kind of product. Writes at most `size`
 * bytes with the final NUL, and always returns the length of the whole text (0 if memory ran out): call with size 0 first, as with snprintf.
 */
LSQ_API size_t lsq_describe(const lsq_context *ctx, char *text, size_t size);

/* ---- Weights --------------------------------------------------------------------------------------------------- */

/* A matrix in packed form. */
typedef struct lsq_weights lsq_weights;

/* How classic codes are rounded; other codecs have one way only. */
typedef enum lsq_rounding {
    LSQ_ROUND_PUBLISHED = 0, /* as published: in the domain of 2^(B |w|), half to even */
    LSQ_ROUND_NEAREST = 1    /* to the nearest level: 0.2 to 0.3 dB better, the same decoder */
} lsq_rounding;

/* Which curve scalar and trellis codes lie on. */
typedef enum lsq_curve {
    LSQ_CURVE_GIVEN = 0, /* that of the format */
    LSQ_CURVE_BEST =
        1 /* of all eight the one with the least error on a sample of rows, a 32nd of the matrix but no fewer than 32768
                            weights: up to 0.4 dB better; the format of the weights says which it was */
} lsq_curve;

/* Which weights become outliers. */
typedef enum lsq_outlier_choice {
    LSQ_OUTLIERS_WHERE_WORTH = 0, /* those without which the others gain more, at equal bits, than they cost */
    LSQ_OUTLIERS_LARGEST = 1      /* the largest magnitudes, as Loop Singular Bit publishes it */
} lsq_outlier_choice;

/*
 * Outliers are numbers that are added to single weights of the packed matrix, which can take finer scales then. With
 * outliers > 0 the choice is one of these:
 *   WHERE_WORTH  a second encoding with them is made, in twice the time and with a copy of some rows of w, and taken if its error is
 *                less at equal bits, the bytes of the outliers counted; up to that share where it pays, and not at all on
 *                Gaussian weights.
 *   LARGEST      floor(outliers * m * k) weights are outliers, the largest magnitudes, of equal ones the first in the order of rows;
 *                zeros are none, nor is a weight that its outlier would bring no closer. k <= 2^20 (LSQ_E_LIMIT). Takes two
 *                copies of w.
 *
 * What is known of the inputs that the matrix will be multiplied with, NULL if nothing, changes which codes are chosen, never what they
 * mean:
 *   importance  how much a squared error of each weight counts, from 0 to 2^60: m x k factors with leading dimension importance_ld >= k,
 *               or, if that is 0, k factors for all rows.
 *   gram        k x k without gaps, X^T X of inputs X (n x k, a row an input); only the upper triangle is read. What a column of a row
 *               loses is then made up for by later columns of that row, for the least error of the product with such inputs. 1 % of
 *               the mean of the diagonal is added to it, so X may have few rows, or columns of zeros. The diagonal is the
 *               importance unless one is given. Takes k^2 floats of memory, time as k^3 / 6 + m k^2 / 2 multiplications, and
 *               k <= 16384 (LSQ_E_LIMIT).
 * Outliers and curves are chosen by plain squared errors, times the importance.
 */
typedef struct lsq_quantize_options {
    size_t size;        /* sizeof(lsq_quantize_options) */
    int rounding;       /* an lsq_rounding */
    int curve;          /* an lsq_curve */
    double outliers;    /* the share of weights that are kept apart, 0 (none) to 0.1 */
    int outlier_choice; /* an lsq_outlier_choice */
    const float *importance;
    size_t importance_ld;
    const float *gram;
} lsq_quantize_options;

/*
 * Quantises the m x k matrix w with leading dimension ld >= k, on the threads of the context: 256 rows (trellis) or 16 rows
 * are work for one. `options` may be NULL. The same input gives the same bytes on every machine and any number of threads.
 * Statuses: LSQ_E_ARGUMENT, LSQ_E_LIMIT (as lsq_packed_bytes, and of gram), LSQ_E_VALUE (NaN, infinity, above 2^100;
 * importance out of its range; a gram that is no X^T X; err names the place), LSQ_E_NOMEM; as lsq_context_new() if ctx is NULL.
 */
LSQ_API lsq_status lsq_quantize(const lsq_context *ctx, const lsq_format *format, size_t m, size_t k, const float *w,
                                size_t ld, const lsq_quantize_options *options, lsq_weights **weights, lsq_error *err);

/*
 * The memory in bytes that lsq_quantize() takes on the way to trellis codes, on the threads that the context would use for such a matrix:
 * some 10 MB for each, of wide matrices. 0 for other codecs, where that is next to nothing, and where lsq_quantize() has a status against the arguments.
 * Without options: outliers and a gram take more.
 */
LSQ_API size_t lsq_quantize_scratch(const lsq_context *ctx, const lsq_format *format, size_t m, size_t k);

/*
 * Uses `bytes` = lsq_packed_bytes(format, m, k) bytes of packed form where they are, without a copy: they must stay,
 * unchanged, until lsq_weights_free(). No alignment is needed (64 is fastest). Any bytes are safe; the one thing
 * checked is that the tensor's scale is finite and not negative (LSQ_E_MALFORMED).
 */
LSQ_API lsq_status lsq_weights_wrap(const lsq_format *format, size_t m, size_t k, const void *packed, size_t bytes,
                                    lsq_weights **weights, lsq_error *err);

/*
 * The same with `outlier_bytes` bytes of outliers (docs/codecs.md), which must stay too; NULL: none. They are read once, in full,
 * into four bytes for each and eight for each row: memory and time are in proportion to the two sizes, whatever the bytes.
 * LSQ_E_MALFORMED or LSQ_E_TRUNCATED if they are not outliers of an m x k matrix, LSQ_E_LIMIT if k exceeds 2^20.
 */
LSQ_API lsq_status lsq_weights_wrap_outliers(const lsq_format *format, size_t m, size_t k, const void *packed,
                                             size_t bytes, const void *outliers, size_t outlier_bytes,
                                             lsq_weights **weights, lsq_error *err);

/* Frees what lsq_quantize() or lsq_weights_wrap() made (the wrapped bytes stay the caller's). NULL is allowed. */
LSQ_API void lsq_weights_free(lsq_weights *weights);

LSQ_API size_t lsq_weights_rows(const lsq_weights *weights);    /* m */
LSQ_API size_t lsq_weights_columns(const lsq_weights *weights); /* k */
LSQ_API lsq_format lsq_weights_format(const lsq_weights *weights);

/* The packed form itself, lsq_packed_bytes() long; it lives as long as the weights do. */
LSQ_API const void *lsq_weights_packed(const lsq_weights *weights);

/*
 * The bytes of the outliers, which live as long as the weights do, their size and how many outliers they are; NULL, 0 and 0
 * if there are none. `bytes` and `count` may be NULL.
 */
LSQ_API const void *lsq_weights_outliers(const lsq_weights *weights, size_t *bytes, size_t *count);

/*
 * Decodes rows [row, row + rows), outliers added, into `out`, rows x k with leading dimension ld >= k: for instance one row of an
 * embedding. These are the values that products with LSQ_ACT_FLOAT multiply by. LSQ_E_ARGUMENT if the rows are not all there.
 */
LSQ_API lsq_status lsq_dequantize(const lsq_context *ctx, const lsq_weights *weights, size_t row, size_t rows,
                                  float *out, size_t ld);

/* The codes of rows [row, row + rows), without outliers, C bits each, one a uint32_t, as docs/codecs.md defines them for the codec. */
LSQ_API lsq_status lsq_weights_codes(const lsq_weights *weights, size_t row, size_t rows, uint32_t *out, size_t ld);

/* ---- Weights some rows at a time ------------------------------------------------------------------------------- */

/*
 * A matrix that does not fit into memory is quantised in strips of rows, to the bytes that lsq_quantize() would give. What its first rows
 * must know of the others is found by a survey, in one pass over it, or two:
 *
 *     lsq_survey_new(k, share, &survey, err);
 *     do {
 *         lsq_survey_rows(survey, rows, w, ld, err);                     for all of its rows
 *         lsq_survey_end(survey, &known, &again, err);
 *     } while (again);
 *     lsq_quantizer_new(ctx, &format, m, k, &known, &options, &quantizer, err);
 *     lsq_quantizer_rows(quantizer, rows, w, ld, &strip, err);           for all of its rows
 *     lsq_quantizer_outliers(quantizer, &bytes, &size, err);
 *
 * lsq_model.h reads matrices in strips, and writes them. The memory taken is that of a strip, some MiB, and 8 bytes for each outlier.
 */
typedef struct lsq_magnitudes {
    float largest;     /* |w|, at most 2^100 */
    float dense;       /* of the weights that are no outliers */
    float bound;       /* outliers are the weights above it, */
    uint64_t ties;     /* and the first so many of those that equal it */
    uint64_t outliers; /* how many these are */
} lsq_magnitudes;

typedef struct lsq_survey lsq_survey;

/*
 * Begins a survey of a matrix of k columns of whose weights a share, 0 to 0.1, shall be outliers. Takes 2 MiB, or 64 KiB
 * if the share is 0. LSQ_E_ARGUMENT, LSQ_E_NOMEM.
 */
LSQ_API lsq_status lsq_survey_new(size_t k, double outliers, lsq_survey **survey, lsq_error *err);

/*
 * The next rows, as many as you like, with leading dimension ld >= k. LSQ_E_VALUE as lsq_quantize(), with the place in the whole matrix;
 * LSQ_E_ARGUMENT also after the end. When it fails, the rows do not count.
 */
LSQ_API lsq_status lsq_survey_rows(lsq_survey *survey, size_t rows, const float *w, size_t ld, lsq_error *err);

/*
 * When all rows have been there: *again = 0, and *known is what a matrix of these rows has. Or *again = 1, if the bound must be told from
 * its neighbours: then all rows shall come once more, and an end. That is never so of a share of 0, nor if all weights have been float16 or
 * bfloat16 numbers. LSQ_E_ARGUMENT if no rows have been there, or others the second time.
 */
LSQ_API lsq_status lsq_survey_end(lsq_survey *survey, lsq_magnitudes *known, int *again, lsq_error *err);

/* Frees a survey. NULL is allowed. */
LSQ_API void lsq_survey_free(lsq_survey *survey);

typedef struct lsq_quantizer lsq_quantizer;

/*
 * Begins an m x k matrix of which that is known. The options are those of lsq_quantize() and may be NULL; arrays in them must stay until
 * lsq_quantizer_free(), and are of the whole matrix, as `ctx` must. The weights that *known tells are kept apart if the
 * options have outliers > 0, whatever the share. Statuses as lsq_quantize(), and LSQ_E_ARGUMENT if *known cannot be;
 * LSQ_E_UNSUPPORTED for what no strip can know: one scale for all (LSQ_SCALE_TENSOR), LSQ_CURVE_BEST (which a sample of rows
 * that lsq_quantize() takes can tell), and outliers chosen as LSQ_OUTLIERS_WHERE_WORTH.
 */
LSQ_API lsq_status lsq_quantizer_new(const lsq_context *ctx, const lsq_format *format, size_t m, size_t k,
                                     const lsq_magnitudes *known, const lsq_quantize_options *options,
                                     lsq_quantizer **quantizer, lsq_error *err);

/*
 * Quantises the next rows, a multiple of 256 unless they are the last ones, with leading dimension ld >= k. *strip are these rows as a
 * matrix, with their outliers; it is the quantizer's, until its next call. Codes, scales and row bytes are those that
 * the whole matrix has in these rows (see lsq_packed_parts), and so is the tensor's float. Statuses as lsq_quantize(); LSQ_E_VALUE
 * also for a weight larger than the largest one, LSQ_E_ARGUMENT for other rows than the survey had. When it fails, the quantizer is as it
 * was, but for *strip of before.
 */
LSQ_API lsq_status lsq_quantizer_rows(lsq_quantizer *quantizer, size_t rows, const float *w, size_t ld,
                                      const lsq_weights **strip, lsq_error *err);

/*
 * When all rows have been there: the bytes of all outliers, which are the quantizer's, until it is freed, and their size; NULL and 0
 * if there are none. LSQ_E_ARGUMENT if rows are missing, LSQ_E_NOMEM.
 */
LSQ_API lsq_status lsq_quantizer_outliers(lsq_quantizer *quantizer, const void **bytes, size_t *size, lsq_error *err);

/* Frees a quantizer, and its strip. NULL is allowed. */
LSQ_API void lsq_quantizer_free(lsq_quantizer *quantizer);

/* Where the parts of a packed form begin, in bytes: codes at 0, and the rest. docs/codecs.md describes them. */
typedef struct lsq_parts {
    size_t scales; /* where the codes end; of the same place as `rows` if the format has none */
    size_t rows;   /* a byte for each row */
    size_t tensor; /* the tensor's float, and zeros up to the end */
} lsq_parts;

/*
 * The parts of an m x k matrix. Each of the first three has 16 rows after 16 rows, so that a matrix is its strips: all of their codes, then all of
 * their scales, then all of their row bytes, then the tensor's float, if each strip but the last has a multiple of 256 rows.
 * Statuses as lsq_packed_bytes().
 */
LSQ_API lsq_status lsq_packed_parts(const lsq_format *format, size_t m, size_t k, lsq_parts *parts);

/*
 * Puts a strip where it belongs in the packed form of an m x k matrix, of lsq_packed_bytes() bytes that were zeros before the first one. Its
 * first row is `row`, a multiple of 256; it has k columns, that format, curve and all, and a multiple of 256 rows unless they are the last ones.
 * The tensor's float is that of the last strip that was put: it is the same in all. Outliers stay behind. LSQ_E_ARGUMENT if that is not so.
 */
LSQ_API lsq_status lsq_packed_join(const lsq_format *format, size_t m, size_t k, void *packed, size_t row,
                                   const lsq_weights *strip);

/* ---- The published code (losiquant/LSQR), as such --------------------------------------------------------------- */

/*
 * Encodes n numbers as published, C = `bits` = 3..16: clipped to [-1, 1], no scale, sign bit above B = C - 1 bits of
 * v = 2^B - rint(2^B - 2^(B |w|)), v in [1, 2^B - 1], in double arithmetic. LSQ_E_VALUE for a NaN.
 */
LSQ_API lsq_status lsq_classic_encode(unsigned bits, size_t n, const float *w, int rounding, uint32_t *codes);

/*
 * Decodes n codes to (-1)^sign log2(v) / B, correctly rounded to float; bits above C are ignored. v = 0, which no encoder writes, is 0. With
 * `compat` the formula is that of the published program, log2(v + 1e-9), which gives -29.897 / B there and 2e-10 at v = 1.
 */
LSQ_API lsq_status lsq_classic_decode(unsigned bits, size_t n, const uint32_t *codes, int compat, float *w);

/*
 * Bit strings of .lsq version 1: n codes of C = 1..32 bits, most significant bit first, without gaps, zero bits at the
 * end. Both sides are lsq_bit_string_bytes(bits, n) = ceil(n C / 8) bytes long; n must keep that within size_t.
 */
LSQ_API size_t lsq_bit_string_bytes(unsigned bits, size_t n);
LSQ_API lsq_status lsq_bit_string_pack(unsigned bits, size_t n, const uint32_t *codes, uint8_t *string);
LSQ_API lsq_status lsq_bit_string_unpack(unsigned bits, size_t n, const uint8_t *string, uint32_t *codes);

/*
 * Weights in classic format without a scale (`c3.none`..`c9.none`) from m x k codes, as they stand in version 1 files.
 * LSQ_E_VALUE for a code of 2^C or more.
 */
LSQ_API lsq_status lsq_weights_from_codes(unsigned bits, size_t m, size_t k, const uint32_t *codes, size_t ld,
                                          lsq_weights **weights, lsq_error *err);

/* ---- Products -------------------------------------------------------------------------------------------------- */

typedef enum lsq_transpose { LSQ_NO_TRANS = 111, LSQ_TRANS = 112 } lsq_transpose; /* values as in CBLAS */
typedef enum lsq_order { LSQ_ROW_MAJOR = 101, LSQ_COL_MAJOR = 102 } lsq_order;

/*
 * y = alpha W x + beta y (LSQ_NO_TRANS: x has k elements, y has m) or y = alpha W^T x + beta y (LSQ_TRANS: x has m,
 * y has k), to the letter of BLAS: beta = 0 does not read y, alpha = 0 does not look at W or x, a negative increment
 * counts from the far end. An increment of 0 is LSQ_E_ARGUMENT. LSQ_E_NOMEM if there is none to round x in. The bound of LSQ_ACT_FLOAT
 * has m for k in transposed products.
 */
LSQ_API lsq_status lsq_sgemv(const lsq_context *ctx, lsq_transpose trans, float alpha, const lsq_weights *w,
                             const float *x, ptrdiff_t incx, float beta, float *y, ptrdiff_t incy);

/*
 * *result = row `row` of W times x, which has k elements: what lsq_sgemv() with alpha = 1 and beta = 0 puts there, bit for bit.
 * Packed bytes of 16 rows lie together and are read together, so all rows cost a sixteenth each if they are wanted at once.
 * LSQ_E_ARGUMENT if there is no such row or incx is 0; LSQ_E_NOMEM if x could not be rounded.
 */
LSQ_API lsq_status lsq_dot(const lsq_context *ctx, const lsq_weights *w, size_t row, const float *x, ptrdiff_t incx,
                           float *result);

/*
 * C = alpha op(W) op(B) + beta C, where C has n columns and op(W), op(B) are W, B or their transposes. B and C are in
 * `order`, with leading dimensions as in BLAS. Every column of C is what lsq_sgemv() gives for that column of op(B), with its
 * statuses: bit for bit, but for LSQ_ACT_FLOAT, where both keep its bound. Where columns go together, up to 512 at a time are
 * rounded, and of weights with outliers copied too.
 */
LSQ_API lsq_status lsq_sgemm(const lsq_context *ctx, lsq_order order, lsq_transpose trans_w, lsq_transpose trans_b,
                             size_t n, float alpha, const lsq_weights *w, const float *b, size_t ldb, float beta,
                             float *c, size_t ldc);

/*
 * C = alpha W' op(B) + beta C with rows [row, row + rows) of W as W', and everything else as in lsq_sgemm(): for one of several
 * matrices that lie in W one below the other. Packed bytes of 16 rows lie together and are read together, so a range that
 * begins and ends at multiples of 16 costs no more than its share. LSQ_E_ARGUMENT also if the rows are not all there.
 */
LSQ_API lsq_status lsq_sgemm_rows(const lsq_context *ctx, lsq_order order, lsq_transpose trans_b, size_t row,
                                  size_t rows, size_t n, float alpha, const lsq_weights *w, const float *b, size_t ldb,
                                  float beta, float *c, size_t ldc);

/*
 * Describes what would run the product of an m x k matrix in this format (or of its transpose) with n columns, each in one piece, on
 * the calling thread, and why, as one JSON object, "lsq.product/1":
 *   format, m, k, n, transposed   the product
 *   bytes, class                  the packed weights, and where they are found when it is repeated: "l1" "l2" "l3" "dram"
 *   batch                         "one" column, "few" (2 to 15) or "many"
 *   activation                    what columns are rounded to: "i8" "i16" "f32" (not at all)
 *   threads, threads_allowed      that it runs on, and that the context has
 *   way                           "vectors": column after column; "direct": columns_at_once of them, straight from the codes;
 *                                 "columns": so many, for which codes are expanded; "transposed": likewise
 *   together_from, expand_from    from how many columns on they go together, and are expanded for
 *   kernels                       in the order in which they run: op, kernel, reason ("default", "confirmed": the same, which the tune file
 *                                 says was measured, "tuned" by the tune file, "capped": the tune file names one that LSQ_MAX_ISA
 *                                 forbids, "forced" by LSQ_KERNEL), the default of its kind, tunables, and the speedup over the default if the tune file says it
 *   tune_files                    as lsq_describe() has them
 * Writes and returns as lsq_describe() does; 0 also for arguments that lsq_packed_bytes() refuses, n = 0 or above 2^48, and an unknown `trans`.
 */
LSQ_API size_t lsq_describe_product(const lsq_context *ctx, const lsq_format *format, size_t m, size_t k,
                                    lsq_transpose trans, size_t n, char *text, size_t size);

#ifdef __cplusplus
}
#endif

#endif
