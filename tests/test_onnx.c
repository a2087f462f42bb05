/*
 * test_onnx.c - ONNX models: initialisers and Constants in every form, and every kind of damage.
 *
 * data/onnx/ was written by the library of ONNX (data/README.md); other models are text (onnx_text.h).
 */
#include "model/import/protobuf.h"
#include "tests/hostile.h"
#include "tests/onnx_text.h"

#include <stdint.h>

static onnx_text model_text;

static void golden_path(const char *name, char path[1024])
{
    snprintf(path, 1024, "%s/onnx/%s.onnx", TEST_DATA, name);
}

/* What a model has, as text: `name dtype[shape]=1,2;` for each tensor. */
static void describe(const lsq_model *model, char *text, size_t room)
{
    size_t at = 0;
    text[0] = 0;
    for (size_t i = 0; i < lsq_model_count(model); i++) {
        const lsq_tensor *t = lsq_model_tensor(model, i);
        float numbers[64];
        ck_assert_uint_le(t->elements, 64);
        ck_assert_int_eq(lsq_model_read(model, i, numbers, NULL), LSQ_OK);
        at += (size_t)snprintf(text + at, room - at, "%s %s[", t->name, lsq_dtype_name(t->dtype));
        for (unsigned axis = 0; axis < t->rank; axis++)
            at += (size_t)snprintf(text + at, room - at, axis ? ",%llu" : "%llu", (unsigned long long)t->shape[axis]);
        at += (size_t)snprintf(text + at, room - at, "]=");
        for (size_t n = 0; n < t->elements; n++)
            at += (size_t)snprintf(text + at, room - at, n ? ",%g" : "%g", (double)numbers[n]);
        at += (size_t)snprintf(text + at, room - at, ";");
        ck_assert_uint_lt(at, room);
    }
}

/* ---- Golden files ------------------------------------------------------------------------------------------------ */

#define ALL_TYPES                                                                                                      \
    "FLOAT F32[2,1,2]=0,1,2,3;UINT8 U8[2,1,2]=0,1,2,3;INT8 I8[2,1,2]=0,1,2,3;UINT16 U16[2,1,2]=0,1,2,3;"               \
    "INT16 I16[2,1,2]=0,1,2,3;INT32 I32[2,1,2]=0,1,2,3;INT64 I64[2,1,2]=0,1,2,3;BOOL BOOL[2,1,2]=0,1,0,1;"             \
    "FLOAT16 F16[2,1,2]=0,1,2,3;DOUBLE F64[2,1,2]=0,1,2,3;UINT32 U32[2,1,2]=0,1,2,3;UINT64 U64[2,1,2]=0,1,2,3;"        \
    "BFLOAT16 BF16[2,1,2]=0,1,2,3;FLOAT8E4M3FN F8_E4M3[2,1,2]=0,1,2,3;FLOAT8E5M2 F8_E5M2[2,1,2]=0,1,2,3;"              \
    "scalar F32[]=0;empty I8[3,0]=;"

/*
 * Names that are taken: the then-branch is graph 1, the else-branch 2, those within the then-branch 3 and 4, the
 * function 5.
 */
static const struct {
    const char *name, *tensors;
} golden[] = {
    {"raw", ALL_TYPES},
    {"typed", ALL_TYPES},
    {"graphs", "value F32[2,3]=0,1,2,3,4,5;float F32[]=0;floats F32[2]=0,1;int I64[]=0;ints I64[3]=0,1,2;"
               "weight F16[1,4]=0,1,2,3;c I64[2]=0,1;weight/1 F32[2]=0,1;c/2 I64[2]=0,1;weight/2 F32[2]=0,1;"
               "c/3 I64[2]=0,1;weight/3 F32[2]=0,1;c/4 I64[2]=0,1;weight/4 F32[2]=0,1;c/5 F32[]=0;"},
    {"external", "one F32[4,4]=0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15;two I16[5]=0,1,2,3,4;"},
};

enum { GOLDEN = sizeof(golden) / sizeof(golden[0]), IN_MEMORY = GOLDEN - 1 };

START_TEST(golden_models_are_read)
{
    static const char *const pairs[][2] = {{"gr\xc3\xb6\xc3\x9f"
                                            "e",
                                            "\xe2\x9c\x93"},
                                           {"licence", "none \"at all\"\n"},
                                           {"onnx.domain", "org.example"},
                                           {"onnx.ir_version", "10"},
                                           {"onnx.model_version", "7"},
                                           {"onnx.opset.ai.onnx", "21"},
                                           {"onnx.opset.local", "1"},
                                           {"onnx.producer_name", "make_onnx.py"},
                                           {"onnx.producer_version", "1"}};
    char path[1024], text[4096];
    const char *key, *value;
    lsq_error err;
    golden_path(golden[_i].name, path);
    for (unsigned flags = 0; flags <= LSQ_OPEN_READ; flags += LSQ_OPEN_READ) {
        lsq_model *model = NULL;
        ck_assert_msg(lsq_model_open(path, flags, &model, &err) == LSQ_OK, "%s", err.text);
        ck_assert_str_eq(lsq_model_format(model), "onnx");
        ck_assert_ptr_null(lsq_model_warning(model, 0));
        describe(model, text, sizeof(text));
        ck_assert_str_eq(text, golden[_i].tensors);
        for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
            ck_assert_int_eq(lsq_model_metadata(model, i, &key, &value), 1);
            ck_assert_str_eq(key, pairs[i][0]);
            ck_assert_str_eq(value, pairs[i][1]);
        }
        ck_assert_int_eq(lsq_model_metadata(model, sizeof(pairs) / sizeof(pairs[0]), &key, &value), 0);
        lsq_model_free(model);
    }
}
END_TEST

