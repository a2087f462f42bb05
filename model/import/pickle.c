/*
 * pickle.c - a pickle read as data: a machine with a stack, marks in it, and a memo of values by number.
 *
 * Each instruction is a byte and what belongs to it, and makes at most one value, one item of a container or one entry
 * of the memo for each value that it takes from the stack. So memory and time are in proportion to the pickle, however
 * deep its values lie in each other, and nothing here follows them.
 */
#include "model/import/pickle_stack.h"
#include "model/model.h"

#include <stdlib.h>
#include <string.h>

#define NOTHING_RUNS "nothing of a pickle is ever executed"

/* Instructions that take all above a mark. */
static lsq_status run_marked(lsq_pickle_machine *m, uint8_t instruction)
{
    size_t from = 0;
    const lsq_status status = lsq_pickle_pop_mark(m, &from);
    if (status)
        return status;
    switch (instruction) {
    case 't': /* TUPLE */
        return lsq_pickle_push_items(m, from, LSQ_PICKLE_TUPLE);
    case 'u': /* SETITEMS */
        return lsq_pickle_set_items(m, from);
    case 'd': /* DICT */
        return (m->depth - from) % 2 ? lsq_pickle_fail(m, LSQ_E_MALFORMED, "a key without a value")
                                     : lsq_pickle_push_items(m, from, LSQ_PICKLE_DICT);
    case 'e':  /* APPENDS */
    case 0x90: /* ADDITEMS */
        return lsq_pickle_append_items(m, from);
    case 'l':  /* LIST */
    case 0x91: /* FROZENSET */
        return lsq_pickle_push_items(m, from, LSQ_PICKLE_LIST);
    default: /* POP_MARK */
        m->depth = from;
        return LSQ_OK;
    }
}

/* ---- Names, calls and the memo --------------------------------------------------------------------------------- */

static lsq_status put_or_get(lsq_pickle_machine *m, unsigned bytes,
                             lsq_status (*run)(lsq_pickle_machine *m, uint64_t number))
{
    uint64_t number = 0;
    const lsq_status status = lsq_pickle_take_number(m, bytes, &number);
    return status ? status : run(m, number);
}

static int same(const char *text, const uint8_t *bytes, size_t length)
{
    return strlen(text) == length && memcmp(text, bytes, length) == 0;
}

static lsq_status push_name(lsq_pickle_machine *m, const uint8_t *module, size_t module_length, const uint8_t *name,
                            size_t name_length)
{
    for (size_t i = 0; i < m->p->name_count; i++)
        if (same(m->p->names[i].module, module, module_length) && same(m->p->names[i].name, name, name_length))
            return lsq_pickle_push_value(m, &(lsq_pickle_value){.kind = LSQ_PICKLE_NAME, .u.name = (uint32_t)i});
    return lsq_fail(m->err, LSQ_E_UNSUPPORTED, m->p->where, "offset %zu: names %.*s.%.*s; " NOTHING_RUNS, m->at,
                    (int)(module_length < 60 ? module_length : 60), (const char *)module,
                    (int)(name_length < 60 ? name_length : 60), (const char *)name);
}

static lsq_status push_global(lsq_pickle_machine *m)
{
    const uint8_t *module = NULL, *name = NULL;
    size_t module_length = 0, name_length = 0;
    lsq_status status = lsq_pickle_take_line(m, &module, &module_length);
    if (!status)
        status = lsq_pickle_take_line(m, &name, &name_length);
    return status ? status : push_name(m, module, module_length, name, name_length);
}

static lsq_status push_stack_global(lsq_pickle_machine *m)
{
    const lsq_status status = lsq_pickle_need(m, 2);
    if (status)
        return status;
    const lsq_pickle_value name = m->p->values[lsq_pickle_pop(m)], module = m->p->values[lsq_pickle_pop(m)];
    if (name.kind != LSQ_PICKLE_TEXT || module.kind != LSQ_PICKLE_TEXT)
        return lsq_pickle_fail(m, LSQ_E_MALFORMED, "a name that is no text");
    return push_name(m, m->p->bytes + module.u.text.offset, module.u.text.length, m->p->bytes + name.u.text.offset,
                     name.u.text.length);
}

