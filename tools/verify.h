/*
 * verify.h - what `lsq verify` found out about each tensor, and telling it.
 */
#ifndef LSQ_TOOLS_VERIFY_H
#define LSQ_TOOLS_VERIFY_H

#include "tools/options.h"
#include "tools/progress.h"
#include "tools/quality.h"

#include <lsq/lsq_model.h>

typedef struct finding {
    const lsq_tensor *tensor; /* of the file; of the original if the file lacks it */
    const char *wrong;        /* what is wrong with it; NULL: nothing */
    uint64_t stored;          /* bytes of the file */
    int missing;              /* the file lacks it */
    int compared;             /* quality means something: a quantised tensor beside the original one */
    quality quality;
    int multiplied; /* product means something */
    quality product;
} finding;

/* What is asked for: of each quantised tensor, or of each layer. */
typedef struct demands {
    double least_snr; /* -INFINITY: none */
    double most_loss; /* percent of |y - y'| / |y|; INFINITY: any */
} demands;

/* The tensors whose names are alike up to a number. */
typedef struct layer {
    char *name;
    const char *wrong;           /* as above */
    size_t tensors;              /* of the file */
    uint64_t weights;            /* numbers, quantised or not */
    uint64_t bytes, whole_bytes; /* of the file, and before anything was quantised */
    lsq_dtype dtype;             /* what numbers were then; LSQ_DTYPES: several types */
    size_t compared, multiplied;
    quality quality, product; /* sums over those tensors */
    double published;         /* the sum over them of quality_published() */
} layer;

typedef struct verification {
    const char *file, *original; /* original NULL: checksums only */
    const char *format;          /* of the file */
    demands demands;
    int by_layer;
    finding *findings;
    size_t count, wrong;
    layer *layers; /* in the order of their first tensors */
    size_t layer_count, wrong_layers;
    layer total; /* without a name */
    progress progress;
    double done; /* numbers of the tensors before this one */
} verification;

/* Fills the rest of a finding from tensor i of the file and `original`. */
lsq_status verify_compare(verification *v, finding *f, const lsq_model *model, size_t i, const lsq_model *original,
                          lsq_error *err);

/* Which limit is missed, or NULL; either quality may be NULL. */
const char *verify_demands(const demands *l, const quality *weights, const quality *product);

/* Groups the findings, and judges each layer by the limits. LSQ_E_NOMEM. */
lsq_status verify_layers(verification *v);
void verify_layers_free(verification *v);

/* Returns EXIT_OK or EXIT_CHECK, or with a message the code of the failure. */
int verification_report(arguments *args, const verification *v);

/* The parts of that for layers. */
json_t *layers_json(const verification *v); /* members of the document; NULL: out of memory */
int layers_print(const arguments *args, const verification *v);
void layers_complain(const verification *v);

#endif
