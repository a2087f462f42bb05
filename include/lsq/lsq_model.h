/*
 * lsq_model.h - files of weights: .lsq (versions 1 and 2), safetensors, npy, npz, pth, GGUF, ONNX; and layers of networks; in liblsq-model.
 *
 * A model is a list of named tensors. Each is either quantised (a matrix in packed form, see lsq.h) or plain (numbers
 * of some type, as the source had them). lsq_model_open() reads every format it knows by its contents, never by its
 * name; lsq_writer_*() write .lsq version 2 files, lsq_export() the others.
 *
 * The rules at the head of lsq.h hold here too. Files are not trusted: whatever their bytes, the outcome is a status,
 * within memory and time proportional to the size of the file.
 */
#ifndef LSQ_LSQ_MODEL_H
#define LSQ_LSQ_MODEL_H

#include <lsq/lsq.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Tensors --------------------------------------------------------------------------------------------------- */

/* Types of numbers, named as safetensors names them. */
typedef enum lsq_dtype {
    LSQ_F32,
    LSQ_F16,
    LSQ_BF16,
    LSQ_F64,
    LSQ_I8,
    LSQ_U8,
    LSQ_I16,
    LSQ_U16,
    LSQ_I32,
    LSQ_U32,
    LSQ_I64,
    LSQ_U64,
    LSQ_BOOL,
    LSQ_F8_E4M3,
    LSQ_F8_E5M2,
    LSQ_DTYPES /* how many there are */
} lsq_dtype;

LSQ_API size_t lsq_dtype_bytes(lsq_dtype dtype);     /* bytes of one number; 0 if there is no such type */
LSQ_API const char *lsq_dtype_name(lsq_dtype dtype); /* "F32", ...; NULL if there is no such type */
LSQ_API int lsq_dtype_floating(lsq_dtype dtype);     /* not 0 for floating point numbers, those of 8 bits included */

#define LSQ_RANK_MAX 8

/*
 * One tensor of a model. Strings live as long as the model.
 *
 * A quantised tensor is kept as a matrix: rows are axis `output_axis` of the shape, columns the other axes, flattened
 * in their order (so axis 0 is the tensor as it stands; the last axis is its transpose). Of a tensor that is not quantised a file may
 * tell which axis the outputs of its layer are: then `axis_known` is 1, and lsq_tensor_axis() gives that.
 */
typedef struct lsq_tensor {
    const char *name; /* UTF-8, without control characters */
    lsq_dtype dtype;  /* what the numbers are, or were before they were quantised */
    unsigned rank;    /* 0 (one number) .. LSQ_RANK_MAX */
    uint64_t shape[LSQ_RANK_MAX];
    uint64_t elements; /* product of the shape */
    uint64_t bytes;    /* of the numbers as dtype says, or of the packed form */
    int quantised;     /* if not 0, what is below means something */
    lsq_format format;
    unsigned output_axis;
    uint64_t rows, columns;
    uint64_t outliers, outlier_bytes; /* beside the packed form: how many, and their bytes, which `bytes` leaves out */
    int axis_known;                   /* output_axis means something though the tensor is not quantised */
} lsq_tensor;

/* ---- Reading --------------------------------------------------------------------------------------------------- */

typedef struct lsq_model lsq_model;

/* How far lsq_model_open() goes. 0: map the file and check its header. */
#define LSQ_OPEN_READ   1u /* read the file into memory instead of mapping it: safe if others may change the file */
#define LSQ_OPEN_VERIFY 2u /* compare every checksum too (files without them have nothing to compare) */

/*
 * Opens a file: .lsq version 1 or 2, .safetensors, the index.json of a sharded safetensors set, .npy, .gguf, .onnx, .pth (.pt, .bin:
 * what torch.save() writes, nothing of whose pickle is ever executed), .npz; without zlib no .npz, and .pth of before torch 1.6 alone. Statuses:
 * LSQ_E_IO, LSQ_E_TRUNCATED, LSQ_E_MALFORMED, LSQ_E_CHECKSUM, LSQ_E_UNSUPPORTED (not one of these formats, or a
 * newer version), LSQ_E_LIMIT, LSQ_E_NOMEM; err names file, offset, what stands there and what was expected. A mapped
 * file that another process cuts short while it is open raises SIGBUS: use LSQ_OPEN_READ where that can happen. The
 * files of a set must lie beside their index, those of an ONNX model's external data beside the model. docs/import.md says what of foreign formats is read.
 */
