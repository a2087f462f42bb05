/*
 * npz.c - the reader of NumPy's .npz archives: entries NAME.npy, each an array called NAME.
 */
#include "model/import/archive.h"
#include "model/import/npy.h"
#include "model/text.h"

#include <stdlib.h>
#include <string.h>

/* "folder/file.npz/NAME.npy", for messages; NULL if memory ran out. */
static char *place_of(const lsq_archive *archive, const lsq_archive_entry *entry)
{
    const size_t length = strlen(archive->file->path);
    char *place = malloc(length + entry->length + 2);
    if (place) {
        memcpy(place, archive->file->path, length);
        place[length] = '/';
        memcpy(place + length + 1, entry->name, entry->length);
        place[length + 1 + entry->length] = 0;
    }
    return place;
}

static lsq_status add_array(lsq_model *model, const lsq_archive_entry *entry, const lsq_mapping *array, lsq_error *err)
{
    if (array->size == 0 || !lsq_is_npy(array))
        return lsq_fail(err, LSQ_E_MALFORMED, array->path, "offset 0: expected an npy header");
    char *name = lsq_copy_text(entry->name, entry->length - 4);
    if (!name)
        return lsq_fail(err, LSQ_E_NOMEM, array->path, "no memory for a name");
    const lsq_status status = lsq_add_npy(model, array, name, err);
    free(name);
    return status;
}

/* Arrays stay where they are if they are stored as they are; inflated ones belong to their tensor. */
static lsq_status read_array(lsq_model *model, const lsq_archive *archive, const lsq_archive_entry *entry,
                             lsq_error *err)
{
    if (entry->length <= 4 || memcmp(entry->name + entry->length - 4, ".npy", 4) != 0)
        return lsq_archive_fail(archive, entry, LSQ_E_UNSUPPORTED, "expected NAME.npy, and no other entries", err);
    uint8_t *owned = NULL;
    if (entry->deflated) {
        const lsq_status status = lsq_archive_inflate(archive, entry, &owned, err);
        if (status)
            return status;
    }
    char *place = place_of(archive, entry);
    const lsq_mapping array = {
        .path = place, .bytes = owned ? owned : entry->bytes, .size = (size_t)entry->size, .mapped = 0};
    const lsq_status status = place ? add_array(model, entry, &array, err)
                                    : lsq_fail(err, LSQ_E_NOMEM, archive->file->path, "no memory for a name");
    free(place);
    lsq_entry *added = !status && owned ? &model->entries[model->count - 1] : NULL;
    if (added && !added->owned)
        added->owned = owned;
    else
        free(owned);
    return status;
}

lsq_status lsq_read_npz(lsq_model *model, const lsq_archive *archive, lsq_error *err)
{
    for (size_t i = 0; i < archive->count; i++) {
        const lsq_status status = read_array(model, archive, &archive->entries[i], err);
        if (status)
            return status;
    }
    return LSQ_OK;
}
