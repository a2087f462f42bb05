/*
 * run_kernel NAME GROUPS - calls one kernel once, on one panel of zeros in its default format: for whoever counts its instructions
 * (tests/cross/instructions.sh).
 */
#include "dispatch/select.h"
#include "kernels/codec.h"

#include <stdio.h>
#include <stdlib.h>

enum { GROUPS = 16 };

static uint8_t codes[GROUPS * 64 * 9], scales[GROUPS * 16], rows[PANEL];
static float x[GROUPS * GROUP], sx[GROUPS], y[PANEL], row[PANEL], out[PANEL * GROUPS * GROUP];
static int32_t bias[2 * GROUPS], negative[2 * GROUPS];
static lsq_levels levels;

int main(int argc, char **argv)
{
    const lsq_kernel *kernel = argc == 3 ? lsq_kernel_find(argv[1]) : NULL;
    const size_t groups = kernel ? strtoul(argv[2], NULL, 10) : 0;
    if (groups < 1 || groups > GROUPS || kernel->op > OP_decode) {
        fprintf(stderr, "usage: run_kernel NAME GROUPS (a gemv or decode kernel; 1 to %d)\n", GROUPS);
        return 2;
    }
    char name[LSQ_FORMAT_NAME_MAX];
    lsq_format format;
    snprintf(name, sizeof name, "%c%c", kernel->codec < CODEC_t1 ? 's' : 't', lsq_family_names[kernel->codec][1]);
    if (lsq_format_parse(name, &format, NULL) != LSQ_OK)
        return 1;
    lsq_levels_of(&format, &levels);
    const lsq_tiles w = {codes, scales, rows, groups, &levels, format.scale, format.states};
    const lsq_gemv_args gemv = {w, x, sx, bias, negative, y, 4096};
    const lsq_decode_args decode = {w, row, 0, PANEL, out, groups * GROUP};
    if (kernel->op == OP_gemv)
        kernel->run.gemv(&gemv, 0, 1);
    else
        kernel->run.decode(&decode, 0, 0, groups);
    return 0;
}
