/*
 * test_pth.c - what torch.save() writes, and pickles that nobody should run.
 *
 * data/pth/ was written by make_pth.py, as torch writes it (data/README.md). Damage to zip files as such: test_npz.c.
 */
#include "tests/pth_sample.h"
#include "tests/zip_sample.h"

/* ---- What is read ----------------------------------------------------------------------------------------------- */

static const char *const versions[] = {"linear", "newer", "protocol_1", "protocol_3", "protocol_4", "protocol_5"};

START_TEST(every_version_is_read)
{
    expect_linear(versions[_i]);
}
END_TEST

START_TEST(types_are_read)
{
    lsq_model *model = open_golden("types");
    ck_assert_uint_eq(lsq_model_count(model), PTH_TYPES);
    expect_types(model);
    lsq_model_free(model);
}
END_TEST

START_TEST(views_are_read)
{
    size_t whole;
    lsq_model *model = open_golden("views");
    ck_assert_uint_eq(lsq_model_count(model), PTH_VIEWS);
    expect_views(model);
    ck_assert_ptr_nonnull(lsq_model_find(model, "whole", &whole));
    ck_assert_uint_eq((size_t)((const uint8_t *)lsq_model_bytes(model, whole) - model->files[0].bytes) % 64, 0);
    lsq_model_free(model);
}
END_TEST

/* Tensors up to two dicts below the outermost; everything else is counted in one warning. */
START_TEST(checkpoints_are_read)
{
    static const char *const files[] = {"checkpoint", "checkpoint_1", "checkpoint_4"}, *const says[] = {"12 values",
                                                                                                        "12 values",
                                                                                                        "15 values"};
    for (size_t i = 0; i < 3; i++) {
        lsq_model *model = open_golden(files[i]);
        ck_assert_uint_eq(lsq_model_count(model), 3);
        expect_numbers(model, "state_dict.linear.weight", 6, count_up);
        expect_numbers(model, "state_dict.linear.bias", 2, (const float[]){0.5f, -0.5f});
        expect_numbers(model, "optimizer.state.momentum", 2, (const float[]){1, 2});
        ck_assert_msg(strstr(lsq_model_warning(model, 0), says[i]) != NULL, "%s", lsq_model_warning(model, 0));
        ck_assert_ptr_null(lsq_model_warning(model, 1));
        lsq_model_free(model);
    }
    for (size_t i = 0; i < 2; i++) { /* with what else a training leaves */
        lsq_model *model = open_golden(i ? "training_5" : "training_2");
        ck_assert_uint_eq(lsq_model_count(model), 5);
        expect_numbers(model, "model.linear.weight", 6, count_up);
        expect_numbers(model, "model.linear.bias", 2, (const float[]){0.5f, -0.5f});
        expect_numbers(model, "model.own", 12, count_up);
        expect_numbers(model, "model.class", 12, count_up);
        expect_numbers(model, "moments.mean", 2, (const float[]){0.5f, -0.5f});
        ck_assert_msg(strstr(lsq_model_warning(model, 0), "13 values") != NULL, "%s", lsq_model_warning(model, 0));
        lsq_model_free(model);
    }
    lsq_model *model = open_golden("recursive");
    expect_numbers(model, "weight", 12, count_up);
    ck_assert_ptr_nonnull(strstr(lsq_model_warning(model, 0), "1 values"));
    ck_assert_ptr_nonnull(strstr(lsq_model_warning(model, 0), "\"itself\""));
    lsq_model_free(model);
    model = open_golden("empty");
    ck_assert_uint_eq(lsq_model_count(model), 0);
    lsq_model_free(model);
}
END_TEST

/* ---- Damage ----------------------------------------------------------------------------------------------------- */

static const char *const golden[] = {"linear", "newer", "protocol_1",   "protocol_4",
                                     "views",  "types", "checkpoint_4", "training_2"};

START_TEST(every_prefix_is_truncated)
{
    size_t size;
    lsq_error err;
    uint8_t *bytes = golden_bytes(golden[_i], &size);
    for (size_t length = 0; length < size; length++)
        ck_assert_msg(status_of(bytes, length, &err) == LSQ_E_TRUNCATED, "%zu bytes: status %d, %s", length, err.status,
                      err.text);
    free(bytes);
}
END_TEST

/* With checksums no bit of a pickle or a number changes unseen; without them nothing worse than other numbers comes. */
START_TEST(bit_flips_are_harmless)
{
    size_t size;
    lsq_error err;
    uint8_t *bytes = golden_bytes(golden[_i], &size);
    const size_t pickle_end = 350; /* within all of these pickles */
    for (size_t at = 0; at < size; at++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            bytes[at] ^= (uint8_t)(1u << bit);
            if (at >= 64 && at < pickle_end)
                ck_assert_msg(status_of(bytes, size, &err) == LSQ_E_CHECKSUM, "byte %zu: %s", at, err.text);
            read_all(bytes, size);
            bytes[at] ^= (uint8_t)(1u << bit);
        }
    }
    free(bytes);
}
END_TEST

