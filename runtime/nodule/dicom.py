"""One CT slice from a DICOM file: pixels in Hounsfield units and their spacing; every defect is a sentence.

Only the tags below are read. A patient's name is not among them, so it cannot leave the file.
"""

import logging
import math
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ImageDecodeError, InvalidInputError

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

TAGS = (
    "Modality", "Rows", "Columns", "NumberOfFrames", "SamplesPerPixel", "PhotometricInterpretation", "BitsAllocated",
    "BitsStored", "HighBit", "PixelRepresentation", "PixelSpacing", "RescaleSlope", "RescaleIntercept",
    "SeriesInstanceUID", "ImagePositionPatient", "PixelData",
)  # fmt: skip
MAX_BYTES = 128 * 2**20
MAX_SIDE = 4096
SPACING_MM = (0.05, 5.0)  # what a CT's pixels can measure
PACKAGE = "pydicom==3.0.2"


@dataclass(frozen=True, eq=False)
class Slice:
    """`hounsfield` (H, W) float32; `spacing_mm` between rows and between columns, None where the file has none."""

    hounsfield: NDArray[np.float32]
    spacing_mm: tuple[float, float] | None


def read_slice(path: Path) -> Slice:
    """The slice in the DICOM file `path`.

    Raises ImageDecodeError, a sentence that names the file and the mend, where it is no single uncompressed CT slice;
    InvalidInputError where pydicom is not installed.
    """
    try:
        import pydicom  # noqa: PLC0415 - only this system reads DICOM
    except ImportError as error:
        raise InvalidInputError(f"DICOM needs pydicom: run `pip install {PACKAGE}`") from error
    logging.getLogger("pydicom").setLevel(logging.CRITICAL)  # its messages quote values of the file
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise ImageDecodeError(
                f"{path}: {size / 2**20:.0f} MiB; a CT slice has at most {MAX_BYTES / 2**20:.0f} MiB"
            )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            _refuse_deflated(path)
            dataset = pydicom.dcmread(path, specific_tags=list(TAGS))
            _check(path, dataset)
            return Slice(_hounsfield(path, dataset), _spacing(path, dataset))
    except (ImageDecodeError, InvalidInputError):
        raise
    except OSError as error:
        raise ImageDecodeError(f"{path}: cannot be read ({error.strerror or type(error).__name__})") from error
    except Exception as error:  # pydicom raises many kinds, whose texts may quote the file
        reason = "not a DICOM file" if type(error).__name__ == "InvalidDicomError" else "a damaged DICOM file"
        raise ImageDecodeError(f"{path}: {reason} ({type(error).__name__}); copy it anew from its source") from None


def _refuse_deflated(path: Path) -> None:
    # a deflated file is unpacked whole before a tag is seen: a small file could fill the memory
    from pydicom.filereader import read_file_meta_info  # noqa: PLC0415
    from pydicom.uid import RLELossless  # noqa: PLC0415

    syntax = read_file_meta_info(path).get("TransferSyntaxUID")
    if syntax is None:
        raise ImageDecodeError(f"{path}: states no transfer syntax; convert it with `dcmconv +te`")
    if syntax.is_deflated or (syntax.is_compressed and syntax != RLELossless):
        raise ImageDecodeError(
            f"{path}: compressed ({syntax.name}); expected uncompressed pixels: run `gdcmconv --raw IN OUT`"
        )


def _check(path: Path, dataset: "Dataset") -> None:
    missing = [tag for tag in ("Modality", "Rows", "Columns", "PixelData") if tag not in dataset]
    if missing:
        raise ImageDecodeError(f"{path}: the tags {', '.join(missing)} are missing; expected a CT slice")
    if str(dataset.Modality) != "CT":
        raise ImageDecodeError(f"{path}: its modality is not CT; expected a slice of a CT series")
    missing = [tag for tag in ("RescaleSlope", "RescaleIntercept", "BitsAllocated") if tag not in dataset]
    if missing:
        raise ImageDecodeError(f"{path}: the tags {', '.join(missing)} are missing, so its values are no HU")
    frames = int(dataset.get("NumberOfFrames") or 1)
    if frames != 1:
        raise ImageDecodeError(f"{path}: {frames} frames; expected one slice a file")
    rows, columns = int(dataset.Rows), int(dataset.Columns)
    if not (1 < rows <= MAX_SIDE and 1 < columns <= MAX_SIDE):
        raise ImageDecodeError(f"{path}: {rows} × {columns} pixels; expected 2 to {MAX_SIDE} a side")
    kind = str(dataset.get("PhotometricInterpretation", ""))
    if int(dataset.get("SamplesPerPixel") or 1) != 1 or kind != "MONOCHROME2":
        raise ImageDecodeError(f"{path}: its pixels are not MONOCHROME2 with one sample; expected a CT's grey values")


def _hounsfield(path: Path, dataset: "Dataset") -> NDArray[np.float32]:
    stated = int(dataset.Rows) * int(dataset.Columns) * int(dataset.BitsAllocated) // 8
    if len(dataset.PixelData) < stated and not dataset.file_meta.TransferSyntaxUID.is_compressed:
        raise ImageDecodeError(
            f"{path}: truncated; {len(dataset.PixelData)} of {stated} bytes of pixels; copy it anew from its source"
        )
    slope, intercept = float(dataset.RescaleSlope), float(dataset.RescaleIntercept)
    values: Any = dataset.pixel_array
    hounsfield = np.asarray(values, np.float32) * np.float32(slope) + np.float32(intercept)
    if not np.isfinite(hounsfield).all():
        raise ImageDecodeError(f"{path}: slope {slope} and intercept {intercept} give no finite HU")
    return hounsfield


def _spacing(path: Path, dataset: "Dataset") -> tuple[float, float] | None:
    values = dataset.get("PixelSpacing")
    if not values:
        return None
    if len(values) != 2:
        raise ImageDecodeError(f"{path}: {len(values)} pixel spacings; expected one of rows and one of columns")
    row, column = (float(value) for value in values)
    check_spacing(f"{path}: ", row, column)
    return row, column


def check_spacing(where: str, *spacings_mm: float) -> None:
    """Raises ImageDecodeError, `where` before the sentence, for a spacing that no CT has."""
    for spacing in spacings_mm:
        if not (math.isfinite(spacing) and SPACING_MM[0] <= spacing <= SPACING_MM[1]):
            raise ImageDecodeError(
                f"{where}a pixel spacing of {spacing:g} mm; expected {SPACING_MM[0]:g} to {SPACING_MM[1]:g} mm"
            )