LSQ_API lsq_status lsq_model_open(const char *path, unsigned flags, lsq_model **model, lsq_error *err);
LSQ_API void lsq_model_free(lsq_model *model);

/* "lsq2", "lsq1", "safetensors", "npy", "npz", "pth", "pth-legacy" (of before torch 1.6), "gguf", "onnx". */
LSQ_API const char *lsq_model_format(const lsq_model *model);
LSQ_API size_t lsq_model_count(const lsq_model *model);                       /* tensors */
LSQ_API uint64_t lsq_model_file_bytes(const lsq_model *model);                /* of all its files */
LSQ_API const lsq_tensor *lsq_model_tensor(const lsq_model *model, size_t i); /* NULL if i is past the end */
LSQ_API const lsq_tensor *lsq_model_find(const lsq_model *model, const char *name,
                                         size_t *i); /* or NULL; i may be NULL */

/* Free metadata: pairs of UTF-8 strings, sorted by key. 0 past the end. */
LSQ_API int lsq_model_metadata(const lsq_model *model, size_t i, const char **key, const char **value);

/*
 * What to know of the file, one line each, or NULL: something was passed over (a version 1 file whose count is too large), or tensors are
 * quantised already.
 */
LSQ_API const char *lsq_model_warning(const lsq_model *model, size_t i);

/*
 * The bytes of tensor i as they stand in the file: plain numbers (little-endian), or the packed form. NULL: the file has them in another
 * form, lsq_model_read() converts.
 */
LSQ_API const void *lsq_model_bytes(const lsq_model *model, size_t i);

/*
 * That other form: the type of blocks that a GGUF file has tensor i in, "Q4_K", and in `bytes`, which may be NULL, how many bytes they are.
 * Such a tensor is F32, which is what reading gives, and not quantised: it is decoded, block by block, whenever it is read. NULL, and
 * `bytes` untouched, for all others.
 */
LSQ_API const char *lsq_model_blocks(const lsq_model *model, size_t i, uint64_t *bytes);

/*
 * The weights of the quantised tensor i, over the bytes of the file (of a version 1 file: packed anew). They belong to the model and live as
 * long as it does. LSQ_E_ARGUMENT if the tensor is not quantised.
 */
LSQ_API lsq_status lsq_model_weights(const lsq_model *model, size_t i, const lsq_weights **weights, lsq_error *err);

/*
 * Tensor i as float32, `elements` numbers in the order of its shape, whatever its type or codec; numbers of 64 bits are
 * rounded. LSQ_E_ARGUMENT if there is no such tensor.
 */
LSQ_API lsq_status lsq_model_read(const lsq_model *model, size_t i, float *out, lsq_error *err);

/*
 * Tensor i as the matrix that lsq_writer_quantised() takes for this output_axis: rows = shape[output_axis], the
 * other axes flattened in their order. For rank 2 and more.
 */
LSQ_API lsq_status lsq_model_read_matrix(const lsq_model *model, size_t i, unsigned output_axis, float *out,
                                         lsq_error *err);

/*
 * Rows [row, row + rows) of that matrix: for tensors that memory does not hold. Of plain numbers with output_axis 0 no others are
 * touched; with another axis they are picked out of all of the tensor. A quantised tensor whose rows are another axis is decoded whole, in
 * blocks of 256 KiB or one of its rows, for each call.
 */
LSQ_API lsq_status lsq_model_read_rows(const lsq_model *model, size_t i, unsigned output_axis, uint64_t row,
                                       uint64_t rows, float *out, lsq_error *err);

/*
 * The memory of a mapped file is the system's, which counts the pages that were touched as those of the process. Those of plain numbers that
 * lsq_model_read...() has converted, and all that lsq_model_open() or lsq_model_verify() have compared with a checksum, are given back on the
 * way, 4 MiB at a time. This gives those of tensor i back, after its bytes or weights were used: nothing changes, but that the next use
 * finds them in the system's cache, or reads them again. Other threads may use them meanwhile.
 */
LSQ_API void lsq_model_release(const lsq_model *model, size_t i);

/*
 * Asks the system to read `count` numbers from `first` of tensor i on from the disk, and returns: who is busy with some rows finds the next
 * ones in the system's cache. Past the tensor's end it is what the file has behind it, mostly the next tensor. It is no more than a
 * hint, and none for quantised tensors and for those that do not lie in a mapped file as they are; takes no memory of the process.
 */
LSQ_API void lsq_model_prefetch(const lsq_model *model, size_t i, uint64_t first, uint64_t count);