/* ---- Attacks ---------------------------------------------------------------------------------------------------- */

#define STORAGE(type, key, count)                                                                                      \
    "(" TEXT("\7", "storage") "ctorch\n" type "Storage\n" TEXT("\1", key) TEXT("\3", "cpu") count "tQ"
#define FLOATS                     STORAGE("Float", "0", "K\6")
#define VIEW(offset, size, stride) TENSOR(FLOATS offset size stride "\x89}")
#define MANY(text)                 text text text text text text text text text text
#define NUMBERS_8                  "K\1K\1K\1K\1K\1K\1K\1K\1"
#define WHOLE                      VIEW("K\0", "K\6\x85", "K\1\x85")
#define PAIRS(pairs)               "ccollections\nOrderedDict\n](" pairs "e\x85R"
#define PARAMETER(tensor)          "ctorch._utils\n_rebuild_parameter\n(" tensor "\x88}tR"
#define SUBCLASS(function, arguments)                                                                                  \
    "ctorch._tensor\n_rebuild_from_type_v2\n(" function "ctorch\nTensor\n" arguments "}tR"

/* A pickle beside a storage of the six floats 0, 1, 2, ..., and what must come of it. */
static const struct {
    const char *pickle;
    size_t size;
    lsq_status status;
    const char *says;
} attacks[] = {
    CASE(DICT(WHOLE), LSQ_OK, ""),
    CASE(DICT(VIEW("K\1", "K\5\x85", "K\1\x85")), LSQ_OK, ""),
    CASE(DICT(VIEW("K\0", "K\2K\3\x86", "K\1K\2\x86")), LSQ_OK, ""),
    CASE(DICT(VIEW("K\0", "K\0\x85", "K\1\x85")), LSQ_OK, ""),
    CASE(DICT(VIEW("K\0", "ctorch\nSize\n(K\2K\3t\x85R", "K\3K\1\x86")), LSQ_OK, ""),
    CASE("\x80\2}.", LSQ_OK, ""),
    CASE("}.", LSQ_OK, ""),
    CASE("\x80\2(" TEXT("\1", "w") WHOLE "d.", LSQ_OK, ""),
    /* programs */
    CASE("\x80\2"
         "cos\nsystem\n" TEXT("\4", "true") "\x85R.",
         LSQ_E_UNSUPPORTED, "names os.system; nothing of a pickle is ever executed"),
    CASE("\x80\2"
         "cbuiltins\neval\n" TEXT("\1", "1") "\x85R.",
         LSQ_E_UNSUPPORTED, "names builtins.eval"),
    CASE("\x80\4\x8c\5posix\x8c\6system\x93.", LSQ_E_UNSUPPORTED, "names posix.system"),
    CASE("\x80\2"
         "ctorch\nload\n.",
         LSQ_E_UNSUPPORTED, "names torch.load"),
    CASE("\x80\2"
         "ctorch._utils\n_rebuild_tensor_v2.__globals__\n.",
         LSQ_E_UNSUPPORTED, "_v2.__globals__"),
    CASE("\x80\2"
         "ctorch\nFloatStorag\n.",
         LSQ_E_UNSUPPORTED, "names torch.FloatStorag;"),
    CASE("\x80\2"
         "ctorch\nComplexFloatStorage\n.",
         LSQ_E_UNSUPPORTED, "ComplexFloatStorage"),
    CASE("\x80\2"
         "cnumpy.core.multiarray\nscala\n.",
         LSQ_E_UNSUPPORTED, "names numpy.core.multiarray.scala;"),
    CASE("\x80\2(ios\nsystem\n.", LSQ_E_UNSUPPORTED, "makes an object"),
    CASE("\x80\2"
         "ccollections\nOrderedDict\n)\x81.",
         LSQ_E_UNSUPPORTED, "makes an object"),
    CASE("\x80\2"
         "cbuiltins\ngetattr\n(cargparse\nNamespace\n" TEXT("\3", "run") "tR.",
         LSQ_E_UNSUPPORTED, "names builtins.getattr"),
    CASE("\x80\2"
         "coperator\nattrgetter\n.",
         LSQ_E_UNSUPPORTED, "names operator.attrgetter"),
    CASE("\x80\2"
         "cnumpy.testing._private.utils\nrunstring\n.",
         LSQ_E_UNSUPPORTED, "runstring"),
    CASE("\x80\2"
         "ctorch.hub\nload\n.",
         LSQ_E_UNSUPPORTED, "names torch.hub.load"),
    /* objects of plain data, of which nothing is kept */
    CASE(DICT("cnumpy._core.multiarray\nscalar\n(cnumpy\ndtype\n" TEXT("\2", "f8") "\x85RB\2\0\0\0xxtR"), LSQ_OK, ""),
    CASE(DICT("cargparse\nNamespace\n)\x81}" TEXT("\1", "a") "K\1sb"), LSQ_OK, ""),
    CASE(DICT("cargparse\nNamespace\n)}\x92"), LSQ_OK, ""),
    CASE(DICT("ccollections\ndeque\n)R(K\1K\2eK\3a(K\1K\2uK\1K\2s"), LSQ_OK, ""),
    CASE(DICT("cargparse\nNamespace\n(K\1tR(K\1u"), LSQ_E_MALFORMED, "a key without a value"),
    CASE(DICT("ccollections\ndefaultdict\nc__builtin__\nlist\n\x85R" TEXT("\1", "a") WHOLE "s"), LSQ_OK, ""),
    CASE(DICT("ccollections\ndefaultdict\nK\1\x85R"), LSQ_E_UNSUPPORTED,
         "calls collections.defaultdict with arguments"),
    /* dicts of lists, of Python 2 */
    CASE(DICT(PAIRS("](" TEXT("\1", "a") WHOLE "e(" TEXT("\1", "b") WHOLE "t")), LSQ_OK, ""),
    CASE(DICT(PAIRS("](" TEXT("\1", "a") WHOLE "e](" TEXT("\1", "a") WHOLE "e")), LSQ_E_MALFORMED, "two tensors"),
    CASE(DICT(PAIRS("](" TEXT("\1", "a") VIEW("K\1", "K\6\x85", "K\1\x85") "e")), LSQ_E_MALFORMED, "tensor \"w.a\""),
    CASE(DICT(PAIRS("]K\1a")), LSQ_E_MALFORMED, "no key with a value"),
    CASE(DICT(PAIRS("](K\1K\1K\1e")), LSQ_E_MALFORMED, "no key with a value"),
    CASE(DICT(PAIRS("K\1")), LSQ_E_MALFORMED, "no key with a value"),
    CASE(DICT("ccollections\nOrderedDict\nq\0]q\1\x85R0h\0h\1\x85R"), LSQ_E_UNSUPPORTED,
         "calls collections.OrderedDict"),
    /* text of Python 2 */
    CASE("\x80\2}U\1w" WHOLE "s.", LSQ_OK, ""),
    CASE("\x80\2}T\1\0\0\0w" WHOLE "s.", LSQ_OK, ""),
    CASE("\x80\2}U\2\xff\xff" WHOLE "s.", LSQ_E_MALFORMED, "a key"),
    CASE("\x80\2}T\xff\xff\xff\xff"
         "w",
         LSQ_E_TRUNCATED, "within an instruction"),
    CASE(DICT("ccollections\ndefaultdict\nc__builtin__\nlist\n}\x86R"), LSQ_E_UNSUPPORTED,
         "calls collections.defaultdict"),
    CASE(DICT("K\1)\x81"), LSQ_E_MALFORMED, "an object of no class"),
    CASE(DICT("cargparse\nNamespace\nK\1\x81"), LSQ_E_MALFORMED, "or without arguments"),
    CASE("cargparse\nNamespace\n\x81.", LSQ_E_MALFORMED, "more from the stack"),
    CASE("cargparse\nNamespace\n)\x92.", LSQ_E_MALFORMED, "more from the stack"),
    CASE("cargparse\nNamespace\n)\x81.", LSQ_E_UNSUPPORTED, "is no dict"),
    CASE("\x80\2\x82\1.", LSQ_E_UNSUPPORTED, "makes an object"),
    CASE("\x80\2"
         "ctorch\nFloatStorage\n)R.",
         LSQ_E_UNSUPPORTED, "calls torch.FloatStorage"),
    CASE("\x80\2"
         "ccollections\nOrderedDict\nK\1\x85R.",
         LSQ_E_UNSUPPORTED, "calls collections.OrderedDict"),
    CASE("\x80\2K\1)R.", LSQ_E_MALFORMED, "a call of no function"),
    CASE("\x80\2"
         "ctorch\nSize\nK\1R.",
         LSQ_E_MALFORMED, "without arguments"),
    CASE("\x80\2"
         "ctorch\nSize\n)R}b.",
         LSQ_E_UNSUPPORTED, "sets the state"),
    CASE("\x80\2V1\n.", LSQ_E_UNSUPPORTED, "torch.save does not write"),
    CASE("\x80\2P1\n.", LSQ_E_UNSUPPORTED, "torch.save does not write"),
    /* the machine */
    CASE("", LSQ_E_TRUNCATED, "without its last instruction"),
    CASE(".", LSQ_E_MALFORMED, "more than one value, or none"),
    CASE("}}.", LSQ_E_MALFORMED, "more than one value, or none"),
    CASE("}(.", LSQ_E_MALFORMED, "more than one value, or none"),
    CASE("}..", LSQ_E_MALFORMED, "expected the end of the pickle"),
    CASE("}", LSQ_E_TRUNCATED, "without its last instruction"),
    CASE("\x80\6}.", LSQ_E_UNSUPPORTED, "a protocol beyond 5"),
    CASE("}\x80\2.", LSQ_E_MALFORMED, "a protocol that is not at the start"),
    CASE("\xff.", LSQ_E_MALFORMED, "no instruction"),
    CASE("0.", LSQ_E_MALFORMED, "more from the stack"),
    CASE("}(0.", LSQ_E_MALFORMED, "more from the stack"),
    CASE("K\1\x86.", LSQ_E_MALFORMED, "more from the stack"),
    CASE("K\1K\1(\x86.", LSQ_E_MALFORMED, "more from the stack"),
    CASE("}R.", LSQ_E_MALFORMED, "more from the stack"),
    CASE("}b.", LSQ_E_MALFORMED, "more from the stack"),
    CASE("Q.", LSQ_E_MALFORMED, "more from the stack"),
    CASE("a.", LSQ_E_MALFORMED, "more from the stack"),
    CASE("s.", LSQ_E_MALFORMED, "more from the stack"),
    CASE("K\1\x93.", LSQ_E_MALFORMED, "more from the stack"),
    CASE("K\1K\1\x93.", LSQ_E_MALFORMED, "a name that is no text"),
    CASE("t.", LSQ_E_MALFORMED, "needs a mark"),
    CASE("}u.", LSQ_E_MALFORMED, "needs a mark"),
    CASE("}(K\1u.", LSQ_E_MALFORMED, "a key without a value"),
    CASE("(K\1d.", LSQ_E_MALFORMED, "a key without a value"),
    CASE("](K\1K\1u.", LSQ_E_MALFORMED, "sets items of what is no dict"),
    CASE("(u.", LSQ_E_MALFORMED, "sets items of what is no dict"),
    CASE("}((u.", LSQ_E_MALFORMED, "sets items of what is no dict"),
    CASE("}K\1(K\1K\1u.", LSQ_E_MALFORMED, "sets items of what is no dict"),
    CASE("}(K\1K\1s.", LSQ_E_MALFORMED, "sets items of what is no dict"),
    CASE("}(K\1e.", LSQ_E_MALFORMED, "appends to what is no list"),
    CASE("(e.", LSQ_E_MALFORMED, "appends to what is no list"),
    CASE("}K\1a.", LSQ_E_MALFORMED, "appends to what is no list"),
    CASE("](K\1a.", LSQ_E_MALFORMED, "appends to what is no list"),
    CASE("h\0.", LSQ_E_MALFORMED, "not kept before"),
    CASE("}q\0h\1.", LSQ_E_MALFORMED, "not kept before"),
    CASE("}q\1h\0.", LSQ_E_MALFORMED, "not kept before"), /* Python 2 counts from 1 */
    CASE("}q\1q\2.", LSQ_OK, ""),
    CASE("}q\2.", LSQ_E_MALFORMED, "not the next"),
    CASE("}q\1q\3.", LSQ_E_MALFORMED, "not the next"),
    CASE("}r\xff\xff\xff\xff.", LSQ_E_MALFORMED, "not the next"),
    CASE("q\0.", LSQ_E_MALFORMED, "keeps nothing"),
    CASE("\x94.", LSQ_E_MALFORMED, "keeps nothing"),
    CASE("X\xff\xff\xff\xff"
         "text",
         LSQ_E_TRUNCATED, "within an instruction"),
    CASE("\x8d\xff\xff\xff\xff\xff\xff\xff\xff"
         "text",
         LSQ_E_TRUNCATED, "within an instruction"),
    CASE("\x8b\xff\xff\xff\xff"
         "number",
         LSQ_E_TRUNCATED, "within an instruction"),
    CASE("\x96\xff\xff\xff\xff\xff\xff\xff\x7f"
         "bytes",
         LSQ_E_TRUNCATED, "within an instruction"),
    CASE("\x95\xff\xff\xff\xff\xff\xff\xff\xff}.", LSQ_E_TRUNCATED, "within a frame"),
    CASE("J\1\2", LSQ_E_TRUNCATED, "within an instruction"),
    CASE("G\1\2", LSQ_E_TRUNCATED, "within an instruction"),
    CASE("cos\nsystem", LSQ_E_TRUNCATED, "within a line"),
    CASE("Ix\n.", LSQ_E_MALFORMED, "a whole number"),
    CASE("I\n.", LSQ_E_MALFORMED, "a whole number"),
    CASE("I-\n.", LSQ_E_MALFORMED, "a whole number"),
    CASE("LL\n.", LSQ_E_MALFORMED, "a whole number"),
    /* not a state dict */
    CASE("\x80\2K\1.", LSQ_E_UNSUPPORTED, "is no dict"),
    CASE("\x80\2" WHOLE ".", LSQ_E_UNSUPPORTED, "is no dict"),
    CASE("\x80\2}X\2\0\0\0\xff\xffK\1s.", LSQ_E_MALFORMED, "a key"),
    CASE("\x80\2}X\2\0\0\0a\0K\1s.", LSQ_E_MALFORMED, "a key"),
    CASE("\x80\2}X\0\0\0\0K\1s.", LSQ_E_MALFORMED, "a key"),
    CASE("\x80\2}X\1\4\0\0" MANY(MANY(MANY("x"))) "xxxxxxxxxxxxxxxxxxxxxxxxxK\1s.", LSQ_E_MALFORMED, "a key"),
    CASE("\x80\2}" TEXT("\1", "d") "}X\0\4\0\0" MANY(MANY(MANY("x"))) "xxxxxxxxxxxxxxxxxxxxxxxxK\1ss.", LSQ_E_MALFORMED,
         "a key in \"d\""),
    CASE("\x80\2}(" TEXT("\1", "w") WHOLE TEXT("\1", "w") WHOLE "u.", LSQ_E_MALFORMED, "two tensors"),
    CASE("\x80\2}(" TEXT("\3", "a.b") WHOLE TEXT("\1", "a") "}" TEXT("\1", "b") WHOLE "su.", LSQ_E_MALFORMED,
         "two tensors"),
    /* tensors */
    CASE(DICT(VIEW("K\1", "K\6\x85", "K\1\x85")), LSQ_E_MALFORMED, "beyond the end of its storage"),
    CASE(DICT(VIEW("K\0", "K\7\x85", "K\1\x85")), LSQ_E_MALFORMED, "beyond the end of its storage"),
    CASE(DICT(VIEW("K\6", ")", ")")), LSQ_E_MALFORMED, "beyond the end of its storage"),
    CASE(DICT(VIEW("K\0", "K\2\x85", "K\6\x85")), LSQ_E_MALFORMED, "beyond the end of its storage"),
    CASE(DICT(VIEW("\x8a\x8\xff\xff\xff\xff\xff\xff\xff\x7f", ")", ")")), LSQ_E_MALFORMED, "beyond the end"),
    CASE(DICT(VIEW("K\0", "K\3\x85", "\x8a\x8\xff\xff\xff\xff\xff\xff\xff\x7f\x85")), LSQ_E_MALFORMED,
         "beyond the end"),
    CASE(DICT(VIEW("K\0", "K\5\x85", "\x8a\x8\0\0\0\0\0\0\0\x40\x85")), LSQ_E_MALFORMED, "beyond the end"),
    CASE(DICT(VIEW("\x8a\x8\xff\xff\xff\xff\xff\xff\xff\x7f", "K\0\x85", "K\1\x85")), LSQ_OK, ""),
    CASE(DICT(VIEW("J\xff\xff\xff\xff", "K\1\x85", "K\1\x85")), LSQ_E_MALFORMED, "no offset"),
    CASE(DICT(VIEW("\x8a\x9\xff\xff\xff\xff\xff\xff\xff\xff\0", "K\1\x85", "K\1\x85")), LSQ_E_MALFORMED, "no offset"),
    CASE(DICT(VIEW("K\0", "J\xff\xff\xff\xff\x85", "K\1\x85")), LSQ_E_MALFORMED, "no whole number from 0"),
    CASE(DICT(VIEW("K\0", "K\6\x85", "J\xff\xff\xff\xff\x85")), LSQ_E_MALFORMED, "no whole number from 0"),
    CASE(DICT(VIEW("K\0", "K\6", "K\1\x85")), LSQ_E_MALFORMED, "no tuple"),
    CASE(DICT(VIEW("K\0", "]", "K\1\x85")), LSQ_E_MALFORMED, "no tuple"),
    CASE(DICT(VIEW("K\0", "K\6\x85", ")")), LSQ_E_MALFORMED, "not as many strides"),
    CASE(DICT(VIEW("K\0", "(" NUMBERS_8 "K\1t", "(" NUMBERS_8 "K\1t")), LSQ_E_LIMIT, "more than 8 dimensions"),
    CASE(DICT(VIEW("K\0", "\x8a\6\0\0\0\0\0\2\x85", "K\0\x85")), LSQ_E_LIMIT, "2^40"),
    CASE(DICT(VIEW("K\0", "J\0\0\1\0J\0\0\1\0\x86", "K\0K\0\x86")), LSQ_E_LIMIT, "together larger than the file"),
    CASE(DICT(VIEW("K\0", "J\0\0\1\0J\0\0\0\x40\x86", "K\0K\0\x86")), LSQ_E_LIMIT, "2^44"),
    CASE(DICT(TENSOR(FLOATS "K\0K\6\x85K\1\x85\x89")), LSQ_E_MALFORMED, "not as many arguments"),
    CASE(DICT(TENSOR(FLOATS "K\0K\6\x85K\1\x85\x89}}N")), LSQ_E_MALFORMED, "not as many arguments"),
    CASE(DICT(TENSOR(FLOATS "K\0K\6\x85K\1\x85\x89}}")), LSQ_OK, ""),
    CASE(DICT(TENSOR(FLOATS "K\0K\6\x85K\1\x85\x89}}" TEXT("\3", "neg") "\x88s")), LSQ_E_UNSUPPORTED, "has metadata"),
    CASE(DICT("ctorch._utils\n_rebuild_parameter\n" WHOLE "\x85R"), LSQ_E_MALFORMED, "as a parameter has"),
    CASE(DICT(PARAMETER(PARAMETER(PARAMETER(WHOLE)))), LSQ_OK, ""),
    CASE(DICT(PARAMETER(PARAMETER(PARAMETER(PARAMETER(WHOLE))))), LSQ_OK, ""), /* too deep, and passed over */
    CASE(DICT(SUBCLASS("ctorch._utils\n_rebuild_tensor_v2\n", "(" FLOATS "K\0K\6\x85K\1\x85\x89}t")), LSQ_OK, ""),
    CASE(DICT(SUBCLASS("ctorch._utils\n_rebuild_tensor_v2\n", "(" FLOATS "K\1K\6\x85K\1\x85\x89}t")), LSQ_E_MALFORMED,
         "beyond the end of its storage"),
    CASE(DICT(SUBCLASS("ctorch._utils\n_rebuild_tensor_v2\n", ")")), LSQ_E_MALFORMED, "not as many arguments"),
    CASE(DICT(SUBCLASS("ctorch._utils\n_rebuild_parameter\n", "(" WHOLE "\x89}t")), LSQ_OK, ""),
    CASE(DICT(SUBCLASS("ctorch._tensor\n_rebuild_from_type_v2\n", ")")), LSQ_OK, ""), /* of no tensor */
    CASE(DICT(SUBCLASS("K\1", ")")), LSQ_E_MALFORMED, "that a subclass has"),
    CASE(DICT(SUBCLASS("ctorch._utils\n_rebuild_tensor_v2\n", "]")), LSQ_E_MALFORMED, "that a subclass has"),
    CASE(DICT("ctorch._tensor\n_rebuild_from_type_v2\n)R"), LSQ_E_MALFORMED, "that a subclass has"),
    CASE(DICT(TENSOR("NK\0K\6\x85K\1\x85\x89}")), LSQ_E_MALFORMED, "no storage"),
    CASE(DICT(TENSOR("NQK\0K\6\x85K\1\x85\x89}")), LSQ_E_MALFORMED, "no (\"storage\""),
    CASE(DICT(TENSOR(")QK\0K\6\x85K\1\x85\x89}")), LSQ_E_MALFORMED, "no (\"storage\""),
    CASE(DICT(TENSOR(STORAGE("Float", "1", "K\6") "K\0K\6\x85K\1\x85\x89}")), LSQ_E_MALFORMED, "not in the file"),
    CASE(DICT(TENSOR(STORAGE("Float", "0", "K\5") "K\0K\5\x85K\1\x85\x89}")), LSQ_E_MALFORMED, "as the pickle says"),
    CASE(DICT(TENSOR(STORAGE("Double", "0", "K\6") "K\0K\5\x85K\1\x85\x89}")), LSQ_E_MALFORMED, "as the pickle says"),
    CASE(DICT(TENSOR(STORAGE("Double", "0", "K\3") "K\0K\3\x85K\1\x85\x89}")), LSQ_OK, ""),
    CASE(DICT(TENSOR(STORAGE("Float", "0", "J\xff\xff\xff\xff") "K\0K\5\x85K\1\x85\x89}")), LSQ_E_MALFORMED,
         "as the pickle"),
    CASE(DICT(TENSOR("(" TEXT("\7", "storage") "ctorch\nfloat32\n" TEXT("\1", "0")
                         TEXT("\3", "cpu") "K\6tQK\0K\6\x85K\1\x85\x89}")),
         LSQ_E_MALFORMED, "no type of numbers"),
};

