/*
 * pth.c - the reader of what torch.save() writes: .pth, .pt, .bin.
 *
 *     ROOT/data.pkl       a pickle of tensors (pth_tensors.c), with ("storage", type, KEY, device, numbers) for a storage
 *     ROOT/data/KEY       the numbers of a storage, which several tensors may share
 *     ROOT/byteorder      "little"
 *     ROOT/version        "3"
 */
#include "model/import/archive.h"
#include "model/import/pth_names.h"
#include "model/import/pth_tensors.h"

#include <string.h>

/* The archive, and how long "ROOT/" is, with which the names of all entries begin. */
typedef struct {
    const lsq_archive *archive;
    size_t root;
} entries;

static int is_called(const lsq_archive_entry *e, size_t root, const char *name)
{
    return e->length - root == strlen(name) && memcmp(e->name + root, name, e->length - root) == 0;
}

static int holds(const lsq_archive_entry *e, const char *text)
{
    return e->size == strlen(text) && memcmp(e->bytes, text, e->size) == 0;
}

/* Newer versions of torch note more about themselves, in files whose names begin with a dot. */
static lsq_status check_entry(const lsq_archive *archive, const char *folder, size_t root, const lsq_archive_entry *e,
                              lsq_error *err)
{
    if (e->length <= root || memcmp(e->name, folder, root) != 0)
        return lsq_archive_fail(archive, e, LSQ_E_UNSUPPORTED, "is not in the folder of data.pkl", err);
    if (e->deflated)
        return lsq_archive_fail(archive, e, LSQ_E_UNSUPPORTED, "is compressed, which torch.save does not do", err);
    if (is_called(e, root, "byteorder") && !holds(e, "little"))
        return lsq_archive_fail(archive, e, LSQ_E_UNSUPPORTED, "is not \"little\"", err);
    if (is_called(e, root, "version") && !holds(e, "3\n") && !holds(e, "3"))
        return lsq_archive_fail(archive, e, LSQ_E_UNSUPPORTED, "is not 3", err);
    const char *rest = e->name + root;
    if (rest[0] == '.' || is_called(e, root, "byteorder") || is_called(e, root, "version") ||
        is_called(e, root, "data.pkl") || (e->length - root > 5 && memcmp(rest, "data/", 5) == 0))
        return LSQ_OK;
    return lsq_archive_fail(archive, e, LSQ_E_UNSUPPORTED,
                            "is none that torch.save writes; networks of TorchScript are not read", err);
}

static int find_storage(const lsq_pth *r, const char *key, size_t length, lsq_pth_storage *found)
{
    const entries *in = r->storages;
    char name[LSQ_NAME_MAX];
    if (length > LSQ_NAME_MAX - 5 || in->root > LSQ_NAME_MAX - 5 - length)
        return 0;
    memcpy(name, in->archive->entries[0].name, in->root);
    memcpy(name + in->root, "data/", 5);
    memcpy(name + in->root + 5, key, length);
    const lsq_archive_entry *entry = lsq_archive_find(in->archive, name, in->root + 5 + length);
    if (entry)
        *found = (lsq_pth_storage){entry->bytes, entry->size};
    return entry != NULL;
}

lsq_status lsq_read_pth(lsq_model *model, const lsq_archive *archive, const lsq_archive_entry *pickle, lsq_error *err)
{
    const entries in = {archive, pickle->length - strlen("data.pkl")};
    lsq_pth r = {
        .model = model, .file = archive->file, .id_parts = 5, .find = find_storage, .storages = &in, .err = err};
    for (size_t i = 0; i < archive->count; i++) {
        const lsq_status status = check_entry(archive, pickle->name, in.root, &archive->entries[i], err);
        if (status)
            return status;
    }
    r.pickle = (lsq_pickle){.where = archive->file->path, .bytes = pickle->bytes, .size = (size_t)pickle->size};
    r.pickle.names = lsq_pth_names(&r.pickle.name_count);
    lsq_status status = lsq_pickle_read(&r.pickle, err);
    if (!status && r.pickle.end != r.pickle.size)
        status = lsq_fail(err, LSQ_E_MALFORMED, archive->file->path,
                          "offset %zu: more bytes, expected the end of the pickle", r.pickle.end);
    if (!status)
        status = lsq_pth_read_tensors(&r);
    lsq_pickle_free(&r.pickle);
    return status;
}
