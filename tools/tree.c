/*
 * tree.c - the tensors of a model by the parts of their names.
 *
 * Names are sorted, so that what belongs together stands together. Nodes are made from the leaves up; each knows a hash of what is below
 * it, so that siblings which may be alike are found by sorting. Nothing takes longer than that, however many there are.
 */
#include "tools/tree.h"
#include "tools/tensors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DEPTH_MAX = 16 };

static size_t part_length(const char *part)
{
    return strcspn(part, "./");
}

/* Digits, the first of which is not a 0 before others. */
static int is_number(const char *part, size_t length)
{
    enum { DIGITS_MAX = 9 };
    return length > 0 && length <= DIGITS_MAX && strspn(part, "0123456789") >= length && (*part != '0' || length == 1);
}

/* ---- By name ---- */

/* Numbers by their value and before other parts, those by their bytes. */
static int compare_parts(const char *a, size_t n, const char *b, size_t m)
{
    const int numbers = is_number(b, m) - is_number(a, n);
    if (numbers)
        return numbers;
    if (is_number(a, n) && n != m)
        return n < m ? -1 : 1;
    const int bytes = memcmp(a, b, n < m ? n : m);
    return bytes ? bytes : (n > m) - (n < m);
}

/* Part by part; a name that ends comes before one that goes on. */
static int compare_names(const char *a, const char *b)
{
    for (;;) {
        const size_t n = part_length(a), m = part_length(b);
        const int parts = compare_parts(a, n, b, m);
        if (parts)
            return parts;
        if (a[n] != b[m] || !a[n])
            return (unsigned char)a[n] - (unsigned char)b[m];
        a += n + 1;
        b += m + 1;
    }
}

static int by_name(const void *a, const void *b, void *model)
{
    const uint32_t i = *(const uint32_t *)a, j = *(const uint32_t *)b;
    const int order = compare_names(lsq_model_tensor(model, i)->name, lsq_model_tensor(model, j)->name);
    return order ? order : (i > j) - (i < j);
}

/* ---- What is alike ---- */

static uint64_t mix(uint64_t hash, const void *bytes, size_t count) /* FNV-1a */
{
    const unsigned char *b = bytes;
    for (size_t i = 0; i < count; i++)
        hash = (hash ^ b[i]) * 0x100000001b3;
    return hash;
}

static uint64_t hash_of_shape(const lsq_tensor *t)
{
    const uint64_t hash = mix(0xcbf29ce484222325, &t->rank, sizeof t->rank);
    return mix(hash, t->shape, t->rank * sizeof *t->shape);
}

static int same_part(const tree_node *a, const tree_node *b)
{
    return a->length == b->length && memcmp(a->part, b->part, a->length) == 0;
}

/* Both stand for the same parts. */
static int same_parts(const tree *t, uint32_t a, uint32_t b)
{
    while (a != TREE_NONE && b != TREE_NONE && same_part(&t->nodes[a], &t->nodes[b])) {
        a = t->nodes[a].same;
        b = t->nodes[b].same;
    }
    return a == TREE_NONE && b == TREE_NONE;
}

/* But for their own parts. Each call is of less than the second node, which then goes into the first: so all of them take linear time. */
static int alike(const tree *t, const tree_node *a, const tree_node *b)
{
    if (a->hash != b->hash || (a->tensor == TREE_NONE) != (b->tensor == TREE_NONE))
        return 0;
    if (a->tensor != TREE_NONE) {
        const lsq_tensor *x = lsq_model_tensor(t->model, a->tensor), *y = lsq_model_tensor(t->model, b->tensor);
        return x->rank == y->rank && memcmp(x->shape, y->shape, x->rank * sizeof *x->shape) == 0;
    }
    uint32_t i = a->child, j = b->child;
    while (i != TREE_NONE && j != TREE_NONE && same_parts(t, i, j) && alike(t, &t->nodes[i], &t->nodes[j])) {
        i = t->nodes[i].next;
        j = t->nodes[j].next;
    }
    return i == TREE_NONE && j == TREE_NONE;
}

/* Adds what is at and below b to a, which is alike. */
static void add(tree *t, uint32_t a, uint32_t b)
{
    tree_node *to = &t->nodes[a];
    const tree_node *from = &t->nodes[b];
    to->elements += from->elements;
    to->bytes += from->bytes;
    to->tensors += from->tensors;
    to->kinds |= from->kinds;
    to->first = from->first < to->first ? from->first : to->first;
    for (uint32_t i = to->child, j = from->child; i != TREE_NONE; i = t->nodes[i].next, j = t->nodes[j].next)
        add(t, i, j);
}