/*
 * Compares tensor i with its checksum. LSQ_E_CHECKSUM if they differ; LSQ_E_NOMEM. Only .lsq files of version 2 have one for each tensor:
 * others give LSQ_OK, and those of .npz and .pth are compared by LSQ_OPEN_VERIFY alone.
 */
LSQ_API lsq_status lsq_model_verify(const lsq_model *model, size_t i, lsq_error *err);

/* ---- Streaming: files larger than memory ------------------------------------------------------------------------ */

/*
 * A stream gives the tensors of a .lsq file (version 2) one after the other, over and over, within a limit of memory: a pass for each
 * token. While the caller works with one tensor, a thread reads the next ones. The file is neither mapped nor ever whole in memory;
 * those tensors of the order that fit beside two of the largest others stay once they have been read.
 */
typedef struct lsq_stream lsq_stream;

/* Start with {.size = sizeof(lsq_stream_options)}: what stays zero means the usual. */
typedef struct lsq_stream_options {
    size_t size;   /* sizeof(lsq_stream_options) */
    size_t memory; /* bytes: all that the stream may take, see below; must be given */
    const size_t
        *order; /* tensors by their index, as often as they are used in a pass; copied. NULL: all, as in the file */
    size_t order_count;
    int no_prefetch; /* not 0: no thread; next() reads what it gives. To see what the thread is worth */
    int verify;      /* not 0: compare checksums, whenever a tensor is read */
} lsq_stream_options;

/*
 * Opens a file for streaming: reads its header, of tensors with outliers how many there are, and nothing else.
 *
 * `memory` is a limit on all that is allocated: tensors in packed form, with their padding; for outliers four bytes each and eight a row of
 * their matrix, as lsq_weights_wrap_outliers() has it; names, shapes and metadata; the stack of the thread. What products take is
 * not in it. Nor is what the system caches of the file, which is handed back as it is read.
 *
 * Statuses: those of lsq_model_open(); LSQ_E_UNSUPPORTED for files that are not .lsq version 2 or have no tensors; LSQ_E_LIMIT if the largest
 * tensor of the order does not fit (err says what it is, what limit would do, and which one lets the thread read ahead), or if the
 * limit is less than 32 times the header, more than reading what lsq_writer wrote takes; LSQ_E_ARGUMENT for an order with an index that is no tensor's. A
 * thread that the system refuses is done without, as with no_prefetch.
 */
LSQ_API lsq_status lsq_stream_new(const char *path, const lsq_stream_options *options, lsq_stream **stream,
                                  lsq_error *err);

/*
 * Frees a stream, its thread and everything it gave; a read that is under way is waited for, at most 4 MiB of it. NULL is allowed. In the
 * child of a fork a stream of the parent can only be freed.
 */
LSQ_API void lsq_stream_free(lsq_stream *stream);

/*
 * Names, shapes, formats and metadata of the file; it belongs to the stream. It has no numbers: lsq_model_bytes() is NULL, and what reads or
 * uses numbers is LSQ_E_ARGUMENT.
 */
LSQ_API const lsq_model *lsq_stream_model(const lsq_stream *stream);

/* What next() gives. Pointers are good until the next call. */
typedef struct lsq_stream_item {
    size_t position; /* in the order; 0: a pass begins */
    size_t index;    /* of the tensor in the model */
    const lsq_tensor *tensor;
    const void *data;           /* the tensor's bytes as they stand in the file, at a multiple of 64 */
    const lsq_weights *weights; /* over `data`, if the tensor is quantised, with its outliers; otherwise NULL */
} lsq_stream_item;

/*
 * The next tensor of the order, the first one after the last. Values are those that lsq_model_weights() and lsq_model_bytes() give. One
 * thread at a time. Statuses: LSQ_E_IO; LSQ_E_TRUNCATED if the file has become shorter; LSQ_E_CHECKSUM, if asked for;
 * LSQ_E_MALFORMED for what the header did not show (padding that is not zero, a scale that is none, outliers); LSQ_E_NOMEM;
 * LSQ_E_UNSUPPORTED in the child of a fork. err names file, tensor and offset. After an error every call fails in the same way.
 */
LSQ_API lsq_status lsq_stream_next(lsq_stream *stream, lsq_stream_item *item, lsq_error *err);

typedef struct lsq_stream_figures {
    uint64_t bytes_read;     /* of tensors, from the file, so far */
    uint64_t bytes_resident; /* of tensors that stay */
    uint64_t bytes_peak;     /* all that was allocated, at most so far: never more than the limit */
    double seconds_waited;   /* in next(), for bytes that were not there yet */
    int has_thread;          /* 0: next() reads */
} lsq_stream_figures;

