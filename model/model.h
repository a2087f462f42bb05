/*
 * model.h - an open file of tensors, and what its readers fill in.
 */
#ifndef LSQ_MODEL_MODEL_H
#define LSQ_MODEL_MODEL_H

#include <lsq/lsq_model.h>

/* The bytes of one file, mapped or read. */
typedef struct lsq_mapping {
    char *path;
    const uint8_t *bytes; /* NULL: they are not there */
    size_t size;
    int mapped;
    int many_names; /* hard links: it may be the file of another folder as well */
} lsq_mapping;

/* Numbers that a foreign file has in blocks, each of which decodes on its own. */
typedef struct lsq_block_type {
    const char *name;        /* "Q4_K" */
    unsigned numbers, bytes; /* of a block: at most LSQ_BLOCK_MAX numbers */
    void (*decode)(const uint8_t *block, float *to);
} lsq_block_type;

#define LSQ_BLOCK_MAX 256

typedef struct lsq_entry {
    lsq_tensor tensor;   /* name: malloc */
    const uint8_t *data; /* lsq_entry_bytes() of a mapping, or `owned`; NULL: the file's header alone was read */
    const lsq_block_type *blocks; /* what `data` are, where they are not numbers of tensor.dtype or codes; or NULL */
    uint8_t *owned;               /* malloc: what does not stand in a file as it is needed; or NULL */
    const uint8_t *bits;          /* version 1: the codes as they stand in the file, `width` bits each; or NULL */
    unsigned width;
    int has_checksum;
    uint8_t checksum[16];         /* XXH3-128, canonical form */
    lsq_weights *weights;         /* quantised tensors that a product can use */
    uint8_t outlier_checksum[16]; /* of their outliers, if they have some */
    uint64_t begin, outliers,
        end; /* version 2: offsets in the file, of the tensor, its outliers, and what follows them; GGUF: begin alone */
} lsq_entry;

/* Where a GGUF file has its metadata. */
typedef struct lsq_gguf_pairs {
    uint64_t count, begin, end; /* offsets in the file */
    uint64_t alignment;         /* of the data, as they say */
    uint64_t apart[4][2]; /* begin and end, ascending, of those about this file: its type, and that it was split */
    unsigned apart_count;
} lsq_gguf_pairs;

struct lsq_model {
    const char *format;
    int alone; /* opened from memory: it opens no files */
    lsq_mapping *files;
    size_t file_count;
    lsq_entry *entries;
    size_t count;
    char **metadata;       /* key, value, key, value, ... */
    size_t metadata_count; /* pairs */
    lsq_gguf_pairs pairs;  /* GGUF: what these were made of */
    char **warnings;
    size_t warning_count;
    uint32_t *slots; /* hash table of the names: 0, or 1 + an index into entries */
    size_t slot_count;
};

/*
 * Opens a copy of `size` bytes as if they were a file; errors call it "memory". What needs other files is
 * LSQ_E_UNSUPPORTED. This is how the fuzzers come in.
 */
lsq_status lsq_model_open_memory(const void *bytes, size_t size, unsigned flags, lsq_model **model, lsq_error *err);

/*
 * Maps (or, with LSQ_OPEN_READ, reads) a regular file and adds it to model->files; the pointer stays valid only until
 * the next call. LSQ_E_IO, LSQ_E_NOMEM.
 */
lsq_status lsq_model_add_file(lsq_model *model, const char *path, unsigned flags, const lsq_mapping **file,
                              lsq_error *err);

/*
 * Opens a regular file and adds it without its bytes. *fd is the caller's to close. LSQ_E_IO, LSQ_E_LIMIT, LSQ_E_NOMEM.
 */
lsq_status lsq_model_add_unread(lsq_model *model, const char *path, int *fd, const lsq_mapping **file, lsq_error *err);

/*
 * Checks what a file, or a caller, says of a tensor: rank, shape, dtype, and format and output_axis if it is quantised;
 * fills elements, bytes, rows and columns from them. LSQ_E_LIMIT, or `bad` for what can never be right.
 */
