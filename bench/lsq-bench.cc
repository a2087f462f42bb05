/*
 * lsq-bench.cc - which command is meant.
 */
#include "bench/command.h"

#include <cstdio>
#include <cstring>

static const char help[] =
    "usage: lsq-bench [gemv] [--filter REGEX] [--codec NAME]... [--threads N]... [--samples N] [--svg FILE]\n"
    "                        [--prefetch BYTES] [--small-pages] [--json]\n"
    "       lsq-bench gemm [--codec NAME]... [--batch N]... [--threads N]... [--size ROWSxCOLUMNS] [--rotate] "
    "[--trans]\n"
    "                      [--activation int|float] [--samples N] [--svg FILE] [--json]\n"
    "       lsq-bench layers [--codec NAME]... [--threads N]... [--activation int|float] [--samples N] [--json]\n"
    "       lsq-bench snr [--source NAME]... [--codec NAME]... [--all] [--peers] [--outliers SHARE] [--svg FILE] "
    "[--json] [FILE]...\n"
    "       lsq-bench encode [--codec NAME]... [--threads N]... [--size ROWSxCOLUMNS] [--samples N] [--json]\n"
    "       lsq-bench file [--against ORIGINAL] [--samples N] [--json] FILE...\n"
    "\n"
    "gemv  times every kernel this machine can run, on weights in L2, in L3 and in memory, each beside a plain read\n"
    "      of the same bytes; kernels for several columns and for transposed products are in gemm\n"
    "  -f, --filter REGEX   only cases whose name, 'gemv_p4_i8_avx2_r1/s4/l3', matches\n"
    "  -c, --codec NAME     with this format instead of the default one of each width; may be repeated\n"
    "  -t, --threads N      with N threads, a core each; may be repeated (1)\n"
    "  -n, --samples N      samples of each case (21)\n"
    "  -s, --svg FILE       also draw speed against bits a weight, a line for each instruction set\n"
    "  -p, --prefetch BYTES how far ahead kernels ask for codes (4096)\n"
    "      --small-pages    memory without huge pages\n"
    "\n"
    "gemm  times lsq_sgemv and lsq_sgemm as programs call them, beside OpenBLAS with float weights and the fastest "
    "loop\n"
    "      of dot products that the instruction set allows\n"
    "  -c, --codec NAME     with this format; may be repeated (s2 s3 s4 s5 s6 s8, t2 t3 t4 t5 t6)\n"
    "  -b, --batch N        with N columns; may be repeated (1, 2, 4 ... 512)\n"
    "  -t, --threads N      with N threads; may be repeated (1)\n"
    "  -m, --size RxC       of a matrix with R rows and C columns (4096x4096)\n"
    "  -r, --rotate         with weights from memory: another matrix each time, together beyond eight times L3\n"
    "  -T, --trans          also W^T B\n"
    "  -a, --activation A   int: rounded activations, float: exact ones (int)\n"
    "  -n, --samples N      samples of each case (21)\n"
    "  -s, --svg FILE       also draw speed against the number of columns\n"
    "\n"
    "layers  times lsq_linear and lsq_conv2d, beside float layers by OpenBLAS and the peak\n"
    "  -c, --codec NAME     with this format; may be repeated (s4, t4)\n"
    "  -t, --threads N      with N threads; may be repeated (1)\n"
    "  -a, --activation A   int or float, as above (int)\n"
    "  -n, --samples N      samples of each case (21)\n"
    "\n"
    "snr   quantises known sources, and the matrices of files, and compares with other ways to quantise\n"
    "  -s, --source NAME    sine54, uniform, gauss, laplace or t5; may be repeated (all, if there is no FILE)\n"
    "  -c, --codec NAME     only this format; may be repeated\n"
    "  -a, --all            every scale, rounding and number of states\n"
    "  -p, --peers          instead a row for each type of ggml and ik_llama.cpp, beside ours at the same bits\n"
    "  -o, --outliers SHARE of weights kept apart where that pays, at most: 0 (the default) to 0.01\n"
    "      --svg FILE       also draw signal to noise against bits a weight, a panel for each source and FILE\n"
    "\n"
    "encode  times lsq_quantize on Gaussian weights\n"
    "  -c, --codec NAME     with this format; may be repeated (c4 c8, s2 s4 s6 s8, t1..t6, t2.st64 t4.st64)\n"
    "  -t, --threads N      with N threads; may be repeated (1)\n"
    "  -m, --size RxC       of a matrix with R rows and C columns (1024x4096)\n"
    "  -n, --samples N      samples of each case (5)\n"
    "\n"
    "file  measures .lsq files: size, signal to noise, speed, error of products\n"
    "  -g, --against FILE   the original, for signal to noise and error\n"
    "  -n, --samples N      samples of each file (21)\n"
    "\n"
    "  -j, --json           one JSON document instead of a table\n"
    "  -h, --help           this text\n"
    "  -V, --version        version and licence\n"
    "\n"
    "Formats: c3..c9, s2..s9, t1..t6, qualified as in 't4.st64.nib32'.\n"
    "Exit status: 0 done, 2 usage, 3 malformed input, 4 unsupported, 5 input or output failed, 6 memory or a limit.\n";

static bool is(const char *text, const char *brief, const char *word)
{
    return !std::strcmp(text, brief) || !std::strcmp(text, word);
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc && std::strcmp(argv[i], "--"); i++) {
        if (is(argv[i], "-h", "--help")) {
            std::fputs(help, stdout);
            return bench_flush();
        }
        if (is(argv[i], "-V", "--version")) {
            std::printf("lsq-bench %s\nLicence: Apache-2.0\n", lsq_version());
            return bench_flush();
        }
    }
    if (argc < 2 || argv[1][0] == '-')
        return bench_gemv(argc, argv);
    const char *command = argv[1];
    if (!std::strcmp(command, "gemv"))
        return bench_gemv(argc - 1, argv + 1);
    if (!std::strcmp(command, "gemm"))
        return bench_gemm_command(argc - 1, argv + 1);
    if (!std::strcmp(command, "layers"))
        return bench_layers_command(argc - 1, argv + 1);
    if (!std::strcmp(command, "snr"))
        return bench_snr_command(argc - 1, argv + 1);
    if (!std::strcmp(command, "encode"))
        return bench_encode_command(argc - 1, argv + 1);
    if (!std::strcmp(command, "file"))
        return bench_file_command(argc - 1, argv + 1);
    return bench_usage("no command '%s'", command);
}
