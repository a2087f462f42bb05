/*
 * forecast.h - what a network in a file takes: bytes, and seconds when they are read and multiplied at given rates.
 */
#ifndef LSQ_TOOLS_FORECAST_H
#define LSQ_TOOLS_FORECAST_H

#include <lsq/lsq_model.h>

/* All matrices of one format, whatever their curves, that are multiplied with. */
typedef struct part {
    lsq_format format;
    double weights, bytes;
    double rates[2]; /* weights a second, measured on one thread and on all */
    double noise;    /* of Gaussian weights, relative to them, measured */
} part;

typedef struct forecast {
    char name[LSQ_FORMAT_NAME_MAX]; /* of the format that was asked for; "": the file as it stands */
    part *parts;
    size_t part_count;
    double weights;           /* all numbers */
    double bytes;             /* of all tensors, as they lie in memory */
    double file;              /* bytes of the file */
    double read;              /* bytes of the file that are read for a token: all but tables that are looked up */
    double plain;             /* of them, those of numbers that are not quantised */
    double looked_up;         /* bytes of tables of embeddings */
    double unclear;           /* bytes, among those read, of tables that may be looked up only */
    double largest;           /* bytes of the largest tensor that is read */
    const char *largest_name; /* NULL: it has none */
} forecast;

/* The matrix by which formats are measured where only a number of weights is known: of the feed-forward layers of Mistral 7B. */
enum { TYPICAL_ROWS = 14336, TYPICAL_COLUMNS = 4096 };
#define TYPICAL_NETWORK 7.24e9 /* weights */

/* Of so many weights, `largest` of them in the largest matrix. The statuses of lsq_packed_bytes(), or LSQ_E_NOMEM. */
lsq_status forecast_count(forecast *f, const lsq_format *format, double weights, double largest);

/*
 * Of a file as `lsq compress` would write it in `format` (`curve` is an lsq_curve), or as it stands, if that is NULL and the file has `file`
 * bytes. Strings are those of the model. LSQ_E_NOMEM.
 */
lsq_status forecast_model(forecast *f, const lsq_model *model, const lsq_format *format, int curve, double file);

void forecast_free(forecast *f);

double forecast_bits(const forecast *f); /* a weight, everything counted */
double
forecast_streamed(const forecast *f); /* bytes in memory when tensors are read one after the other: two buffers */
double forecast_disk(const forecast *f, double rate); /* seconds a token, at `rate` bytes a second */
double forecast_memory(const forecast *f, int all);   /* the same from memory, on one thread or on all */
double forecast_snr(const forecast *f);               /* dB; NAN if nothing is quantised */

typedef enum fit { FITS_NOT, FITS_STREAMED, FITS_RESIDENT } fit;
fit forecast_fit(const forecast *f, double ram);

#endif