/* Dicts get their items later; what one is called with may say what items that are missing are made by. */
static int are_names(const lsq_pickle *p, const lsq_pickle_value *tuple)
{
    uint32_t i = tuple->u.first;
    while (i && p->values[p->items[i].value].kind == LSQ_PICKLE_NAME)
        i = p->items[i].next;
    return i == 0;
}

/* The list that is all of a tuple, or 0. */
static uint32_t only_list(const lsq_pickle *p, const lsq_pickle_value *tuple)
{
    const uint32_t first = tuple->u.first, value = first && !p->items[first].next ? p->items[first].value : 0;
    return p->values[value].kind == LSQ_PICKLE_LIST ? value : 0;
}

static lsq_status reduce(lsq_pickle_machine *m)
{
    const lsq_status status = lsq_pickle_need(m, 2);
    if (status)
        return status;
    const uint32_t arguments = lsq_pickle_pop(m);
    const lsq_pickle_value *with = &m->p->values[arguments], *called = &m->p->values[lsq_pickle_pop(m)];
    if (called->kind != LSQ_PICKLE_NAME || with->kind != LSQ_PICKLE_TUPLE)
        return lsq_pickle_fail(m, LSQ_E_MALFORMED, "a call of no function, or without arguments");
    const lsq_pickle_name *name = &m->p->names[called->u.name];
    const uint32_t list = only_list(m->p, with);
    if (name->gives == LSQ_PICKLE_DICT && list)
        return lsq_pickle_push_pairs(m, list);
    if (name->gives == LSQ_PICKLE_OTHER || (name->gives == LSQ_PICKLE_DICT && !are_names(m->p, with)))
        return lsq_fail(m->err, LSQ_E_UNSUPPORTED, m->p->where, "offset %zu: calls %s.%s with arguments; " NOTHING_RUNS,
                        m->at, name->module, name->name);
    if (name->gives == LSQ_PICKLE_DICT || name->gives == LSQ_PICKLE_OBJECT)
        return lsq_pickle_push_kind(m, name->gives);
    return lsq_pickle_push_value(m,
                                 &(lsq_pickle_value){.kind = LSQ_PICKLE_CALL, .u.call = {called->u.name, arguments}});
}

/* A class, a tuple of arguments, and as the case may be a dict of some: an object of plain data. */
static lsq_status make_object(lsq_pickle_machine *m, unsigned operands)
{
    const lsq_status status = lsq_pickle_need(m, operands);
    if (status)
        return status;
    m->depth -= operands;
    const lsq_pickle_value *class = &m->p->values[m->stack[m->depth]], *with = &m->p->values[m->stack[m->depth + 1]];
    if (class->kind != LSQ_PICKLE_NAME || with->kind != LSQ_PICKLE_TUPLE)
        return lsq_pickle_fail(m, LSQ_E_MALFORMED, "an object of no class, or without arguments");
    if (m->p->names[class->u.name].gives != LSQ_PICKLE_OBJECT)
        return lsq_pickle_fail(m, LSQ_E_UNSUPPORTED, "makes an object; " NOTHING_RUNS);
    return lsq_pickle_push_kind(m, LSQ_PICKLE_OBJECT);
}

/* Attributes of a dict or an object, which no file of weights needs. */
static lsq_status build(lsq_pickle_machine *m)
{
    const lsq_status status = lsq_pickle_need(m, 2);
    if (status)
        return status;
    lsq_pickle_pop(m);
    const uint8_t kind = m->p->values[m->stack[m->depth - 1]].kind;
    return kind == LSQ_PICKLE_DICT || kind == LSQ_PICKLE_OBJECT
               ? LSQ_OK
               : lsq_pickle_fail(m, LSQ_E_UNSUPPORTED, "sets the state of an object; " NOTHING_RUNS);
}

static lsq_status push_persistent(lsq_pickle_machine *m)
{
    const lsq_status status = lsq_pickle_need(m, 1);
    if (status)
        return status;
    const uint32_t id = lsq_pickle_pop(m);
    return lsq_pickle_push_value(m, &(lsq_pickle_value){.kind = LSQ_PICKLE_PERSISTENT, .u.id = id});
}

