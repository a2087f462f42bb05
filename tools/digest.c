/*
 * digest.c - the SHA-256 of a file, by nettle, which uses the instructions that CPUs have for it.
 */
#include "tools/digest.h"
#include "tools/messages.h"

#if LSQ_NETTLE

#include "tools/progress.h"

#include <errno.h>
#include <nettle/sha2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { AT_ONCE = 1 << 20 };

/* Returns 0, or what the system said. */
static int add_all(const arguments *args, FILE *file, struct sha256_ctx *sum)
{
    struct stat known = {0};
    progress shown;
    size_t count = AT_ONCE, done = 0;
    int error = 0;
    uint8_t *bytes = malloc(AT_ONCE);
    if (!bytes)
        return ENOMEM;
    fstat(fileno(file), &known);
    progress_begin(&shown, args, (double)known.st_size);
    while (count == AT_ONCE) {
        count = fread(bytes, 1, AT_ONCE, file);
        error = ferror(file) ? errno : 0;
        sha256_update(sum, count, bytes);
        done += count;
        progress_show(&shown, (double)done);
    }
    progress_clear(&shown);
    free(bytes);
    return error;
}

int digest_file(const arguments *args, const char *path, char text[DIGEST_TEXT_MAX])
{
    struct sha256_ctx sum;
    uint8_t digest[SHA256_DIGEST_SIZE];
    FILE *file = fopen(path, "rbe");
    if (!file)
        return failure(args, LSQ_E_IO, "%s: %s", path, strerror(errno));
    sha256_init(&sum);
    const int error = add_all(args, file, &sum);
    fclose(file);
    if (error)
        return failure(args, error == ENOMEM ? LSQ_E_NOMEM : LSQ_E_IO, "%s: %s", path, strerror(error));
    sha256_digest(&sum, sizeof digest, digest);
    for (size_t i = 0; i < sizeof digest; i++)
        sprintf(text + 2 * i, "%02x", digest[i]);
    return CARRY_ON;
}

#else

int digest_file(const arguments *args, const char *path, char text[DIGEST_TEXT_MAX])
{
    *text = 0;
    return failure(args, LSQ_E_UNSUPPORTED, "%s: --sha256 needs a build with nettle; sha256sum prints the same", path);
}

#endif
