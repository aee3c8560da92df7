"""A table's region on its slice: which spacing holds, and the crop."""

import numpy as np
from numpy.typing import NDArray

from ..errors import ImageDecodeError
from .dicom import Slice
from .roi import RoiSettings, crop
from .table import Region

AGREE = 0.01  # table and file may differ by rounding


def region_spacing(picture: Slice, region: Region) -> tuple[float, float]:
    """Spacing of rows and columns in mm: the file's, else the table's.

    Raises ImageDecodeError where neither has one, or where they disagree by more than 1 %.
    """
    if picture.spacing_mm is None:
        if region.spacing_mm is None:
            raise ImageDecodeError(f"{region.path}: no pixel spacing, nor one in the table; add pixel_spacing_mm")
        return region.spacing_mm
    if region.spacing_mm is not None:
        for ours, theirs in zip(picture.spacing_mm, region.spacing_mm, strict=True):
            if abs(ours - theirs) > AGREE * ours:
                raise ImageDecodeError(
                    f"{region.path}: the file's pixel spacing is {ours:g} mm, the table's {theirs:g}; correct the table"
                )
    return picture.spacing_mm


def region_crop(picture: Slice, region: Region, settings: RoiSettings) -> NDArray[np.float32]:
    """The region as the model sees it, (S, S) float32 in [0, 1]; ImageDecodeError, with the file's name, as above."""
    spacing = region_spacing(picture, region)
    try:
        return crop(picture, region.box, spacing, settings)
    except ImageDecodeError as error:
        raise ImageDecodeError(f"{region.path}: {error}") from error