LSQ_API void lsq_stream_stats(lsq_stream *stream, lsq_stream_figures *figures);

/* ---- Writing .lsq version 2 ------------------------------------------------------------------------------------ */

typedef struct lsq_writer lsq_writer;

/*
 * Begins a file. Nothing appears at `path` until lsq_writer_finish(): it is written beside it, synced and renamed.
 * `overwrite` = 0 refuses (LSQ_E_IO) if the path exists, then and at the end. The same calls give the same bytes.
 */
LSQ_API lsq_status lsq_writer_new(const char *path, int overwrite, lsq_writer **writer, lsq_error *err);

/* A pair of strings, at most 65,536 bytes in all pairs. A key given twice keeps its last value. */
LSQ_API lsq_status lsq_writer_metadata(lsq_writer *writer, const char *key, const char *value, lsq_error *err);

/*
 * Adds a tensor: `like` gives its name, dtype, rank and shape (the rest is ignored). Plain: `data` is its numbers, little-endian. Quantised:
 * `weights` is its matrix for output_axis. LSQ_E_ARGUMENT if the sizes do not agree or the name is taken or not valid.
 */
LSQ_API lsq_status lsq_writer_plain(lsq_writer *writer, const lsq_tensor *like, const void *data, lsq_error *err);
LSQ_API lsq_status lsq_writer_quantised(lsq_writer *writer, const lsq_tensor *like, unsigned output_axis,
                                        const lsq_weights *weights, lsq_error *err);

/*
 * The same in strips of rows, as lsq_quantizer_rows() makes them, to the same bytes. Between begin and end no other tensor can be added, nor
 * the file finished: LSQ_E_ARGUMENT. Codes are written as they come; scales and row bytes, a 32nd of a byte for a weight and a byte for
 * a row, or less, wait in memory.
 *   begin  `like` and `output_axis` as above, and the format that all strips have
 *   rows   the next rows, a multiple of 256 unless they are the last ones. LSQ_E_ARGUMENT for rows that do not fit: of another format,
 *          another number of columns, another scale of the tensor, or more than there are; then others may follow. Outliers of
 *          a strip are passed over.
 *   end    `outliers`, of `size` bytes, are those of the whole matrix, as lsq_quantizer_outliers() gives them, unchecked; NULL and 0 if there
 *          are none. LSQ_E_ARGUMENT if rows are missing.
 */
LSQ_API lsq_status lsq_writer_begin_quantised(lsq_writer *writer, const lsq_tensor *like, unsigned output_axis,
                                              const lsq_format *format, lsq_error *err);
LSQ_API lsq_status lsq_writer_rows(lsq_writer *writer, const lsq_weights *strip, lsq_error *err);
LSQ_API lsq_status lsq_writer_end_quantised(lsq_writer *writer, const void *outliers, size_t size, lsq_error *err);

/*
 * Adds tensor i of an open model as it stands there: name, shape, and numbers or packed form with outliers; of blocks the numbers they
 * decode to. Pages of a mapped file are given back on the way. Statuses as above, LSQ_E_ARGUMENT also if there is no such tensor.
 */
LSQ_API lsq_status lsq_writer_copy(lsq_writer *writer, const lsq_model *model, size_t i, lsq_error *err);

/* From now on what would make the file larger than so many bytes is LSQ_E_LIMIT, and the file can no longer become whole. */
LSQ_API void lsq_writer_limit(lsq_writer *writer, uint64_t bytes);

/* The tensor that was added last, as the file has it, but for how many outliers it has: the writer knows their bytes. NULL: none was. */
LSQ_API const lsq_tensor *lsq_writer_last(const lsq_writer *writer);

/* Bytes of the file so far; when it is finished, of all of it. */
LSQ_API uint64_t lsq_writer_bytes(const lsq_writer *writer);

/* Completes the file. Whatever the status, the writer must still be freed. */
LSQ_API lsq_status lsq_writer_finish(lsq_writer *writer, lsq_error *err);

/* Frees a writer. Without lsq_writer_finish() nothing is left behind. NULL is allowed. */
LSQ_API void lsq_writer_free(lsq_writer *writer);

/*
 * For a program that is about to end, as by a signal: the file so far loses the name that it has where the file system knows no files without
 * one, so that nothing is left behind. May be called while another thread adds to the file, but not while it finishes or frees
 * the writer, which all that may follow is to free.
 */
