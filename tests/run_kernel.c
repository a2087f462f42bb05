/*
 * run_kernel NAME GROUPS - calls one kernel once, on one panel of zeros in its default format: for whoever counts its instructions
 * (tests/cross/instructions.sh). Products of several columns have 16 of them.
 */
#include "dispatch/select.h"
#include "kernels/codec.h"

#include <stdio.h>
#include <stdlib.h>

enum { GROUPS = 16 };

static _Alignas(64) uint8_t codes[GROUPS * 64 * 9], scales[GROUPS * 16], rows[PANEL];
static _Alignas(64) float x[GROUPS * GROUP], sx[GROUPS * STRIP], y[GROUPS * GROUP], row[PANEL],
    out[PANEL * GROUPS * GROUP];
static int32_t bias[2 * GROUPS * STRIP], negative[2 * GROUPS * STRIP];
static _Alignas(64) float expanded[GROUPS * TILE], columns[GROUPS * GROUP * STRIP], sums[PANEL * STRIP];
static lsq_levels levels;

/* Those of expanded levels are of scalar codes, with 4 or with 8 bits. */
static lsq_format format_of(const lsq_kernel *kernel)
{
    const unsigned codec = kernel->codec;
    return lsq_family_format(codec < CODEC_e8 ? codec : codec == CODEC_e16 ? CODEC_p8 : CODEC_p4);
}

static void run(const lsq_kernel *kernel, const lsq_tiles *w, int largest)
{
    const size_t groups = w->groups;
    switch (kernel->op) {
    case OP_gemv:
        kernel->run.gemv(&(lsq_gemv_args){*w, x, sx, bias, negative, y, 4096}, 0, 1);
        break;
    case OP_decode:
        kernel->run.decode(&(lsq_decode_args){*w, row, 0, PANEL, out, groups * GROUP}, 0, 0, groups);
        break;
    case OP_expand:
        kernel->run.expand(&(lsq_expand_args){*w, expanded}, 0, 0, groups);
        break;
    case OP_gemm:
        kernel->run.gemm(
            &(lsq_gemm_args){*w, 0, expanded, largest, STRIP / QUAD, STRIP, columns, sx, bias, negative, sums, 4096}, 0,
            0, groups);
        break;
    case OP_gemvt:
        kernel->run.gemvt(&(lsq_gemvt_args){*w, expanded, largest, x, y, 4096}, 0, 0, groups);
        break;
    case OP_roundt:
        kernel->run.roundt(&(lsq_roundt_args){columns, STRIP, groups, groups, out, sx, bias, negative});
        break;
    case OP_measure:
    case OP_encode:
        break; /* of tiles, not of products */
    default:
        kernel->run.round(&(lsq_round_args){x, groups, 1, out, sx, bias, negative});
    }
}

int main(int argc, char **argv)
{
    const lsq_kernel *kernel = argc == 3 ? lsq_kernel_find(argv[1]) : NULL;
    const size_t groups = kernel ? strtoul(argv[2], NULL, 10) : 0;
    if (groups < 1 || groups > GROUPS) {
        fprintf(stderr, "usage: run_kernel NAME GROUPS (1 to %d)\n", GROUPS);
        return 2;
    }
    const lsq_format format = format_of(kernel);
    lsq_levels_of(&format, &levels);
    const lsq_tiles w = {codes,   scales,       rows,          groups,
                         &levels, format.scale, format.states, (unsigned)lsq_mirrored(&format)};
    run(kernel, &w, lsq_largest_level(&format));
    return 0;
}
