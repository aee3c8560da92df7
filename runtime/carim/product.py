"""Elements times tokens: one matrix product by onnxruntime, which reads the elements once, as they lie in memory.

464 000 × 256 by 12 tokens, one thread: 23 ms, what reading those bytes takes; NumPy's OpenBLAS 48 to 78 ms, since it
copies the long matrix into its own layout before it multiplies, and on two threads more where they share the cores.
NumPy's product is the reference in the tests.
"""

import threading
from functools import cache

import numpy as np
from numpy.typing import NDArray

from ..sessions import SessionSettings, open_graph

Floats = NDArray[np.float32]

_LOCK = threading.Lock()
_FLOAT = 1  # TensorProto.FLOAT
_OPSET = 18
_IR_VERSION = 8


def product(elements: Floats, tokens: Floats, *, threads: int | None = None) -> Floats:
    """Dot products (U, T) float32 of the rows of `elements` (U, D) with those of `tokens` (T, D), both float32."""
    if not len(elements) or not len(tokens):
        return np.empty((len(elements), len(tokens)), np.float32)
    with _LOCK:  # sessions are opened once; running one is safe from several threads
        session = _session(threads)
    columns = np.ascontiguousarray(tokens.T, dtype=np.float32)
    found: Floats = session.run(None, {"elements": np.ascontiguousarray(elements), "tokens": columns})[0]
    return found


@cache
def _session(threads: int | None):  # type: ignore[no-untyped-def]  # InferenceSession, which is imported late
    # no arena: it would keep the largest result ever asked for
    settings = SessionSettings(threads=threads, arena=False)
    return open_graph(matmul_model(), "the matrix product", settings, provider="cpu")


def matmul_model() -> bytes:
    """The ModelProto of products = elements · tokens, in protobuf's wire format: the runtime has no onnx."""
    node = _text(1, "elements") + _text(1, "tokens") + _text(2, "products") + _text(4, "MatMul")
    graph = (
        _field(1, node)
        + _text(2, "product")
        + _field(11, _matrix("elements", "U", "D"))
        + _field(11, _matrix("tokens", "D", "T"))
        + _field(12, _matrix("products", "U", "T"))
    )
    return _number(1, _IR_VERSION) + _field(7, graph) + _field(8, _number(2, _OPSET))


def _matrix(name: str, rows: str, columns: str) -> bytes:
    shape = b"".join(_field(1, _text(2, size)) for size in (rows, columns))
    tensor = _number(1, _FLOAT) + _field(2, shape)
    return _text(1, name) + _field(2, _field(1, tensor))


def _text(number: int, value: str) -> bytes:
    return _field(number, value.encode())


def _field(number: int, content: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _number(number: int, value: int) -> bytes:
    return _varint(number << 3) + _varint(value)


def _varint(value: int) -> bytes:
    low = bytearray()
    while value > 0x7F:
        low.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*low, value])