LSQ_API void lsq_writer_abandon(const lsq_writer *writer);

/* ---- Compressing ----------------------------------------------------------------------------------------------- */

/*
 * How far matrices are from what they were: sums over all weights w and what they decode to, w'. Start with zeros; any number of matrices,
 * or of parts of one, can be added.
 */
typedef struct lsq_loss {
    double weights;       /* how many */
    double signal, noise; /* of w^2 and (w - w')^2 */
    double output_signal,
        output_noise; /* of (W x)^2 and (W x - W' x)^2, x being normal, and the same for all matrices of as many columns */
    double distance;        /* of |w - w'| */
    double largest_error;   /* the largest |w - w'| */
    double lowest, highest; /* of all w */
    double zeros;           /* how many w' are 0 */
    double first;           /* a w, so that a large mean does no harm to */
    double powers[4];       /* (w - first)^1 to ^4 */
} lsq_loss;

/* Bins of |w - w'| by the upper 16 bits of its float32: exponent and 7 bits of mantissa, so each is at most 1/128 wide. */
#define LSQ_ERROR_BINS ((size_t)1 << 15)

/*
 * Adds a matrix of the shape of `quantised`, without gaps between its rows, on the threads of the context; and to the LSQ_ERROR_BINS counts
 * at `errors`, if not NULL, its errors. The sums are the same for any number of threads; and of a matrix that is added in parts of 256 rows, or a
 * multiple, but for the last one, the same as of all of it. Takes 16 rows for each thread, on as few threads as 4 MiB are enough for, or one.
 * LSQ_E_NOMEM: nothing was added; as lsq_context_new() if ctx is NULL.
 */
LSQ_API lsq_status lsq_loss_add(const lsq_context *ctx, lsq_loss *loss, uint64_t *errors, const float *w,
                                const lsq_weights *quantised);

/* 10 log10(signal / noise) in dB, infinite without noise; and |W x - W' x| / |W x|, 0 without noise. */
LSQ_API double lsq_loss_snr(const lsq_loss *loss);
LSQ_API double lsq_loss_of_output(const lsq_loss *loss);

/* noise / signal, 0 without noise; and what Loop Singular Bit calls loss, the mean |w - w'| over highest - lowest, 0 if these are the same. */
LSQ_API double lsq_loss_of_weights(const lsq_loss *loss);
LSQ_API double lsq_loss_of_range(const lsq_loss *loss);

/* Rows [row, row + rows) of a matrix, without gaps, and what became of them. What it returns ends the call that called it, unless LSQ_OK. */
typedef lsq_status lsq_strip_fn(void *arg, size_t row, size_t rows, const float *w, const lsq_weights *quantised);

/*
 * Quantises tensor i of a model, as the matrix that output_axis gives, straight into a file: lsq_model_read_rows(), lsq_quantizer_rows() and
 * lsq_writer_rows(), as many rows at a time as `memory` bytes allow, up to some 2^24 weights and, where that is enough, twice the tensor's bytes and 32 MiB; the same bytes whatever
 * that is. `options` are those of
 * lsq_quantizer_new(), but for outliers, which are a share here, of those of largest magnitude. `each`, if not NULL, is called for each
 * strip before it is written; `writer` may be NULL: nothing is written then. LSQ_E_LIMIT, with what it would take in err and nothing
 * written, if `memory` is too little; statuses of those three; LSQ_E_VALUE before anything is written.
 */
LSQ_API lsq_status lsq_writer_quantise(lsq_writer *writer, const lsq_context *ctx, const lsq_model *model, size_t i,
                                       unsigned output_axis, const lsq_format *format,
                                       const lsq_quantize_options *options, size_t memory, lsq_strip_fn *each,
                                       void *arg, lsq_error *err);

/* The least memory that takes. 0 where lsq_writer_quantise() has a status against the arguments. */
LSQ_API uint64_t lsq_quantise_memory(const lsq_tensor *tensor, unsigned output_axis, const lsq_format *format,
                                     const lsq_quantize_options *options);

/*
 * Bytes of this process that are resident, now and at most since its program began: what a limit of memory is about. 0 where the system
 * does not say.
 */
LSQ_API void lsq_resident(uint64_t *now, uint64_t *peak);

/*
 * The axis whose rows pack best: 0, as PyTorch has the outputs of a layer, unless the packed form along the last axis, where TensorFlow
 * has them, takes at most three quarters of the bytes; what is quantised keeps its own, and a file that tells is believed (ONNX: of
 * weights of MatMul, Gemm, Conv and others). LSQ_E_ARGUMENT below rank 2 and without
 * elements; LSQ_E_LIMIT as lsq_packed_bytes().
 */