lsq_status lsq_tensor_complete(lsq_tensor *tensor, lsq_status bad, const char *where, lsq_error *err);

/*
 * Adds a tensor: copies the name, fills `elements`, checks name, rank, shape, dtype, and that `bytes` is what shape and
 * dtype (or format and shape) ask for. `data` lies in one of the model's files, and if the tensor is quantised its
 * weights are wrapped, with tensor->outlier_bytes bytes of `outliers`; with NULL the caller fills data, and weights, afterwards. LSQ_E_MALFORMED (also: a name given
 * twice), LSQ_E_LIMIT, LSQ_E_NOMEM. The entry's pointer stays valid until the next call; `entry` may be NULL.
 */
lsq_status lsq_model_add(lsq_model *model, const char *where, const lsq_tensor *tensor, const uint8_t *data,
                         const uint8_t *outliers, lsq_entry **entry, lsq_error *err);

/* Bytes of the tensor as the file, or `owned`, has it: those of its blocks, or tensor.bytes. */
uint64_t lsq_entry_bytes(const lsq_entry *entry);

/* Numbers [start, start + count) of a tensor that is not quantised, as float32. Pages of a mapped file are given back on the way. */
void lsq_entry_read(const lsq_model *model, const lsq_entry *entry, uint64_t start, uint64_t count, float *out);

/* What numbers of a tensor are in a form; of the packed form the type that they had. */
lsq_dtype lsq_form_dtype(lsq_form form, const lsq_tensor *tensor);

lsq_status lsq_model_add_metadata(lsq_model *model, const char *key, const char *value, lsq_error *err);
void lsq_model_sort_metadata(lsq_model *model);

/* LSQ_E_ARGUMENT if there is no tensor i, or if its numbers are not there because the file's header alone was read. */
lsq_status lsq_model_check(const lsq_model *model, size_t i, const char *where, lsq_error *err);

lsq_status lsq_model_warn(lsq_model *model, const char *format, ...) __attribute__((format(printf, 2, 3)));

/*
 * Fills *err (if not NULL) and returns its status: the text is "<where>: <message>". What is not printable in a line of
 * UTF-8 becomes '?'; of a long `where` only the end is shown.
 */
lsq_status lsq_fail(lsq_error *err, lsq_status status, const char *where, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* One reader a format. `file` is model->files[0]; each fills model or fails. */
lsq_status lsq_read_lsq2(lsq_model *model, const lsq_mapping *file, unsigned flags, lsq_error *err);
lsq_status lsq_read_lsq1(lsq_model *model, const lsq_mapping *file, unsigned flags, lsq_error *err);
lsq_status lsq_read_safetensors(lsq_model *model, const lsq_mapping *file, unsigned flags, lsq_error *err);
lsq_status lsq_read_set(lsq_model *model, const lsq_mapping *file, unsigned flags, lsq_error *err);
lsq_status lsq_read_npy(lsq_model *model, const lsq_mapping *file, unsigned flags, lsq_error *err);
lsq_status lsq_read_gguf(lsq_model *model, const lsq_mapping *file, unsigned flags, lsq_error *err);
lsq_status lsq_read_onnx(lsq_model *model, const lsq_mapping *file, unsigned flags, lsq_error *err);
lsq_status lsq_read_zip(lsq_model *model, const lsq_mapping *file, unsigned flags, lsq_error *err);
lsq_status lsq_read_old_pth(lsq_model *model, const lsq_mapping *file, unsigned flags, lsq_error *err);

/* Does the file begin as files of that format do? */
int lsq_is_lsq2(const lsq_mapping *file);
int lsq_is_lsq1(const lsq_mapping *file);
int lsq_is_safetensors(const lsq_mapping *file);
int lsq_is_set(const lsq_mapping *file);
int lsq_is_npy(const lsq_mapping *file);
int lsq_is_gguf(const lsq_mapping *file);
int lsq_is_onnx(const lsq_mapping *file);
int lsq_is_zip(const lsq_mapping *file);
int lsq_is_old_pth(const lsq_mapping *file);

#endif
