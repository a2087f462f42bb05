/*
 * pickle_stack.c - the stack of the machine that reads pickles, and what instructions take from it and from the bytes.
 */
#include "model/sizes.h"
#include "model/import/pickle_stack.h"
#include "model/model.h"

#include <stdlib.h>
#include <string.h>

#define NOTHING_KEPT UINT32_MAX /* in the memo */

lsq_status lsq_pickle_fail(const lsq_pickle_machine *m, lsq_status status, const char *what)
{
    return lsq_fail(m->err, status, m->p->where, "offset %zu: %s", m->at, what);
}

static lsq_status no_memory(const lsq_pickle_machine *m)
{
    return lsq_pickle_fail(m, LSQ_E_NOMEM, "no memory for the values of the pickle");
}

/* Room for one more than `count` of `size` bytes each; NULL if memory ran out. */
static void *grow(void *list, size_t *room, size_t count, size_t size)
{
    if (count < *room)
        return list;
    const size_t more = *room ? 2 * *room : 64;
    void *longer = realloc(list, more * size);
    if (longer)
        *room = more;
    return longer;
}

static lsq_status push(lsq_pickle_machine *m, uint32_t value)
{
    uint32_t *stack = grow(m->stack, &m->stack_room, m->depth, sizeof(*stack));
    if (!stack)
        return no_memory(m);
    m->stack = stack;
    stack[m->depth++] = value;
    return LSQ_OK;
}

lsq_status lsq_pickle_push_value(lsq_pickle_machine *m, const lsq_pickle_value *value)
{
    lsq_pickle *p = m->p;
    lsq_pickle_value *values = grow(p->values, &p->value_room, p->value_count, sizeof(*values));
    if (!values)
        return no_memory(m);
    p->values = values;
    values[p->value_count] = *value;
    return push(m, (uint32_t)p->value_count++);
}

lsq_status lsq_pickle_push_kind(lsq_pickle_machine *m, lsq_pickle_kind kind)
{
    return lsq_pickle_push_value(m, &(lsq_pickle_value){.kind = (uint8_t)kind});
}

static lsq_status push_number(lsq_pickle_machine *m, int64_t number)
{
    return lsq_pickle_push_value(m, &(lsq_pickle_value){.kind = LSQ_PICKLE_NUMBER, .u.number = number});
}

/* Appends to a tuple, a list or a dict, the value `container`. */
static lsq_status append(lsq_pickle_machine *m, uint32_t container, uint32_t value)
{
    lsq_pickle *p = m->p;
    lsq_pickle_item *items = grow(p->items, &p->item_room, p->item_count, sizeof(*items));
    if (!items)
        return no_memory(m);
    p->items = items;
    lsq_pickle_value *c = &p->values[container];
    const uint32_t added = (uint32_t)p->item_count++;
    items[added] = (lsq_pickle_item){value, 0};
    if (c->u.first)
        items[c->last].next = added;
    else
        c->u.first = added;
    c->last = added;
    return LSQ_OK;
}

/* ---- What an instruction takes ---------------------------------------------------------------------------------- */

/* The values above the last mark, or above none. */
static size_t available(const lsq_pickle_machine *m)
{
    return m->depth - (m->mark_count ? m->marks[m->mark_count - 1] : 0);
}

lsq_status lsq_pickle_need(const lsq_pickle_machine *m, size_t count)
{
    return available(m) >= count ? LSQ_OK
                                 : lsq_pickle_fail(m, LSQ_E_MALFORMED, "takes more from the stack than there is");
}

uint32_t lsq_pickle_pop(lsq_pickle_machine *m)
{
    return m->stack[--m->depth];
}

lsq_status lsq_pickle_push_mark(lsq_pickle_machine *m)
{
    uint32_t *marks = grow(m->marks, &m->mark_room, m->mark_count, sizeof(*marks));
    if (!marks)
        return no_memory(m);
    m->marks = marks;
    marks[m->mark_count++] = (uint32_t)m->depth;
    return LSQ_OK;
}

/* Takes the last mark away; *from is where the values above it begin. */
lsq_status lsq_pickle_pop_mark(lsq_pickle_machine *m, size_t *from)
{
    if (m->mark_count == 0)
        return lsq_pickle_fail(m, LSQ_E_MALFORMED, "needs a mark, and there is none");
    *from = m->marks[--m->mark_count];
    return LSQ_OK;
}

/* The next `count` bytes. */
static lsq_status take(lsq_pickle_machine *m, uint64_t count, const uint8_t **bytes)
{
    if (count > m->p->size - m->at)
        return lsq_pickle_fail(m, LSQ_E_TRUNCATED, "the pickle ends within an instruction");
    *bytes = m->p->bytes + m->at;
    m->at += (size_t)count;
    return LSQ_OK;
}

lsq_status lsq_pickle_take_number(lsq_pickle_machine *m, unsigned bytes, uint64_t *number)
{
    const uint8_t *b = NULL;
    const lsq_status status = take(m, bytes, &b);
    *number = status ? 0 : lsq_little_endian(b, bytes);
    return status;
}