static int by_hash(const void *a, const void *b, void *nodes)
{
    const uint32_t i = *(const uint32_t *)a, j = *(const uint32_t *)b;
    const uint64_t x = ((const tree_node *)nodes)[i].hash, y = ((const tree_node *)nodes)[j].hash;
    return x != y ? (x > y) - (x < y) : (i > j) - (i < j);
}

/* Takes nodes that are alike together: `numbers` of a list, in its order. Those that go are marked by being their own next. */
static void take_together(tree *t, uint32_t *numbers, size_t count)
{
    uint32_t first = TREE_NONE;
    qsort_r(numbers, count, sizeof *numbers, by_hash, t->nodes);
    for (size_t i = 0; i < count; i++) {
        const uint32_t node = numbers[i];
        if (first == TREE_NONE || !alike(t, &t->nodes[first], &t->nodes[node])) {
            first = node;
            continue;
        }
        add(t, first, node);
        t->nodes[t->nodes[first].last_same].same = node;
        t->nodes[first].last_same = node;
        t->nodes[node].next = node;
        t->folded = 1;
    }
}

/* Of the nodes [low, high), which are those of a list and what is below them, `list` on are linked by next. Returns the list that is left. */
static uint32_t fold(tree *t, uint32_t list)
{
    size_t count = 0, all = 0;
    for (uint32_t i = list; i != TREE_NONE; i = t->nodes[i].next, all++)
        count += (size_t)is_number(t->nodes[i].part, t->nodes[i].length);
    uint32_t *each = count > 1 ? malloc((all + count) * sizeof *each) : NULL, *numbers = each ? each + all : NULL;
    if (count < 2 || !each) {
        t->lost |= count > 1;
        return list;
    }
    all = count = 0;
    for (uint32_t i = list; i != TREE_NONE; i = t->nodes[i].next) {
        each[all++] = i;
        if (is_number(t->nodes[i].part, t->nodes[i].length))
            numbers[count++] = i;
    }
    take_together(t, numbers, count);
    uint32_t left = TREE_NONE;
    while (all-- > 0)
        if (t->nodes[each[all]].next != each[all]) {
            t->nodes[each[all]].next = left;
            left = each[all];
        }
    free(each);
    return left;
}

/* ---- Building ---- */

static uint32_t new_node(tree *t, const char *part, size_t length)
{
    if (t->count == t->space) {
        const uint32_t space = 2 * t->space + 64;
        tree_node *nodes = space > t->space ? realloc(t->nodes, space * sizeof *nodes) : NULL;
        if (!nodes) {
            t->lost = 1;
            return TREE_NONE;
        }
        t->nodes = nodes;
        t->space = space;
    }
    t->nodes[t->count] = (tree_node){.part = part,
                                     .length = (uint32_t)length,
                                     .tensor = TREE_NONE,
                                     .child = TREE_NONE,
                                     .next = TREE_NONE,
                                     .same = TREE_NONE,
                                     .last_same = t->count,
                                     .first = TREE_NONE};
    return t->count++;
}

static void fill_leaf(tree *t, tree_node *n, uint32_t i)
{
    enum { LAST_KIND = 63 };
    const lsq_tensor *tensor = lsq_model_tensor(t->model, i);
    const unsigned place = t->kinds->of[i];
    n->tensor = n->first = i;
    n->tensors = 1;
    n->elements = tensor->elements;
    n->bytes = file_bytes(t->model, i);
    n->kinds = (uint64_t)1 << (place < LAST_KIND ? place : LAST_KIND);
    n->hash = hash_of_shape(tensor);
}

static void sum_children(tree *t, tree_node *n)
{
    n->hash = 1;
    for (uint32_t i = n->child; i != TREE_NONE; i = t->nodes[i].next) {
        const tree_node *child = &t->nodes[i];
        n->elements += child->elements;
        n->bytes += child->bytes;
        n->tensors += child->tensors;
        n->kinds |= child->kinds;
        n->first = child->first < n->first ? child->first : n->first;
        for (uint32_t s = i; s != TREE_NONE; s = t->nodes[s].same)
            n->hash = mix(n->hash, t->nodes[s].part, t->nodes[s].length + 1u);
        n->hash = mix(n->hash, &child->hash, sizeof child->hash);
    }
}

