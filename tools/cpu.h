/*
 * cpu.h - what lsq_describe() and lsq_describe_product() say, in words.
 */
#ifndef LSQ_TOOLS_CPU_H
#define LSQ_TOOLS_CPU_H

#include "tools/options.h"

/* Members of an object; "" and 0 where there is none. */
const char *cpu_word(const json_t *object, const char *key);
json_int_t cpu_number(const json_t *object, const char *key);

/* "threads       2" */
void cpu_line(const char *head, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A blank line, then the tune files that were looked at and what became of each; nothing if none was. An exit code. */
int cpu_tune_files(const arguments *args, const json_t *document);

/* A blank line, then the kernel of each kind of product, and where it is another; those of rounded vectors alone unless -v. */
int cpu_kernels(const arguments *args, const json_t *description);

/* One product: what is done, and why. `cpu` has the sizes of caches. */
int cpu_explain(const arguments *args, const json_t *product, const json_t *cpu);

#endif
