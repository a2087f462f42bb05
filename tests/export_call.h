/*
 * export_call.h - lsq_export() in one line.
 */
#ifndef LSQ_TESTS_EXPORT_CALL_H
#define LSQ_TESTS_EXPORT_CALL_H

#include <lsq/lsq_model.h>

/* All tensors, in the usual form. */
static inline lsq_status export_all(const lsq_model *model, const char *format, const char *path, int overwrite,
                                    size_t *written, lsq_error *err)
{
    const lsq_export_options options = {.size = sizeof options, .overwrite = overwrite};
    return lsq_export(model, format, path, &options, written, err);
}

/* Tensor i alone, as a .npy file. */
static inline lsq_status export_npy(const lsq_model *model, size_t i, const char *path, int overwrite, lsq_error *err)
{
    const lsq_export_options options = {
        .size = sizeof options, .overwrite = overwrite, .tensors = &i, .tensor_count = 1};
    return lsq_export(model, "npy", path, &options, NULL, err);
}

#endif
