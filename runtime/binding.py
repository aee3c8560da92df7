"""Runs on a GPU: inputs staged in page-locked memory, the output written straight into an array of ours.

A copy to the device is about twice as fast from page-locked ("pinned") memory, and onnxruntime would take ordinary
memory for both directions. API: onnxruntime's OrtValue and IOBinding (onnxruntime.ai/docs/api/python/api_summary).
"""

import logging
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .wheels import load_onnxruntime

if TYPE_CHECKING:
    from onnxruntime import InferenceSession, OrtMemoryInfo, OrtValue

log = logging.getLogger(__name__)

Floats = NDArray[np.float32]

ON_CUDA = ("CUDAExecutionProvider", "TensorrtExecutionProvider")
_BFLOAT16 = 16  # onnx.TensorProto.BFLOAT16: NumPy has no such type
# the graph's output type → the array that takes its bits, the element type as onnxruntime wants it named
_ELEMENTS: dict[str, tuple[type, Any]] = {
    "tensor(float)": (np.float32, np.float32),
    "tensor(float16)": (np.float16, np.float16),
    "tensor(bfloat16)": (np.uint16, _BFLOAT16),
}


def needs_binding(session: "InferenceSession") -> bool:
    """Whether `session` runs on CUDA, or gives bfloat16, which a plain run cannot hand to NumPy."""
    return session.get_providers()[0] in ON_CUDA or session.get_outputs()[0].type == "tensor(bfloat16)"


def pinned_memory(session: "InferenceSession") -> "OrtMemoryInfo | None":
    """The page-locked host memory of the session's CUDA device; None on the CPU and where onnxruntime names none."""
    ort = load_onnxruntime()
    if session.get_providers()[0] in ON_CUDA:
        for device in ort.get_ep_devices():
            if device.ep_name == "CUDAExecutionProvider":
                return device.memory_info(ort.OrtDeviceMemoryType.HOST_ACCESSIBLE)
    return None


class BoundRun:
    """Calls a session by IO binding, one call at a time: its staging memory is reused while shapes repeat."""

    def __init__(self, session: "InferenceSession", pinned: "OrtMemoryInfo | None" = None) -> None:
        self._session = session
        self._pinned = pinned
        self._staged: dict[str, OrtValue] = {}
        self._lock = threading.Lock()

    def __call__(self, feeds: Mapping[str, NDArray[Any]], shape: tuple[int, ...]) -> Floats:
        """The graph's first output, of the given `shape`, as float32 whatever the graph computes in."""
        output = self._session.get_outputs()[0]
        held, element = _ELEMENTS[output.type]
        bits: NDArray[Any] = np.empty(shape, held)
        binding = self._session.io_binding()
        with self._lock:
            for name, value in feeds.items():
                binding.bind_ortvalue_input(name, self._stage(name, value))
            binding.bind_output(output.name, "cpu", 0, element, shape, bits.ctypes.data)
            binding.synchronize_inputs()
            self._session.run_with_iobinding(binding)
            binding.synchronize_outputs()
        return as_float32(bits)

    def _stage(self, name: str, value: NDArray[Any]) -> "OrtValue":
        staged = self._staged.get(name)
        if staged is None or tuple(staged.shape()) != value.shape or staged.numpy().dtype != value.dtype:
            staged = self._staged[name] = self._allocate(value)
        np.copyto(staged.numpy(), value)
        return staged

    def _allocate(self, value: NDArray[Any]) -> "OrtValue":
        made = load_onnxruntime().OrtValue.ortvalue_from_shape_and_type
        if self._pinned is not None:
            try:
                staged = made(list(value.shape), value.dtype.type, memory_info=self._pinned)
                if staged.numpy().ctypes.data == staged.data_ptr():  # a copy would take what is written to nowhere
                    return staged
            except Exception as error:  # the library's errors have no other common base
                log.info("No page-locked memory (%s); ordinary memory is used.", error)
            self._pinned = None
        return made(list(value.shape), value.dtype.type)


def as_float32(bits: NDArray[Any]) -> Floats:
    """float32 or float16 numbers, or the bits of bfloat16 ones as uint16, as float32; the last two exactly."""
    if bits.dtype == np.uint16:  # bfloat16 is the upper half of a float32
        return (bits.astype(np.uint32) << 16).view(np.float32)
    return bits.astype(np.float32, copy=False)
