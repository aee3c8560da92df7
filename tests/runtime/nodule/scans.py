"""Synthetic DICOM slices for tests: a bright disc on a dark ground, with a patient's name to look for."""

from pathlib import Path
from typing import Any

import numpy as np
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

NAME = "Nguyen^Secret^Patient"


def disc(shape: tuple[int, int], centre: tuple[float, float], diameter_mm: float, spacing: tuple[float, float]) -> Any:
    """(H, W) HU: 0 in a disc of `diameter_mm`, −1000 outside."""
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    squared = ((rows - centre[0]) * spacing[0]) ** 2 + ((columns - centre[1]) * spacing[1]) ** 2
    return np.where(squared <= (diameter_mm / 2) ** 2, 0, -1000)


def write_scan(path: Path, hounsfield: Any, spacing: tuple[float, float] | None = (0.7, 0.7), **tags: Any) -> Path:
    """A valid CT slice; `tags` replace its tags, and those that are None are left out."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = (
        CTImageStorage,
        generate_uid(entropy_srcs=[path.name]),
    )
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset = FileDataset(None, {}, file_meta=meta, preamble=b"\0" * 128)
    stored = (np.asarray(hounsfield) + 1024).astype("<u2")
    values: dict[str, Any] = {
        "SOPClassUID": CTImageStorage, "SOPInstanceUID": meta.MediaStorageSOPInstanceUID, "Modality": "CT",
        "PatientName": NAME, "PatientID": "SECRET-ID", "Rows": stored.shape[0], "Columns": stored.shape[1],
        "SamplesPerPixel": 1, "PhotometricInterpretation": "MONOCHROME2", "BitsAllocated": 16, "BitsStored": 16,
        "HighBit": 15, "PixelRepresentation": 0, "RescaleSlope": 1, "RescaleIntercept": -1024,
        "PixelData": stored.tobytes(), "PixelSpacing": None if spacing is None else [str(v) for v in spacing],
    }  # fmt: skip
    for name, value in (values | tags).items():
        if value is not None:
            setattr(dataset, name, value)
    path.parent.mkdir(parents=True, exist_ok=True)
    dataset.save_as(path, enforce_file_format=True)
    return path
