"""Floors: what a forward pass must do, counted, and what this machine does at best, measured in the same run.

A pass can be no faster than its multiplications at the matmul rate, nor than its weights and matrix operands at the
rate of a large copy. Weights that stay in a cache may be read faster than that; a floor of bytes is then loose.
"""

import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

REPEATS = 7
SIDE = 2048  # 17 GFLOP a product: long enough to drown the call, short enough to repeat


def machine_rates(threads: int) -> dict[str, float]:
    """All rates of this machine with `threads` threads, best of several tries each (needs the package onnx)."""
    return {
        "threads": threads,
        "matmul_gflops": matmul_gflops(threads),
        "int8_gops": int8_gops(threads),
        "copy_gbs": copy_gbs(threads),
    }


def matmul_gflops(threads: int | None = None) -> float:
    """10⁹ float32 operations a second of a 2048³ product, the best of several.

    With `threads`, by ONNX Runtime with so many (needs the package onnx); without, by NumPy's BLAS as it stands.
    """
    rng = np.random.default_rng(0)
    a, b = (rng.standard_normal((SIDE, SIDE), dtype=np.float32) for _ in range(2))
    call = (lambda: np.matmul(a, b)) if threads is None else _one_node("MatMul", a, b, threads)
    return 2 * SIDE**3 / _best(call) / 1e9


def int8_gops(threads: int) -> float:
    """10⁹ operations a second of the same product with uint8 activations and int8 weights, by ONNX Runtime."""
    rng = np.random.default_rng(0)
    a = rng.integers(0, 255, (SIDE, SIDE), dtype=np.uint8)
    b = rng.integers(-127, 127, (SIDE, SIDE), dtype=np.int8)
    return 2 * SIDE**3 / _best(_one_node("MatMulInteger", a, b, threads)) / 1e9


def copy_gbs(threads: int = 1, *, megabytes: int = 256) -> float:
    """10⁹ bytes a second that a large copy moves (each byte is read once and written once: both count)."""
    source = np.ones(megabytes * 1_000_000, np.uint8)
    target = np.zeros_like(source)
    parts = list(zip(np.array_split(source, threads), np.array_split(target, threads), strict=True))
    with ThreadPoolExecutor(threads) as pool:  # NumPy copies without the interpreter's lock
        best = _best(lambda: list(pool.map(lambda part: np.copyto(part[1], part[0]), parts)))
    return 2 * source.nbytes / best / 1e9


@dataclass(frozen=True)
class Work:
    """What one pass of a graph does at given input shapes."""

    float_operations: int  # multiplications and additions of float32 products
    int8_operations: int  # the same of 8-bit integer products
    weight_bytes: int  # constant operands of the products, each read once
    activation_bytes: int  # the products' other operands and their results, each moved once

    def floor_ms(self, rates: Mapping[str, float]) -> dict[str, Any]:
        """{"compute_ms", "bytes_ms", "floor_ms", "bound"} at `rates` (`machine_rates`)."""
        compute = self.float_operations / rates["matmul_gflops"] + self.int8_operations / rates["int8_gops"]
        moved = self.weight_bytes / rates["copy_gbs"]  # activations of one pass stay in the caches
        return {
            "compute_ms": compute / 1e6,
            "bytes_ms": moved / 1e6,
            "floor_ms": max(compute, moved) / 1e6,
            "bound": "operations" if compute >= moved else "weight bytes",
        }

    def as_dict(self) -> dict[str, int]:
        """The four counts by name."""
        return asdict(self)


def _one_node(kind: str, a: NDArray[Any], b: NDArray[Any], threads: int) -> Callable[[], object]:
    """One product as ONNX Runtime does it in our graphs: the right side is a weight."""
    import onnx  # noqa: PLC0415  the runtime environment has none
    import onnxruntime as ort  # noqa: PLC0415
    from onnx import TensorProto, helper, numpy_helper  # noqa: PLC0415

    result = TensorProto.INT32 if kind == "MatMulInteger" else TensorProto.FLOAT
    given = helper.make_tensor_value_info("a", helper.np_dtype_to_tensor_dtype(a.dtype), a.shape)
    made = helper.make_tensor_value_info("c", result, (len(a), b.shape[1]))
    node = helper.make_node(kind, ["a", "b"], ["c"])
    graph = helper.make_graph([node], kind, [given], [made], [numpy_helper.from_array(b, "b")])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    onnx.checker.check_model(model)
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    session = ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return lambda: session.run(None, {"a": a})


def _best(call: Callable[[], object]) -> float:
    call()
    seconds = []
    for _ in range(REPEATS):
        started = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - started)
    return min(seconds)
