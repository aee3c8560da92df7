"""The published files: img_embeds.npy, meta.parquet, topk.csv."""

import csv
import importlib
import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import InvalidInputError
from ..files import atomic_path, write_text

if TYPE_CHECKING:  # the command line reads the names below at its start
    from ..gallery import Gallery
    from ..systems.nodule import NoduleHit

EMBEDS, META, TOPK = "img_embeds.npy", "meta.parquet", "topk.csv"
PARQUET = "pyarrow==26.0.1"


def write_gallery_files(folder: Path, gallery: "Gallery") -> list[Path]:
    """`img_embeds.npy` (N, D) float32 and `meta.parquet` (path, diameter_mm, patient), row by row alike; their paths.

    Raises InvalidInputError where pyarrow, which no other part needs, is not installed.
    """
    try:
        # large, and only this file needs it; it has no types
        pa, parquet = (importlib.import_module(name) for name in ("pyarrow", "pyarrow.parquet"))
    except ImportError as error:
        raise InvalidInputError(f"{META} needs pyarrow: run `pip install {PARQUET}`") from error
    ids, vectors = gallery.matrix()
    items = gallery.items(ids.tolist())
    with atomic_path(folder / EMBEDS) as part, part.open("wb") as stream:
        np.save(stream, np.ascontiguousarray(vectors), allow_pickle=False)
    table: Any = pa.table(
        {
            "path": pa.array([item.metadata["dicom_path"] for item in items], pa.string()),
            "diameter_mm": pa.array([item.metadata.get("diameter_mm") for item in items], pa.float64()),
            "patient": pa.array([item.metadata["patient"] for item in items], pa.string()),
        }
    )
    with atomic_path(folder / META) as part:
        parquet.write_table(table, part)
    return [folder / EMBEDS, folder / META]


def write_topk(path: Path, hits: Sequence["NoduleHit"]) -> None:
    """`dicom_path,diameter_mm,similarity`, best first; a diameter that nobody measured is empty."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["dicom_path", "diameter_mm", "similarity"])
    for hit in hits:
        diameter = "" if hit.measured_mm is None else f"{hit.measured_mm:.2f}"
        writer.writerow([hit.dicom_path, diameter, f"{hit.score:.6f}"])
    write_text(path, text.getvalue())
