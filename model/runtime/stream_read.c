/*
 * stream_read.c - bytes of a file into the ring, ahead of the caller.
 *
 * One thread with large reads is enough: several threads, or O_DIRECT, were no faster on the disks we have, since the system reads ahead
 * by itself. What has been read is handed back from the page cache at once, so that a network that is streamed for hours does not push
 * out what other programs work with.
 *
 * The ring holds items in one piece, in order. The next one goes behind the last; if it does not fit there, to the beginning, when that
 * is free again. An empty ring begins anew, so that any item fits that is no longer than it.
 *
 * The thread allocates nothing: a heap of its own would cost a process with little address space 64 MiB of it.
 */
#include "model/lsq2.h"
#include "model/runtime/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { PIECE = 4 << 20, PAGE = 4096 };

/* ---- Bytes ------------------------------------------------------------------------------------------------------- */

lsq_status lsq_stream_pread(int fd, void *to, size_t size, uint64_t offset, const atomic_int *leave, const char *where,
                            lsq_error *err)
{
    for (size_t at = 0; at < size && !(leave && *leave);) {
        const size_t piece = size - at < PIECE ? size - at : PIECE;
        const uint64_t from = offset + at;
        const ssize_t n = pread(fd, (uint8_t *)to + at, piece, (off_t)from);
        char text[128];
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return lsq_fail(err, LSQ_E_IO, where, "byte %llu: cannot read: %s", (unsigned long long)from,
                            strerror_r(errno, text, sizeof text));
        if (n == 0)
            return lsq_fail(err, LSQ_E_TRUNCATED, where, "byte %llu: the file ends here, and was longer when opened",
                            (unsigned long long)from);
        /* From the beginning of the page on, where the last read may have ended. What the system does with it is its affair. */
        posix_fadvise(fd, (off_t)(from / PAGE * PAGE), (off_t)((size_t)n + from % PAGE), POSIX_FADV_DONTNEED);
        at += (size_t)n;
    }
    return LSQ_OK;
}

static lsq_status check_padding(const uint8_t *bytes, size_t from, size_t to, const lsq_entry *entry, const char *where,
                                lsq_error *err)
{
    for (size_t i = from; i < to; i++)
        if (bytes[i])
            return lsq_fail(err, LSQ_E_MALFORMED, where, "byte %llu: padding is not zero",
                            (unsigned long long)(entry->begin + i));
    return LSQ_OK;
}

static lsq_status check_sum(const uint8_t *bytes, size_t size, const uint8_t checksum[16], const lsq_entry *entry,
                            uint64_t offset, const char *where, lsq_error *err)
{
    uint8_t found[16];
    lsq_hash(bytes, size, found);
    if (memcmp(found, checksum, sizeof found) == 0)
        return LSQ_OK;
    return lsq_fail(err, LSQ_E_CHECKSUM, where, "tensor \"%s\": the %zu bytes at %llu do not match their checksum",
                    entry->tensor.name, size, (unsigned long long)offset);
}

/* A tensor with its outliers and padding, and all that is checked of them but what wrapping does. */
static lsq_status read_tensor(const lsq_stream *s, const lsq_entry *entry, uint8_t *to, lsq_error *err)
{
    const char *path = s->model->files[0].path;
    const lsq_tensor *t = &entry->tensor;
    const size_t outliers = (size_t)(entry->outliers - entry->begin), end = outliers + (size_t)t->outlier_bytes;
    char name[160];
    lsq_error why = {.text = ""};
    snprintf(name, sizeof name, "tensor \"%.128s\"", t->name);
    lsq_status status = lsq_stream_pread(s->fd, to, lsq_stream_span(entry), entry->begin, &s->leave, name, &why);
    if (status != LSQ_OK)
        return lsq_fail(err, status, path, "%s", why.text);
    if (s->leave)
        return LSQ_OK;
    status = check_padding(to, (size_t)t->bytes, outliers, entry, path, err);
    if (status == LSQ_OK)
        status = check_padding(to, end, lsq_stream_span(entry), entry, path, err);
    if (status == LSQ_OK && s->verify)
        status = check_sum(to, (size_t)t->bytes, entry->checksum, entry, entry->begin, path, err);
    if (status == LSQ_OK && s->verify && t->outlier_bytes)
        status = check_sum(to + outliers, (size_t)t->outlier_bytes, entry->outlier_checksum, entry, entry->outliers,
                           path, err);
    return status;
}

