/*
 * fuzz_stream.c - any bytes as a file to stream: what opens as a whole gives the same tensors one by one, within any limit, and what
 * does not fails, at the header or at the tensor where it is wrong.
 *
 * Hashes and lengths are made right as for fuzz_lsq.c. Checksums of payloads are compared on both sides or on neither.
 */
#include "tests/fuzz/lsq_hashes.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { LARGE = 64 << 20 }; /* a limit that holds all that a small file may ask for */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/*
 * Two passes. The status that ends them; values are compared with those of `whole` as far as there are any. *memory is a limit, and
 * becomes what was taken.
 */
static lsq_status stream_all(const char *path, const lsq_model *whole, size_t *memory, int verify)
{
    const lsq_stream_options options = {.size = sizeof options, .memory = *memory, .no_prefetch = 1, .verify = verify};
    lsq_stream *stream = NULL;
    lsq_error err = {.text = ""};
    lsq_status status = lsq_stream_new(path, &options, &stream, &err);
    require(status == LSQ_OK ? stream != NULL : stream == NULL && err.status == status && err.text[0]);
    const size_t count = stream ? lsq_model_count(lsq_stream_model(stream)) : 0;
    for (size_t n = 0; status == LSQ_OK && n < 2 * count; n++) {
        lsq_stream_item item;
        status = lsq_stream_next(stream, &item, &err);
        require(status == LSQ_OK || (err.status == status && err.text[0]));
        if (status != LSQ_OK || !whole)
            continue;
        const lsq_tensor *t = lsq_model_tensor(whole, n % count);
        require(item.index == n % count && !strcmp(item.tensor->name, t->name) && item.tensor->outliers == t->outliers);
        require(t->bytes == 0 || !memcmp(item.data, lsq_model_bytes(whole, n % count), t->bytes));
        require((item.weights != NULL) == t->quantised);
    }
    if (stream) {
        lsq_stream_figures figures;
        lsq_stream_stats(stream, &figures);
        require(figures.bytes_peak <= *memory);
        *memory = (size_t)figures.bytes_peak;
    }
    lsq_stream_free(stream);
    return status;
}

static void try(const char *path, int fd, const uint8_t *bytes, size_t size, int verify)
{
    lsq_model *whole = NULL;
    require(ftruncate(fd, 0) == 0 && pwrite(fd, bytes, size, 0) == (ssize_t)size);
    const lsq_status opened = lsq_model_open_memory(bytes, size, verify ? LSQ_OPEN_VERIFY : 0, &whole, NULL);
    size_t memory = LARGE;
    const lsq_status large = stream_all(path, whole, &memory, verify);
    memory--; /* now something has to come through the ring */
    const lsq_status small = stream_all(path, whole, &memory, verify);
    const int is_empty = whole && lsq_model_count(whole) == 0;
    require(large == LSQ_E_LIMIT || is_empty || (large == LSQ_OK) == (opened == LSQ_OK));
    require(small == LSQ_E_LIMIT || small == large);
    lsq_model_free(whole);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const lsq_mapping file = {.bytes = data, .size = size};
    char path[64];
    if (!lsq_is_lsq2(&file) || size < LSQ2_PREAMBLE)
        return 0;
    const int fd = memfd_create("fuzz", MFD_CLOEXEC);
    uint8_t *bytes = malloc(size);
    require(bytes && fd >= 0);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    memcpy(bytes, data, size);
    try(path, fd, bytes, size, 1);
    make_hashes_right(bytes, size);
    try(path, fd, bytes, size, 0);
    make_lengths_right(bytes, size);
    make_hashes_right(bytes, size);
    try(path, fd, bytes, size, 0);
    free(bytes);
    close(fd);
    return 0;
}