LSQ_API lsq_status lsq_tensor_axis(const lsq_tensor *tensor, const lsq_format *format, unsigned *output_axis);

/*
 * What lsq_compress() is to do, and to keep to. lsq_compressor_init() fills in what Loop Singular Bit publishes: signs and 2 % of outliers, 400
 * MB, 4 GB, 1 %, which a network cannot all have (docs/codecs.md): a relative output error of 1 % takes codes of some 7 bits.
 */
typedef struct lsq_compressor {
    size_t size;              /* sizeof(lsq_compressor) */
    lsq_format format;        /* of all matrices of floating point numbers that become smaller by it */
    double outlier_ratio;     /* the share of weights of largest magnitude that are kept apart, 0 to 0.1 */
    double target_ram_mb;     /* this process has no more resident at any time, in units of 2^20 bytes */
    double target_storage_gb; /* the file has no more, in units of 2^30 bytes */
    double quality_threshold; /* the relative output error shall be no larger, in percent */
    int overwrite;            /* as lsq_writer_new() has it */
} lsq_compressor;

LSQ_API void lsq_compressor_init(lsq_compressor *compressor);

/* What came of it, all of it measured. */
typedef struct lsq_compression {
    int all_targets_achieved, ram_target_achieved, storage_target_achieved, quality_target_achieved;
    double compression_ratio; /* input_bytes / file_bytes */
    double quality_loss;      /* the relative output error in percent: each matrix counts by its number of weights */
    double published_loss; /* mean |w - w'| / (largest w - least w) in percent, a mean over matrices: what the published
                                     program calls its loss. It is small for any heavy-tailed matrix. */
    double snr;            /* dB, see docs/codecs.md; each matrix counts by its number of weights */
    double bits_per_weight;       /* of what was quantised, everything counted */
    uint64_t weights, outliers;   /* that were quantised; those of them that were kept apart */
    size_t quantised, kept;       /* tensors */
    uint64_t input_bytes;         /* of the files that the model is in */
    uint64_t file_bytes;          /* of the output */
    uint64_t peak_resident_bytes; /* of this process, since its program began */
    lsq_dtype dtype;              /* of the matrices before; LSQ_DTYPES if they are of several */
} lsq_compression;

/*
 * Compresses the model at `input` into a .lsq file at `output`, tensor by tensor and no more of one in memory than the limit allows: models may
 * be larger than memory, and tensors. What is not a matrix of floating point numbers, or holds one that cannot be quantised, is kept.
 *   - Memory and size are limits: what cannot keep to them is LSQ_E_LIMIT, at once if that can be known, err says what would
 *     do, and no file appears.
 *   - The error is known only at the end: the file is there, and result->quality_target_achieved says whether it is as good as
 *     asked for.
 * Other statuses: LSQ_E_ARGUMENT (a field out of its range), those of lsq_model_open() and of writing.
 */
LSQ_API lsq_status lsq_compress(const lsq_compressor *compressor, const lsq_context *ctx, const char *input,
                                const char *output, lsq_compression *result, lsq_error *err);

/* ---- Into other programs ---------------------------------------------------------------------------------------- */

/* In which form numbers are handed over. */
typedef enum lsq_form {
    LSQ_FORM_STORED = 0, /* of tensor->dtype; of what is quantised the packed form, and then its outliers */
    LSQ_FORM_F32 = 1,    /* float32, whatever they are: see lsq_model_read() */
    LSQ_FORM_F16 = 2     /* these rounded to float16, to the nearest, half to even */
} lsq_form;

/* A part of a tensor on its way out. */
typedef struct lsq_piece {
    size_t index; /* of the tensor in the model */
    const lsq_tensor *tensor;
    const void *bytes; /* numbers, little-endian, or packed form; valid until the call that was given them returns */
    size_t size;
    uint64_t offset, total; /* of these bytes within all of the tensor in this form, and the size of that */
} lsq_piece;

typedef lsq_status lsq_visit_fn(void *arg, const lsq_piece *piece);

