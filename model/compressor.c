/*
 * compressor.c - a whole model into a file, within limits of memory and size.
 */
#include "model/model.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

/* Beside the numbers of a tensor: what encoders keep for a thread, headers, pages of the file that were read along. */
#define MIB    ((uint64_t)1 << 20)
#define MARGIN (16 * MIB)

typedef struct job {
    const lsq_compressor *want;
    const lsq_context *ctx;
    const lsq_model *model;
    lsq_writer *writer;
    uint64_t ram, storage; /* bytes */
    size_t memory;         /* that a tensor may take */
    lsq_compression done;
    uint64_t packed;                      /* bytes of what was quantised */
    double noise, output_noise, distance; /* relative, times weights; of matrices */
} job;

void lsq_compressor_init(lsq_compressor *c)
{
    *c = (lsq_compressor){
        .size = sizeof *c,
        .outlier_ratio = 0.02,
        .target_ram_mb = 400,
        .target_storage_gb = 4,
        .quality_threshold = 1,
    };
    lsq_format_parse("b1", &c->format, NULL);
}

static lsq_status check(const lsq_compressor *c, lsq_error *err)
{
    char name[LSQ_FORMAT_NAME_MAX];
    const char *fault = c->size != sizeof *c                                            ? "size"
                        : lsq_format_name(&c->format, name) != LSQ_OK                   ? "format"
                        : !(c->outlier_ratio >= 0 && c->outlier_ratio <= 0.1)           ? "outlier_ratio"
                        : !(c->target_ram_mb > 0 && c->target_ram_mb <= 0x1p40)         ? "target_ram_mb"
                        : !(c->target_storage_gb > 0 && c->target_storage_gb <= 0x1p30) ? "target_storage_gb"
                        : !(c->quality_threshold >= 0)                                  ? "quality_threshold"
                                                                                        : NULL;
    return fault ? lsq_fail(err, LSQ_E_ARGUMENT, "lsq_compress", "%s is not what it can be", fault) : LSQ_OK;
}

/* Is tensor i to be quantised? Fills in the axis of its rows and the size of its packed form. */
static int is_wanted(const job *j, const lsq_tensor *t, unsigned *axis, size_t *bytes)
{
    return !t->quantised && lsq_dtype_floating(t->dtype) && lsq_tensor_axis(t, &j->want->format, axis) == LSQ_OK &&
           lsq_packed_bytes(&j->want->format, (size_t)t->shape[*axis], (size_t)(t->elements / t->shape[*axis]),
                            bytes) == LSQ_OK &&
           *bytes < t->bytes;
}

/* Without outliers, whose bytes are not known before, and the header. */
static lsq_status check_size(const job *j, lsq_error *err)
{
    uint64_t all = 0, weights = 0, kept = 0;
    unsigned axis;
    size_t bytes;
    for (size_t i = 0; i < lsq_model_count(j->model); i++) {
        const lsq_tensor *t = lsq_model_tensor(j->model, i);
        if (is_wanted(j, t, &axis, &bytes)) {
            all += bytes;
            weights += t->elements;
        } else
            kept += t->bytes + t->outlier_bytes;
    }
    if (all + kept <= j->storage)
        return LSQ_OK;
    return lsq_fail(err, LSQ_E_LIMIT, "lsq_compress",
                    "the file would have %" PRIu64 " bytes without outliers, the limit is %" PRIu64
                    ": that leaves %.2f bits for each of %" PRIu64 " weights",
                    all + kept, j->storage, kept < j->storage ? 8 * (double)(j->storage - kept) / (double)weights : 0.0,
                    weights);
}

static lsq_quantize_options options_of(const job *j)
{
    return (lsq_quantize_options){.size = sizeof(lsq_quantize_options),
                                  .curve = LSQ_CURVE_BEST,
                                  .outliers = j->want->outlier_ratio,
                                  .outlier_choice = LSQ_OUTLIERS_LARGEST};
}

/* What each tensor may take: all that the limit leaves now, with everything else there. And is that enough for the one that takes most? */
static lsq_status check_memory(job *j, lsq_error *err)
{
    const lsq_quantize_options how = options_of(j);
    const char *largest = "lsq_compress";
    uint64_t now, peak, most = 0;
    unsigned axis;
    size_t bytes;
    lsq_resident(&now, &peak);
    for (size_t i = 0; i < lsq_model_count(j->model); i++) {
        const lsq_tensor *t = lsq_model_tensor(j->model, i);
        const uint64_t least =
            is_wanted(j, t, &axis, &bytes) ? lsq_quantise_memory(t, axis, &j->want->format, &how) : 0;
        if (least > most) {
            most = least;
            largest = t->name;
        }
    }
    most += MARGIN;
    const uint64_t needed = now + most > peak ? now + most : peak;
    if (needed > j->ram)
        return lsq_fail(err, LSQ_E_LIMIT, largest,
                        "takes %" PRIu64 " bytes of memory, this process has %" PRIu64 " and had up to %" PRIu64
                        ": the limit is %" PRIu64 ", target_ram_mb = %" PRIu64 " would do",
                        most, now, peak, j->ram, needed / MIB + 2);
    const uint64_t left = j->ram - now - MARGIN;
    j->memory = left < SIZE_MAX ? (size_t)left : SIZE_MAX;
    return LSQ_OK;
}

/* It is to be kept, not only planned for. */
static lsq_status check_peak(const job *j, lsq_error *err)
{
    uint64_t now, peak;
    lsq_resident(&now, &peak);
    return peak <= j->ram ? LSQ_OK
                          : lsq_fail(err, LSQ_E_LIMIT, "lsq_compress",
                                     "%" PRIu64 " bytes of memory, the limit is %" PRIu64, peak, j->ram);
}

