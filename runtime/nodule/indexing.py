"""A table of regions becomes a gallery: read, crop, encode, one transaction a batch; a bad file stops nothing."""

import hashlib
import math
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..errors import ImageDecodeError
from ..files import sha256_file
from ..gallery import Gallery, NewItem
from ..indexing import IndexReport
from .dicom import Slice, read_slice
from .encoder import NoduleEncoder
from .regions import region_crop, region_spacing
from .table import Region, Regions

BATCH = 64


def index_regions(
    regions: Regions,
    gallery: Gallery,
    encoder: NoduleEncoder,
    *,
    batch: int = BATCH,
    progress: Callable[[int, int], None] | None = None,
) -> IndexReport:
    """Adds what the gallery does not hold yet; what cannot be read is skipped with a sentence in the report."""
    started = time.perf_counter()
    report = IndexReport(skipped=list(regions.problems))
    known, total = gallery.known(), len(regions.rows)
    for first in range(0, total, batch):
        _index_batch(regions.rows[first : first + batch], gallery, encoder, known, report)
        report.seconds = time.perf_counter() - started
        if progress:
            progress(min(first + batch, total), total)
    return report


def _index_batch(
    rows: Sequence[Region], gallery: Gallery, encoder: NoduleEncoder, known: dict[str, str], report: IndexReport
) -> None:
    crops, kept = [], []
    for region in rows:
        try:
            digest = _digest(region)
            if known.get(region.name) == digest:
                report.unchanged += 1
                continue
            picture = read_slice(region.path)
            crops.append(region_crop(picture, region, encoder.roi))
            kept.append((region, digest, picture))
        except ImageDecodeError as error:
            report.skipped.append(str(error))
    if not kept:
        return
    vectors, diameters = encoder.encode_crops(np.stack(crops))
    gallery.add(
        [
            NewItem(region.name, digest, (), _metadata(region, picture, float(read_mm)), vector)
            for (region, digest, picture), vector, read_mm in zip(kept, vectors, diameters, strict=True)
        ]
    )
    report.added += len(kept)


def _digest(region: Region) -> str:
    # of the file and of the row: a corrected diameter has to reach the gallery, too
    try:
        content = sha256_file(region.path)
    except OSError as error:
        raise ImageDecodeError(f"{region.path}: cannot be read ({error.strerror or type(error).__name__})") from error
    return hashlib.sha256(f"{content} {region!r}".encode()).hexdigest()


def _metadata(region: Region, picture: Slice, read_mm: float) -> dict[str, Any]:
    row, column = region.box.centre
    spacing = region_spacing(picture, region)
    values: dict[str, Any] = {
        "dicom_path": str(region.path),
        "patient": region.patient,
        "row": row,
        "column": column,
        "row_spacing_mm": spacing[0],
        "column_spacing_mm": spacing[1],
        "box": [region.box.row0, region.box.column0, region.box.row1, region.box.column1],
        "diameter_read_mm": round(read_mm, 3),
        "readers": region.readers,
    }
    sizes = {name: getattr(region, name) for name in ("diameter_mm", "diameter_min_mm", "diameter_max_mm")}
    return values | {name: value for name, value in sizes.items() if not math.isnan(value)}