static void expect(const zip_sample *z, lsq_status status, const char *says)
{
    lsq_error err = {.text = ""};
    limited_status_of(z->bytes, z->size, &err);
    ck_assert_msg(err.status == status && strstr(err.text, says), "status %d, not %d: %s (expected: %s)", err.status,
                  status, err.text, says);
    free(z->bytes);
}

static zip_sample sample(const char *pickle, size_t size)
{
    static const float numbers[6] = {0, 1, 2, 3, 4, 5};
    zip_sample z = {.bytes = NULL};
    zip_add(&z, "r/data.pkl", pickle, size, ZIP_DESCRIPTOR);
    zip_add(&z, "r/data/0", numbers, sizeof(numbers), ZIP_DESCRIPTOR);
    return z;
}

/* Every prefix of a pickle, in an archive that is whole. */
START_TEST(every_prefix_of_a_pickle_is_truncated)
{
    size_t size, end = 64;
    lsq_error err;
    uint8_t *bytes = golden_bytes(golden[_i], &size);
    while (memcmp(bytes + end, "PK\7\10", 4) != 0)
        end++;
    for (size_t length = 0; length < end - 64; length++) {
        zip_sample z = sample((const char *)bytes + 64, length);
        zip_finish(&z, 0);
        ck_assert_msg(status_of(z.bytes, z.size, &err) == LSQ_E_TRUNCATED, "%zu bytes: status %d, %s", length,
                      err.status, err.text);
        free(z.bytes);
    }
    free(bytes);
}
END_TEST

