#include "bench/peers/ggml.h"

#include <math.h>
#include <string.h>

const char bench_ggml_origin[] = "ggml d99724f (August 2026) and ik_llama.cpp (2026), plain squared error, on the same "
                                 "kinds of numbers or on this file";

static const struct {
    const char *name; /* of a source of ours; NULL: a file */
    uint64_t hash;
} sources[BENCH_GGML_SOURCES] = {
    {"gauss", 0},
    {"laplace", 0},
    {"t5", 0},
    {NULL, 0x78574efa6540b1f6}, /* use-lite-transformer.safetensors */
    {NULL, 0x7530873808b07cf7}, /* esrgan-thick-x2.safetensors */
};

#define GGML "ggml"
#define IK   "ik_llama.cpp"

/* gauss, laplace, t5, use-lite-transformer, esrgan-thick-x2 */
const bench_ggml_type bench_ggml_types[] = {
    {GGML, "IQ2_XXS", 2.0625, {9.52, 8.92, 8.86, 9.48, 9.51}},
    {GGML, "IQ2_S", 2.5625, {12.26, 10.96, 11.13, 12.19, 12.54}},
    {GGML, "IQ3_XXS", 3.0625, {14.92, 14.44, 14.30, 14.90, 14.96}},
    {GGML, "IQ3_S", 3.4375, {17.42, 16.42, 16.34, 17.34, 17.67}},
    {GGML, "IQ4_XS", 4.25, {22.43, 21.25, 21.14, 22.38, 22.91}},
    {GGML, "Q4_K", 4.5, {23.03, 21.59, 21.73, 22.97, 23.88}},
    {GGML, "Q5_K", 5.5, {29.04, 27.54, 27.68, 28.96, 29.88}},
    {GGML, "Q6_K", 6.5625, {35.22, 33.45, 33.49, 35.15, 36.08}},
    {GGML, "Q8_0", 8.5, {45.41, 43.44, 43.34, 45.29, 46.30}},
    {IK, "IQ2_KL", 2.69, {12.45, 11.90, 11.86, NAN, NAN}},
    {IK, "IQ3_K", 3.44, {17.39, 16.52, 16.51, NAN, NAN}},
    {IK, "IQ4_KT", 4.0, {20.32, 19.71, 19.76, NAN, NAN}},
    {IK, "IQ4_KS", 4.26, {22.59, 21.22, 21.14, NAN, NAN}},
    {IK, "IQ4_K", 4.5, {23.75, 22.78, 22.80, NAN, NAN}},
    {IK, "IQ4_K*", 4.5, {24.12, NAN, NAN, NAN, NAN}}, /* with an importance matrix of ones */
    {IK, "IQ5_KS", 5.26, {28.76, 27.35, 27.18, NAN, NAN}},
    {IK, "IQ5_K", 5.5, {29.81, 28.76, 28.69, NAN, NAN}},
    {IK, "IQ6_K", 6.63, {35.95, 35.15, 35.15, NAN, NAN}},
};
const size_t bench_ggml_types_count = sizeof bench_ggml_types / sizeof *bench_ggml_types;

int bench_ggml_source(const char *name)
{
    for (int i = 0; i < BENCH_GGML_SOURCES; i++)
        if (sources[i].name && !strcmp(sources[i].name, name))
            return i;
    return -1;
}

int bench_ggml_file(uint64_t hash)
{
    for (int i = 0; i < BENCH_GGML_SOURCES; i++)
        if (!sources[i].name && sources[i].hash == hash)
            return i;
    return -1;
}
