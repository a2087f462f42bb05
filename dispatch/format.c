/*
 * format.c - formats and their short names.
 */
#include "dispatch/error.h"
#include "kernels/codec.h"

#include <stdio.h>
#include <string.h>

static const char letters[] = "cstb";
static const char *const scale_names[] = {"none", "tensor", "row", "byte32", "nib32", "nib16"};

static lsq_format defaults(unsigned codec, unsigned bits)
{
    lsq_format f = {.codec = (uint8_t)codec, .bits = (uint8_t)bits, .scale = LSQ_SCALE_BYTE32};
    if (codec == LSQ_CLASSIC) {
        f.curve = 7;
    } else if (codec == LSQ_SCALAR) {
        f.curve = bits <= 7 ? 3 : 4; /* s = -1.5, -2: the best over Gaussian, Laplace and t5 weights */
    } else if (codec == LSQ_SIGN) {
        f.scale = LSQ_SCALE_ROW;
    } else {
        f.scale = LSQ_SCALE_NIBBLE16;
        f.states = 16;
        f.curve = 4;
    }
    return f;
}

/* One qualifier, without its dot. */
static int qualify(lsq_format *f, const char *word, size_t length)
{
    for (unsigned i = 0; i < sizeof(scale_names) / sizeof(*scale_names); i++)
        if (strlen(scale_names[i]) == length && !memcmp(word, scale_names[i], length)) {
            f->scale = (uint8_t)i;
            return 1;
        }
    if (length == 6 && !memcmp(word, "curve", 5) && word[5] >= '0' && word[5] <= '7') {
        f->curve = (uint8_t)(word[5] - '0');
        return 1;
    }
    static const char *const states[] = {"st4", "st8", "st16", "st64"};
    static const uint8_t counts[] = {4, 8, 16, 64};
    for (unsigned i = 0; i < 4; i++)
        if (strlen(states[i]) == length && !memcmp(word, states[i], length)) {
            f->states = counts[i];
            return 1;
        }
    return 0;
}

lsq_status lsq_format_parse(const char *name, lsq_format *format, lsq_error *err)
{
    const char *letter = name && name[0] ? strchr(letters, name[0]) : NULL;
    int ok = letter && name[1] >= '1' && name[1] <= '9';
    lsq_format f = {0};
    if (ok) {
        f = defaults((unsigned)(letter - letters), (unsigned)(name[1] - '0'));
        for (name += 2; ok && *name == '.';) {
            size_t length = strcspn(++name, ".");
            ok = qualify(&f, name, length);
            name += length;
        }
        ok = ok && *name == '\0' && lsq_format_valid(&f);
    }
    if (!ok)
        return lsq_error_set(
            err, LSQ_E_ARGUMENT,
            "not a format: expected c3..c9, s2..s9, t1..t6 or b1, then any of .none .tensor .row .byte32 (c; s and b "
            "but not none), .byte32 .nib32 .nib16 .st4 .st8 .st16 .st64 (t), .curve0 to .curve7 (s, t)");
    *format = f;
    return LSQ_OK;
}

lsq_status lsq_format_name(const lsq_format *f, char name[LSQ_FORMAT_NAME_MAX])
{
    if (!lsq_format_valid(f))
        return LSQ_E_ARGUMENT;
    lsq_format usual = defaults(f->codec, f->bits);
    char states[8] = "", curve[8] = "";
    if (f->states != usual.states)
        snprintf(states, sizeof(states), ".st%u", f->states);
    if (f->curve != usual.curve)
        snprintf(curve, sizeof(curve), ".curve%u", f->curve & 7u);
    snprintf(name, LSQ_FORMAT_NAME_MAX, "%c%u%s%s%s%s", letters[f->codec], f->bits, states,
             f->scale == usual.scale ? "" : ".", f->scale == usual.scale ? "" : scale_names[f->scale], curve);
    return LSQ_OK;
}

lsq_status lsq_packed_bytes(const lsq_format *format, size_t m, size_t k, size_t *bytes)
{
    lsq_geometry geometry;
    if (!lsq_format_valid(format))
        return LSQ_E_ARGUMENT;
    lsq_status status = lsq_geometry_of(format, m, k, &geometry);
    if (status == LSQ_OK)
        *bytes = geometry.bytes;
    return status;
}

lsq_status lsq_packed_parts(const lsq_format *format, size_t m, size_t k, lsq_parts *parts)
{
    lsq_geometry geometry;
    if (!lsq_format_valid(format))
        return LSQ_E_ARGUMENT;
    lsq_status status = lsq_geometry_of(format, m, k, &geometry);
    if (status == LSQ_OK)
        *parts = (lsq_parts){.scales = geometry.scales, .rows = geometry.rows, .tensor = geometry.tensor};
    return status;
}