START_TEST(attack)
{
    zip_sample z = sample(attacks[_i].pickle, attacks[_i].size);
    zip_finish(&z, ZIP_WIDE);
    expect(&z, attacks[_i].status, attacks[_i].says);
}
END_TEST

/* Values in values as deep as a pickle can be long, and the same dict in each of a thousand others. */
START_TEST(deep_and_wide)
{
    enum { SIZE = 1 << 20 };
    static char text[SIZE];
    static const struct {
        char first, again;
        const char *last;
        lsq_status status;
        const char *says;
    } cases[] = {{'N', '\x85', ".", LSQ_E_UNSUPPORTED, "is no dict"},
                 {'(', '(', ".", LSQ_E_MALFORMED, "more than one value"},
                 {'}', '}', ".", LSQ_E_MALFORMED, "more than one value"},
                 {'N', ']', ".", LSQ_E_MALFORMED, "more than one"}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        memset(text, cases[i].again, SIZE);
        text[0] = cases[i].first;
        memcpy(text + SIZE - 1, cases[i].last, 1);
        zip_sample z = sample(text, SIZE);
        zip_finish(&z, 0);
        expect(&z, cases[i].status, cases[i].says);
    }

    /* Dict 0 is empty, and each of the next three has the one before it ten thousand times: each is read once. */
    enum { KEYS = 10000 };
    const char found[] = "29998 values"; /* all but one of those in dicts 3 and 2; all in dict 1 lie too deep */
    size_t size = 0;
    for (unsigned dict = 0; dict < 4; dict++) {
        memcpy(text + size, "}q", 2);
        text[size + 2] = (char)dict;
        size += 3;
        for (unsigned key = 0; dict > 0 && key < KEYS; key++, size += 12) {
            memcpy(text + size, "X\4\0\0\0....h.s", 12);
            for (unsigned digit = 0, rest = key; digit < 4; digit++, rest /= 10)
                text[size + 8 - digit] = (char)('0' + rest % 10);
            text[size + 10] = (char)(dict - 1);
        }
        text[size++] = dict < 3 ? '0' : '.'; /* kept in the memo alone */
    }
    lsq_model *model = NULL;
    lsq_error err;
    zip_sample z = sample(text, size);
    zip_finish(&z, 0);
    ck_assert_msg(lsq_model_open_memory(z.bytes, z.size, 0, &model, &err) == LSQ_OK, "%s", err.text);
    ck_assert_msg(strstr(lsq_model_warning(model, 0), found) != NULL, "%s", lsq_model_warning(model, 0));
    lsq_model_free(model);
    free(z.bytes);
}
END_TEST

