/*
 * rules.h - what the user decides for tensors by name: 'REGEX=CODEC' or 'REGEX=keep'.
 */
#ifndef LSQ_TOOLS_RULES_H
#define LSQ_TOOLS_RULES_H

#include "tools/options.h"

#include <lsq/lsq.h>

#include <regex.h>

typedef struct rule {
    regex_t regex; /* POSIX extended; it may match any part of the name */
    char *text;    /* as it was given */
    char *place;   /* "rule 2", or "FILE:LINE" */
    int keep;      /* the tensor stays as it is; otherwise: */
    lsq_format format;
    int curve; /* an lsq_curve */
    int used;  /* it has decided for a tensor */
} rule;

typedef struct rules {
    rule *each;
    size_t count;
} rules;

/*
 * Reads the rules among the options as they were given, in that order: `one` is the option whose value is a rule, `file`
 * the one that names a file of them. In a file every line is a rule; blanks around it, empty lines and lines that begin with # do
 * not count. CARRY_ON or, with a message that names the place, an exit code; rules_free() either way.
 */
int rules_read(const arguments *args, size_t one, size_t file, rules *r);
void rules_free(rules *r);

/* The first rule that matches; NULL: none does. */
rule *rules_find(const rules *r, const char *name);

/* Warns of each rule that decided for no tensor: most likely it is misspelt. */
void rules_warn_unused(arguments *args, const rules *r);

#endif