/* What stands in the file as it is needed stays there. */
START_TEST(numbers_stay_in_the_file)
{
    char path[1024];
    for (size_t golden_file = 0; golden_file < 2; golden_file++) {
        lsq_model *model = NULL;
        golden_path(golden[golden_file].name, path);
        ck_assert_int_eq(lsq_model_open(path, 0, &model, NULL), LSQ_OK);
        for (size_t i = 0; i < model->count; i++) {
            const lsq_dtype dtype = model->entries[i].tensor.dtype;
            const int kept =
                golden_file == 0 || dtype == LSQ_F32 || dtype == LSQ_F64 || !model->entries[i].tensor.bytes;
            ck_assert_int_eq(model->entries[i].owned == NULL, kept);
        }
        lsq_model_free(model);
    }
}
END_TEST

/* ---- Models as text ---------------------------------------------------------------------------------------------- */

#define MODEL(graph)       "1:8 7:{" graph "} 8:{2:17}"
#define TENSOR(tensor)     MODEL("5:{" tensor "}")
#define CONSTANT(fields)   MODEL("1:{2:'c' 4:'Constant' 5:{" fields "}}")
#define W                  " 8:'w'"
#define EXTERNAL(location) TENSOR("1:1 2:1" W " 13:{1:'location' 2:'" location "'} 14:1")

static const struct {
    const char *text, *tensors;
} legal[] = {
    {MODEL("2:'no weights'"), ""},
    {"1:2 7:{2:'older than operator sets'}", ""},
    {"1:8 7:{} 8:{2:17}", ""},
    {"1:8 8:{2:17} 14:{1:'k'} 7:{5:{2:1 4:#0000803f" W "}} 20:{}", "w F32[]=1;"},
    /* numbers, packed or not, in one field or in many */
    {TENSOR("1:2 2:1 4:#0000803f00000040" W), "w F32[2]=1,2;"},
    {TENSOR("1:2 2:1 4:=1 4:=2" W), "w F32[2]=1,2;"},
    {TENSOR("1:#0201 2:1 4:=1 4:#00000040" W), "w F32[2,1]=1,2;"},
    {TENSOR("1:1 1:#02 2:6 5:#feffffffffffffffff0101" W), "w I32[1,2]=-2,1;"},
    {TENSOR("1:2 2:3 5:-128 5:127" W), "w I8[2]=-128,127;"},
    {TENSOR("1:2 2:5 5:-32768 5:32767" W), "w I16[2]=-32768,32767;"},
    {TENSOR("1:2 2:6 5:-2147483648 5:2147483647" W), "w I32[2]=-2.14748e+09,2.14748e+09;"},
    {TENSOR("1:1 2:7 7:-9223372036854775808" W), "w I64[1]=-9.22337e+18;"},
    {TENSOR("1:1 2:13 11:18446744073709551615" W), "w U64[1]=1.84467e+19;"},
    {TENSOR("1:1 2:12 11:4294967295" W), "w U32[1]=4.29497e+09;"},
    {TENSOR("1:2 2:10 5:#80f00280f803" W), "w F16[2]=-0.5,-inf;"},
    {TENSOR("1:1 2:16 5:65408" W), "w BF16[1]=-inf;"},
    {TENSOR("1:1 2:11 10:#000000000000f03f" W), "w F64[1]=1;"},
    {TENSOR("1:1 2:11 !51 !00 !00 !00 !00 !00 !00 !f0 !3f" W), "w F64[1]=1;"},
    {TENSOR("1:0 2:1" W), "w F32[0]=;"},
    {TENSOR("1:0 1:1099511627776 2:1 9:#" W), "w F32[0,1099511627776]=;"},
    {TENSOR("1:1 2:2 9:#07 4:#" W), "w U8[1]=7;"},
    {TENSOR("1:1 2:2 9:#07" W " 12:'text' 16:{1:'a'} 99:1 98:=1 13:{1:'location' 2:'nowhere'} 14:0"), "w U8[1]=7;"},
    {TENSOR("1:1 2:2 9:#07 8:'a b/c:0'"), "a b/c:0 U8[1]=7;"},
    /* Constants */
    {CONSTANT("1:'value' 5:{2:1 4:=3 8:'other'}"), "c F32[]=3;"},
    {CONSTANT("5:{2:1 4:=3} 1:'value' 20:4"), "c F32[]=3;"},
    {CONSTANT("1:'value_float' 2:=-1 20:1"), "c F32[]=-1;"},
    {CONSTANT("1:'value_float'"), "c F32[]=0;"},
    {CONSTANT("1:'value_floats' 7:=1 7:=2"), "c F32[2]=1,2;"},
    {CONSTANT("1:'value_floats' 7:#0000803f00000040"), "c F32[2]=1,2;"},
    {CONSTANT("1:'value_floats'"), "c F32[0]=;"},
    {CONSTANT("1:'value_int' 3:-1"), "c I64[]=-1;"},
    {CONSTANT("1:'value_int'"), "c I64[]=0;"},
    {CONSTANT("1:'value_ints' 8:#0102 8:3"), "c I64[3]=1,2,3;"},
    {CONSTANT("1:'value_int' 21:'of the function'"), ""},
    {MODEL("1:{5:{1:'value_int' 3:1} 7:'ai.onnx' 4:'Constant' 2:'c'}"), "c I64[]=1;"},
    {MODEL("1:{2:'c' 4:'Constant' 7:'other' 5:{1:'value_int' 3:1}}"), ""},
    {MODEL("1:{2:'c' 4:'Const' 5:{1:'value_int' 3:1}}"), ""},
    {MODEL("1:{2:'c' 4:'Other' 5:{1:'value' 5:{2:1 4:=3}} 5:{1:'more' 11:{} 10:{} 9:'s'}}"), ""},
    /* bodies: names that are free stay as they are */
    {MODEL("1:{4:'If' 5:{1:'t' 6:{5:{2:2 9:#01" W "}}}} 5:{2:2 9:#02 8:'v'}"), "v U8[]=2;w U8[]=1;"},
    {MODEL("1:{4:'If' 5:{11:{5:{2:2 9:#01" W "}} 11:{5:{2:2 9:#03" W "}}}} 5:{2:2 9:#02" W "}"),
     "w U8[]=2;w/1 U8[]=1;w/2 U8[]=3;"},
    {"1:8 7:{} 25:{1:'f' 5:{} 7:{2:'c' 4:'Constant' 5:{1:'value_int' 3:1}}} 8:{2:1}", "c I64[]=1;"},
    /* varints and tags that are longer than they need be */
    {"1:8 !ba !00 !80 !00 !42 !83 !80 !80 !00 !10 !91 !00", ""},
};

