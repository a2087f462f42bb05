/*
 * select.c - the kernel table as data.
 */
#include "dispatch/select.h"

#include "dispatch/fnv.h"

#include <stdatomic.h>
#include <string.h>

const char *const lsq_op_names[OPS] = {"gemv",  "decode", "expand",  "gemm",  "gemvt",
                                       "round", "roundt", "measure", "encode"};
const char *const lsq_family_names[CODECS] = {"b1", "p2", "p3", "p4", "p5", "p6", "p7",  "p8",  "p9", "t1",
                                              "t2", "t3", "t4", "t5", "t6", "e8", "e16", "e32", "x"};
const char *const lsq_act_names[ACTS] = {"i8", "i16", "f32"};
const char *const lsq_class_names[CLASSES] = {"l1", "l2", "l3", "dram"};
const char *const lsq_batch_names[BATCHES] = {"one", "few", "many"};
const char *const lsq_crew_names[CREWS] = {"one", "many"};

const lsq_kernel lsq_kernels[] = {
#define KERNEL(op, codec, act, isa, variant, rev)                                                                      \
    IF_BUILT_##isa({OP_##op,                                                                                           \
                    CODEC_##codec,                                                                                     \
                    ACT_##act,                                                                                         \
                    ISA_##isa,                                                                                         \
                    rev,                                                                                               \
                    #op "_" #codec "_" #act "_" #isa "_" #variant,                                                     \
                    {.op = lsq_##op##_##codec##_##act##_##isa##_##variant}}, )
#include "kernels/table.inc"
#undef KERNEL
};

const size_t lsq_kernels_count = sizeof(lsq_kernels) / sizeof(*lsq_kernels);

enum lsq_family lsq_family_of(const lsq_format *format)
{
    return format->codec == LSQ_SIGN      ? CODEC_b1
           : format->codec == LSQ_TRELLIS ? CODEC_t1 + format->bits - 1u
                                          : CODEC_p2 + format->bits - 2u;
}

lsq_format lsq_family_format(enum lsq_family family)
{
    const char *of = lsq_family_names[family], name[] = {of[0] == 'p' ? 's' : of[0], of[1], '\0'};
    lsq_format format = {0};
    lsq_format_parse(name, &format, NULL);
    return format;
}

int lsq_kernel_runs(const lsq_cpu *cpu, const lsq_kernel *kernel)
{
    return !cpu->lacks[kernel->isa];
}

const lsq_kernel *lsq_kernel_find(const char *name)
{
    for (size_t i = 0; i < lsq_kernels_count; i++)
        if (!strcmp(lsq_kernels[i].name, name))
            return &lsq_kernels[i];
    return NULL;
}

static int same_kind(const lsq_kernel *kernel, unsigned op, unsigned codec, unsigned act)
{
    return kernel->op == op && kernel->codec == codec && kernel->act == act;
}

const lsq_kernel *lsq_kernel_reference(unsigned op, unsigned codec, unsigned act)
{
    for (size_t i = 0; i < lsq_kernels_count; i++)
        if (same_kind(&lsq_kernels[i], op, codec, act))
            return &lsq_kernels[i];
    return NULL;
}

const lsq_kernel *lsq_kernel_default(const lsq_cpu *cpu, unsigned op, unsigned codec, unsigned act)
{
    for (size_t i = lsq_kernels_count; i-- > 0;)
        if (same_kind(&lsq_kernels[i], op, codec, act) && lsq_kernel_runs(cpu, &lsq_kernels[i]))
            return &lsq_kernels[i];
    return NULL;
}

uint64_t lsq_kernel_set_id(void)
{
    static const char *const rows[] = {
#define KERNEL(op, codec, act, isa, variant, rev) #op " " #codec " " #act " " #isa " " #variant " " #rev "\n",
#include "kernels/table.inc"
#undef KERNEL
    };
    /* Each context asks several times, and it takes as long as reading a tune file. Whoever is first, the sum is the same. */
    static _Atomic uint64_t sum;
    uint64_t id = atomic_load_explicit(&sum, memory_order_relaxed);
    if (id)
        return id;
    id = FNV_START;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
        id = fnv_add(id, rows[i], strlen(rows[i]));
    atomic_store_explicit(&sum, id, memory_order_relaxed);
    return id;
}

enum lsq_size_class lsq_size_class(const lsq_cpu *cpu, uint64_t packed_bytes)
{
    return packed_bytes <= cpu->l1d  ? CLASS_l1
           : packed_bytes <= cpu->l2 ? CLASS_l2
           : packed_bytes <= cpu->l3 ? CLASS_l3
                                     : CLASS_dram;
}

enum lsq_batch lsq_batch(size_t columns)
{
    return columns <= 1 ? BATCH_one : columns < 16 ? BATCH_few : BATCH_many;
}

const lsq_place lsq_everywhere = {LSQ_ANY, LSQ_ANY, LSQ_ANY};

static int meet(int a, int b)
{
    return a == LSQ_ANY || b == LSQ_ANY || a == b;
}

int lsq_places_meet(const lsq_place *a, const lsq_place *b)
{
    return meet(a->size_class, b->size_class) && meet(a->batch, b->batch) && meet(a->crew, b->crew);
}
