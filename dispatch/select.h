/*
 * select.h - kernels/table.inc as data, and which of its rows fit.
 */
#ifndef LSQ_DISPATCH_SELECT_H
#define LSQ_DISPATCH_SELECT_H

#include "dispatch/cpu.h"
#include "kernels/kernel.h"

#include <lsq/lsq.h>

enum lsq_op { OP_gemv, OP_decode, OP_expand, OP_gemm, OP_gemvt, OP_round, OP_roundt, OP_measure, OP_encode, OPS };

/*
 * How a code is decoded: b a sign, p a plain table (classic, scalar), t trellis; the digit is the width C. e: expanded
 * levels of 8 and 16 bits, and decoded weights. x: no code at all, the vector.
 */
enum lsq_family {
    CODEC_b1,
    CODEC_p2,
    CODEC_p3,
    CODEC_p4,
    CODEC_p5,
    CODEC_p6,
    CODEC_p7,
    CODEC_p8,
    CODEC_p9,
    CODEC_t1,
    CODEC_t2,
    CODEC_t3,
    CODEC_t4,
    CODEC_t5,
    CODEC_t6,
    CODEC_e8,
    CODEC_e16,
    CODEC_e32,
    CODEC_x,
    CODECS
};

enum lsq_act { ACT_i8, ACT_i16, ACT_f32, ACTS };

/* Where the packed bytes of a product come from when it is repeated. */
enum lsq_size_class { CLASS_l1, CLASS_l2, CLASS_l3, CLASS_dram, CLASSES };

/* How many columns a product has, 1, 2 to 15, 16 or more; and how many threads its context. */
enum lsq_batch { BATCH_one, BATCH_few, BATCH_many, BATCHES };
enum lsq_crew { CREW_one, CREW_many, CREWS };

extern const char *const lsq_op_names[OPS], *const lsq_family_names[CODECS], *const lsq_act_names[ACTS],
                                                                                 *const lsq_class_names[CLASSES],
                                                                                     *const lsq_batch_names[BATCHES],
                                                                                         *const lsq_crew_names[CREWS];

/* The family of the codes of a valid format. */
enum lsq_family lsq_family_of(const lsq_format *format);

/* The default format of a family b, p (the scalar one) or t. */
lsq_format lsq_family_format(enum lsq_family family);

/* Which products of a kind are meant: enum values as above, or LSQ_ANY. */
enum { LSQ_ANY = -1 };
typedef struct lsq_place {
    int size_class, batch, crew;
} lsq_place;

extern const lsq_place lsq_everywhere;

/* Is there a product that both are about? */
int lsq_places_meet(const lsq_place *a, const lsq_place *b);

typedef struct lsq_kernel {
    uint8_t op, codec, act, isa; /* enum values as above */
    unsigned rev;
    const char *name; /* "gemv_p4_i8_avx2_r1" */
    union {
        lsq_gemv_fn *gemv;
        lsq_decode_fn *decode;
        lsq_expand_fn *expand;
        lsq_gemm_fn *gemm;
        lsq_gemvt_fn *gemvt;
        lsq_round_fn *round;
        lsq_roundt_fn *roundt;
        lsq_measure_fn *measure;
        lsq_encode_fn *encode;
    } run;
} lsq_kernel;

/* All rows that this build has, in the order of the table. */
extern const lsq_kernel lsq_kernels[];
extern const size_t lsq_kernels_count;

/* Can this CPU run that row? */
int lsq_kernel_runs(const lsq_cpu *cpu, const lsq_kernel *kernel);

/* A row by its name, or NULL. */
const lsq_kernel *lsq_kernel_find(const char *name);

/* The first row of the kind (the reference), and the last that the CPU can run (the default). NULL: no such kind. */
const lsq_kernel *lsq_kernel_reference(unsigned op, unsigned codec, unsigned act);
const lsq_kernel *lsq_kernel_default(const lsq_cpu *cpu, unsigned op, unsigned codec, unsigned act);

/* A hash of the names and revs of all rows of the table, built or not: tune files of another set are not used. */
uint64_t lsq_kernel_set_id(void);

enum lsq_size_class lsq_size_class(const lsq_cpu *cpu, uint64_t packed_bytes);
enum lsq_batch lsq_batch(size_t columns);

#endif