START_TEST(legal_model)
{
    lsq_model *model = NULL;
    lsq_error err;
    char text[1024];
    onnx_write(&model_text, legal[_i].text);
    ck_assert_msg(lsq_model_open_memory(model_text.bytes, model_text.size, 0, &model, &err) == LSQ_OK, "%s: %s",
                  legal[_i].text, err.text);
    ck_assert_str_eq(lsq_model_format(model), "onnx");
    describe(model, text, sizeof(text));
    ck_assert_msg(strcmp(text, legal[_i].tensors) == 0, "%s: %s", legal[_i].text, text);
    lsq_model_free(model);
}
END_TEST

START_TEST(training_is_warned_of)
{
    lsq_model *model = NULL;
    onnx_write(&model_text, "1:8 7:{} 8:{2:1} 20:{1:{5:{2:1 4:=1" W "}}} 20:{}");
    ck_assert_int_eq(lsq_model_open_memory(model_text.bytes, model_text.size, 0, &model, NULL), LSQ_OK);
    ck_assert_uint_eq(lsq_model_count(model), 0);
    ck_assert_ptr_nonnull(strstr(lsq_model_warning(model, 0), "training"));
    ck_assert_ptr_null(lsq_model_warning(model, 1));
    lsq_model_free(model);
}
END_TEST

/* Nodes beside a weight w of 2 x 2, and which axis they make that of its outputs; -1: none. */
#define NODE(type, inputs, more) "1:{" inputs " 2:'y' 4:'" type "'" more "}"
#define ATTRIBUTE(name, value)   " 5:{1:'" name "' 20:2 3:" value "}"
#define X_W                      "1:'x' 1:'w'"
#define W_X                      "1:'w' 1:'x'"
static const struct {
    const char *nodes;
    int axis;
} uses[] = {
    {NODE("MatMul", X_W, ""), 1},
    {NODE("MatMul", W_X, ""), 0},
    {NODE("MatMul", "1:'w' 1:'w'", ""), -1},
    {NODE("Gemm", X_W " 1:'w'", ""), 1},
    {NODE("Gemm", X_W, ATTRIBUTE("transB", "1")), 0},
    {NODE("Gemm", X_W, ATTRIBUTE("transB", "0")), 1},
    {NODE("Gemm", X_W, ATTRIBUTE("transA", "1")), 1},
    {NODE("Gemm", X_W, ATTRIBUTE("transA", "1") ATTRIBUTE("transB", "1")), 0},
    {NODE("Gemm", W_X, ""), 0},
    {NODE("Gemm", W_X, ATTRIBUTE("transA", "1")), 1},
    {NODE("Gemm", X_W, " 5:{20:2 3:1}"), 1},
    {NODE("MatMul", X_W, ATTRIBUTE("transB", "1")), 1}, /* not an attribute of that */
    {NODE("Conv", X_W, ""), 0},
    {NODE("ConvTranspose", X_W, ""), 1},
    {NODE("ConvTranspose", W_X, ""), -1},
    {NODE("Gather", W_X, ""), 0},
    {NODE("Gather", X_W, ""), -1},
    {NODE("Add", X_W, ""), -1},
    {NODE("MatMul", "1:'x' 1:'v'", ""), -1},
    {NODE("MatMul", "1:'x' 1:''", ""), -1},
    {NODE("MatMul", "", ""), -1},
    {NODE("MatMul", "1:'x' 1:1", ""), -1},
    {NODE("MatMul", X_W, "") NODE("MatMul", X_W, ""), 1},
    {NODE("MatMul", X_W, "") NODE("Gather", W_X, ""), -1},
    {NODE("MatMul", X_W, "") NODE("Gather", W_X, "") NODE("MatMul", X_W, ""), -1},
    {NODE("MatMul", X_W, "") NODE("Add", W_X, ""), 1},
    {NODE("If", "1:'x'", " 5:{1:'then_branch' 6:{" NODE("MatMul", X_W, "") "}}"), 1}, /* of the model's graph */
    {NODE("If", "1:'x'", " 5:{1:'then_branch' 6:{" NODE("MatMul", X_W, "") " 5:{1:1 2:3 9:#00 8:'w'}}}"),
     -1}, /* another w */
};

