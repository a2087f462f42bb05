/*
 * zip.c - which format a zip file is.
 *
 * np.savez() writes arrays called NAME.npy, torch.save() a pickle called ROOT/data.pkl with numbers beside it.
 */
#include "model/import/archive.h"

#include <string.h>

/*
 * Starts with the header of an entry, or is nothing but the end of an archive. A safetensors file may start with the same
 * four bytes, as the length of its header: then its brace stands where an entry has its method.
 */
int lsq_is_zip(const lsq_mapping *file)
{
    return file->size >= 4 && memcmp(file->bytes, "PK", 2) == 0 &&
           (memcmp(file->bytes + 2, "\3\4", 2) == 0 || memcmp(file->bytes + 2, "\5\6", 2) == 0) &&
           !(file->size > 8 && file->bytes[8] == '{');
}

#if LSQ_ZLIB

static int ends_with(const lsq_archive_entry *entry, const char *end)
{
    const size_t length = strlen(end);
    return entry->length > length && memcmp(entry->name + entry->length - length, end, length) == 0;
}

static lsq_status read_as(lsq_model *model, const lsq_archive *archive, unsigned flags, lsq_error *err)
{
    const lsq_archive_entry *pickle = NULL, *array = NULL;
    for (size_t i = 0; i < archive->count && !pickle; i++) {
        if (ends_with(&archive->entries[i], "/data.pkl"))
            pickle = &archive->entries[i];
        else if (ends_with(&archive->entries[i], ".npy"))
            array = &archive->entries[i];
    }
    if (archive->count > 0 && !pickle && !array)
        return lsq_fail(err, LSQ_E_UNSUPPORTED, archive->file->path,
                        "a zip archive neither of .npy files nor of torch.save's");
    if (flags & LSQ_OPEN_VERIFY) {
        const lsq_status status = lsq_archive_verify(model, archive, err);
        if (status)
            return status;
    }
    model->format = pickle ? "pth" : "npz";
    return pickle ? lsq_read_pth(model, archive, pickle, err) : lsq_read_npz(model, archive, err);
}

lsq_status lsq_read_zip(lsq_model *model, const lsq_mapping *file, unsigned flags, lsq_error *err)
{
    lsq_archive archive;
    lsq_status status = lsq_archive_open(&archive, file, err);
    if (!status)
        status = read_as(model, &archive, flags, err);
    lsq_archive_close(&archive);
    return status;
}

#else

lsq_status lsq_read_zip(lsq_model *model, const lsq_mapping *file, unsigned flags, lsq_error *err)
{
    (void)model;
    (void)flags;
    return lsq_fail(err, LSQ_E_UNSUPPORTED, file->path, "a zip archive, .npz or .pth: this build is without zlib");
}

#endif
