/*
 * test_lsq1_sizes.c - the sizes of known networks as files of version 1, from their architecture alone.
 *
 * Names and shapes are those of the published checkpoints (torchvision, and GPT-2 small as distributed); the sizes are
 * those that the published program gives, for B = 3 to 8.
 */
#include "model/lsq1.h"

#include <check.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a network adds up to. */
typedef struct sizes {
    size_t tensors;
    uint64_t elements, bytes[6]; /* for 4 to 9 bits */
} sizes;

static void count(sizes *s, const char *name, unsigned rank, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
    lsq_tensor t = {.name = name, .rank = rank, .shape = {a, b, c, d}, .elements = 1};
    for (unsigned i = 0; i < rank; i++)
        t.elements *= t.shape[i];
    for (unsigned bits = 4; bits <= 9; bits++) {
        uint64_t bytes = 0;
        ck_assert(lsq_v1_tensor_bytes(bits, &t, &bytes));
        s->bytes[bits - 4] += bytes;
    }
    s->tensors++;
    s->elements += t.elements;
}

static const char *called(const char *prefix, const char *format, ...)
{
    static char name[128];
    va_list arguments;
    size_t length = strlen(prefix);
    memcpy(name, prefix, length);
    va_start(arguments, format);
    vsnprintf(name + length, sizeof name - length, format, arguments);
    va_end(arguments);
    return name;
}

/* ---- ResNet ------------------------------------------------------------------------------------------------------ */

static void count_norm(sizes *s, const char *prefix, const char *name, uint64_t channels)
{
    static const char *const parts[] = {"weight", "bias", "running_mean", "running_var"};
    for (size_t i = 0; i < 4; i++)
        count(s, called(prefix, "%s.%s", name, parts[i]), 1, channels, 0, 0, 0);
}

/* Convolution `number` of a block, and the normalisation behind it. */
static void count_conv(sizes *s, const char *prefix, unsigned number, uint64_t out, uint64_t in, uint64_t kernel)
{
    char norm[16];
    snprintf(norm, sizeof norm, "bn%u", number);
    count(s, called(prefix, "conv%u.weight", number), 4, out, in, kernel, kernel);
    count_norm(s, prefix, norm, out);
}

/* Basic blocks of two 3 x 3 convolutions, or bottlenecks of 1 x 1, 3 x 3, 1 x 1 that widen four times. */
static sizes resnet(const unsigned depth[4], int bottleneck)
{
    sizes s = {.bytes = {9, 9, 9, 9, 9, 9}};
    uint64_t in = 64, widening = bottleneck ? 4 : 1;
    count_conv(&s, "", 1, 64, 3, 7);
    for (unsigned layer = 0; layer < 4; layer++) {
        uint64_t width = (uint64_t)64 << layer, out = width * widening;
        for (unsigned block = 0; block < depth[layer]; block++) {
            char prefix[32];
            snprintf(prefix, sizeof prefix, "layer%u.%u.", layer + 1, block);
            if (bottleneck) {
                count_conv(&s, prefix, 1, width, in, 1);
                count_conv(&s, prefix, 2, width, width, 3);
                count_conv(&s, prefix, 3, out, width, 1);
            } else {
                count_conv(&s, prefix, 1, width, in, 3);
                count_conv(&s, prefix, 2, out, width, 3);
            }
            if (in != out) {
                count(&s, called(prefix, "downsample.0.weight"), 4, out, in, 1, 1);
                count_norm(&s, prefix, "downsample.1", out);
            }
            in = out;
        }
    }
    count(&s, "fc.weight", 2, 1000, in, 0, 0);
    count(&s, "fc.bias", 1, 1000, 0, 0, 0);
    return s;
}

/* ---- GPT-2 ------------------------------------------------------------------------------------------------------- */

static void count_pair(sizes *s, const char *prefix, const char *name, unsigned rank, uint64_t in, uint64_t out)
{
    count(s, called(prefix, "%s.weight", name), rank, rank == 2 ? in : out, out, 0, 0);
    count(s, called(prefix, "%s.bias", name), 1, out, 0, 0, 0);
}

static sizes gpt2(unsigned layers, uint64_t width)
{
    sizes s = {.bytes = {9, 9, 9, 9, 9, 9}};
    count(&s, "wte.weight", 2, 50257, width, 0, 0);
    count(&s, "wpe.weight", 2, 1024, width, 0, 0);
    for (unsigned layer = 0; layer < layers; layer++) {
        char prefix[16];
        snprintf(prefix, sizeof prefix, "h.%u.", layer);
        count_pair(&s, prefix, "ln_1", 1, 0, width);
        count_pair(&s, prefix, "attn.c_attn", 2, width, 3 * width);
        count_pair(&s, prefix, "attn.c_proj", 2, width, width);
        count_pair(&s, prefix, "ln_2", 1, 0, width);
        count_pair(&s, prefix, "mlp.c_fc", 2, width, 4 * width);
        count_pair(&s, prefix, "mlp.c_proj", 2, 4 * width, width);
    }
    count_pair(&s, "", "ln_f", 1, 0, width);
    return s;
}

/* ---- The published sizes ----------------------------------------------------------------------------------------- */

static void compare(const sizes *got, const sizes *expected)
{
    ck_assert_uint_eq(got->tensors, expected->tensors);
    ck_assert_uint_eq(got->elements, expected->elements);
    for (size_t i = 0; i < 6; i++)
        ck_assert_uint_eq(got->bytes[i], expected->bytes[i]);
}

START_TEST(resnet_18)
{
    const unsigned depth[4] = {2, 2, 2, 2};
    const sizes expected = {102, 11699112, {5853253, 7315642, 8778031, 10240420, 11702809, 13165198}};
    sizes got = resnet(depth, 0);
    compare(&got, &expected);
}
END_TEST

START_TEST(resnet_50)
{
    const unsigned depth[4] = {3, 4, 6, 3};
    const sizes expected = {267, 25610152, {12814690, 16015959, 19217228, 22418497, 25619766, 28821035}};
    sizes got = resnet(depth, 1);
    compare(&got, &expected);
}
END_TEST

START_TEST(gpt2_small)
{
    const sizes expected = {148, 124439808, {62224545, 77779521, 93334497, 108889473, 124444449, 139999425}};
    sizes got = gpt2(12, 768);
    compare(&got, &expected);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("lsq1_sizes");
    TCase *networks = tcase_create("networks");
    tcase_add_test(networks, resnet_18);
    tcase_add_test(networks, resnet_50);
    tcase_add_test(networks, gpt2_small);
    suite_add_tcase(suite, networks);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
