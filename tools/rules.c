/*
 * rules.c - what the user decides for tensors by name.
 */
#include "tools/rules.h"
#include "tools/messages.h"
#include "tools/plan.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void rule_free(rule *r)
{
    free(r->text);
    free(r->place);
}

/* Parses r->text. The codec is what follows the last '=': no codec has one, and a regular expression may. */
static int parse(const arguments *args, rule *r)
{
    char why[256];
    lsq_error err = {0};
    char *equals = strrchr(r->text, '=');
    if (!equals || equals == r->text)
        return usage_error(args, "%s is '%s': expected REGEX=CODEC or REGEX=keep", r->place, r->text);
    r->keep = strcmp(equals + 1, "keep") == 0;
    if (!r->keep && lsq_format_parse(equals + 1, &r->format, &err) != LSQ_OK)
        return usage_error(args, "%s is '%s': expected 'keep' or a codec after '=': %s", r->place, r->text, err.text);
    r->curve = plan_curve(equals + 1);
    *equals = 0;
    int fault = regcomp(&r->regex, r->text, REG_EXTENDED | REG_NOSUB);
    *equals = '=';
    if (!fault)
        return CARRY_ON;
    regerror(fault, &r->regex, why, sizeof why);
    return usage_error(args, "%s is '%s': not a regular expression: %s", r->place, r->text, why);
}

/* Adds the rule of `length` bytes; `place` is consumed, and NULL if memory ran out. */
static int add(const arguments *args, rules *r, const char *text, size_t length, char *place)
{
    rule fresh = {.text = strndup(text, length), .place = place};
    rule *each = realloc(r->each, (r->count + 1) * sizeof *each);
    r->each = each ? each : r->each;
    int code = each && fresh.text && fresh.place ? parse(args, &fresh) : out_of_memory(args);
    if (code == CARRY_ON)
        each[r->count++] = fresh;
    else
        rule_free(&fresh);
    return code;
}

static int add_lines(const arguments *args, rules *r, const char *path, FILE *file)
{
    static const char blank[] = " \t\r\n";
    char *line = NULL;
    size_t space = 0;
    int code = CARRY_ON;
    for (int number = 1; code == CARRY_ON && getline(&line, &space, file) != -1; number++) {
        const char *begin = line + strspn(line, blank);
        size_t length = strlen(begin);
        char *place = NULL;
        while (length && strchr(blank, begin[length - 1]))
            length--;
        if (length == 0 || *begin == '#')
            continue;
        if (asprintf(&place, "%s:%d", path, number) < 0)
            place = NULL;
        code = add(args, r, begin, length, place);
    }
    free(line);
    if (code == CARRY_ON && ferror(file))
        code = failure(args, LSQ_E_IO, "%s: %s", path, strerror(errno));
    return code;
}

static int add_file(const arguments *args, rules *r, const char *path)
{
    FILE *file = fopen(path, "re");
    if (!file)
        return failure(args, LSQ_E_IO, "%s: %s", path, strerror(errno));
    int code = add_lines(args, r, path, file);
    fclose(file);
    return code;
}

int rules_read(const arguments *args, size_t one, size_t file, rules *r)
{
    int code = CARRY_ON, number = 0;
    *r = (rules){0};
    for (size_t i = 0; code == CARRY_ON && i < args->given_count; i++) {
        const occurrence *o = &args->given[i];
        char *place = NULL;
        if (o->option == file)
            code = add_file(args, r, o->value);
        if (o->option != one)
            continue;
        if (asprintf(&place, "rule %d", ++number) < 0)
            place = NULL;
        code = add(args, r, o->value, strlen(o->value), place);
    }
    return code;
}

void rules_free(rules *r)
{
    for (size_t i = 0; i < r->count; i++) {
        regfree(&r->each[i].regex);
        rule_free(&r->each[i]);
    }
    free(r->each);
}

rule *rules_find(const rules *r, const char *name)
{
    for (size_t i = 0; i < r->count; i++)
        if (regexec(&r->each[i].regex, name, 0, NULL, 0) == 0)
            return &r->each[i];
    return NULL;
}

void rules_warn_unused(arguments *args, const rules *r)
{
    for (size_t i = 0; i < r->count; i++)
        if (!r->each[i].used)
            warning(args, "%s, '%s', decides for no tensor", r->each[i].place, r->each[i].text);
}
