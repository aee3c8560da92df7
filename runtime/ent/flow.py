"""The exported vector field: the tower's unit rows → the rows that are searched with, RK4 steps baked in."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..bundle import FIELD_MODEL, Bundle
from ..errors import BundleError, InvalidInputError
from ..sessions import FOR_IMAGES, open_session

Floats = NDArray[np.float32]

SYSTEM = "ent"
STEPS = (0, 1, 10)  # outputs step_0, step_1, step_10: unit rows after so many RK4 steps
PATH_POINTS = 11  # output path: unit rows at t = 0, 0.1 … 1
_BATCH = 256


class FlowGraph:
    """`field.onnx` of an ent bundle. The session is opened at once; several threads may call it.

    One graph holds all steps, and onnxruntime computes all of it whichever output is asked for: 56 evaluations of the
    field, of which 41 are those of ten steps.
    """

    def __init__(self, path: Path, *, threads: int | None = None, provider: str = "auto") -> None:
        self._session: Any = open_session(path, FOR_IMAGES, threads=threads, provider=provider)
        self.width = int(self._session.get_inputs()[0].shape[1])
        self.path_file = path

    @classmethod
    def of(cls, bundle: Bundle, *, threads: int | None = None, provider: str = "auto") -> "FlowGraph":
        """The field of an ent bundle; raises BundleError for the bundle of another system."""
        if bundle.manifest.system != SYSTEM:
            raise BundleError(
                f"{bundle.folder}: a bundle of the system {bundle.manifest.system!r}; --system ent needs one that "
                "`python -m export ent RUN --out BUNDLE` wrote"
            )
        return cls(bundle.path(FIELD_MODEL), threads=threads, provider=provider)

    def transform(self, rows: Floats, steps: int = 10) -> Floats:
        """(N, D) unit rows of the tower → (N, D) float32 unit rows after `steps` RK4 steps (0, 1 or 10)."""
        if steps not in STEPS:
            raise InvalidInputError(f"steps = {steps}; this graph has {', '.join(map(str, STEPS))} RK4 steps baked in")
        return self._run(f"step_{steps}", rows, (self.width,))

    def path(self, rows: Floats) -> Floats:
        """(N, D) unit rows of the tower → (N, 11, D) float32 unit rows at t = 0, 0.1 … 1 of the ten steps.

        The first is that of 0 steps, the last that of 10.
        """
        return self._run("path", rows, (PATH_POINTS, self.width))

    def _run(self, output: str, rows: Floats, shape: tuple[int, ...]) -> Floats:
        if rows.ndim != 2 or rows.shape[1] != self.width:
            raise InvalidInputError(f"rows have shape {rows.shape}; the field of {self.path_file} expects {self.width}")
        out = np.empty((len(rows), *shape), np.float32)
        for first in range(0, len(rows), _BATCH):
            part = np.ascontiguousarray(rows[first : first + _BATCH], dtype=np.float32)
            out[first : first + _BATCH] = self._session.run([output], {"vectors": part})[0]
        if not np.isfinite(out).all():
            raise BundleError(f"{self.path_file}: gave values that are not finite; check it: python -m runtime verify")
        return out
