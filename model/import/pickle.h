/*
 * pickle.h - a pickle read as data.
 *
 * A pickle is a program that imports and calls what it likes. Here nothing is ever imported or called: of the functions
 * and classes that it may name there is a list, anything else refuses it, and a call is kept as what it is, a name and
 * its arguments, or forgotten.
 */
#ifndef LSQ_MODEL_IMPORT_PICKLE_H
#define LSQ_MODEL_IMPORT_PICKLE_H

#include <lsq/lsq.h>

typedef enum lsq_pickle_kind {
    LSQ_PICKLE_OTHER,   /* None, floats, bytes, larger numbers: what they hold is not kept */
    LSQ_PICKLE_BOOLEAN, /* number: 0 or 1 */
    LSQ_PICKLE_NUMBER,  /* a whole number of 64 bits */
    LSQ_PICKLE_TEXT,
    LSQ_PICKLE_TUPLE,
    LSQ_PICKLE_LIST, /* a set, too */
    LSQ_PICKLE_DICT, /* of either kind */
    LSQ_PICKLE_NAME,
    LSQ_PICKLE_CALL,
    LSQ_PICKLE_OBJECT,    /* what a class of plain data gives: what it holds is not kept */
    LSQ_PICKLE_PERSISTENT /* what a persistent id stands for */
} lsq_pickle_kind;

/* A function or class that may be named; and what it gives when called: LSQ_PICKLE_OTHER if it may not be. */
typedef struct lsq_pickle_name {
    const char *module, *name;
    lsq_pickle_kind gives;
    int role; /* whatever the caller knows it by */
} lsq_pickle_name;

typedef struct lsq_pickle_value {
    uint8_t kind;  /* lsq_pickle_kind */
    uint8_t seen;  /* the caller's */
    uint32_t last; /* TUPLE, LIST, DICT: its last item */
    union {
        int64_t number;
        struct {
            uint32_t offset, length; /* TEXT: in bytes; nobody has seen whether they are UTF-8 */
        } text;
        uint32_t first; /* TUPLE, LIST, DICT: an index into items, or 0; keys and values of dicts take turns */
        uint32_t name;  /* NAME: an index into the list */
        struct {
            uint32_t name, arguments; /* CALL: an index into the list, and a TUPLE */
        } call;
        uint32_t id; /* PERSISTENT: any value */
    } u;
} lsq_pickle_value;

typedef struct lsq_pickle_item {
    uint32_t value, next; /* an index into values; into items, or 0 */
} lsq_pickle_item;

/* Values contain each other by index, themselves too if the pickle says so. */
typedef struct lsq_pickle {
    const char *where;
    const uint8_t *bytes;
    size_t size, begin; /* it is among bytes [begin, size); offsets, in messages too, count from the first */
    const lsq_pickle_name *names;
    size_t name_count;
    lsq_pickle_value *values;
    lsq_pickle_item *items;
    size_t value_count, item_count, value_room, item_room;
    uint32_t root;
    size_t end; /* behind its last instruction */
} lsq_pickle;

#define LSQ_PICKLE_MAX ((size_t)16 << 20) /* bytes; a hostile pickle takes some 50 times its size of memory */

/*
 * Reads a pickle of protocol 0 to 5 into values, items, root and end; other bytes may follow it. `begin` is at most some
 * LSQ_PICKLE_MAX. The caller sets what is above these, and calls lsq_pickle_free() whatever comes of it. LSQ_E_MALFORMED,
 * LSQ_E_TRUNCATED, LSQ_E_LIMIT, LSQ_E_NOMEM; LSQ_E_UNSUPPORTED: it names something else, or makes other objects.
 */
lsq_status lsq_pickle_read(lsq_pickle *pickle, lsq_error *err);
void lsq_pickle_free(lsq_pickle *pickle);

#endif
