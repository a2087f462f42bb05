/*
 * symbols.h - names of tensors as names of C.
 */
#ifndef LSQ_MODEL_SYMBOLS_H
#define LSQ_MODEL_SYMBOLS_H

#include <lsq/lsq_model.h>

/*
 * A name for each of these tensors, `prefix`_name: letters, digits and single underscores, none at the end. Of those that would be the same the
 * second gets a 2 behind it, and so on; no two are the same, nor are they if to each a word with one underscore before it is added.
 * free() each and the whole; NULL: no memory.
 */
char **lsq_symbols(const lsq_model *model, const size_t *tensors, size_t count, const char *prefix);

void lsq_symbols_free(char **symbols, size_t count);

/* The file's name without its folder and what follows its last dot, as such a name. NULL: no memory. */
char *lsq_symbol_of_path(const char *path);

#endif
