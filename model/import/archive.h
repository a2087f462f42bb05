/*
 * archive.h - zip files, as far as models come in them: entries that are read where they lie in the mapped file.
 */
#ifndef LSQ_MODEL_IMPORT_ARCHIVE_H
#define LSQ_MODEL_IMPORT_ARCHIVE_H

#include "model/model.h"

typedef struct lsq_archive_entry {
    const char *name; /* `length` bytes within the file, a legal name of a tensor, without a NUL behind them */
    size_t length;
    uint64_t begin;       /* offset of its header */
    const uint8_t *bytes; /* `stored` bytes within the file */
    uint64_t stored;
    uint64_t size; /* how many they are when inflated; the same if they are not deflated */
    int deflated;
    unsigned flags; /* as in the file */
    uint32_t crc;
} lsq_archive_entry;

typedef struct lsq_archive {
    const lsq_mapping *file;
    lsq_archive_entry *entries; /* in the order of the file */
    size_t count;
    const lsq_archive_entry **by_name; /* sorted */
} lsq_archive;

/*
 * Reads the directory and the header of each entry, and sees that together they cover the file: bytes of none or of two
 * are refused. What is filled in is lsq_archive_close()'s to free, also after a failure.
 */
lsq_status lsq_archive_open(lsq_archive *archive, const lsq_mapping *file, lsq_error *err);
void lsq_archive_close(lsq_archive *archive);

/* NULL if there is none. */
const lsq_archive_entry *lsq_archive_find(const lsq_archive *archive, const char *name, size_t length);

/* The CRC of each entry that is not deflated. LSQ_E_CHECKSUM. */
lsq_status lsq_archive_verify(const lsq_model *model, const lsq_archive *archive, lsq_error *err);

/* Inflates a deflated entry into memory that is the caller's to free, and compares its CRC. */
lsq_status lsq_archive_inflate(const lsq_archive *archive, const lsq_archive_entry *entry, uint8_t **bytes,
                               lsq_error *err);

/* `status`, with the name of the entry in the message. */
lsq_status lsq_archive_fail(const lsq_archive *archive, const lsq_archive_entry *entry, lsq_status status,
                            const char *what, lsq_error *err);

/* The formats that are zip files. */
lsq_status lsq_read_npz(lsq_model *model, const lsq_archive *archive, lsq_error *err);
lsq_status lsq_read_pth(lsq_model *model, const lsq_archive *archive, const lsq_archive_entry *pickle, lsq_error *err);

#endif
