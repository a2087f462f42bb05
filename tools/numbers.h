/*
 * numbers.h - numbers and bytes as people write them, and as they are told.
 */
#ifndef LSQ_TOOLS_NUMBERS_H
#define LSQ_TOOLS_NUMBERS_H

/* A decimal number above 0, "7.24e9", with nothing behind it; 0 if it is none, or infinite. */
double number_read(const char *text);

/*
 * Whole bytes, "1000000", "500K", "1.5GiB": K and KiB are 1024, KB is 1000, as in GNU programs. 0 if they are none, fewer than 1 or
 * above 2^62.
 */
double bytes_read(const char *text);

enum { NUMBER_TEXT_MAX = 32 };

/* "105.6 GB", in units of 1000. */
const char *bytes_text(double bytes, char text[NUMBER_TEXT_MAX]);

/* Three digits and no exponent where that can be: "0.0123", "52.8", "105600". */
const char *seconds_text(double seconds, char text[NUMBER_TEXT_MAX]);

#endif