START_TEST(axes_of_outputs)
{
    static const lsq_format format = {.codec = LSQ_SCALAR, .bits = 4, .scale = LSQ_SCALE_ROW};
    char text[512];
    lsq_model *model = NULL;
    lsq_error err;
    unsigned axis = 9;
    snprintf(text, sizeof(text), MODEL("%s 5:{1:2 1:2 2:3 9:#00000000 8:'w'} 5:{1:4 2:3 9:#00000000 8:'v'}"),
             uses[_i].nodes);
    onnx_write(&model_text, text);
    ck_assert_msg(lsq_model_open_memory(model_text.bytes, model_text.size, 0, &model, &err) == LSQ_OK, "%s", err.text);
    const lsq_tensor *t = lsq_model_find(model, "w", NULL);
    ck_assert_ptr_nonnull(t);
    ck_assert_msg(t->axis_known == (uses[_i].axis >= 0) && t->output_axis == (uses[_i].axis > 0), "%s: %d, axis %u",
                  text, t->axis_known, t->output_axis);
    ck_assert_int_eq(lsq_model_find(model, "v", NULL)->axis_known, 0);
    ck_assert_int_eq(lsq_tensor_axis(t, &format, &axis), LSQ_OK);
    ck_assert_uint_eq(axis, t->output_axis);
    lsq_model_free(model);
}
END_TEST

/* ---- Attacks ----------------------------------------------------------------------------------------------------- */

#define X25   "xxxxxxxxxxxxxxxxxxxxxxxxx"
#define X125  X25 X25 X25 X25 X25
#define X1000 X125 X125 X125 X125 X125 X125 X125 X125

