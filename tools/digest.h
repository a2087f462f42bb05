/*
 * digest.h - the SHA-256 of a file, as sha256sum prints it: to tell whether two people have the same one.
 */
#ifndef LSQ_TOOLS_DIGEST_H
#define LSQ_TOOLS_DIGEST_H

#include "tools/options.h"

enum { DIGEST_TEXT_MAX = 65 };

/* Reads all of it, with progress. CARRY_ON or, with a message, an exit code: that of LSQ_E_UNSUPPORTED in a build without nettle. */
int digest_file(const arguments *args, const char *path, char text[DIGEST_TEXT_MAX]);

#endif
