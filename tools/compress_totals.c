/*
 * compress_totals.c - what all tensors that were quantised came to together.
 */
#include "tools/compress_totals.h"
#include "tools/tensors.h"
#include "tools/text.h"

#include <math.h>

static void add(totals *t, const outcome *o, lsq_dtype dtype)
{
    const lsq_loss *loss = &o->loss;
    const double weights = (double)o->tensor.elements, output = lsq_loss_of_output(loss);
    t->dtype = t->quantised && t->dtype != dtype ? LSQ_DTYPES : dtype;
    t->quantised++;
    t->calibrated += o->calibrated != 0;
    t->weights += o->tensor.elements;
    t->packed += o->tensor.bytes;
    t->outliers += o->tensor.outliers;
    t->snr += lsq_loss_of_weights(loss) * weights;
    t->loss += output * output * weights;
    t->published_loss += lsq_loss_of_range(loss);
}

totals totals_of(const compression *c)
{
    totals t = {.dtype = LSQ_DTYPES};
    for (size_t i = 0; i < lsq_model_count(c->model); i++) {
        const outcome *o = &c->outcomes[i];
        t.before += file_bytes(c->model, i);
        t.after += o->left_out ? 0 : o->tensor.bytes;
        t.left_out += o->left_out != 0;
        t.kept += o->kept && !o->left_out;
        if (!o->kept || choice_point(c->choices, i)) /* what was allocated its former format counts too */
            add(&t, o, lsq_model_tensor(c->model, i)->dtype);
    }
    t.snr = t.snr > 0 ? 10 * log10((double)t.weights / t.snr) : INFINITY;
    t.loss = t.weights ? 100 * sqrt(t.loss / (double)t.weights) : 0;
    t.published_loss = t.quantised ? 100 * t.published_loss / (double)t.quantised : 0;
    t.ratio = c->file_bytes ? (double)lsq_model_file_bytes(c->model) / (double)c->file_bytes : 0;
    t.ram = !c->limits->ram || c->peak_resident_bytes <= c->limits->ram;
    t.storage = !c->limits->storage || c->file_bytes <= c->limits->storage;
    t.quality = c->limits->loss == 0 || t.loss <= c->limits->loss;
    return t;
}

/* 2^20 bytes, and 2^30, as the published program counts. */
static double mib(uint64_t bytes)
{
    return (double)bytes / 0x1p20;
}

static double gib(uint64_t bytes)
{
    return (double)bytes / 0x1p30;
}

json_t *totals_published_json(const compression *c, const totals *t)
{
    const double ram = mib(c->peak_resident_bytes), storage = gib(c->file_bytes);
    json_t *summary = json_pack("{s:f, s:f, s:I, s:I, s:I, s:I, s:f}", "average_compression_ratio", t->ratio,
                                "average_quality_loss_percent", t->published_loss, "total_weights_processed",
                                (json_int_t)t->weights, "outliers_preserved", (json_int_t)t->outliers,
                                "normal_weights_quantized", (json_int_t)(t->weights - t->outliers), "layers_compressed",
                                (json_int_t)t->quantised, "max_ram_usage_mb", ram);
    json_t *targets = json_pack("{s:f, s:b, s:f, s:b, s:b}", "projected_ram_mb", ram, "ram_target_achieved", t->ram,
                                "projected_storage_gb", storage, "storage_target_achieved", t->storage,
                                "both_targets_achieved", t->ram && t->storage);
    return json_pack("{s:o, s:b, s:b, s:b, s:b, s:f, s:f, s:s, s:f, s:f, s:o, s:o}", "model_path", text_json(c->input),
                     "all_targets_achieved", t->ram && t->storage && t->quality, "ram_target_achieved", t->ram,
                     "storage_target_achieved", t->storage, "quality_target_achieved", t->quality, "compression_ratio",
                     t->ratio, "quality_loss", t->loss, "quality_loss_is", "relative output error, percent",
                     "projected_ram_mb", ram, "projected_storage_gb", storage, "compression_summary", summary,
                     "target_projections", targets);
}
