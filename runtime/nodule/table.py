"""roi_with_diam.csv: the regions of a data set, one a row; a row that cannot be used is a sentence, not a stop."""

import csv
import io
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

from ..errors import DatasetError, ImageDecodeError
from ..files import write_text
from .dicom import check_spacing
from .roi import Box

NAME = "roi_with_diam.csv"
COLUMNS = ("dicom_path", "patient", "contour", "box", "pixel_spacing_mm", "diameter_mm")
EXTRA = ("diameter_min_mm", "diameter_max_mm", "readers")
_EXPECTED = "expected the columns dicom_path, patient, contour or box, pixel_spacing_mm, diameter_mm"


@dataclass(frozen=True)
class Region:
    """A row: the DICOM file, the patient, where the nodule lies and what it measures, NaN where that is not known.

    `contour` is a chain of (row, column); `spacing_mm` of rows and of columns is None where the file has to tell.
    """

    path: Path
    patient: str
    box: Box
    contour: tuple[tuple[float, float], ...] = ()
    spacing_mm: tuple[float, float] | None = None
    diameter_mm: float = math.nan
    diameter_min_mm: float = math.nan
    diameter_max_mm: float = math.nan
    readers: int = 0

    @property
    def name(self) -> str:
        """The region's key in a gallery: the file and the centre, as one slice may show several nodules."""
        row, column = self.box.centre
        return f"{self.path}#{row:g},{column:g}"


@dataclass(frozen=True)
class Regions:
    """The rows that can be used, and a sentence for each of the others."""

    rows: tuple[Region, ...]
    problems: tuple[str, ...] = field(default=())


def read_regions(path: Path) -> Regions:
    """The regions in the table `path`, or in `roi_with_diam.csv` of that folder; DICOM paths are relative to it.

    Raises DatasetError where there is no table, or a column is missing.
    """
    table = path / NAME if path.is_dir() else path
    try:
        with table.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream)
            columns = set(reader.fieldnames or ())
            if not {"dicom_path", "patient"} <= columns or not columns & {"contour", "box"}:
                raise DatasetError(f"{table}: has the columns {', '.join(sorted(columns))}; {_EXPECTED}")
            lines = list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DatasetError(f"{table}: cannot be read ({type(error).__name__}); {_EXPECTED}") from error
    rows, problems = [], []
    for number, line in enumerate(lines, start=2):
        try:
            rows.append(_region(line, table.parent))
        except (ValueError, TypeError, ImageDecodeError) as error:
            problems.append(f"{table}, line {number}: {error}")
    return Regions(tuple(rows), tuple(problems))


def write_regions(path: Path, regions: Iterable[Region], *, root: Path) -> None:
    """Writes the table `path`; DICOM files below `root` are named relative to it."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow((*COLUMNS, *EXTRA))
    for r in regions:
        contour = ";".join(f"{row:g} {column:g}" for row, column in r.contour)
        box = "" if contour else " ".join(f"{v:g}" for v in (r.box.row0, r.box.column0, r.box.row1, r.box.column1))
        spacing = " ".join(f"{v:g}" for v in r.spacing_mm or ())
        file = r.path.relative_to(root) if r.path.is_relative_to(root) else r.path
        sizes = [f"{v:.3f}" for v in (r.diameter_mm, r.diameter_min_mm, r.diameter_max_mm)]
        writer.writerow((file.as_posix(), r.patient, contour, box, spacing, *sizes, r.readers))
    write_text(path, text.getvalue())


def contour_diameter(contour: Sequence[tuple[float, float]], spacing_mm: tuple[float, float]) -> float:
    """Largest distance between two points of a contour in mm, rows and columns each by their own spacing."""
    points = np.asarray(contour, np.float32) * np.asarray(spacing_mm, np.float32)
    hull = cv2.convexHull(np.ascontiguousarray(points))[:, 0].astype(np.float64)
    return float(np.sqrt(((hull[:, None] - hull[None]) ** 2).sum(-1).max()))


def _region(line: dict[str, str | None], root: Path) -> Region:
    file, patient = (line.get("dicom_path") or "").strip(), (line.get("patient") or "").strip()
    if not file or not patient:
        raise ValueError("names no DICOM file or no patient")
    contour = tuple(_pair(point) for point in (line.get("contour") or "").split(";") if point.strip())
    numbers = _numbers(line.get("box"))
    if contour:
        rows, columns = zip(*contour, strict=True)
        box = Box(min(rows), min(columns), max(rows), max(columns))
    elif len(numbers) == 4 and numbers[0] <= numbers[2] and numbers[1] <= numbers[3]:
        box = Box(*numbers)
    else:
        raise ValueError('has neither a contour "row column;…" nor a box "row0 column0 row1 column1"')
    spacing = _spacing(_numbers(line.get("pixel_spacing_mm")))
    diameter = _size(line.get("diameter_mm"))
    if math.isnan(diameter) and contour and spacing:
        diameter = contour_diameter(contour, spacing)
    return Region(
        path=root / file,
        patient=patient,
        box=box,
        contour=contour,
        spacing_mm=spacing,
        diameter_mm=diameter,
        diameter_min_mm=_size(line.get("diameter_min_mm")),
        diameter_max_mm=_size(line.get("diameter_max_mm")),
        readers=int(line.get("readers") or 0),
    )


def _numbers(text: str | None) -> list[float]:
    values = [float(part) for part in (text or "").replace(";", " ").split()]
    if not all(math.isfinite(value) for value in values):
        raise ValueError(f"{text!r} holds a number that is not finite")
    return values


def _pair(text: str) -> tuple[float, float]:
    values = _numbers(text)
    if len(values) != 2:
        raise ValueError(f"the contour's point {text!r} is not a row and a column")
    return values[0], values[1]


def _spacing(values: list[float]) -> tuple[float, float] | None:
    if not values:
        return None
    if len(values) > 2:
        raise ValueError(f"{len(values)} pixel spacings; expected one, or one of rows and one of columns")
    check_spacing("", *values)
    return values[0], values[-1]


def _size(text: str | None) -> float:
    value = float(text) if text and text.strip() else math.nan
    if value <= 0 or math.isinf(value):
        raise ValueError(f"a diameter of {text} mm; expected more than 0")
    return value
