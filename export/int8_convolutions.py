"""Integer convolutions: static QDQ, ranges calibrated on real images, weights int8 per output channel.

onnxruntime.quantization calibrates and writes the pairs; onnxruntime turns them into QLinearConv when it loads.
Unlike a range taken at run time, a calibrated one does not depend on the batch: a vector is the same whatever
stands beside it.

Weights have 8 bits. With the 7 of int8_products.py the gate refused EfficientNet-Lite2 even with 30 of its 64
convolutions in float32 (a pair's own image: −0.006 R@1); so a processor without VNNI instructions may add some
products with overflow here, and differ from the one on which the gate was passed.
"""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantType
from onnxruntime.quantization.calibrate import TensorsData, create_calibrator
from onnxruntime.quantization.qdq_quantizer import QDQQuantizer
from onnxruntime.quantization.shape_inference import quant_pre_process

from .int8_products import quiet_library
from .int8_weights import store_weights

MIN_CONVOLUTIONS = 2  # one alone is a transformer's patch embedding: little work, all of the picture
_OPS = ["Conv", "Clip", "Add"]
_BATCH = 8


class _Pixels(CalibrationDataReader):
    """Hands the calibration a few images at a time."""

    def __init__(self, name: str, pixels: NDArray[np.float32]) -> None:
        self._feeds: Iterator[dict[str, NDArray[np.float32]]] = (
            {name: pixels[first : first + _BATCH]} for first in range(0, len(pixels), _BATCH)
        )

    def get_next(self) -> dict[str, NDArray[np.float32]] | None:
        """The next feed, None after the last."""
        return next(self._feeds, None)


def convolutions(graph: onnx.GraphProto) -> list[onnx.NodeProto]:
    """The graph's convolutions in the order in which they are computed."""
    return [node for node in graph.node if node.op_type == "Conv"]


class Convolutions:
    """A graph whose ranges are calibrated once, when first asked for; each `write` is one choice of what is integer."""

    def __init__(self, source: Path, pixels: Callable[[], NDArray[np.float32]]) -> None:
        self.source, self.pixels = source, pixels

    @cached_property
    def _ready(self) -> tuple[onnx.ModelProto, TensorsData]:
        # the library's quantize_static calibrates anew for every choice; its parts do not
        with tempfile.TemporaryDirectory() as folder, quiet_library():
            ready = Path(folder) / "ready.onnx"
            quant_pre_process(str(self.source), str(ready), skip_symbolic_shape=True)  # folds batch norms, names nodes
            model = onnx.load(ready)
            calibrator = create_calibrator(
                ready,
                _OPS,
                augmented_model_path=str(Path(folder) / "augmented.onnx"),
                calibrate_method=CalibrationMethod.MinMax,
                extra_options={"symmetric": False},
            )
            calibrator.collect_data(_Pixels(model.graph.input[0].name, self.pixels()))
            return model, calibrator.compute_data()

    def write(self, target: Path, *, float_first: int) -> None:
        """Writes the graph with integer convolutions after the first `float_first`.

        With them go the clipping after them and the residual additions between them. What comes before and after
        (pooling, heads) stays float32, its weights stored in int8.
        """
        model, ranges = self._ready
        twin = onnx.ModelProto()
        twin.CopyFrom(model)
        chosen = convolutions(twin.graph)[float_first:]
        names = [node.name for node in (*chosen, *_between(twin.graph, chosen))]
        with quiet_library():
            quantizer = QDQQuantizer(twin, True, False, QuantType.QInt8, QuantType.QUInt8, ranges, names, [], _OPS, {})
            quantizer.quantize_model()
            quantizer.model.save_model_to_file(str(target), False)
        store_weights(target, target)


def _between(graph: onnx.GraphProto, chosen: Sequence[onnx.NodeProto]) -> list[onnx.NodeProto]:
    # clipping right after a chosen convolution, and additions whose both sides come from such places
    found: list[onnx.NodeProto] = []
    integer = {node.output[0] for node in chosen}
    for node in graph.node:
        clips = node.op_type == "Clip" and node.input[0] in integer
        adds = node.op_type == "Add" and all(name in integer for name in node.input)
        if clips or adds:
            found.append(node)
            integer.add(node.output[0])
    return found