/* What must come of it: the status, and a part of the message. */
static const struct {
    const char *text;
    lsq_status status;
    const char *says;
} attacks[] = {
    /* the model */
    {"1:8 2:'x'", LSQ_E_TRUNCATED, "expected a field graph"},
    {"1:8 7:{}", LSQ_E_TRUNCATED, "expected a field opset_import"},
    {"1:15 7:{} 8:{2:1}", LSQ_E_UNSUPPORTED, "offset 1: ONNX IR version 15, expected 1 to 14"},
    {"1:127 7:{} 8:{2:1}", LSQ_E_UNSUPPORTED, "IR version 127"},
    {"1:8 1:8 7:{} 8:{2:1}", LSQ_E_MALFORMED, "field 1 of ModelProto a second time"},
    {"1:8 7:{} 7:{} 8:{2:1}", LSQ_E_MALFORMED, "field 7 of ModelProto a second time"},
    {"1:8 2:'x' 2:'y' 7:{} 8:{2:1}", LSQ_E_MALFORMED, "\"onnx.producer_name\" a second time"},
    {"1:8 7:{} 8:{2:1} 8:{1:'ai.onnx' 2:2}", LSQ_E_MALFORMED, "\"onnx.opset.ai.onnx\" a second time"},
    {"1:8 7:{} 8:{1:#0a 2:1}", LSQ_E_MALFORMED, "the domain of an operator set contains a control character"},
    {"1:8 7:{} 8:{1:'" X1000 X25 "' 2:1}", LSQ_E_MALFORMED, "longer than 1024 bytes"},
    {"1:8 7:{} 8:{2:'1'}", LSQ_E_MALFORMED, "field 2 of OperatorSetIdProto has type 2, expected 0"},
    {"1:8 7:{} 8:{2:1} 14:{1:'k' 2:'v'} 14:{1:'k' 2:'w'}", LSQ_E_MALFORMED, "metadata \"k\" a second time"},
    {"1:8 7:{} 8:{2:1} 14:{2:'v'}", LSQ_E_MALFORMED, "metadata without a key"},
    {"1:8 7:{} 8:{2:1} 14:{1:'k' 2:#ff}", LSQ_E_MALFORMED, "expected text"},
    {"1:8 7:{} 8:{2:1} 14:{1:#6b00 2:'v'}", LSQ_E_MALFORMED, "offset 13: expected text"},
    {"1:8 7:{} 8:{2:1} 14:{1:'k' 1:'l' 2:'v'}", LSQ_E_MALFORMED, "a second time"},
    /* the wire */
    {"1:8 7:{!ff} 8:{2:1}", LSQ_E_MALFORMED, "offset 5: expected 1 bytes of a tag, more than the 0 left of GraphProto"},
    {"1:8 7:{!08 !ff} 8:{2:1}", LSQ_E_MALFORMED, "a number, more than the 0 left"},
    {"1:8 7:{!0a !05 !00} 8:{2:1}", LSQ_E_MALFORMED, "expected 5 bytes of a field, more than the 1 left"},
    {"1:8 7:{!0a !ff !ff !ff !ff !ff !ff !ff !ff !ff !01} 8:{2:1}", LSQ_E_MALFORMED, "18446744073709551615 bytes"},
    {"1:8 7:{!08 !ff !ff !ff !ff !ff !ff !ff !ff !ff !02} 8:{2:1}", LSQ_E_MALFORMED, "a varint beyond 2^64"},
    {"1:8 7:{!08 !ff !ff !ff !ff !ff !ff !ff !ff !ff !ff !01} 8:{2:1}", LSQ_E_MALFORMED, "a varint beyond 2^64"},
    {"1:8 7:{!00 !00} 8:{2:1}", LSQ_E_MALFORMED, "expected a field of GraphProto, found number 0"},
    {"1:8 7:{!80 !80 !80 !80 !10 !00} 8:{2:1}", LSQ_E_MALFORMED, "found number 536870912"},
    {"1:8 7:{!0b !0c} 8:{2:1}", LSQ_E_MALFORMED, "field 1 of GraphProto has type 3, expected 0, 1, 2 or 5"},
    {"1:8 7:{!0c} 8:{2:1}", LSQ_E_MALFORMED, "type 4"},
    {"1:8 7:{!0e} 8:{2:1}", LSQ_E_MALFORMED, "type 6"},
    {"1:8 7:{!0f} 8:{2:1}", LSQ_E_MALFORMED, "type 7"},
    {"1:8 7:{!1d !00 !00 !00} 8:{2:1}", LSQ_E_MALFORMED, "expected 4 bytes of a number, more than the 3 left"},
    {"1:8 7:{!19 !00 !00 !00 !00} 8:{2:1}", LSQ_E_MALFORMED, "expected 8 bytes of a number"},
    {MODEL("1:1"), LSQ_E_MALFORMED, "offset 5: field 1 of GraphProto has type 0, expected 2"},
    {MODEL("5:1"), LSQ_E_MALFORMED, "field 5 of GraphProto has type 0, expected 2"},
    {MODEL("1:{4:1}"), LSQ_E_MALFORMED, "field 4 of NodeProto has type 0"},
    {MODEL("1:{2:'c' 5:1}"), LSQ_E_MALFORMED, "field 5 of NodeProto has type 0"},
    {MODEL("1:{5:{6:1}}"), LSQ_E_MALFORMED, "field 6 of AttributeProto has type 0"},
    {MODEL("1:{5:{11:1}}"), LSQ_E_MALFORMED, "field 11 of AttributeProto has type 0"},
    {MODEL("1:{5:{6:{} 6:{}}}"), LSQ_E_MALFORMED, "field 6 of AttributeProto a second time"},
    {MODEL("1:{4:'a' 4:'b'}"), LSQ_E_MALFORMED, "field 4 of NodeProto a second time"},
    {MODEL("1:{5:{6:{5:{!ff}}}}"), LSQ_E_MALFORMED, "more than the 0 left of TensorProto"},
    {MODEL("15:{}"), LSQ_E_UNSUPPORTED, "sparse"},
    /* tensors */
    {TENSOR("1:1 2:1 4:=1"), LSQ_E_MALFORMED, "the name of a tensor, \"\", is empty"},
    {TENSOR("1:1 2:1 4:=1 8:''"), LSQ_E_MALFORMED, "is empty"},
    {TENSOR("1:1 2:1 4:=1 8:#770077"), LSQ_E_MALFORMED, "control character"},
    {TENSOR("1:1 2:1 4:=1 8:#1b5b"), LSQ_E_MALFORMED, "control character"},
    {TENSOR("1:1 2:1 4:=1 8:#ff"), LSQ_E_MALFORMED, "is not UTF-8"},
    {TENSOR("1:1 2:1 4:=1 8:'" X1000 X25 "'"), LSQ_E_LIMIT, "longer than 1024 bytes"},
    {TENSOR("1:1 2:1 4:=1 8:'a' 8:'b'"), LSQ_E_MALFORMED, "field 8 of TensorProto a second time"},
    {MODEL("5:{2:1 4:=1" W "} 5:{2:1 4:=1" W "}"), LSQ_E_MALFORMED,
     "offset 18: two tensors of a graph are called \"w\""},
    {MODEL("1:{2:'w' 4:'Constant' 5:{1:'value_int'}} 5:{2:1 4:=1" W "}"), LSQ_E_MALFORMED, "two tensors of a graph"},
    {MODEL("1:{5:{6:{5:{2:2 9:#01" W "} 5:{2:2 9:#01" W "}}}}"), LSQ_E_MALFORMED, "two tensors of a graph"},
    {MODEL("1:{5:{6:{5:{2:2 9:#01" W "}}}} 5:{2:2 9:#01" W "} 5:{2:2 9:#01 8:'w/1'}"), LSQ_E_MALFORMED,
     "two tensors are called \"w/1\""},
    {TENSOR("1:1 4:=1" W), LSQ_E_MALFORMED, "tensor \"w\": offset 6: no type"},
    {TENSOR("1:1 2:0 4:=1" W), LSQ_E_MALFORMED, "no type"},
    {TENSOR("1:1 2:8 6:'text'" W), LSQ_E_UNSUPPORTED, "tensor \"w\": offset 9: type 8, STRING"},
    {TENSOR("1:1 2:14 4:=1 4:=1" W), LSQ_E_UNSUPPORTED, "type 14, COMPLEX64"},
    {TENSOR("1:1 2:22 9:#01" W), LSQ_E_UNSUPPORTED, "type 22, INT4"},
    {TENSOR("1:1 2:28 9:#01" W), LSQ_E_UNSUPPORTED, "type 28, FLOAT6E3M2"},
    {TENSOR("1:1 2:29 9:#01" W), LSQ_E_UNSUPPORTED, "type 29 is not"},
    {TENSOR("1:1 2:18446744073709551615 9:#01" W), LSQ_E_UNSUPPORTED, "type 18446744073709551615 is not"},
    {TENSOR("1:1 2:4294967297 9:#00000000" W), LSQ_E_UNSUPPORTED, "type 4294967297 is not"},
    {TENSOR("1:1 2:1 2:1 4:=1" W), LSQ_E_MALFORMED, "field 2 of TensorProto a second time"},
    {TENSOR("1:1 2:'1' 4:=1" W), LSQ_E_MALFORMED, "field 2 of TensorProto has type 2"},
    {TENSOR("1:1 2:1 3:{1:0 2:1} 4:=1" W), LSQ_E_UNSUPPORTED, "one segment"},
    {TENSOR("1:-1 2:1 4:=1" W), LSQ_E_MALFORMED, "offset 7: dimension 0 of a tensor is -1"},
    {TENSOR("1:1 1:9223372036854775808 2:1" W), LSQ_E_MALFORMED, "dimension 1 of a tensor is -9223372036854775808"},
    {TENSOR("1:#01ff 2:1 4:=1" W), LSQ_E_MALFORMED, "expected 1 bytes of a number"},
    {TENSOR("1:=1 2:1 4:=1" W), LSQ_E_MALFORMED, "field 1 of TensorProto has type 5"},
    {TENSOR("1:#010101010101010101 2:1 4:=1" W), LSQ_E_LIMIT, "rank 9, expected at most 8"},
    {TENSOR("1:1099511627777 2:1 4:=1" W), LSQ_E_LIMIT, "more than 2^40"},
    {TENSOR("1:4294967296 1:4294967296 2:1 4:=1" W), LSQ_E_LIMIT, "more than 2^44"},
    {TENSOR("1:4194304 1:4194304 2:1 9:#00000000" W), LSQ_E_MALFORMED,
     "tensor \"w\": offset 20: 4 bytes, where shape and type ask for 70368744177664"},
    /* their numbers */
    {TENSOR("1:1 2:1" W), LSQ_E_MALFORMED, "0 numbers, where the shape asks for 1"},
    {TENSOR("1:2 2:1 4:=1" W), LSQ_E_MALFORMED, "1 numbers, where the shape asks for 2"},
    {TENSOR("1:1 2:1 4:=1 4:=2" W), LSQ_E_MALFORMED, "2 numbers, where the shape asks for 1"},
    {TENSOR("1:0 2:1 4:=1" W), LSQ_E_MALFORMED, "1 numbers, where the shape asks for 0"},
    {TENSOR("1:1000000000 2:6 5:1" W), LSQ_E_MALFORMED, "1 numbers, where the shape asks for 1000000000"},
    {TENSOR("1:1 2:1 9:#000000" W), LSQ_E_MALFORMED, "3 bytes, where shape and type ask for 4"},
    {TENSOR("1:1 2:1 9:#0000000000" W), LSQ_E_MALFORMED, "5 bytes"},
    {TENSOR("1:1 2:1 9:#" W), LSQ_E_MALFORMED, "0 bytes"},
    {TENSOR("1:0 2:1 9:#00" W), LSQ_E_MALFORMED, "1 bytes, where shape and type ask for 0"},
    {TENSOR("1:1 2:1 9:#00000000 9:#00000000" W), LSQ_E_MALFORMED, "field 9 of TensorProto a second time"},
    {TENSOR("1:1 2:1 9:1" W), LSQ_E_MALFORMED, "field 9 of TensorProto has type 0"},
    {TENSOR("1:1 2:1 9:#00000000 4:=1" W), LSQ_E_MALFORMED, "numbers in two places"},
    {TENSOR("1:1 2:1 4:=1 5:1" W), LSQ_E_MALFORMED, "numbers in field 5 of TensorProto, and in field 4"},
    {TENSOR("1:1 2:1 5:1" W), LSQ_E_MALFORMED, "numbers in field 5, expected those of FLOAT in 4"},
    {TENSOR("1:1 2:7 5:1" W), LSQ_E_MALFORMED, "expected those of INT64 in 7"},
    {TENSOR("1:1 2:1 4:1" W), LSQ_E_MALFORMED, "field 4 of TensorProto has type 0, expected 5"},
    {TENSOR("1:1 2:1 4:#000000" W), LSQ_E_MALFORMED, "3 bytes of field 4 of TensorProto, expected numbers of 4"},
    {TENSOR("1:1 2:11 10:#0000000000" W), LSQ_E_MALFORMED, "expected numbers of 8"},
    {TENSOR("1:1 2:6 5:=1" W), LSQ_E_MALFORMED, "field 5 of TensorProto has type 5, expected 0"},
    {TENSOR("1:1 2:6 5:#01ff" W), LSQ_E_MALFORMED, "more than the 0 left"},
    {TENSOR("1:1 2:6 5:#ffffffffffffffffffff01" W), LSQ_E_MALFORMED, "beyond 2^64"},
    {TENSOR("1:1 2:2 5:256" W), LSQ_E_MALFORMED, "tensor \"w\": offset 11: 256 is no U8"},
    {TENSOR("1:1 2:2 5:-1" W), LSQ_E_MALFORMED, "-1 is no U8"},
    {TENSOR("1:1 2:3 5:128" W), LSQ_E_MALFORMED, "128 is no I8"},
    {TENSOR("1:1 2:3 5:-129" W), LSQ_E_MALFORMED, "-129 is no I8"},
    {TENSOR("1:1 2:4 5:65536" W), LSQ_E_MALFORMED, "65536 is no U16"},
    {TENSOR("1:1 2:5 5:32768" W), LSQ_E_MALFORMED, "32768 is no I16"},
    {TENSOR("1:1 2:6 5:2147483648" W), LSQ_E_MALFORMED, "2147483648 is no I32"},
    {TENSOR("1:1 2:6 5:-2147483649" W), LSQ_E_MALFORMED, "-2147483649 is no I32"},
    {TENSOR("1:1 2:9 5:2" W), LSQ_E_MALFORMED, "2 is no BOOL"},
    {TENSOR("1:1 2:10 5:65536" W), LSQ_E_MALFORMED, "65536 is no F16"},
    {TENSOR("1:1 2:16 5:-1" W), LSQ_E_MALFORMED, "-1 is no BF16"},
    {TENSOR("1:1 2:17 5:256" W), LSQ_E_MALFORMED, "256 is no F8_E4M3"},
    {TENSOR("1:1 2:12 11:4294967296" W), LSQ_E_MALFORMED, "4294967296 is no U32"},
    /* Constants */
    {CONSTANT("1:'value'"), LSQ_E_MALFORMED, "offset 21: the value of a Constant is no tensor"},
    {CONSTANT("1:'value' 5:1"), LSQ_E_MALFORMED, "field 5 of AttributeProto has type 0"},
    {CONSTANT("1:'value' 5:{2:1 4:=1} 5:{}"), LSQ_E_MALFORMED, "a second time"},
    {CONSTANT("1:'value' 5:{2:8 6:'text'}"), LSQ_E_UNSUPPORTED, "tensor \"c\""},
    {CONSTANT("1:'value_int' 3:1 3:1"), LSQ_E_MALFORMED, "2 numbers, where the shape asks for 1"},
    {CONSTANT("1:'value_int' 3:=1"), LSQ_E_MALFORMED, "field 3 of AttributeProto has type 5"},
    {CONSTANT("1:'value_floats' 7:#00"), LSQ_E_MALFORMED, "1 bytes of field 7 of AttributeProto"},
    {CONSTANT("1:'value_string' 4:'text'"), LSQ_E_UNSUPPORTED, "a Constant with a \"value_string\""},
    {CONSTANT("1:'sparse_value' 22:{}"), LSQ_E_UNSUPPORTED, "a Constant with a \"sparse_value\""},
    {CONSTANT("3:1"), LSQ_E_UNSUPPORTED, "a Constant with a \"\""},
    {MODEL("1:{2:'c' 4:'Constant'}"), LSQ_E_MALFORMED, "a Constant with 0 attributes"},
    {MODEL("1:{2:'c' 4:'Constant' 5:{1:'value_int'} 5:{1:'other' 21:'x'}}"), LSQ_E_MALFORMED, "2 attributes"},
    {MODEL("1:{4:'Constant' 5:{1:'value_int'}}"), LSQ_E_MALFORMED, "is empty"},
    {MODEL("1:{2:'' 4:'Constant' 5:{1:'value_int'}}"), LSQ_E_MALFORMED, "is empty"},
    /* other files, of which a model in memory has none */
    {EXTERNAL("data"), LSQ_E_UNSUPPORTED, "needs the file \"data\""},
    {EXTERNAL("/dev/zero"), LSQ_E_MALFORMED, "not the plain name"},
    {TENSOR("1:1 2:1 14:1" W), LSQ_E_MALFORMED, "the name of the file that has its numbers is empty"},
    {TENSOR("1:1 2:1 14:2" W), LSQ_E_UNSUPPORTED, "data location 2"},
    {TENSOR("1:1 2:1 14:1 4:=1" W), LSQ_E_MALFORMED, "numbers in two places"},
};

