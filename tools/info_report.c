/*
 * info_report.c - what a model file holds, in lines of 80 columns: its tensors as a tree, or one by one, and sums.
 */
#include "tools/info.h"
#include "tools/messages.h"
#include "tools/numbers.h"
#include "tools/output.h"
#include "tools/tensors.h"
#include "tools/text.h"
#include "tools/tree.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- The tree ---- */

enum { STORED_MAX = 24, STORED_WIDTH = 14 };

/* "t4", "t4 t5", "t3 t4 +2": how tensors are stored that stand on one line. */
static const char *stored_text(const kinds *k, uint64_t set, char text[STORED_MAX])
{
    int at = 0, more = 0;
    *text = 0;
    for (size_t i = 0; i < k->count && i < 64; i++) {
        if (!(set >> i & 1))
            continue;
        if (at > 0 && (more || at + 1 + strlen(k->each[i].name) > STORED_WIDTH - 3))
            more++;
        else
            at += snprintf(text + at, (size_t)(STORED_MAX - at), "%s%.16s", at ? " " : "", k->each[i].name);
    }
    if (more)
        snprintf(text + at, (size_t)(STORED_MAX - at), " +%d", more);
    return text;
}

/* What a line of the tree has behind the name. */
typedef struct line {
    char shape[SHAPE_TEXT_MAX], stored[STORED_MAX];
} line;

static void fill_line(const tree *t, const tree_node *n, line *l)
{
    *l->shape = *l->stored = 0;
    if (n->tensor == TREE_NONE)
        return;
    const lsq_tensor *tensor = lsq_model_tensor(t->model, n->tensor);
    int at = 0;
    for (unsigned i = 0; i < tensor->rank; i++)
        at += snprintf(l->shape + at, (size_t)(SHAPE_TEXT_MAX - at), "%s%" PRIu64, i ? "x" : "", tensor->shape[i]);
    if (!tensor->rank)
        snprintf(l->shape, SHAPE_TEXT_MAX, "()");
    stored_text(t->kinds, n->kinds, l->stored);
}

static int print_below(const tree *t, uint32_t list, int depth, table *rows)
{
    size_t count;
    uint32_t *each = tree_in_file_order(t, list, &count);
    int lost = !each;
    for (size_t i = 0; !lost && i < count; i++) {
        uint32_t node = each[i];
        char label[TREE_LABEL_MAX], text[NUMBER_TEXT_MAX];
        line l;
        tree_label(t, &node, label);
        const tree_node *n = &t->nodes[node];
        fill_line(t, n, &l);
        table_cell(rows, "%*s%s", 2 * depth, "", label);
        table_cell(rows, "%s", l.shape);
        table_cell(rows, "%s", l.stored);
        table_cell(rows, "%.2f", bits_per_weight(n->bytes, n->elements));
        table_cell(rows, "%s", bytes_text((double)n->bytes, text));
        if (n->child != TREE_NONE)
            lost = print_below(t, n->child, depth + 1, rows);
    }
    free(each);
    return lost;
}

static int print_tree(const arguments *args, const info *f)
{
    static const char *const heads[] = {"tensor", "shape", "stored as", ">bits", ">bytes"};
    tree t;
    table *rows = table_new(sizeof heads / sizeof *heads, heads);
    const lsq_status status = tree_make(&t, f->model, &f->kinds);
    const int lost = status != LSQ_OK || print_below(&t, t.top, 0, rows);
    int code = table_print(rows, args);
    if (lost && code == EXIT_OK)
        code = out_of_memory(args);
    if (code == EXIT_OK && t.folded)
        puts("(a range of numbers: layers that are alike, with the bytes of all of them)");
    tree_free(&t);
    return code;
}

/* ---- One by one ---- */

static int print_tensors(const arguments *args, const info *f)
{
    static const char *const heads[] = {"tensor",    "shape",  "type",         "?>rows",  "&>columns",
                                        "stored as", ">bytes", ">bits/weight", "?in full"};
    table *t = table_new(sizeof heads / sizeof *heads, heads);
    char text[SHAPE_TEXT_MAX], full[FORMAT_TEXT_MAX];
    for (size_t i = f->first; i < f->end; i++) {
        const lsq_tensor *tensor = lsq_model_tensor(f->model, i);
        const char *dtype = lsq_dtype_name(tensor->dtype);
        table_cell(t, "%s", tensor->name);
        table_cell(t, "%s", shape_text(tensor, text));
        table_cell(t, "%s", dtype ? dtype : "?");
        if (tensor->quantised) {
            table_cell(t, "%" PRIu64, tensor->rows);
            table_cell(t, "%" PRIu64, tensor->columns);
        } else {
            table_cell(t, "-");
            table_cell(t, "-");
        }
        const char *blocks = lsq_model_blocks(f->model, i, NULL);
        table_cell(t, "%s", blocks ? blocks : storage_text(tensor, text));
        table_cell(t, "%" PRIu64, file_bytes(f->model, i));
        table_cell(t, "%.3f", bits_per_weight(file_bytes(f->model, i), tensor->elements));
        table_cell(t, "%s", format_text(tensor, full));
    }
    return table_print(t, args);
}

/* ---- One of them ---- */

static void print_line(const char *head, const char *text)
{
    char *safe = text_escape(text);
    printf("%-10s  %s\n", head, safe ? safe : "?");
    free(safe);
}