/*
 * Hands tensor i over, in pieces of at most 1 MiB, in the order of its shape: the way into other frameworks and formats, of models and tensors
 * that memory does not hold. All of a model, with its metadata, are two loops, in whatever order and form is wanted:
 *
 *     for (size_t k = 0; lsq_model_metadata(model, k, &key, &value); k++) ...
 *     for (size_t i = 0; !status && i < lsq_model_count(model); i++)
 *         status = lsq_model_visit(model, i, LSQ_FORM_F32, each, arg, err);
 *
 * A tensor without numbers comes as one piece of 0 bytes. No piece has both packed form, which is the first tensor->bytes bytes, and outliers.
 * What `each` returns ends the visit and is its status, unless LSQ_OK; *err is then whatever `each` made of it.
 *
 * Memory: 1 MiB, or a row of a quantised tensor if that is more. One whose rows are not its order (output_axis) is decoded anew for each
 * 64 MiB of its numbers. Pages of a mapped file are given back on the way.
 *
 * Statuses: LSQ_E_ARGUMENT if there is no such tensor or form; LSQ_E_UNSUPPORTED for a finite number that float16 cannot hold, err says which one:
 * those before it were handed over; LSQ_E_NOMEM.
 */
LSQ_API lsq_status lsq_model_visit(const lsq_model *model, size_t i, lsq_form form, lsq_visit_fn *each, void *arg,
                                   lsq_error *err);

/*
 * lsq_model_verify() in pieces of at most 4 MiB: `each` is called for each one, of LSQ_FORM_STORED, when it has been read; what it returns ends
 * the call and is its status, unless LSQ_OK. Of a tensor without a checksum there are no pieces.
 */
LSQ_API lsq_status lsq_model_verify_pieces(const lsq_model *model, size_t i, lsq_visit_fn *each, void *arg,
                                           lsq_error *err);

/* Start with {.size = sizeof(lsq_export_options)}: what stays zero means the usual. */
typedef struct lsq_export_options {
    size_t size;           /* sizeof(lsq_export_options) */
    int overwrite;         /* as lsq_writer_new() has it */
    const size_t *tensors; /* which ones, by their index, none of them twice; NULL: all */
    size_t tensor_count;
    int floats;            /* an lsq_form: what floating point and quantised numbers become; 0: see the format */
    const lsq_model *like; /* gguf: a GGUF file whose metadata the new one shall have */
    lsq_visit_fn *each;    /* called for each piece before it is written; its status ends the export, unless LSQ_OK */
    void *arg;
} lsq_export_options;

/*
 * Writes a file of another format, under the rules of lsq_writer_new(), and with the memory that lsq_model_visit() takes. The formats:
 *   "safetensors"  quantised tensors, and blocks, as F32, others as they are; in the order of the safetensors library; metadata kept
 *   "npz"          the same for NumPy, which has no BF16 and F8: these become F32. LSQ_E_UNSUPPORTED in a build without zlib
 *   "npy"          one tensor, as float32 whatever it was
 *   "gguf"         version 3: F32, or F16 but for vectors, which GGUF keeps as F32; I8, I16, I32 and I64 as they are; U8, U16 and BOOL as
 *                  F32. Metadata are those of `like`, or of a model that is a GGUF file itself, to the byte, but for
 *                  general.file_type and what says that the file was split; otherwise they become strings, with "unknown" as general.architecture where there is none.
 *   "h"            C11 and C++17, to be compiled into a program: packed form and outliers as lsq_weights_wrap_outliers() takes them, other
 *                  tensors as arrays, those of floats of less than 64 bits as float
 *   "lsq1"         .lsq version 1: the tensors in classic format without scale and outliers and of one width; others are left out
 * `floats` is for the first four. `options` may be NULL; `written`, if not NULL, receives how many tensors the file has. The same calls give the same
 * bytes.
 *
 * Statuses: LSQ_E_ARGUMENT (an option out of its range or not for this format; for npy not one tensor); LSQ_E_UNSUPPORTED, err says what of
 * which tensor the format cannot hold; LSQ_E_LIMIT; LSQ_E_IO; LSQ_E_NOMEM.
 */
LSQ_API lsq_status lsq_export(const lsq_model *model, const char *format, const char *path,
                              const lsq_export_options *options, size_t *written, lsq_error *err);

/* ---- Layers ---------------------------------------------------------------------------------------------------- */

/*
 * What a layer makes of each element v of its result, at the end. By float arithmetic alone, so with the same bits on every
 * machine, within 2^-20 |v| + 2^-149 of the exact value if v is finite; a NaN stays one.
 */
