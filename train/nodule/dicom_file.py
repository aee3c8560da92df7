"""Writes a phantom slice as a valid DICOM file (CT image storage), said to be synthetic in its own tags."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

DESCRIPTION = "phantom CT, synthetic"
INTERCEPT_HU = -1024


def write_dicom(
    path: Path,
    hounsfield: NDArray[np.float32],
    spacing_mm: tuple[float, float],
    *,
    patient: str,
    series_uid: str | None = None,
    z_mm: float = 0.0,
) -> None:
    """Writes (H, W) float32 HU as 16-bit values; `spacing_mm` of rows and of columns. UIDs follow from the path."""
    stored = np.clip(np.rint(hounsfield) - INTERCEPT_HU, 0, 4095).astype("<u2")
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = CTImageStorage
    meta.MediaStorageSOPInstanceUID = generate_uid(entropy_srcs=[patient, path.name])
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset = FileDataset(None, {}, file_meta=meta, preamble=b"\0" * 128)
    dataset.SOPClassUID, dataset.SOPInstanceUID = CTImageStorage, meta.MediaStorageSOPInstanceUID
    dataset.StudyInstanceUID = generate_uid(entropy_srcs=[patient, "study"])
    dataset.SeriesInstanceUID = series_uid or generate_uid(entropy_srcs=[patient, "series"])
    dataset.PatientName, dataset.PatientID = "PHANTOM^SYNTHETIC", patient
    dataset.Modality, dataset.ImageType = "CT", ["DERIVED", "SECONDARY"]
    dataset.SeriesDescription, dataset.DerivationDescription = DESCRIPTION, "drawn by a program from LIDC-IDRI outlines"
    dataset.ImagePositionPatient, dataset.ImageOrientationPatient = [0, 0, z_mm], [1, 0, 0, 0, 1, 0]
    dataset.PixelSpacing = [f"{spacing:.6g}" for spacing in spacing_mm]
    dataset.Rows, dataset.Columns = stored.shape
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 16, 12, 11, 0
    dataset.RescaleSlope, dataset.RescaleIntercept, dataset.RescaleType = 1, INTERCEPT_HU, "HU"
    dataset.PixelData = stored.tobytes()
    path.parent.mkdir(parents=True, exist_ok=True)
    dataset.save_as(path, enforce_file_format=True)  # not synced: thousands are drawn, and can be drawn again