START_TEST(attack)
{
    lsq_error err;
    onnx_write(&model_text, attacks[_i].text);
    const lsq_status status = limited_status_of(model_text.bytes, model_text.size, &err);
    ck_assert_msg(status == attacks[_i].status, "%s: status %d, %s", attacks[_i].text, status, err.text);
    ck_assert_msg(strstr(err.text, attacks[_i].says) != NULL, "%s: does not say %s: %s", attacks[_i].text,
                  attacks[_i].says, err.text);
}
END_TEST

/* Bodies in bodies, 50,000 deep, written from the innermost outwards: no stack, no time. */
START_TEST(deep_nesting)
{
    enum { DEPTH = 50000, ROOM = DEPTH * 16 + 64 };
    static uint8_t bytes[ROOM];
    static const unsigned tags[] = {6 << 3 | 2, 5 << 3 | 2, 1 << 3 | 2}; /* a body, in an attribute, in a node */
    size_t start = ROOM - 4;
    lsq_error err;
    memcpy(bytes + start, "\x42\x02\x10\x01", 4); /* opset_import */
    for (unsigned i = 0; i <= 3 * DEPTH; i++) {
        uint8_t head[8];
        size_t size = ROOM - 4 - start, length = 0;
        head[length++] = (uint8_t)(i < 3 * DEPTH ? tags[i % 3] : 7 << 3 | 2);
        for (; size >= 0x80; size >>= 7)
            head[length++] = (uint8_t)(0x80 | (size & 0x7f));
        head[length++] = (uint8_t)size;
        ck_assert_uint_gt(start, length + 2);
        start -= length;
        memcpy(bytes + start, head, length);
    }
    start -= 2;
    memcpy(bytes + start, "\x08\x08", 2);
    ck_assert_msg(limited_status_of(bytes + start, ROOM - start, &err) == LSQ_OK, "%s", err.text);
}
END_TEST