/* The list of what stands below the first `at` bytes, which the names [low, high) share. */
static uint32_t build(tree *t, size_t low, size_t high, size_t at, int depth)
{
    uint32_t list = TREE_NONE, last = TREE_NONE;
    while (low < high && !t->lost) {
        const char *part = lsq_model_tensor(t->model, t->sorted[low])->name + at;
        const size_t length = depth < DEPTH_MAX ? part_length(part) : strlen(part);
        size_t end = low + 1;
        if (part[length])
            while (end < high && strncmp(lsq_model_tensor(t->model, t->sorted[end])->name + at, part, length + 1) == 0)
                end++;
        const uint32_t node = new_node(t, part, length);
        if (node == TREE_NONE)
            break;
        if (part[length]) {
            const uint32_t below = build(t, low, end, at + length + 1, depth + 1);
            t->nodes[node].child = below;
            sum_children(t, &t->nodes[node]);
        } else
            fill_leaf(t, &t->nodes[node], t->sorted[low]);
        if (last == TREE_NONE)
            list = node;
        else
            t->nodes[last].next = node;
        last = node;
        low = end;
    }
    return t->lost ? TREE_NONE : fold(t, list);
}

lsq_status tree_make(tree *t, const lsq_model *model, const kinds *k)
{
    const size_t count = lsq_model_count(model);
    *t =
        (tree){.model = model, .kinds = k, .sorted = malloc((count ? count : 1) * sizeof *t->sorted), .top = TREE_NONE};
    if (!t->sorted)
        return LSQ_E_NOMEM;
    for (size_t i = 0; i < count; i++)
        t->sorted[i] = (uint32_t)i;
    qsort_r(t->sorted, count, sizeof *t->sorted, by_name, (void *)model);
    t->top = build(t, 0, count, 0, 1);
    return t->lost ? LSQ_E_NOMEM : LSQ_OK;
}

void tree_free(tree *t)
{
    free(t->sorted);
    free(t->nodes);
    *t = (tree){0};
}

/* ---- Looking at it ---- */

static int by_first(const void *a, const void *b, void *nodes)
{
    const uint32_t i = ((const tree_node *)nodes)[*(const uint32_t *)a].first,
                   j = ((const tree_node *)nodes)[*(const uint32_t *)b].first;
    return (i > j) - (i < j);
}

uint32_t *tree_in_file_order(const tree *t, uint32_t list, size_t *count)
{
    *count = 0;
    for (uint32_t i = list; i != TREE_NONE; i = t->nodes[i].next)
        ++*count;
    uint32_t *each = malloc((*count ? *count : 1) * sizeof *each);
    if (!each)
        return NULL;
    *count = 0;
    for (uint32_t i = list; i != TREE_NONE; i = t->nodes[i].next)
        each[(*count)++] = i;
    qsort_r(each, *count, sizeof *each, by_first, t->nodes);
    return each;
}

/* The last number of the run of consecutive ones that begins at *node, which becomes the node behind it. */
static unsigned long end_of_run(const tree *t, uint32_t *node)
{
    unsigned long last = strtoul(t->nodes[*node].part, NULL, 10);
    for (;;) {
        *node = t->nodes[*node].same;
        if (*node == TREE_NONE || strtoul(t->nodes[*node].part, NULL, 10) != last + 1)
            return last;
        last++;
    }
}

/* "0..31", "0,2,4..6"; what is too long ends in "...". Returns its length. */
static int put_numbers(const tree *t, uint32_t node, char *text)
{
    enum { ENOUGH = 20 };
    int at = 0;
    while (node != TREE_NONE) {
        const unsigned long from = strtoul(t->nodes[node].part, NULL, 10), to = end_of_run(t, &node);
        at += sprintf(text + at, from == to ? "%s%lu" : "%s%lu..%lu", at ? "," : "", from, to);
        if (at > ENOUGH && node != TREE_NONE)
            return at + sprintf(text + at, ",...");
    }
    return at;
}

const char *tree_label(const tree *t, uint32_t *node, char label[TREE_LABEL_MAX])
{
    enum { NUMBERS_MAX = 64 };
    size_t at = 0;
    for (;;) {
        const tree_node *n = &t->nodes[*node];
        char numbers[NUMBERS_MAX];
        if (n->same != TREE_NONE)
            at += (size_t)snprintf(label + at, TREE_LABEL_MAX - at, "%.*s", put_numbers(t, *node, numbers), numbers);
        else
            at += (size_t)snprintf(label + at, TREE_LABEL_MAX - at, "%.*s", (int)n->length, n->part);
        if (n->child == TREE_NONE || t->nodes[n->child].next != TREE_NONE || at + NUMBERS_MAX >= TREE_LABEL_MAX)
            break;
        label[at++] = n->part[n->length]; /* the separator */
        label[at] = 0;
        *node = n->child;
    }
    if (at == 0)
        strcpy(label, "\"\"");
    return label;
}
