/*
 * stream.c - the tensors of a file one after the other, as the caller gets them.
 */
#include "model/runtime/stream.h"
#include "model/sizes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* ---- Making ------------------------------------------------------------------------------------------------------ */

static lsq_status check(const char *path, const lsq_stream_options *options, lsq_stream *const *stream, lsq_error *err)
{
    const char *fault = NULL;
    if (!path || !options || !stream)
        fault = "no path, no options, or no place for the stream";
    else if (options->size != sizeof *options)
        fault = "size is not that of the options";
    else if (options->memory == 0)
        fault = "memory is 0: a stream needs a limit";
    else if (options->order ? options->order_count == 0 : options->order_count != 0)
        fault = "order and order_count do not go together";
    else if (options->order_count > SIZE_MAX / sizeof(size_t))
        fault = "order_count is no number of indexes in memory";
    return fault ? lsq_fail(err, LSQ_E_ARGUMENT, "lsq_stream_new", "%s", fault) : LSQ_OK;
}

/* The order, and where in it each tensor is used first. */
static lsq_status take_order(lsq_stream *s, const lsq_stream_options *options, lsq_error *err)
{
    const size_t tensors = s->model->count;
    const char *path = s->model->files[0].path;
    s->count = options->order ? options->order_count : tensors;
    if (s->count > options->memory / sizeof *s->order)
        return lsq_fail(err, LSQ_E_LIMIT, path, "%zu bytes of memory do not hold an order of %zu tensors",
                        options->memory, s->count);
    s->order = malloc(s->count * sizeof *s->order);
    s->tensors = calloc(tensors, sizeof *s->tensors);
    if (!s->order || !s->tensors)
        return lsq_fail(err, LSQ_E_NOMEM, path, "no memory for an order of %zu tensors", s->count);
    for (size_t i = 0; i < tensors; i++)
        s->tensors[i].first = s->count;
    for (size_t at = 0; at < s->count; at++) {
        const size_t index = options->order ? options->order[at] : at;
        if (index >= tensors)
            return lsq_fail(err, LSQ_E_ARGUMENT, "lsq_stream_new", "order[%zu] is %zu: there are %zu tensors", at,
                            index, tensors);
        s->order[at] = index;
        if (s->tensors[index].first == s->count)
            s->tensors[index].first = at;
    }
    return LSQ_OK;
}

lsq_status lsq_stream_new(const char *path, const lsq_stream_options *options, lsq_stream **stream, lsq_error *err)
{
    lsq_status status = check(path, options, stream, err);
    if (status != LSQ_OK)
        return status;
    const int before = errno;
    lsq_stream *s = calloc(1, sizeof *s);
    if (!s) {
        errno = before;
        return lsq_fail(err, LSQ_E_NOMEM, path, "no memory");
    }
    s->owner = getpid();
    s->verify = options->verify;
    pthread_mutex_init(&s->lock, NULL); /* on Linux these allocate nothing, so they cannot fail and need no end */
    pthread_cond_init(&s->has_room, NULL);
    pthread_cond_init(&s->has_item, NULL);
    status = lsq_stream_open(s, path, options->memory, err);
    if (status == LSQ_OK)
        status = take_order(s, options, err);
    if (status == LSQ_OK)
        status = lsq_stream_allocate(s, options->memory, err);
    if (status == LSQ_OK) {
        if (!options->no_prefetch)
            lsq_stream_start(s);
        *stream = s;
    } else {
        lsq_stream_free(s);
    }
    errno = before;
    return status;
}

void lsq_stream_free(lsq_stream *s)
{
    if (!s)
        return;
    const int before = errno;
    lsq_stream_stop(s);
    for (size_t i = 0; s->tensors && i < s->model->count; i++)
        lsq_weights_free(s->tensors[i].weights);
    lsq_weights_free(s->weights);
    lsq_model_free(s->model);
    if (s->fd >= 0)
        close(s->fd);
    free(s->memory);
    free(s->tensors);
    free(s->order);
    free(s);
    errno = before;
}

const lsq_model *lsq_stream_model(const lsq_stream *s)
{
    return s->model;
}