static void print_tensor(const arguments *args, const info *f)
{
    const lsq_tensor *t = lsq_model_tensor(f->model, f->first);
    const char *dtype = lsq_dtype_name(t->dtype), *blocks = lsq_model_blocks(f->model, f->first, NULL);
    const uint64_t bytes = file_bytes(f->model, f->first);
    char text[SHAPE_TEXT_MAX], full[FORMAT_TEXT_MAX];
    print_line("tensor", t->name);
    print_line("shape", shape_text(t, text));
    print_line("type", dtype ? dtype : "?");
    print_line("stored as", blocks ? blocks : storage_text(t, text));
    if (t->quantised) {
        print_line("in full", format_text(t, full));
        printf("%-10s  %" PRIu64 " x %" PRIu64 "\n", "matrix", t->rows, t->columns);
    }
    printf("%-10s  %" PRIu64 ", %.3f bits each\n\n", "bytes", bytes, bits_per_weight(bytes, t->elements));
    if (f->has_distribution)
        distribution_print(args, &f->distribution);
}

/* ---- The rest ---- */

/* Values can be whole documents; a line of them is enough unless -v asks for more. */
static int print_metadata(const arguments *args, const lsq_model *model)
{
    enum { SHOWN = 80 };
    const char *key, *value;
    for (size_t i = 0; lsq_model_metadata(model, i, &key, &value); i++) {
        char *safe_key = text_escape(key), *safe_value = text_escape(value);
        int lost = !safe_key || !safe_value;
        if (!lost) {
            const size_t taken = text_width(safe_key) + strlen(" = ..."), shown = taken + 8 < SHOWN ? SHOWN - taken : 8;
            size_t cut = strlen(safe_value);
            while (!args->verbose && cut > shown && (cut-- > shown || (safe_value[cut] & 0xc0) == 0x80))
                continue;
            printf("%s = %.*s%s\n", safe_key, (int)cut, safe_value, safe_value[cut] ? "..." : "");
        }
        free(safe_key);
        free(safe_value);
        if (lost)
            return out_of_memory(args);
    }
    return EXIT_OK;
}

/* How much there is of each kind, with bars of the bytes. */
static int print_kinds(const arguments *args, const info *f)
{
    enum { LONGEST = 24 };
    static const char full[LONGEST + 1] = "########################";
    static const char *const heads[] = {"stored as", ">tensors", ">numbers", ">bits", ">bytes", ""};
    table *t = table_new(sizeof heads / sizeof *heads, heads);
    uint64_t most = 1;
    for (size_t i = 0; i < f->kinds.count; i++)
        most = f->kinds.each[i].bytes > most ? f->kinds.each[i].bytes : most;
    for (size_t i = 0; i < f->kinds.count; i++) {
        const kind *k = &f->kinds.each[i];
        char text[NUMBER_TEXT_MAX];
        table_cell(t, "%s", k->name);
        table_cell(t, "%" PRIu64, k->tensors);
        table_cell(t, "%" PRIu64, k->elements);
        table_cell(t, "%.2f", bits_per_weight(k->bytes, k->elements));
        table_cell(t, "%s", bytes_text((double)k->bytes, text));
        table_cell(t, "%.*s", (int)((double)k->bytes / (double)most * LONGEST + 0.5), full);
    }
    return table_print(t, args);
}

static double percent(uint64_t part, uint64_t whole)
{
    return whole ? 100 * (double)part / (double)whole : 0;
}

static void print_sums(const info *f)
{
    char file[NUMBER_TEXT_MAX], line_of_sums[256];
    snprintf(line_of_sums, sizeof line_of_sums,
             "%s: %zu tensors, %zu of them quantised; %" PRIu64 " numbers in %" PRIu64
             " bytes, %.3f bits each; the file has %" PRIu64 " bytes (%s)",
             lsq_model_format(f->model), f->tensors, f->quantised, f->elements, f->bytes,
             bits_per_weight(f->bytes, f->elements), lsq_model_file_bytes(f->model),
             bytes_text((double)lsq_model_file_bytes(f->model), file));
    print_wrapped(line_of_sums, 0, 2);
    if (f->quantised) {
        snprintf(line_of_sums, sizeof line_of_sums,
                 "quantised: %.3f bits each; not quantised: %.2f %% of the numbers, %.2f %% of the bytes",
                 bits_per_weight(f->bytes - f->kept_bytes, f->elements - f->kept_elements),
                 percent(f->kept_elements, f->elements), percent(f->kept_bytes, f->bytes));
        print_wrapped(line_of_sums, 0, 2);
    }
}

static int print_model(const arguments *args, const info *f)
{
    int code = args->verbose ? print_tensors(args, f) : print_tree(args, f);
    putchar('\n');
    if (code == EXIT_OK)
        code = print_metadata(args, f->model);
    const char *key, *value;
    if (lsq_model_metadata(f->model, 0, &key, &value))
        putchar('\n');
    if (code == EXIT_OK && f->tensors)
        code = print_kinds(args, f);
    putchar('\n');
    print_sums(f);
    return code;
}

int info_print(const arguments *args, const info *f)
{
    int code = EXIT_OK;
    if (f->has_distribution)
        print_tensor(args, f);
    else
        code = print_model(args, f);
    if (*f->sha256)
        printf("sha256: %s\n", f->sha256);
    return code;
}