/* One tensor on its way. */
typedef struct passage {
    const lsq_context *ctx;
    lsq_loss loss;
    uint64_t outliers;
} passage;

static lsq_status add_strip(void *arg, size_t row, size_t rows, const float *w, const lsq_weights *quantised)
{
    passage *p = arg;
    size_t count;
    (void)row;
    (void)rows;
    lsq_weights_outliers(quantised, NULL, &count);
    p->outliers += count;
    return lsq_loss_add(p->ctx, &p->loss, NULL, w, quantised);
}

static void note(job *j, const lsq_tensor *t, const passage *p, size_t bytes)
{
    lsq_compression *done = &j->done;
    const lsq_loss *loss = &p->loss;
    const double output = lsq_loss_of_output(loss);
    done->dtype = done->quantised && done->dtype != t->dtype ? LSQ_DTYPES : t->dtype;
    done->quantised++;
    done->weights += t->elements;
    done->outliers += p->outliers;
    j->packed += bytes;
    j->noise += lsq_loss_of_weights(loss) * loss->weights;
    j->output_noise += output * output * loss->weights;
    j->distance += lsq_loss_of_range(loss);
}

static lsq_status compress_tensor(job *j, size_t i, lsq_error *err)
{
    const lsq_tensor *t = lsq_model_tensor(j->model, i);
    const lsq_quantize_options how = options_of(j);
    passage p = {.ctx = j->ctx};
    unsigned axis;
    size_t bytes;
    lsq_status status = LSQ_E_VALUE;
    if (is_wanted(j, t, &axis, &bytes)) {
        const uint64_t before = lsq_writer_bytes(j->writer);
        status = lsq_writer_quantise(j->writer, j->ctx, j->model, i, axis, &j->want->format, &how, j->memory, add_strip,
                                     &p, err);
        if (status == LSQ_OK)
            status = check_peak(j, err);
        if (status == LSQ_OK)
            note(j, t, &p, (size_t)(lsq_writer_bytes(j->writer) - before));
    }
    if (status != LSQ_E_VALUE)
        return status;
    j->done.kept++;
    return lsq_writer_copy(j->writer, j->model, i, err);
}

static lsq_status compress_all(job *j, lsq_error *err)
{
    const char *key, *value;
    lsq_status status = check_size(j, err);
    if (status == LSQ_OK)
        status = check_memory(j, err);
    for (size_t i = 0; status == LSQ_OK && lsq_model_metadata(j->model, i, &key, &value); i++) {
        status = lsq_writer_metadata(j->writer, key, value, err);
        if (status == LSQ_E_LIMIT) /* more than a .lsq file holds: as if it were not there */
            status = LSQ_OK;
    }
    for (size_t i = 0; status == LSQ_OK && i < lsq_model_count(j->model); i++)
        status = compress_tensor(j, i, err);
    if (status == LSQ_OK)
        status = lsq_writer_finish(j->writer, err);
    return status;
}

static void conclude(job *j)
{
    lsq_compression *done = &j->done;
    const double weights = (double)done->weights;
    done->input_bytes = lsq_model_file_bytes(j->model);
    done->file_bytes = lsq_writer_bytes(j->writer);
    uint64_t now;
    lsq_resident(&now, &done->peak_resident_bytes);
    done->compression_ratio = (double)done->input_bytes / (double)done->file_bytes;
    done->bits_per_weight = weights > 0 ? 8 * (double)j->packed / weights : 0;
    done->snr = j->noise > 0 ? 10 * log10(weights / j->noise) : INFINITY;
    done->quality_loss = weights > 0 ? 100 * sqrt(j->output_noise / weights) : 0;
    done->published_loss = done->quantised ? 100 * j->distance / (double)done->quantised : 0;
    done->ram_target_achieved = done->peak_resident_bytes <= j->ram;
    done->storage_target_achieved = done->file_bytes <= j->storage;
    done->quality_target_achieved = done->quality_loss <= j->want->quality_threshold;
    done->all_targets_achieved =
        done->ram_target_achieved && done->storage_target_achieved && done->quality_target_achieved;
}

lsq_status lsq_compress(const lsq_compressor *compressor, const lsq_context *ctx, const char *input, const char *output,
                        lsq_compression *result, lsq_error *err)
{
    const int before = errno;
    lsq_model *model = NULL;
    if (!compressor || !input || !output || !result)
        return lsq_fail(err, LSQ_E_ARGUMENT, "lsq_compress", "compressor, input, output and result are needed");
    lsq_status status = check(compressor, err);
    if (status != LSQ_OK)
        return status;
    job j = {
        .want = compressor,
        .ctx = ctx,
        .ram = (uint64_t)(compressor->target_ram_mb * 0x1p20),
        .storage = (uint64_t)(compressor->target_storage_gb * 0x1p30),
        .done = {.dtype = LSQ_DTYPES},
    };
    status = lsq_model_open(input, LSQ_OPEN_VERIFY, &model, err);
    j.model = model;
    if (status == LSQ_OK)
        status = lsq_writer_new(output, compressor->overwrite, &j.writer, err);
    if (status == LSQ_OK) {
        lsq_writer_limit(j.writer, j.storage);
        status = compress_all(&j, err);
    }
    if (status == LSQ_OK) {
        conclude(&j);
        *result = j.done;
    }
    lsq_writer_free(j.writer);
    lsq_model_free(model);
    errno = before;
    return status;
}
