/*
 * pth_old.c - what torch.save() wrote before version 1.6, three pickles and the numbers behind them: not read.
 */
#include "model/model.h"

#include <string.h>

/* The first of the pickles is this number, 0x1950a86a20f9469cfc6c. */
int lsq_is_old_pth(const lsq_mapping *file)
{
    static const uint8_t number[] = {0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, '.'};
    return file->size >= 2 + sizeof(number) && file->bytes[0] == 0x80 &&
           memcmp(file->bytes + 2, number, sizeof(number)) == 0;
}

lsq_status lsq_read_old_pth(lsq_model *model, const lsq_mapping *file, unsigned flags, lsq_error *err)
{
    (void)model;
    (void)flags;
    return lsq_fail(err, LSQ_E_UNSUPPORTED, file->path,
                    "is in the format that torch.save had before version 1.6; load and save it again with a newer one");
}
