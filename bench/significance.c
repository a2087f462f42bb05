#include "bench/significance.h"

#include <math.h>
#include <stdlib.h>

enum { EXACT = 20 }; /* as many samples on each side */

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The sum of the ranks of b among all, equal ones sharing theirs, and the sum of t^3 - t over groups of t equal ones. */
static double rank_sum(const double *a, size_t a_count, const double *b, size_t b_count, double *ties)
{
    double sum = 0;
    *ties = 0;
    for (size_t i = 0, j = 0; i < a_count || j < b_count;) {
        const double least = i == a_count || (j < b_count && b[j] < a[i]) ? b[j] : a[i];
        const size_t before = i + j, mine = j;
        while (i < a_count && a[i] == least)
            i++;
        while (j < b_count && b[j] == least)
            j++;
        const double equal = (double)(i + j - before);
        sum += (double)(j - mine) * ((double)before + (equal + 1) / 2);
        *ties += equal * equal * equal - equal;
    }
    return sum;
}

/* How many ways there are to choose n of m + n things. */
static double choices(size_t m, size_t n)
{
    double ways = 1;
    for (size_t i = 1; i <= n; i++)
        ways *= (double)(m + i) / (double)i;
    return ways;
}

/* Share of all orders of m and n samples in which U is `u` or less: ways[k][s] counts k of the places so far with a rank sum of s. */
static double exact_tail(size_t m, size_t n, double u)
{
    enum { SUMS = EXACT * (2 * EXACT + 1) };
    static const size_t columns = SUMS + 1;
    double *ways = calloc((EXACT + 1) * columns, sizeof *ways), sum = 0;
    if (!ways)
        return NAN;
    ways[0] = 1;
    for (size_t place = 1; place <= m + n; place++)
        for (size_t k = n < place ? n : place; k > 0; k--)
            for (size_t s = SUMS; s >= place; s--)
                ways[k * columns + s] += ways[(k - 1) * columns + s - place];
    for (size_t s = 0; s <= SUMS && (double)s <= u + (double)(n * (n + 1) / 2); s++)
        sum += ways[n * columns + s];
    free(ways);
    return sum / choices(m, n);
}

/* The same for many samples: U is nearly normal then. */
static double normal_tail(double m, double n, double u, double ties)
{
    const double all = m + n, variance = m * n / 12 * (all + 1 - ties / (all * (all - 1)));
    if (!(variance > 0))
        return 1;
    const double z = (u + 0.5 - m * n / 2) / sqrt(variance);
    return erfc(-z / sqrt(2)) / 2;
}

int bench_differ(double *a, size_t a_count, double *b, size_t b_count, bench_difference *difference)
{
    const double m = (double)a_count, n = (double)b_count;
    double ties;
    qsort(a, a_count, sizeof *a, ascending);
    qsort(b, b_count, sizeof *b, ascending);
    const double u = rank_sum(a, a_count, b, b_count, &ties) - n * (n + 1) / 2, smaller = fmin(u, m * n - u);
    const double tail = ties > 0 || a_count > EXACT || b_count > EXACT ? normal_tail(m, n, smaller, ties)
                                                                       : exact_tail(a_count, b_count, smaller);
    difference->p = fmin(1, 2 * tail);
    difference->least = a_count > EXACT || b_count > EXACT ? 0 : 2 / choices(a_count, b_count);
    difference->sign = (u > m * n / 2) - (u < m * n / 2);
    return !isnan(tail);
}
