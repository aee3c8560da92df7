"""LIDC-IDRI as downloaded: which DICOM file shows which slice of which series."""

import logging
import warnings
from pathlib import Path

import pydicom
from tqdm import tqdm

from runtime.errors import DatasetError

logger = logging.getLogger(__name__)

Slices = dict[str, list[tuple[float, Path]]]
TAGS = ["SeriesInstanceUID", "ImagePositionPatient"]
NEAR_MM = 0.05


def slices_of(folder: Path) -> Slices:
    """{series UID: [(z in mm, file)]} of all DICOM files below `folder`; what is no DICOM is passed over.

    Reads two tags a file, no pixels and no names. Raises DatasetError where no slice is found.
    """
    found: Slices = {}
    logging.getLogger("pydicom").setLevel(logging.CRITICAL)
    for path in tqdm(sorted(p for p in folder.rglob("*") if p.is_file()), desc="CT", unit="file", disable=None):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                header = pydicom.dcmread(path, stop_before_pixels=True, specific_tags=TAGS)
            z = float(header.ImagePositionPatient[2])
            found.setdefault(str(header.SeriesInstanceUID), []).append((z, path))
        except Exception as error:  # pydicom raises many kinds; XML files and notes lie among the slices
            logger.debug("%s: passed over (%s)", path, type(error).__name__)
    if not found:
        raise DatasetError(f"{folder}: no DICOM slice found; expected the folders of LIDC-IDRI")
    return found


def slice_at(slices: Slices, series_uid: str, z_mm: float) -> Path | None:
    """The series' file at `z_mm`, None where there is none."""
    near = [(abs(z - z_mm), path) for z, path in slices.get(series_uid, ()) if abs(z - z_mm) <= NEAR_MM]
    return min(near)[1] if near else None