typedef enum lsq_nonlinearity {
    LSQ_IDENTITY = 0,  /* v */
    LSQ_RELU = 1,      /* max(v, 0) */
    LSQ_GELU = 2,      /* v (1 + erf(v / sqrt(2))) / 2: what PyTorch and ONNX call gelu */
    LSQ_GELU_TANH = 3, /* v (1 + tanh(sqrt(2 / pi) (v + 0.044715 v^3))) / 2: their gelu with approximate="tanh" */
    LSQ_SILU = 4       /* v / (1 + exp(-v)), also called swish */
} lsq_nonlinearity;

/*
 * A linear layer: Y = f(X W^T + bias), where W has m rows and k columns. X is batch x k with leading dimension ldx >= k, Y
 * is batch x m with leading dimension ldy >= m, `bias` has m elements or is NULL. Before bias and f a row of Y is what
 * lsq_sgemv() gives for that row of X (with LSQ_ACT_FLOAT: as lsq_sgemm() says). W is never expanded; the only memory is
 * what lsq_sgemm() takes to round a few hundred rows of X. Statuses: LSQ_E_ARGUMENT, LSQ_E_NOMEM.
 */
LSQ_API lsq_status lsq_linear(const lsq_context *ctx, const lsq_weights *w, const float *bias, lsq_nonlinearity f,
                              size_t batch, const float *x, size_t ldx, float *y, size_t ldy, lsq_error *err);

/* The shape of a convolution. Start with {.size = sizeof(lsq_conv2d_shape)}; pairs are vertical, horizontal. */
typedef struct lsq_conv2d_shape {
    size_t size;                    /* sizeof(lsq_conv2d_shape) */
    size_t channels, height, width; /* of an input image */
    size_t kernel[2];               /* height and width of the kernel; 0: 1 */
    size_t stride[2];               /* 0: 1 */
    size_t padding[2];              /* rows, and columns, of zeros on either side of the image */
    size_t dilation[2];             /* from one element of the kernel to the next, in the image; 0: 1 */
    size_t groups;                  /* 0: 1; as many as channels: a depthwise convolution */
} lsq_conv2d_shape;

/*
 * Height and width of an output image: floor((size + 2 padding - dilation (kernel - 1) - 1) / stride) + 1. Statuses, with
 * the field in err: LSQ_E_ARGUMENT for a `size` that is not the struct's, an image without elements, groups that do not
 * divide the channels, a kernel that is larger than the image with its padding; LSQ_E_LIMIT for a field above 2^40.
 */
LSQ_API lsq_status lsq_conv2d_output(const lsq_conv2d_shape *shape, size_t *height, size_t *width, lsq_error *err);

/*
 * A convolution, as networks mean it (the kernel is not mirrored): Y = f(W * X + bias) for `batch` images. X is batch x
 * channels x height x width, Y is batch x m x the height and width of lsq_conv2d_output(), both without gaps. W has m rows,
 * one for each output channel, and channels / groups * kernel[0] * kernel[1] columns in that order: a tensor of a file, out
 * x in x height x width, flattened as it stands. `groups` divides m too; `bias` has m elements or is NULL.
 *
 * Arithmetic before bias and f:
 *   - groups = 1, or 16 and more output channels a group: an output is what lsq_sgemv() gives for its patch (with
 *     LSQ_ACT_FLOAT: as lsq_sgemm() says), which is the elements of X, and zeros, that meet the kernel, in the order of the
 *     columns. At most 256 patches are copied at a time, 512 KiB of them or 16, by each thread; none if kernel and stride
 *     are 1 and the padding is 0. Fastest if 16 divides the output channels of a group, see lsq_sgemm_rows().
 *   - otherwise, as in depthwise convolutions: float sums in the order of the columns, whatever the context says, the same
 *     bits on every machine; |error| <= (k + 1) 2^-24 sum |w x| for k columns. At a time 64 KiB of W are decoded, or one
 *     row.
 * The context's threads share outputs or, of small images, each product. No other memory is taken, but by lsq_sgemm_rows() for at most 256 columns.
 *
 * Statuses: those of lsq_conv2d_output(); LSQ_E_ARGUMENT for W of another shape; LSQ_E_LIMIT if X or Y has more than 2^44
 * elements; LSQ_E_NOMEM. Each block of patches asks for memory again: should that fail, Y may hold some outputs already.
 */
LSQ_API lsq_status lsq_conv2d(const lsq_context *ctx, const lsq_conv2d_shape *shape, const lsq_weights *w,
                              const float *bias, lsq_nonlinearity f, size_t batch, const float *x, float *y,
                              lsq_error *err);

#ifdef __cplusplus
}
#endif

#endif