/* ---- Damage ------------------------------------------------------------------------------------------------------ */

/*
 * A message says nowhere how long it is: where a field has ended, behind the first operator set, a shorter file is
 * whole.
 */
static size_t whole_from(const uint8_t *bytes, size_t size, uint8_t *ends)
{
    const lsq_mapping file = {.path = "golden", .bytes = bytes, .size = size};
    lsq_message m = {&file, "ModelProto", 0, size, 0, NULL};
    lsq_field f;
    size_t opset = 0;
    for (;;) {
        ck_assert_int_eq(lsq_field_next(&m, &f), LSQ_OK);
        if (f.number == 0)
            return opset;
        ends[m.at] = 1;
        if (f.number == 8 && !opset)
            opset = m.at;
    }
}

START_TEST(every_prefix_is_truncated)
{
    char path[1024];
    size_t size;
    lsq_error err;
    golden_path(golden[_i].name, path);
    uint8_t *bytes = contents_of(path, &size), *ends = calloc(size + 1, 1);
    const size_t opset = whole_from(bytes, size, ends);
    ck_assert_uint_gt(opset, size / 2);
    for (size_t length = 0; length < size; length++) {
        const lsq_status status = status_of(bytes, length, &err);
        const int whole = length >= opset && ends[length];
        ck_assert_msg(status == (whole ? LSQ_OK : LSQ_E_TRUNCATED), "%zu bytes: status %d, %s", length, status,
                      err.text);
    }
    free(ends);
    free(bytes);
}
END_TEST

