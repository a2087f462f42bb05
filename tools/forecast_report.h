/*
 * forecast_report.h - telling what a network would take.
 */
#ifndef LSQ_TOOLS_FORECAST_REPORT_H
#define LSQ_TOOLS_FORECAST_REPORT_H

#include "tools/disk.h"
#include "tools/rates.h"

typedef struct outlook {
    const char *path;   /* of the model; NULL: a number of weights */
    const char *format; /* of the file */
    forecast *each;
    size_t count;
    double ram; /* 0: not asked */
    int largest_given;
    int temporary; /* the disk was measured with a file of our own */
    disk_rate disk;
    rates rates;
} outlook;

/* Returns EXIT_OK, or EXIT_CHECK if nothing fits, or with a message the code of a failure. */
int outlook_report(arguments *args, const outlook *o);

#endif
