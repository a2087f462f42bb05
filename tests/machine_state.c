/*
 * machine_state.c - a call through assembly that fills the registers a callee must save with a pattern, and reads them back.
 */
#include "tests/machine_state.h"

#include <fenv.h>
#include <stdint.h>

#if defined(__x86_64__)

#include <cpuid.h>

enum { SAVED = 6 };
static const char *const names[SAVED] = {"rbx", "rbp", "r12", "r13", "r14", "r15"};

/* got[i] = what is in register i after fn(a, i, j, k), into which i + 1 was put before. */
void call_with_pattern(void (*fn)(void), const void *a, size_t i, size_t j, size_t k, uint64_t got[SAVED]);

__asm__(".text\n"
        ".p2align 4\n"
        "call_with_pattern:\n"
        "  push %rbx\n  push %rbp\n  push %r12\n  push %r13\n  push %r14\n  push %r15\n  push %r9\n"
        "  mov %rdi, %rax\n  mov %rsi, %rdi\n  mov %rdx, %rsi\n  mov %rcx, %rdx\n  mov %r8, %rcx\n"
        "  mov $1, %ebx\n  mov $2, %ebp\n  mov $3, %r12d\n  mov $4, %r13d\n  mov $5, %r14d\n  mov $6, %r15d\n"
        "  call *%rax\n"
        "  pop %r9\n"
        "  mov %rbx, 0(%r9)\n  mov %rbp, 8(%r9)\n  mov %r12, 16(%r9)\n"
        "  mov %r13, 24(%r9)\n  mov %r14, 32(%r9)\n  mov %r15, 40(%r9)\n"
        "  pop %r15\n  pop %r14\n  pop %r13\n  pop %r12\n  pop %rbp\n  pop %rbx\n"
        "  ret\n");

static uint64_t expected(int i)
{
    return (uint64_t)i + 1;
}

/* Rounding, masks, flushing of subnormals: of SSE and of the x87. */
static uint64_t control(void)
{
    uint32_t mxcsr;
    uint16_t x87;
    __asm__ volatile("stmxcsr %0" : "=m"(mxcsr));
    __asm__ volatile("fnstcw %0" : "=m"(x87));
    return (uint64_t)x87 << 32 | (mxcsr & 0xffc0);
}

int upper_halves_visible(void)
{
    unsigned a, b, c, d;
    if (!__get_cpuid(1, &a, &b, &c, &d) || (c & (3u << 27)) != 3u << 27) /* OSXSAVE, AVX */
        return 0;
    return __get_cpuid_count(0xd, 1, &a, &b, &c, &d) && (a & 4);
}

/* Upper halves of ymm and zmm registers that are not zero. */
static int upper_in_use(void)
{
    uint32_t use, high;
    __asm__ volatile("xgetbv" : "=a"(use), "=d"(high) : "c"(1));
    return (use & (1u << 2 | 1u << 6)) != 0;
}

static void clean_upper(void)
{
    __asm__ volatile("vzeroupper" ::
                         : "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10",
                           "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
}

#elif defined(__aarch64__)

enum { SAVED = 18 };
static const char *const names[SAVED] = {"x19", "x20", "x21", "x22", "x23", "x24", "x25", "x26", "x27",
                                         "x28", "d8",  "d9",  "d10", "d11", "d12", "d13", "d14", "d15"};

void call_with_pattern(void (*fn)(void), const void *a, size_t i, size_t j, size_t k, uint64_t got[SAVED]);

__asm__(".text\n"
        ".p2align 4\n"
        "call_with_pattern:\n"
        "  stp x29, x30, [sp, #-176]!\n"
        "  stp x19, x20, [sp, #16]\n  stp x21, x22, [sp, #32]\n  stp x23, x24, [sp, #48]\n"
        "  stp x25, x26, [sp, #64]\n  stp x27, x28, [sp, #80]\n"
        "  stp d8, d9, [sp, #96]\n  stp d10, d11, [sp, #112]\n  stp d12, d13, [sp, #128]\n  stp d14, d15, [sp, #144]\n"
        "  str x5, [sp, #160]\n"
        "  mov x9, x0\n  mov x0, x1\n  mov x1, x2\n  mov x2, x3\n  mov x3, x4\n"
        "  mov x19, #1\n  mov x20, #2\n  mov x21, #3\n  mov x22, #4\n  mov x23, #5\n"
        "  mov x24, #6\n  mov x25, #7\n  mov x26, #8\n  mov x27, #9\n  mov x28, #10\n"
        "  fmov d8, x19\n  fmov d9, x20\n  fmov d10, x21\n  fmov d11, x22\n"
        "  fmov d12, x23\n  fmov d13, x24\n  fmov d14, x25\n  fmov d15, x26\n"
        "  blr x9\n"
        "  ldr x5, [sp, #160]\n"
        "  stp x19, x20, [x5, #0]\n  stp x21, x22, [x5, #16]\n  stp x23, x24, [x5, #32]\n"
        "  stp x25, x26, [x5, #48]\n  stp x27, x28, [x5, #64]\n"
        "  stp d8, d9, [x5, #80]\n  stp d10, d11, [x5, #96]\n  stp d12, d13, [x5, #112]\n  stp d14, d15, [x5, #128]\n"
        "  ldp d14, d15, [sp, #144]\n  ldp d12, d13, [sp, #128]\n  ldp d10, d11, [sp, #112]\n  ldp d8, d9, [sp, #96]\n"
        "  ldp x27, x28, [sp, #80]\n  ldp x25, x26, [sp, #64]\n"
        "  ldp x23, x24, [sp, #48]\n  ldp x21, x22, [sp, #32]\n  ldp x19, x20, [sp, #16]\n"
        "  ldp x29, x30, [sp], #176\n"
        "  ret\n");

static uint64_t expected(int i)
{
    return (uint64_t)(i < 10 ? i + 1 : i - 9);
}

static uint64_t control(void)
{
    uint64_t fpcr;
    __asm__ volatile("mrs %0, fpcr" : "=r"(fpcr));
    return fpcr;
}

#else

enum { SAVED = 1 };
static const char *const names[SAVED] = {""};

static void call_with_pattern(void (*fn)(void), const void *a, size_t i, size_t j, size_t k, uint64_t got[SAVED])
{
    ((void (*)(const void *, size_t, size_t, size_t))fn)(a, i, j, k);
    got[0] = 0;
}

static uint64_t expected(int i)
{
    return (uint64_t)i;
}

static uint64_t control(void)
{
    return (uint64_t)fegetround();
}

#endif

#if !defined(__x86_64__) /* nothing to clean */
int upper_halves_visible(void)
{
    return 0;
}

static int upper_in_use(void)
{
    return 0;
}

static void clean_upper(void)
{
}
#endif

const char *call_and_look(void (*fn)(void), const void *a, size_t i, size_t j, size_t k)
{
    static int ask = -1; /* cpuid leaves a virtual machine, for longer than a small call lasts */
    uint64_t got[SAVED], before = control();
    if (ask < 0)
        ask = upper_halves_visible();
    feclearexcept(FE_ALL_EXCEPT);
    if (ask)
        clean_upper();
    call_with_pattern(fn, a, i, j, k, got);
    int in_use = ask && upper_in_use();
    if (in_use)
        return "the upper halves of vector registers";
    if (control() != before)
        return "the control bits of floating point";
    if (fetestexcept(FE_INVALID))
        return "the exception for invalid operations";
    if (fetestexcept(FE_DIVBYZERO))
        return "the exception for a division by zero";
    for (int r = 0; r < SAVED; r++)
        if (got[r] != expected(r))
            return names[r];
    return NULL;
}