/* ---- Instructions ----------------------------------------------------------------------------------------------- */

static lsq_status protocol(lsq_pickle_machine *m)
{
    uint64_t version = 0;
    if (m->at != m->p->begin + 1)
        return lsq_pickle_fail(m, LSQ_E_MALFORMED, "a protocol that is not at the start");
    const lsq_status status = lsq_pickle_take_number(m, 1, &version);
    return status || version <= 5 ? status : lsq_pickle_fail(m, LSQ_E_UNSUPPORTED, "a protocol beyond 5");
}

static lsq_status frame(lsq_pickle_machine *m)
{
    uint64_t length = 0;
    const lsq_status status = lsq_pickle_take_number(m, 8, &length);
    return status || length <= m->p->size - m->at
               ? status
               : lsq_pickle_fail(m, LSQ_E_TRUNCATED, "the pickle ends within a frame");
}

/* Instructions that take nothing from the stack. */
static lsq_status run_push(lsq_pickle_machine *m, uint8_t instruction)
{
    switch (instruction) {
    case '(': /* MARK */
        return lsq_pickle_push_mark(m);
    case 'N': /* NONE */
        return lsq_pickle_push_kind(m, LSQ_PICKLE_OTHER);
    case 0x88: /* NEWTRUE */
    case 0x89: /* NEWFALSE */
        return lsq_pickle_push_boolean(m, instruction == 0x88);
    case 'G': /* BINFLOAT */
        return lsq_pickle_push_skipped(m, 8);
    case 'I': /* INT */
    case 'L': /* LONG */
        return lsq_pickle_push_decimal(m);
    case 'K': /* BININT1 */
        return lsq_pickle_push_small(m, 1, 0);
    case 'M': /* BININT2 */
        return lsq_pickle_push_small(m, 2, 0);
    case 'J': /* BININT */
        return lsq_pickle_push_small(m, 4, 1);
    case 0x8a: /* LONG1 */
        return lsq_pickle_push_long(m, 1);
    case 0x8b: /* LONG4 */
        return lsq_pickle_push_long(m, 4);
    case 0x8c: /* SHORT_BINUNICODE */
    case 'U':  /* SHORT_BINSTRING, of Python 2 */
        return lsq_pickle_push_text(m, 1);
    case 'X': /* BINUNICODE */
    case 'T': /* BINSTRING, of Python 2 */
        return lsq_pickle_push_text(m, 4);
    case 0x8d: /* BINUNICODE8 */
        return lsq_pickle_push_text(m, 8);
    case 'C': /* SHORT_BINBYTES */
        return lsq_pickle_push_bytes(m, 1);
    case 'B': /* BINBYTES */
        return lsq_pickle_push_bytes(m, 4);
    case 0x8e: /* BINBYTES8 */
    case 0x96: /* BYTEARRAY8 */
        return lsq_pickle_push_bytes(m, 8);
    case ')': /* EMPTY_TUPLE */
        return lsq_pickle_push_kind(m, LSQ_PICKLE_TUPLE);
    case '}': /* EMPTY_DICT */
        return lsq_pickle_push_kind(m, LSQ_PICKLE_DICT);
    case ']':  /* EMPTY_LIST */
    case 0x8f: /* EMPTY_SET */
        return lsq_pickle_push_kind(m, LSQ_PICKLE_LIST);
    default:
        return lsq_pickle_fail(m, LSQ_E_MALFORMED, "what stands before this place is no instruction of a pickle");
    }
}

