/*
 * choices.c - one table, filled once, so that a product pays for one look into it.
 */
#include "dispatch/choices.h"

#include <stdlib.h>
#include <string.h>

const char *const lsq_reason_names[REASONS] = {"default", "confirmed", "tuned", "capped", "forced"};

static void set(lsq_choices *kind, const lsq_place *where, const lsq_choice *choice)
{
    for (int class = 0; class < CLASSES; class ++)
        for (int batch = 0; batch < BATCHES; batch++)
            for (int crew = 0; crew < CREWS; crew++)
                if (lsq_places_meet(where, &(lsq_place){class, batch, crew}))
                    (*kind)[class][batch][crew] = *choice;
}

void lsq_choices_set(lsq_choice_table *table, const lsq_place *where, const lsq_choice *choice)
{
    const lsq_kernel *kernel = choice->kernel;
    set(table->of[kernel->op][kernel->codec][kernel->act], where, choice);
}

/* The default is the last row of its kind that the CPU can run: one walk over the table finds them all. */
int lsq_choices_begin(lsq_choice_table *table, const lsq_cpu *cpu)
{
    const lsq_kernel *last[OPS][CODECS][ACTS];
    size_t kinds = 0;
    memset(last, 0, sizeof(last));
    for (const lsq_kernel *row = lsq_kernels; row < lsq_kernels + lsq_kernels_count; row++)
        if (lsq_kernel_runs(cpu, row)) {
            const lsq_kernel **at = &last[row->op][row->codec][row->act];
            kinds += !*at;
            *at = row;
        }
    *table = (lsq_choice_table){.all = calloc(kinds, sizeof(*table->all))};
    if (!table->all)
        return 0;
    lsq_choices *next = table->all;
    for (unsigned i = 0; i < OPS * CODECS * ACTS; i++) {
        const unsigned op = i / (CODECS * ACTS), codec = i / ACTS % CODECS, act = i % ACTS;
        if (!last[op][codec][act])
            continue;
        table->of[op][codec][act] = next;
        set(next++, &lsq_everywhere, &(lsq_choice){last[op][codec][act], lsq_tunables_default, REASON_default, 0});
    }
    return 1;
}

void lsq_choices_end(lsq_choice_table *table)
{
    free(table->all);
    *table = (lsq_choice_table){.all = NULL};
}

void lsq_choices_tune(lsq_choice_table *table, const lsq_cpu *cpu, int is_capped, const lsq_tune *tune)
{
    for (size_t i = 0; i < tune->count; i++) {
        const lsq_tune_entry *entry = &tune->entries[i];
        const lsq_kernel *kernel = entry->kernel;
        lsq_choices *kind = table->of[kernel->op][kernel->codec][kernel->act];
        lsq_choice choice = {kernel, entry->tunables, REASON_tuned, 0};
        if (!lsq_kernel_runs(cpu, kernel)) /* then its tunables are not those of what runs instead either */
            choice = (lsq_choice){lsq_kernel_default(cpu, kernel->op, kernel->codec, kernel->act), lsq_tunables_default,
                                  REASON_capped, 0};
        else if (entry->ns > 0)
            choice.speedup = (float)(entry->default_ns / entry->ns);
        set(kind, &entry->where, &choice);
    }
    for (size_t i = 0; !is_capped && i < tune->kept_count; i++) {
        const lsq_tune_kept *kept = &tune->kept[i];
        const lsq_kernel *usual = lsq_kernel_default(cpu, kept->op, kept->codec, kept->act);
        if (usual)
            lsq_choices_set(table, &kept->where, &(lsq_choice){usual, lsq_tunables_default, REASON_confirmed, 0});
    }
}