/* Without a checksum a changed bit may well be another model; but then it is one, with all its numbers. */
START_TEST(bit_flips)
{
    char path[1024];
    size_t size, opened = 0;
    golden_path(golden[_i].name, path);
    uint8_t *bytes = contents_of(path, &size);
    for (size_t at = 0; at < size; at++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            lsq_model *model = NULL;
            lsq_error err;
            bytes[at] ^= (uint8_t)(1u << bit);
            const lsq_status status = lsq_model_open_memory(bytes, size, 0, &model, &err);
            bytes[at] ^= (uint8_t)(1u << bit);
            ck_assert_msg(status == LSQ_OK || status == LSQ_E_MALFORMED || status == LSQ_E_TRUNCATED ||
                              status == LSQ_E_LIMIT || status == LSQ_E_UNSUPPORTED,
                          "byte %zu, bit %u: status %d, %s", at, bit, status, err.text);
            for (size_t i = 0; status == LSQ_OK && i < lsq_model_count(model); i++) {
                float *numbers = malloc(lsq_model_tensor(model, i)->elements * sizeof(float) + 1);
                ck_assert_ptr_nonnull(numbers);
                ck_assert_int_eq(lsq_model_read(model, i, numbers, NULL), LSQ_OK);
                free(numbers);
            }
            opened += status == LSQ_OK;
            lsq_model_free(model);
        }
    }
    ck_assert_uint_lt(opened, size * 8);
    free(bytes);
}
END_TEST

/* ---- Which files are ONNX ---------------------------------------------------------------------------------------- */

static int is_onnx(const void *bytes, size_t size)
{
    return lsq_is_onnx(&(lsq_mapping){.path = "memory", .bytes = bytes, .size = size});
}

START_TEST(other_files_are_not_taken)
{
    static const char *const others[] = {"/all_types.safetensors", "/fixture.safetensors", "/npy/rows.npy",
                                         "/../golden/small.lsq", "/../golden/v1_b3.lsq"};
    static const char *const texts[] = {
        "1:0 7:{} 8:{2:1}",             /* no version */
        "1:128 7:{} 8:{2:1}",           /* not a small one */
        "1:1 2:{1:{1:'meta'} 2:{3:1}}", /* a SavedModel of TensorFlow */
        "1:{1:'node' 2:'Const'}",       /* a GraphDef of TensorFlow */
        "2:'x' 1:8 7:{} 8:{2:1}",       /* another order */
        "1:8 7:{} 8:{2:1} 9:1",         /* fields that there are not */
        "1:8 7:{} 8:{2:1} 5:'text'",    /* of another type */
        "1:8 2:#ff 7:{} 8:{2:1}",       /* text that is none */
        "1:8 7:1 8:{2:1}",
        "1:8 7:{} 8:{2:1} !0b",
    };
    char path[1024];
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        size_t size;
        snprintf(path, sizeof(path), "%s%s", TEST_DATA, others[i]);
        uint8_t *bytes = contents_of(path, &size);
        for (size_t length = 0; length < 4096 && length <= size; length++)
            ck_assert_int_eq(is_onnx(bytes, length), 0);
        ck_assert_int_eq(is_onnx(bytes, size), 0);
        free(bytes);
    }
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        onnx_write(&model_text, texts[i]);
        ck_assert_msg(!is_onnx(model_text.bytes, model_text.size), "%s", texts[i]);
    }
    ck_assert_int_eq(is_onnx("\x08\x08\x12\0\0\0\0\0{\"a\":{}}", 17), 0); /* a safetensors header of 1,181,704 bytes */
}
END_TEST

/* A model whose ninth byte is the brace with which a header of safetensors begins. */
START_TEST(a_brace_is_not_safetensors)
{
    lsq_model *model = NULL;
    lsq_error err;
    onnx_write(&model_text, "1:8 7:{2:'abc{' 5:{2:1 4:=1" W "}} 8:{2:1}");
    ck_assert_int_eq(model_text.bytes[8], 'c');
    ck_assert_int_eq(model_text.bytes[9], '{');
    onnx_write(&model_text, "1:8 7:{2:'ab{' 5:{2:1 4:=1" W "}} 8:{2:1}");
    ck_assert_int_eq(model_text.bytes[8], '{');
    ck_assert_msg(lsq_model_open_memory(model_text.bytes, model_text.size, 0, &model, &err) == LSQ_OK, "%s", err.text);
    ck_assert_str_eq(lsq_model_format(model), "onnx");
    lsq_model_free(model);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("onnx");
    TCase *cases = tcase_create("all");
    tcase_set_timeout(cases, 60);
    tcase_add_loop_test(cases, golden_models_are_read, 0, GOLDEN);
    tcase_add_test(cases, numbers_stay_in_the_file);
    tcase_add_loop_test(cases, legal_model, 0, sizeof(legal) / sizeof(legal[0]));
    tcase_add_test(cases, training_is_warned_of);
    tcase_add_loop_test(cases, axes_of_outputs, 0, sizeof(uses) / sizeof(uses[0]));
    tcase_add_loop_test(cases, attack, 0, sizeof(attacks) / sizeof(attacks[0]));
    tcase_add_test(cases, deep_nesting);
    tcase_add_loop_test(cases, every_prefix_is_truncated, 0, IN_MEMORY);
    tcase_add_loop_test(cases, bit_flips, 0, GOLDEN);
    tcase_add_test(cases, other_files_are_not_taken);
    tcase_add_test(cases, a_brace_is_not_safetensors);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
