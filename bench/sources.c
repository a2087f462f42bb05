/*
 * sources.c - random matrices of known distributions.
 *
 * Logarithm, exponential and cosine are SLEEF's deterministic ones, and nothing else here rounds differently from machine to
 * machine: a source is the same matrix everywhere, to the last bit.
 */
#include "bench/sources.h"

#include <math.h>
#include <sleef.h>
#include <string.h>

static const double pi = 3.14159265358979323846;

uint64_t bench_random_bits(bench_random *random)
{
    uint64_t z = random->state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

double bench_random_unit(bench_random *random)
{
    return ((double)(bench_random_bits(random) >> 11) + 0.5) * 0x1p-53;
}

/* Box and Muller's, of which only one of the two is used: simpler than keeping the other. */
double bench_random_gauss(bench_random *random)
{
    const double radius = sqrt(-2 * Sleef_cinz_logd1_u10purec(bench_random_unit(random)));
    return radius * Sleef_cinz_cosd1_u10purec(2 * pi * bench_random_unit(random));
}

static double draw_uniform(bench_random *random)
{
    return 2 * bench_random_unit(random) - 1;
}

static double draw_laplace(bench_random *random)
{
    const double u = bench_random_unit(random) - 0.5;
    return copysign(Sleef_cinz_logd1_u10purec(1 - 2 * fabs(u)), u) * sqrt(0.5);
}

/* Student's t with 5 degrees of freedom, by Bailey's form of Box and Muller's; its variance is 5 / 3. */
static double draw_t5(bench_random *random)
{
    const double power = Sleef_cinz_expd1_u10purec(-0.4 * Sleef_cinz_logd1_u10purec(bench_random_unit(random)));
    const double radius = sqrt(5 * (power - 1));
    return radius * Sleef_cinz_cosd1_u10purec(2 * pi * bench_random_unit(random)) * sqrt(0.6);
}

/* 0.02 is a usual standard deviation of trained weights; only formats without any scale notice. */
const bench_source bench_sources[] = {
    {"sine54", "54 points of sin over [0, 2 pi], both ends included", 1, 54, NULL, 1},
    {"uniform", "uniform on [-1, 1]", 256, 4096, draw_uniform, 1},
    {"gauss", "Gaussian, standard deviation 0.02", 256, 4096, bench_random_gauss, 0.02},
    {"laplace", "Laplace, standard deviation 0.02", 256, 4096, draw_laplace, 0.02},
    {"t5", "Student's t, 5 degrees of freedom, standard deviation 0.02", 256, 4096, draw_t5, 0.02},
};
const size_t bench_sources_count = sizeof bench_sources / sizeof *bench_sources;

const bench_source *bench_source_find(const char *name)
{
    for (size_t i = 0; i < bench_sources_count; i++)
        if (!strcmp(name, bench_sources[i].name))
            return &bench_sources[i];
    return NULL;
}

void bench_source_fill(const bench_source *source, float *w)
{
    const size_t n = source->rows * source->columns;
    bench_random random = {0x15051u};
    for (size_t i = 0; i < n; i++) {
        const double value =
            source->draw ? source->draw(&random) : Sleef_cinz_sind1_u10purec(2 * pi * (double)i / (double)(n - 1));
        w[i] = (float)(source->scale * value);
    }
}

uint64_t bench_hash_add(uint64_t hash, const float *w, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint32_t bits;
        memcpy(&bits, &w[i], sizeof bits);
        hash = (hash ^ bits) * 0x100000001b3u;
    }
    return hash;
}