START_TEST(entries_of_no_pickle)
{
    static const struct {
        const char *name, *data;
        unsigned flags;
        lsq_status status;
        const char *says;
    } cases[] = {{"r/byteorder", "little", 0, LSQ_OK, ""},
                 {"r/byteorder", "big", 0, LSQ_E_UNSUPPORTED, "\"r/byteorder\": is not \"little\""},
                 {"r/version", "3\n", 0, LSQ_OK, ""},
                 {"r/version", "4\n", 0, LSQ_E_UNSUPPORTED, "is not 3"},
                 {"r/.format_version", "1", 0, LSQ_OK, ""},
                 {"r/.data/serialization_id", "1", 0, LSQ_OK, ""},
                 {"r/data/1", "1", ZIP_DEFLATE, LSQ_E_UNSUPPORTED, "is compressed"},
                 {"r/constants.pkl", "", 0, LSQ_E_UNSUPPORTED, "TorchScript"},
                 {"r/code/a.py", "", 0, LSQ_E_UNSUPPORTED, "TorchScript"},
                 {"s/data/1", "", 0, LSQ_E_UNSUPPORTED, "not in the folder"},
                 {"a.npy", "", 0, LSQ_E_UNSUPPORTED, "not in the folder"},
                 {"s/data.pkl", "", 0, LSQ_E_UNSUPPORTED, "not in the folder"}};
    static const char pickle[] = DICT(WHOLE);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        zip_sample z = sample(pickle, sizeof(pickle) - 1);
        zip_add(&z, cases[i].name, cases[i].data, strlen(cases[i].data), cases[i].flags);
        zip_finish(&z, 0);
        expect(&z, cases[i].status, cases[i].says);
    }
}
END_TEST