/* Bytes behind their number, which has so many bytes itself. */
static lsq_status take_counted(lsq_pickle_machine *m, unsigned bytes, const uint8_t **text, uint64_t *length)
{
    lsq_status status = lsq_pickle_take_number(m, bytes, length);
    if (!status)
        status = take(m, *length, text);
    return status;
}

/* A line without its end. */
lsq_status lsq_pickle_take_line(lsq_pickle_machine *m, const uint8_t **line, size_t *length)
{
    const uint8_t *end = memchr(m->p->bytes + m->at, '\n', m->p->size - m->at);
    if (!end)
        return lsq_pickle_fail(m, LSQ_E_TRUNCATED, "the pickle ends within a line");
    *line = m->p->bytes + m->at;
    *length = (size_t)(end - *line);
    m->at += *length + 1;
    return LSQ_OK;
}

/* ---- Plain values ----------------------------------------------------------------------------------------------- */

lsq_status lsq_pickle_push_text(lsq_pickle_machine *m, unsigned bytes)
{
    const uint8_t *text = NULL;
    uint64_t length = 0;
    const lsq_status status = take_counted(m, bytes, &text, &length);
    if (status)
        return status;
    return lsq_pickle_push_value(
        m, &(lsq_pickle_value){.kind = LSQ_PICKLE_TEXT, .u.text = {(uint32_t)(text - m->p->bytes), (uint32_t)length}});
}

/* Two's complement of any length; what 64 bits do not hold is a value of which nobody asks more. */
lsq_status lsq_pickle_push_long(lsq_pickle_machine *m, unsigned bytes)
{
    const uint8_t *b = NULL;
    uint64_t length = 0, number;
    const lsq_status status = take_counted(m, bytes, &b, &length);
    if (status)
        return status;
    if (length > 8)
        return lsq_pickle_push_kind(m, LSQ_PICKLE_OTHER);
    number = length > 0 && b[length - 1] >= 0x80 ? UINT64_MAX : 0;
    for (size_t i = (size_t)length; i-- > 0;)
        number = number << 8 | b[i];
    return push_number(m, number >> 63 ? -(int64_t)~number - 1 : (int64_t)number);
}

lsq_status lsq_pickle_push_boolean(lsq_pickle_machine *m, int is_true)
{
    return lsq_pickle_push_value(m, &(lsq_pickle_value){.kind = LSQ_PICKLE_BOOLEAN, .u.number = is_true});
}

/* Protocols 0 and 1: a number as a line, "12", "12L"; "00" and "01" are booleans. */
lsq_status lsq_pickle_push_decimal(lsq_pickle_machine *m)
{
    const uint8_t *line = NULL;
    size_t length = 0;
    const lsq_status status = lsq_pickle_take_line(m, &line, &length);
    if (status)
        return status;
    if (length == 2 && line[0] == '0' && (line[1] == '0' || line[1] == '1'))
        return lsq_pickle_push_boolean(m, line[1] == '1');
    const size_t begin = length > 0 && line[0] == '-',
                 end = length > 0 && line[length - 1] == 'L' ? length - 1 : length;
    int64_t number = 0;
    int fits = 1;
    for (size_t i = begin; i < end; i++) {
        if (line[i] < '0' || line[i] > '9')
            return lsq_pickle_fail(m, LSQ_E_MALFORMED, "expected a whole number before this place");
        fits = fits && !__builtin_mul_overflow(number, 10, &number) &&
               !__builtin_sub_overflow(number, line[i] - '0', &number);
    }
    if (begin == end)
        return lsq_pickle_fail(m, LSQ_E_MALFORMED, "expected a whole number before this place");
    if (!fits || (!begin && number == INT64_MIN))
        return lsq_pickle_push_kind(m, LSQ_PICKLE_OTHER);
    return push_number(m, begin ? number : -number);
}

lsq_status lsq_pickle_push_skipped(lsq_pickle_machine *m, uint64_t bytes)
{
    const uint8_t *skipped = NULL;
    const lsq_status status = take(m, bytes, &skipped);
    return status ? status : lsq_pickle_push_kind(m, LSQ_PICKLE_OTHER);
}

lsq_status lsq_pickle_push_bytes(lsq_pickle_machine *m, unsigned bytes)
{
    uint64_t length = 0;
    const lsq_status status = lsq_pickle_take_number(m, bytes, &length);
    return status ? status : lsq_pickle_push_skipped(m, length);
}

lsq_status lsq_pickle_push_small(lsq_pickle_machine *m, unsigned bytes, int is_signed)
{
    uint64_t number = 0;
    const lsq_status status = lsq_pickle_take_number(m, bytes, &number);
    if (status)
        return status;
    return push_number(m, is_signed && number >> 31 ? (int64_t)number - ((int64_t)1 << 32) : (int64_t)number);
}

/* ---- Containers ------------------------------------------------------------------------------------------------- */