/* ---- The ring ---------------------------------------------------------------------------------------------------- */

/* Where so many bytes can go now. 0: nowhere. */
static int find_room(const lsq_stream *s, size_t bytes, size_t *at)
{
    const lsq_stream_slot *oldest = NULL;
    for (uint64_t n = s->released; n < s->done && !oldest; n++)
        if (s->slots[n % LSQ_STREAM_SLOTS].bytes)
            oldest = &s->slots[n % LSQ_STREAM_SLOTS];
    *at = oldest ? s->end_of_ring : 0;
    if (!oldest)
        return bytes <= s->ring_bytes;
    if (*at <= oldest->at) /* what is in use goes round the end */
        return bytes <= oldest->at - *at;
    if (bytes <= s->ring_bytes - *at)
        return 1;
    *at = 0;
    return bytes <= oldest->at;
}

int lsq_stream_advance(lsq_stream *s)
{
    const size_t index = s->order[s->done % s->count];
    const lsq_entry *entry = &s->model->entries[index];
    lsq_stream_tensor *tensor = &s->tensors[index];
    lsq_stream_slot *slot = &s->slots[s->done % LSQ_STREAM_SLOTS];
    const size_t span = lsq_stream_span(entry);
    size_t at = 0;
    if (s->done - s->released >= LSQ_STREAM_SLOTS || (!tensor->place && !find_room(s, span, &at)))
        return 0;
    uint8_t *to = tensor->place ? tensor->place : s->ring + at;
    *slot = (lsq_stream_slot){.at = at, .bytes = tensor->place ? 0 : span, .data = to};
    if (!tensor->is_read) {
        pthread_mutex_unlock(&s->lock);
        const lsq_status status = read_tensor(s, entry, to, &slot->error);
        pthread_mutex_lock(&s->lock);
        s->bytes_read += status == LSQ_OK ? span : 0;
    }
    tensor->is_read = tensor->place != NULL;
    if (!tensor->place)
        s->end_of_ring = at + span;
    s->done++;
    return 1;
}

/* ---- The thread -------------------------------------------------------------------------------------------------- */

static void *read_ahead(void *stream)
{
    lsq_stream *s = stream;
    pthread_mutex_lock(&s->lock);
    while (!s->leave) {
        if (!lsq_stream_advance(s)) {
            pthread_cond_wait(&s->has_room, &s->lock);
            continue;
        }
        pthread_cond_signal(&s->has_item);
        if (s->slots[(s->done - 1) % LSQ_STREAM_SLOTS].error.status != LSQ_OK)
            break; /* nothing is given after it */
    }
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

/* Signals are for the threads of the program, which installed the handlers. */
void lsq_stream_start(lsq_stream *s)
{
    sigset_t all, before;
    pthread_attr_t attributes;
    if (pthread_attr_init(&attributes) != 0)
        return;
    pthread_attr_setstacksize(&attributes, LSQ_STREAM_STACK);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    s->has_thread = pthread_create(&s->thread, &attributes, read_ahead, s) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
}

void lsq_stream_stop(lsq_stream *s)
{
    if (!s->has_thread || s->owner != getpid())
        return;
    pthread_mutex_lock(&s->lock);
    s->leave = 1;
    pthread_cond_signal(&s->has_room);
    pthread_mutex_unlock(&s->lock);
    pthread_join(s->thread, NULL);
    s->has_thread = 0;
}
