"""A nodule data set in memory: crops, diameters, patients; and the split by patient with its lists."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from runtime.errors import DatasetError, ImageDecodeError
from runtime.files import write_text
from runtime.nodule.dicom import read_slice
from runtime.nodule.regions import region_crop, region_spacing
from runtime.nodule.roi import RoiSettings
from runtime.nodule.table import Region
from train.shuffle_split import PARTS, shuffle_split

logger = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Crops:
    """`pixels` (N, S, S) float16 in [0, 1], `diameters_mm` (N,) float32, `patients` of the N regions that were read."""

    pixels: NDArray[np.float16]
    diameters_mm: NDArray[np.float32]
    patients: tuple[str, ...]
    regions: tuple[Region, ...]


def read_crops(regions: Sequence[Region], roi: RoiSettings, *, draw_contour: bool = False) -> Crops:
    """Crops of all regions whose diameter is known and whose file can be read; the others are warned of, each by name.

    Raises DatasetError where none is left.
    """
    pixels, kept = [], []
    for region in tqdm(regions, desc="crops", unit="roi", disable=None):
        if not region.diameter_mm > 0:
            logger.warning("%s: has no diameter; not trained on", region.name)
            continue
        try:
            picture = read_slice(region.path)
            crop = region_crop(picture, region, roi)
        except ImageDecodeError as error:
            logger.warning("%s", error)
            continue
        if draw_contour:
            _draw_contour(crop, region, region_spacing(picture, region), roi)
        pixels.append(crop.astype(np.float16))
        kept.append(region)
    if not kept:
        raise DatasetError("no region of the table can be used; see the warnings above")
    sizes = np.array([region.diameter_mm for region in kept], np.float32)
    return Crops(np.stack(pixels), sizes, tuple(region.patient for region in kept), tuple(kept))


def split_patients(patients: Sequence[str], seed: int) -> dict[str, list[str]]:
    """{"train", "val", "test"} → patients, sorted; 70/10/20 of the patients by a seeded shuffle."""
    return shuffle_split(patients, seed)


def read_patients(folder: Path) -> dict[str, list[str]]:
    """The lists `train_patients.txt`, `val_patients.txt`, `test_patients.txt` of `folder`, one patient a line.

    Raises DatasetError where a list is missing or a patient stands in two.
    """
    lists: dict[str, list[str]] = {}
    for part in PARTS:
        path = folder / f"{part}_patients.txt"
        if not path.is_file():
            raise DatasetError(f"{path}: missing; expected {', '.join(f'{p}_patients.txt' for p in PARTS)}")
        lists[part] = [line.strip() for line in path.read_text("utf-8").splitlines() if line.strip()]
    every = [patient for part in PARTS for patient in lists[part]]
    twice = sorted({patient for patient in every if every.count(patient) > 1})
    if twice:
        raise DatasetError(f"{folder}: {twice[0]} stands in two lists; a patient belongs to one")
    return lists


def write_patients(folder: Path, lists: dict[str, list[str]]) -> None:
    """Writes the three lists into `folder`."""
    for part in PARTS:
        write_text(folder / f"{part}_patients.txt", "".join(f"{patient}\n" for patient in lists[part]))


def _draw_contour(crop: NDArray[np.float32], region: Region, spacing_mm: tuple[float, float], roi: RoiSettings) -> None:
    row, column = region.box.centre
    scale = np.array(spacing_mm) / roi.pixel_mm
    points = (np.array(region.contour) - (row, column)) * scale + (roi.size - 1) / 2
    cv2.polylines(crop, [np.rint(points[:, ::-1]).astype(np.int32)], isClosed=True, color=1.0)