/* The values from stack[from] on become a tuple, a list, or keys and values of a dict. */
lsq_status lsq_pickle_push_items(lsq_pickle_machine *m, size_t from, lsq_pickle_kind kind)
{
    const size_t end = m->depth;
    lsq_status status = lsq_pickle_push_kind(m, kind);
    for (size_t i = from; i < end && !status; i++)
        status = append(m, m->stack[end], m->stack[i]);
    if (status)
        return status;
    m->stack[from] = m->stack[end];
    m->depth = from + 1;
    return LSQ_OK;
}

lsq_status lsq_pickle_push_tuple_of(lsq_pickle_machine *m, size_t count)
{
    const lsq_status status = lsq_pickle_need(m, count);
    return status ? status : lsq_pickle_push_items(m, m->depth - count, LSQ_PICKLE_TUPLE);
}

/* The value below those from stack[from] on, which are to become part of it; NULL if there is none. */
static const lsq_pickle_value *owner_of(const lsq_pickle_machine *m, size_t from)
{
    return from == 0 || available(m) < m->depth - from + 1 ? NULL : &m->p->values[m->stack[from - 1]];
}

/* The values from stack[from] on become keys and values of the dict below them; an object forgets them. */
lsq_status lsq_pickle_set_items(lsq_pickle_machine *m, size_t from)
{
    const lsq_pickle_value *owner = owner_of(m, from);
    if (!owner || (owner->kind != LSQ_PICKLE_DICT && owner->kind != LSQ_PICKLE_OBJECT))
        return lsq_pickle_fail(m, LSQ_E_MALFORMED, "sets items of what is no dict");
    if ((m->depth - from) % 2 != 0)
        return lsq_pickle_fail(m, LSQ_E_MALFORMED, "sets a key without a value");
    const int kept = owner->kind == LSQ_PICKLE_DICT;
    lsq_status status = LSQ_OK;
    for (size_t i = from; kept && i < m->depth && !status; i++)
        status = append(m, m->stack[from - 1], m->stack[i]);
    m->depth = from;
    return status;
}

/* Those are appended to the list, set or object below them; an object forgets them. */
lsq_status lsq_pickle_append_items(lsq_pickle_machine *m, size_t from)
{
    const lsq_pickle_value *owner = owner_of(m, from);
    if (!owner || (owner->kind != LSQ_PICKLE_LIST && owner->kind != LSQ_PICKLE_OBJECT))
        return lsq_pickle_fail(m, LSQ_E_MALFORMED, "appends to what is no list");
    const int kept = owner->kind == LSQ_PICKLE_LIST;
    lsq_status status = LSQ_OK;
    for (size_t i = from; kept && i < m->depth && !status; i++)
        status = append(m, m->stack[from - 1], m->stack[i]);
    m->depth = from;
    return status;
}

/*
 * A list of keys with their values becomes a dict, as Python 2 writes those that are ordered. It is a list no more: that
 * one list makes many dicts would only be a way to ask for memory.
 */
lsq_status lsq_pickle_push_pairs(lsq_pickle_machine *m, uint32_t list)
{
    lsq_pickle *p = m->p;
    lsq_status status = lsq_pickle_push_kind(m, LSQ_PICKLE_DICT);
    for (uint32_t i = p->values[list].u.first; i && !status; i = p->items[i].next) {
        const lsq_pickle_value *pair = &p->values[p->items[i].value];
        const uint32_t first = pair->kind == LSQ_PICKLE_LIST || pair->kind == LSQ_PICKLE_TUPLE ? pair->u.first : 0,
                       second = first ? p->items[first].next : 0;
        if (!second || p->items[second].next)
            return lsq_pickle_fail(m, LSQ_E_MALFORMED, "a dict of what is no key with a value");
        const uint32_t key = p->items[first].value, value = p->items[second].value;
        status = append(m, m->stack[m->depth - 1], key);
        if (!status)
            status = append(m, m->stack[m->depth - 1], value);
    }
    p->values[list].kind = LSQ_PICKLE_OTHER;
    return status;
}

/* ---- Memo ------------------------------------------------------------------------------------------------------- */

/*
 * Writers count, from 0 or as Python 2 does from 1; a number beyond the next one would only be a way to ask for memory.
 */
lsq_status lsq_pickle_put(lsq_pickle_machine *m, uint64_t number)
{
    if (available(m) < 1 || (number > m->memo_count && (m->memo_count > 0 || number != 1)))
        return lsq_pickle_fail(m, LSQ_E_MALFORMED, "keeps nothing, or under a number that is not the next");
    while (number >= m->memo_count) {
        uint32_t *memo = grow(m->memo, &m->memo_room, m->memo_count, sizeof(*memo));
        if (!memo)
            return no_memory(m);
        m->memo = memo;
        memo[m->memo_count++] = NOTHING_KEPT;
    }
    m->memo[number] = m->stack[m->depth - 1];
    return LSQ_OK;
}

lsq_status lsq_pickle_get(lsq_pickle_machine *m, uint64_t number)
{
    return number < m->memo_count && m->memo[number] != NOTHING_KEPT
               ? push(m, m->memo[number])
               : lsq_pickle_fail(m, LSQ_E_MALFORMED, "fetches what was not kept before");
}