/* ---- Sets ------------------------------------------------------------------------------------------------------- */

/* An index beside files of torch.save(): what of these is read, and what must come of it. */
static const struct {
    const char *map;
    lsq_status status;
    const char *says;
} sets[] = {
    {"\"w\":\"w.bin\",\"v\":\"v.bin\"", LSQ_OK, ""},
    {"\"w\":\"w.bin\",\"s\":\"s.safetensors\"", LSQ_OK, ""},
    {"\"v\":\"w.bin\"", LSQ_E_MALFORMED, "w.bin: tensor \"w\": the index does not place it here"},
    {"\"w\":\"w.bin\",\"v\":\"w.bin\"", LSQ_E_MALFORMED, "tensor \"v\" is not in \"w.bin\""},
    {"\"w\":\"w.bin\",\"v\":\"cut.bin\"", LSQ_E_TRUNCATED, "/cut.bin: offset"},
    {"\"w\":\"w.bin\",\"v\":\"evil.bin\"", LSQ_E_UNSUPPORTED, "/evil.bin: offset 13: names os.system"},
    {"\"w\":\"w.bin\",\"a\":\"a.npz\"", LSQ_E_UNSUPPORTED, "/a.npz: an npz archive in a set"},
    {"\"w\":\"w.bin\",\"v\":\"old.bin\"", LSQ_OK, ""},
    {"\"w\":\"old.bin\"", LSQ_E_MALFORMED, "/old.bin: tensor \"v\": the index does not place it here"},
    {"\"w\":\"w.bin\",\"x\":\"pytorch_model.bin.index.json\"", LSQ_E_LIMIT, "index.json"},
    {"\"w\":\"../w.bin\"", LSQ_E_MALFORMED, "is not the plain name"},
};

