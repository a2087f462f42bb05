/*
 * layers.cc - the same in C++, on liblsq-model: writes a file of weights, opens it, and has a layer of it. usage: layers FILE.lsq
 */
#include <lsq/lsq_model.h>

#include <cstdio>
#include <cstring>
#include <vector>

int main(int argc, char **argv)
{
    const size_t rows = 32, columns = 96;
    std::vector<float> w(rows * columns, 0.5f), x(columns, 1.0f), y(rows);
    lsq_error err = {};
    lsq_format format;
    lsq_weights *packed = nullptr;
    lsq_writer *writer = nullptr;
    lsq_model *model = nullptr;
    const lsq_weights *mapped = nullptr;
    lsq_tensor tensor = {};
    tensor.name = "layer";
    tensor.dtype = LSQ_F32;
    tensor.rank = 2;
    tensor.shape[0] = rows;
    tensor.shape[1] = columns;

    bool done = argc == 2 && lsq_format_parse("t4", &format, &err) == LSQ_OK &&
                lsq_quantize(nullptr, &format, rows, columns, w.data(), columns, nullptr, &packed, &err) == LSQ_OK &&
                lsq_writer_new(argv[1], 1, &writer, &err) == LSQ_OK &&
                lsq_writer_quantised(writer, &tensor, 0, packed, &err) == LSQ_OK &&
                lsq_writer_finish(writer, &err) == LSQ_OK &&
                lsq_model_open(argv[1], LSQ_OPEN_VERIFY, &model, &err) == LSQ_OK &&
                lsq_model_weights(model, 0, &mapped, &err) == LSQ_OK &&
                lsq_sgemv(nullptr, LSQ_NO_TRANS, 1, mapped, x.data(), 1, 0, y.data(), 1) == LSQ_OK;
    for (float sum : y)
        done = done && sum > 45 && sum < 51; /* 48, from 4 bits */
    lsq_model_free(model);
    lsq_writer_free(writer);
    lsq_weights_free(packed);
    if (!done) {
        std::fprintf(stderr, "layers: %s; y[0] = %g\n", err.text, static_cast<double>(y[0]));
        return 1;
    }
    std::puts("liblsq-model: a layer from a file");
    return 0;
}
