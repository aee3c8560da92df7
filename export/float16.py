"""fp16: weights and arithmetic in half precision, for CUDA; the CPU has no kernels for most of it.

Inputs and outputs stay float32, so a bundle is fed and read as any other.
"""

import logging
import warnings
from pathlib import Path

import onnx
from onnx import TensorProto
from onnxruntime.transformers.float16 import convert_float_to_float16
from onnxruntime.transformers.onnx_model import OnnxModel

from runtime.errors import BundleError


def store_float16(source: Path, target: Path) -> int:
    """Writes `source` in half precision; returns how many weights are float16.

    Raises BundleError where a float32 weight is left or an input or output has changed its type.
    """
    model = onnx.load(source)
    before = _interface(model)
    log = logging.getLogger("onnxruntime.transformers.float16")
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of constants that half precision rounds to its smallest number
            small = convert_float_to_float16(model, keep_io_types=True)
    finally:
        log.setLevel(level)
    OnnxModel(small).topological_sort()  # the library appends the casts of inputs at the end
    onnx.checker.check_model(small)
    left = [t.name for t in small.graph.initializer if t.data_type == TensorProto.FLOAT and len(t.dims) > 1]
    if left or _interface(small) != before:
        raise BundleError(f"export: {source.name} cannot be stored in fp16 (float32 left: {', '.join(left) or 'none'})")
    onnx.save_model(small, target, save_as_external_data=False)
    return sum(tensor.data_type == TensorProto.FLOAT16 for tensor in small.graph.initializer)


def _interface(model: onnx.ModelProto) -> list[tuple[str, int]]:
    ends = (*model.graph.input, *model.graph.output)
    return [(value.name, value.type.tensor_type.elem_type) for value in ends]
