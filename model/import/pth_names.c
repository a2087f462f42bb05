/*
 * pth_names.c - all that a pickle of torch.save() may name: how torch writes tensors, and what else checkpoints of training hold.
 *
 * A name that is not here refuses the file. So there are only classes of plain data, and functions that make such: nobody who calls what
 * is named here, as other programs do, would run a program with it. Of the data nothing is kept, wherever it would have come from.
 */
#include "model/import/pth_names.h"

#include <lsq/lsq_model.h>

#define STORAGE(name, dtype)                                                                                           \
    {                                                                                                                  \
        "torch", name "Storage", LSQ_PICKLE_OTHER, LSQ_PTH_STORAGE + (dtype)                                           \
    }
#define TYPE(name, dtype)                                                                                              \
    {                                                                                                                  \
        "torch", name, LSQ_PICKLE_OTHER, LSQ_PTH_TYPE + (dtype)                                                        \
    }
#define DATA(module, name)                                                                                             \
    {                                                                                                                  \
        module, name, LSQ_PICKLE_OBJECT, LSQ_PTH_NOTHING                                                               \
    }
#define BUILTIN(name)     DATA("builtins", name), DATA("__builtin__", name) /* as pickles for Python 2 call it */
#define NUMPY(part, name) DATA("numpy.core." part, name), DATA("numpy._core." part, name) /* of 1.x and 2.x */

static const lsq_pickle_name names[] = {
    {"collections", "OrderedDict", LSQ_PICKLE_DICT, LSQ_PTH_NOTHING},
    {"collections", "defaultdict", LSQ_PICKLE_DICT, LSQ_PTH_NOTHING},
    {"torch", "Size", LSQ_PICKLE_CALL, LSQ_PTH_SIZE},
    {"torch._utils", "_rebuild_tensor_v2", LSQ_PICKLE_CALL, LSQ_PTH_TENSOR},
    {"torch._utils", "_rebuild_tensor_v3", LSQ_PICKLE_CALL, LSQ_PTH_TENSOR_WITH_TYPE},
    {"torch._utils", "_rebuild_tensor", LSQ_PICKLE_CALL, LSQ_PTH_FIRST_TENSOR},
    {"torch._utils", "_rebuild_parameter", LSQ_PICKLE_CALL, LSQ_PTH_PARAMETER},
    {"torch._utils", "_rebuild_parameter_with_state", LSQ_PICKLE_CALL, LSQ_PTH_PARAMETER},
    {"torch._tensor", "_rebuild_from_type_v2", LSQ_PICKLE_CALL, LSQ_PTH_SUBCLASS},
    {"torch.storage", "UntypedStorage", LSQ_PICKLE_OTHER, LSQ_PTH_BYTES},
    STORAGE("Float", LSQ_F32),
    STORAGE("Half", LSQ_F16),
    STORAGE("BFloat16", LSQ_BF16),
    STORAGE("Double", LSQ_F64),
    STORAGE("Long", LSQ_I64),
    STORAGE("Int", LSQ_I32),
    STORAGE("Short", LSQ_I16),
    STORAGE("Char", LSQ_I8),
    STORAGE("Byte", LSQ_U8),
    STORAGE("Bool", LSQ_BOOL),
    TYPE("float32", LSQ_F32),
    TYPE("float16", LSQ_F16),
    TYPE("bfloat16", LSQ_BF16),
    TYPE("float64", LSQ_F64),
    TYPE("int64", LSQ_I64),
    TYPE("int32", LSQ_I32),
    TYPE("int16", LSQ_I16),
    TYPE("int8", LSQ_I8),
    TYPE("uint8", LSQ_U8),
    TYPE("uint16", LSQ_U16),
    TYPE("uint32", LSQ_U32),
    TYPE("uint64", LSQ_U64),
    TYPE("bool", LSQ_BOOL),
    TYPE("float8_e4m3fn", LSQ_F8_E4M3),
    TYPE("float8_e5m2", LSQ_F8_E5M2),
    /* what else is found beside tensors */
    DATA("torch", "device"),
    DATA("torch", "Tensor"),
    DATA("torch.nn.parameter", "Parameter"),
    DATA("torch.torch_version", "TorchVersion"),
    NUMPY("multiarray", "scalar"),
    NUMPY("multiarray", "_reconstruct"),
    NUMPY("numeric", "_frombuffer"),
    DATA("numpy", "ndarray"),
    DATA("numpy", "dtype"),
    DATA("_codecs", "encode"), /* bytes in pickles for Python 2 */
    DATA("argparse", "Namespace"),
    DATA("types", "SimpleNamespace"),
    DATA("collections", "Counter"),
    DATA("collections", "deque"),
    DATA("datetime", "date"),
    DATA("datetime", "datetime"),
    DATA("datetime", "timedelta"),
    DATA("datetime", "timezone"),
    DATA("pathlib", "Path"),
    DATA("pathlib", "PosixPath"),
    DATA("pathlib", "WindowsPath"),
    DATA("pathlib", "PurePosixPath"),
    DATA("pathlib", "PureWindowsPath"),
    DATA("decimal", "Decimal"),
    DATA("fractions", "Fraction"),
    DATA("uuid", "UUID"),
    DATA("pytorch_lightning.callbacks.model_checkpoint",
         "ModelCheckpoint"), /* as a key, in older checkpoints of Lightning */
    BUILTIN("bool"),
    BUILTIN("bytearray"),
    BUILTIN("bytes"),
    BUILTIN("complex"),
    BUILTIN("dict"),
    BUILTIN("float"),
    BUILTIN("frozenset"),
    BUILTIN("int"),
    BUILTIN("list"),
    BUILTIN("object"),
    BUILTIN("range"),
    DATA("__builtin__", "xrange"),
    BUILTIN("set"),
    BUILTIN("slice"),
    BUILTIN("str"),
    BUILTIN("tuple"),
    DATA("copy_reg", "_reconstructor"), /* objects in pickles of protocols 0 and 1 */
    DATA("copyreg", "_reconstructor"),
};

const lsq_pickle_name *lsq_pth_names(size_t *count)
{
    *count = sizeof names / sizeof names[0];
    return names;
}