/* ---- Giving ------------------------------------------------------------------------------------------------------ */

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Releases what the caller had, and waits for the item behind it, or reads it. */
static const lsq_stream_slot *take(lsq_stream *s, uint64_t *item)
{
    int cancel; /* a thread that is cancelled where it waits would keep the lock */
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
    pthread_mutex_lock(&s->lock);
    *item = s->given;
    s->released = s->given;
    if (s->has_thread)
        pthread_cond_signal(&s->has_room);
    if (s->done <= *item) {
        const double before = seconds();
        while (s->done <= *item)
            if (!s->has_thread)
                lsq_stream_advance(s);
            else
                pthread_cond_wait(&s->has_item, &s->lock);
        s->seconds_waited += seconds() - before;
    }
    s->given++;
    pthread_mutex_unlock(&s->lock);
    pthread_setcancelstate(cancel, NULL);
    return &s->slots[*item % LSQ_STREAM_SLOTS];
}

/* The count that memory was promised for is the one that still stands there. */
static int counts_agree(const lsq_tensor *t, const uint8_t *outliers)
{
    return t->outlier_bytes < 8 || lsq_little_endian(outliers, 8) == t->outliers;
}

static lsq_status wrap(lsq_stream *s, const lsq_entry *entry, const uint8_t *data, lsq_weights **weights,
                       lsq_error *err)
{
    const lsq_tensor *t = &entry->tensor;
    const uint8_t *outliers = t->outlier_bytes ? data + (entry->outliers - entry->begin) : NULL;
    const char *path = s->model->files[0].path;
    if (outliers && !counts_agree(t, outliers))
        return lsq_fail(err, LSQ_E_MALFORMED, path, "tensor \"%s\", byte %llu: the file was changed while it is open",
                        t->name, (unsigned long long)entry->outliers);
    lsq_error why = {.text = ""};
    const lsq_status status = lsq_weights_wrap_outliers(&t->format, t->rows, t->columns, data, t->bytes, outliers,
                                                        t->outlier_bytes, weights, &why);
    if (status != LSQ_OK)
        return lsq_fail(err, status, path, "tensor \"%s\" at byte %llu: %s", t->name, (unsigned long long)entry->begin,
                        why.text);
    s->weights_bytes += lsq_stream_weights_bytes(t);
    if (s->weights_bytes > s->weights_peak)
        s->weights_peak = s->weights_bytes;
    return LSQ_OK;
}

static lsq_status give(lsq_stream *s, lsq_stream_item *item, lsq_error *err)
{
    uint64_t n;
    if (s->weights) {
        const size_t last = s->order[(s->given - 1) % s->count];
        s->weights_bytes -= lsq_stream_weights_bytes(&s->model->entries[last].tensor);
        lsq_weights_free(s->weights);
        s->weights = NULL;
    }
    const lsq_stream_slot *slot = take(s, &n);
    if (slot->error.status != LSQ_OK) {
        *err = slot->error;
        return err->status;
    }
    const size_t position = (size_t)(n % s->count), index = s->order[position];
    const lsq_entry *entry = &s->model->entries[index];
    lsq_stream_tensor *tensor = &s->tensors[index];
    lsq_weights **weights = tensor->place ? &tensor->weights : &s->weights;
    const lsq_status status = entry->tensor.quantised && !*weights ? wrap(s, entry, slot->data, weights, err) : LSQ_OK;
    if (status != LSQ_OK)
        return status;
    *item = (lsq_stream_item){position, index, &entry->tensor, slot->data, entry->tensor.quantised ? *weights : NULL};
    return LSQ_OK;
}

lsq_status lsq_stream_next(lsq_stream *s, lsq_stream_item *item, lsq_error *err)
{
    if (!s || !item)
        return lsq_fail(err, LSQ_E_ARGUMENT, "lsq_stream_next", "no stream, or no place for the item");
    const int before = errno;
    if (s->owner != getpid())
        return lsq_fail(err, LSQ_E_UNSUPPORTED, "lsq_stream_next", "the stream belongs to the parent of this process");
    if (s->failure.status == LSQ_OK)
        give(s, item, &s->failure);
    if (s->failure.status != LSQ_OK && err)
        *err = s->failure;
    errno = before;
    return s->failure.status;
}

void lsq_stream_stats(lsq_stream *s, lsq_stream_figures *figures)
{
    pthread_mutex_lock(&s->lock);
    *figures = (lsq_stream_figures){.bytes_read = s->bytes_read,
                                    .bytes_resident = s->resident_bytes,
                                    .bytes_peak = s->fixed_bytes + s->memory_bytes + s->weights_peak,
                                    .seconds_waited = s->seconds_waited,
                                    .has_thread = s->has_thread};
    pthread_mutex_unlock(&s->lock);
}
