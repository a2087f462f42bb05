/*
 * check_kernels - every row of the kernel table that this machine can run: kernel_check.h.
 *
 *     check_kernels [--isa LEVEL] [--kernel NAME] [--seed N] [--bench]
 *
 * Plain C without a framework, so that it runs wherever the library does.
 */
#include "tests/kernel_check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv)
{
    const char *isa = NULL, *name = NULL;
    int timing = 0;
    uint64_t seed = 1;
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--bench"))
            timing = 1;
        else if (!strcmp(argv[i], "--isa") && i + 1 < argc)
            isa = argv[++i];
        else if (!strcmp(argv[i], "--kernel") && i + 1 < argc)
            name = argv[++i];
        else if (!strcmp(argv[i], "--seed") && i + 1 < argc)
            seed = strtoull(argv[++i], NULL, 0);
        else {
            fprintf(stderr, "usage: check_kernels [--isa LEVEL] [--kernel NAME] [--seed N] [--bench]\n");
            return 2;
        }
    }
    if (isa && lsq_isa_find(isa) < 0) {
        fprintf(stderr, "check_kernels: there is no level %s\n", isa);
        return 2;
    }
    lsq_cpu cpu;
    lsq_cpu_detect(&cpu);
    if (isa && cpu.lacks[lsq_isa_find(isa)]) {
        printf("%s: this machine lacks %s\n", isa, cpu.lacks[lsq_isa_find(isa)]);
        return 77; /* meson: skipped */
    }
    unsigned long rows = 0, checks = 0, failures = 0;
    for (size_t i = 0; i < lsq_kernels_count; i++) {
        const lsq_kernel *kernel = &lsq_kernels[i];
        if (!lsq_kernel_runs(&cpu, kernel) || (isa && strcmp(isa, lsq_isa_names[kernel->isa])) ||
            (name && strcmp(name, kernel->name)))
            continue;
        kernel_verdict verdict = kernel_check(kernel, seed);
        rows++;
        checks += verdict.checks;
        failures += verdict.failures;
        if (timing)
            printf("%-28s %8.2f Gweights/s\n", kernel->name, kernel_speed(kernel) / 1e9);
    }
    printf("%lu kernels, %lu checks, %lu failures (seed %llu)\n", rows, checks, failures, (unsigned long long)seed);
    return failures || (name && !rows) ? 1 : 0;
}
