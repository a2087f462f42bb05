/*
 * pickle_stack.h - the machine that reads pickles: its stack, its marks and its memo. Inside of pickle.c.
 */
#ifndef LSQ_MODEL_IMPORT_PICKLE_STACK_H
#define LSQ_MODEL_IMPORT_PICKLE_STACK_H

#include "model/import/pickle.h"

/* What stands on the stack and in the memo are indices of values. */
typedef struct lsq_pickle_machine {
    lsq_pickle *p;
    size_t at; /* where the next byte is read */
    uint32_t *stack, *marks, *memo;
    size_t depth, mark_count, memo_count, stack_room, mark_room, memo_room;
    lsq_error *err;
} lsq_pickle_machine;

lsq_status lsq_pickle_fail(const lsq_pickle_machine *m, lsq_status status, const char *what);
lsq_status lsq_pickle_push_value(lsq_pickle_machine *m, const lsq_pickle_value *value);
lsq_status lsq_pickle_push_kind(lsq_pickle_machine *m, lsq_pickle_kind kind);
lsq_status lsq_pickle_need(const lsq_pickle_machine *m, size_t count);
uint32_t lsq_pickle_pop(lsq_pickle_machine *m);
lsq_status lsq_pickle_push_mark(lsq_pickle_machine *m);
lsq_status lsq_pickle_pop_mark(lsq_pickle_machine *m, size_t *from);
lsq_status lsq_pickle_take_number(lsq_pickle_machine *m, unsigned bytes, uint64_t *number);
lsq_status lsq_pickle_take_line(lsq_pickle_machine *m, const uint8_t **line, size_t *length);
lsq_status lsq_pickle_push_text(lsq_pickle_machine *m, unsigned bytes);
lsq_status lsq_pickle_push_long(lsq_pickle_machine *m, unsigned bytes);
lsq_status lsq_pickle_push_boolean(lsq_pickle_machine *m, int is_true);
lsq_status lsq_pickle_push_decimal(lsq_pickle_machine *m);
lsq_status lsq_pickle_push_skipped(lsq_pickle_machine *m, uint64_t bytes);
lsq_status lsq_pickle_push_bytes(lsq_pickle_machine *m, unsigned bytes);
lsq_status lsq_pickle_push_small(lsq_pickle_machine *m, unsigned bytes, int is_signed);
lsq_status lsq_pickle_push_items(lsq_pickle_machine *m, size_t from, lsq_pickle_kind kind);
lsq_status lsq_pickle_push_tuple_of(lsq_pickle_machine *m, size_t count);
lsq_status lsq_pickle_set_items(lsq_pickle_machine *m, size_t from);
lsq_status lsq_pickle_append_items(lsq_pickle_machine *m, size_t from);
lsq_status lsq_pickle_push_pairs(lsq_pickle_machine *m, uint32_t list);
lsq_status lsq_pickle_put(lsq_pickle_machine *m, uint64_t number);
lsq_status lsq_pickle_get(lsq_pickle_machine *m, uint64_t number);

#endif