static const char *in_set(const char *folder, const char *name)
{
    static char path[128];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    return path;
}

static void put_pickle(const char *folder, const char *name, const char *pickle, size_t size, size_t cut)
{
    zip_sample z = sample(pickle, size);
    zip_finish(&z, 0);
    write_file(in_set(folder, name), z.bytes, z.size - cut);
    free(z.bytes);
}

START_TEST(set)
{
    static const char w[] = DICT(WHOLE), v[] = "\x80\2}" TEXT("\1", "v") WHOLE "s.", evil[] = "\x80\2cos\nsystem\n.";
    static const char safetensors[] =
        "\x35\0\0\0\0\0\0\0{\"s\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,4]}}0000";
    static const char npy[] = "\x93NUMPY\1\0\x3b\0{'descr': '|u1', 'fortran_order': False, 'shape': (0,)}   \n";
    static const char *const names[] = {"w.bin", "v.bin",   "cut.bin",       "evil.bin",
                                        "a.npz", "old.bin", "s.safetensors", "pytorch_model.bin.index.json"};
    char folder[] = "/tmp/lsq_pth_XXXXXX", json[256];
    lsq_model *model = NULL;
    lsq_error err = {.text = ""};
    zip_sample npz = {.bytes = NULL};
    ck_assert_ptr_nonnull(mkdtemp(folder));
    put_pickle(folder, "w.bin", w, sizeof(w) - 1, 0);
    put_pickle(folder, "v.bin", v, sizeof(v) - 1, 0);
    put_pickle(folder, "cut.bin", v, sizeof(v) - 1, 1);
    put_pickle(folder, "evil.bin", evil, sizeof(evil) - 1, 0);
    static const char old[] = OLD_HEAD "\x80\2}" TEXT("\1", "v") OLD_WHOLE "s." OLD_KEYS(TEXT("\1", "0")) OLD_SIX;
    write_file(in_set(folder, "old.bin"), old, sizeof(old) - 1);
    write_file(in_set(folder, "s.safetensors"), safetensors, sizeof(safetensors) - 1);
    zip_add(&npz, "a.npy", npy, sizeof(npy) - 1, 0);
    zip_finish(&npz, 0);
    write_file(in_set(folder, "a.npz"), npz.bytes, npz.size);
    free(npz.bytes);
    snprintf(json, sizeof(json), "{\"weight_map\":{%s}}", sets[_i].map);
    write_file(in_set(folder, names[7]), json, strlen(json));

    const lsq_status status = lsq_model_open(in_set(folder, names[7]), LSQ_OPEN_VERIFY, &model, &err);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        unlink(in_set(folder, names[i]));
    ck_assert_int_eq(rmdir(folder), 0);
    ck_assert_msg(status == sets[_i].status && strstr(err.text, sets[_i].says), "%s: status %d, %s", sets[_i].map,
                  status, err.text);
    if (status)
        return;
    ck_assert_uint_eq(lsq_model_count(model), 2);
    expect_numbers(model, "w", 6, count_up);
    if (lsq_model_find(model, "v", NULL)) {
        expect_numbers(model, "v", 6, count_up);
    }
    lsq_model_free(model);
}
END_TEST

int main(void)
{
    const int files = sizeof(golden) / sizeof(golden[0]);
    Suite *suite = suite_create("pth");
    TCase *cases = tcase_create("all");
    tcase_set_timeout(cases, 60);
    tcase_add_loop_test(cases, every_version_is_read, 0, sizeof(versions) / sizeof(versions[0]));
    tcase_add_test(cases, types_are_read);
    tcase_add_test(cases, views_are_read);
    tcase_add_test(cases, checkpoints_are_read);
    tcase_add_loop_test(cases, every_prefix_is_truncated, 0, files);
    tcase_add_loop_test(cases, bit_flips_are_harmless, 0, files);
    tcase_add_loop_test(cases, every_prefix_of_a_pickle_is_truncated, 0, files);
    tcase_add_loop_test(cases, attack, 0, sizeof(attacks) / sizeof(attacks[0]));
    tcase_add_test(cases, deep_and_wide);
    tcase_add_test(cases, entries_of_no_pickle);
    tcase_add_loop_test(cases, set, 0, sizeof(sets) / sizeof(sets[0]));
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