static lsq_status run_other(lsq_pickle_machine *m, uint8_t instruction)
{
    lsq_status status;
    switch (instruction) {
    case 0x80: /* PROTO */
        return protocol(m);
    case 0x95: /* FRAME */
        return frame(m);
    case '0': /* POP */
        status = lsq_pickle_need(m, 1);
        m->depth -= !status;
        return status;
    case 0x85: /* TUPLE1, TUPLE2, TUPLE3 */
    case 0x86:
    case 0x87:
        return lsq_pickle_push_tuple_of(m, instruction - 0x84u);
    case 's': /* SETITEM */
        return m->depth >= 2 ? lsq_pickle_set_items(m, m->depth - 2) : lsq_pickle_need(m, 3);
    case 'a': /* APPEND */
        return m->depth >= 1 ? lsq_pickle_append_items(m, m->depth - 1) : lsq_pickle_need(m, 2);
    case 'q': /* BINPUT */
        return put_or_get(m, 1, lsq_pickle_put);
    case 'r': /* LONG_BINPUT */
        return put_or_get(m, 4, lsq_pickle_put);
    case 0x94: /* MEMOIZE */
        return lsq_pickle_put(m, m->memo_count);
    case 'h': /* BINGET */
        return put_or_get(m, 1, lsq_pickle_get);
    case 'j': /* LONG_BINGET */
        return put_or_get(m, 4, lsq_pickle_get);
    case 'c': /* GLOBAL */
        return push_global(m);
    case 0x93: /* STACK_GLOBAL */
        return push_stack_global(m);
    case 'R': /* REDUCE */
        return reduce(m);
    case 'b': /* BUILD */
        return build(m);
    case 0x81: /* NEWOBJ */
        return make_object(m, 2);
    case 0x92: /* NEWOBJ_EX */
        return make_object(m, 3);
    case 'Q': /* BINPERSID */
        return push_persistent(m);
    default:
        return run_push(m, instruction);
    }
}

static lsq_status run(lsq_pickle_machine *m, uint8_t instruction)
{
    static const uint8_t marked[] = {'t', 'u', 'd', 'e', 0x90, 'l', 0x91, '1'};
    /* INST, OBJ, EXT1, EXT2, EXT4 */
    static const uint8_t objects[] = {'i', 'o', 0x82, 0x83, 0x84};
    /* FLOAT, STRING, UNICODE, PUT, GET, PERSID, DUP, NEXT_BUFFER, READONLY_BUFFER */
    static const uint8_t unused[] = {'F', 'S', 'V', 'p', 'g', 'P', '2', 0x97, 0x98};
    if (memchr(marked, instruction, sizeof(marked)))
        return run_marked(m, instruction);
    if (memchr(objects, instruction, sizeof(objects)))
        return lsq_pickle_fail(m, LSQ_E_UNSUPPORTED, "makes an object; " NOTHING_RUNS);
    if (memchr(unused, instruction, sizeof(unused)))
        return lsq_pickle_fail(m, LSQ_E_UNSUPPORTED, "an instruction of pickles that torch.save does not write");
    return run_other(m, instruction);
}

static lsq_status run_all(lsq_pickle_machine *m)
{
    lsq_pickle *p = m->p;
    while (m->at < p->size) {
        const uint8_t instruction = p->bytes[m->at++];
        if (instruction != '.') {
            const lsq_status status = run(m, instruction);
            if (status)
                return status;
            continue;
        }
        if (m->depth != 1 || m->mark_count > 0)
            return lsq_pickle_fail(m, LSQ_E_MALFORMED, "the pickle ends with more than one value, or none");
        p->root = m->stack[0];
        p->end = m->at;
        return LSQ_OK;
    }
    return lsq_pickle_fail(m, LSQ_E_TRUNCATED, "the pickle ends without its last instruction");
}

lsq_status lsq_pickle_read(lsq_pickle *pickle, lsq_error *err)
{
    lsq_pickle_machine m = {.p = pickle, .at = pickle->begin, .err = err};
    const size_t size = pickle->size;
    if (size - pickle->begin > LSQ_PICKLE_MAX)
        pickle->size = pickle->begin + LSQ_PICKLE_MAX;
    pickle->item_count = 1; /* 0 is no item */
    lsq_status status = run_all(&m);
    if (status == LSQ_E_TRUNCATED && pickle->size < size)
        status = lsq_fail(err, LSQ_E_LIMIT, pickle->where, "offset %zu: a pickle of more than %zu bytes", pickle->begin,
                          LSQ_PICKLE_MAX);
    pickle->size = size;
    free(m.stack);
    free(m.marks);
    free(m.memo);
    return status;
}

void lsq_pickle_free(lsq_pickle *pickle)
{
    free(pickle->values);
    free(pickle->items);
}
