"""DICOM files, sound and broken: pixels in HU, or a sentence; never a patient's name."""

from pathlib import Path

import numpy as np
import pytest
from pydicom.uid import DeflatedExplicitVRLittleEndian, JPEG2000Lossless

from runtime.errors import ImageDecodeError
from runtime.nodule import dicom
from runtime.nodule.dicom import read_slice
from runtime.nodule.regions import region_crop, region_spacing
from runtime.nodule.roi import Box, RoiSettings, crop
from runtime.nodule.table import Region

from .scans import NAME, disc, write_scan

GROUND = disc((64, 48), (30, 20), 10, (0.7, 0.7))


def test_a_sound_slice_gives_hounsfield_units_and_both_spacings(tmp_path: Path) -> None:
    read = read_slice(write_scan(tmp_path / "a.dcm", GROUND, (0.5, 0.8)))
    assert (read.hounsfield == GROUND).all()
    assert read.hounsfield.dtype == np.float32
    assert read.spacing_mm == (0.5, 0.8)


BROKEN = {
    "another modality": ({"Modality": "MR"}, "modality is not CT"),
    "several frames": ({"NumberOfFrames": 3}, "3 frames"),
    "colour": ({"SamplesPerPixel": 3, "PhotometricInterpretation": "RGB"}, "not MONOCHROME2"),
    "no slope": ({"RescaleSlope": None}, "RescaleSlope are missing"),
    "no pixels": ({"PixelData": None}, "PixelData are missing"),
    "truncated pixels": ({"PixelData": b"\0" * 100}, "truncated; 100 of 6144 bytes"),
    "huge": ({"Rows": 60000, "Columns": 60000}, "60000 × 60000 pixels"),
    "spacing of zero": ({"PixelSpacing": ["0", "0"]}, "pixel spacing of 0 mm"),
    "spacing of metres": ({"PixelSpacing": ["700", "700"]}, "pixel spacing of 700 mm"),
    "one spacing": ({"PixelSpacing": ["0.7"]}, "pixel spacing"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_slice_is_one_sentence_that_names_the_file_and_no_patient(tmp_path: Path, name: str) -> None:
    tags, said = BROKEN[name]
    path = write_scan(tmp_path / "broken.dcm", GROUND, **tags)
    with pytest.raises(ImageDecodeError, match=r"broken\.dcm") as caught:
        read_slice(path)
    assert said in str(caught.value) or "damaged" in str(caught.value)
    assert NAME not in str(caught.value)


@pytest.mark.parametrize("syntax", [JPEG2000Lossless, DeflatedExplicitVRLittleEndian])
def test_compressed_files_are_refused_before_they_are_unpacked(tmp_path: Path, syntax: str) -> None:
    path = write_scan(tmp_path / "a.dcm", GROUND)
    old, new = b"1.2.840.10008.1.2.1\0", syntax.encode()
    content = path.read_bytes()
    at = content.index(old)
    # the meta group states its length and the value's; both are mended
    value = new + b"\0" * (len(new) % 2)
    length = int.from_bytes(content[140:144], "little") + len(value) - len(old)
    content = content[:140] + length.to_bytes(4, "little") + content[144 : at - 2]
    path.write_bytes(
        content + len(value).to_bytes(2, "little") + value + write_scan(path, GROUND).read_bytes()[at + 20 :]
    )
    with pytest.raises(ImageDecodeError, match="compressed"):
        read_slice(path)


def test_a_file_cut_anywhere_is_read_or_refused_never_a_crash(tmp_path: Path) -> None:
    whole = write_scan(tmp_path / "whole.dcm", GROUND).read_bytes()
    cut = tmp_path / "cut.dcm"
    refused = 0
    for size in [0, 1, 100, 131, 132, 140, 200, 300, 400, 500, 600, 800, 1000, len(whole) - 1]:
        cut.write_bytes(whole[:size])
        with pytest.raises(ImageDecodeError):
            read_slice(cut)
        refused += 1
    assert refused == 14


def test_what_is_missing_no_file_or_too_large_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ImageDecodeError, match="cannot be read"):
        read_slice(tmp_path / "none.dcm")
    with pytest.raises(ImageDecodeError, match=r"cannot be read|not a DICOM"):
        read_slice(tmp_path)
    (tmp_path / "text.dcm").write_text("no DICOM " * 100)
    with pytest.raises(ImageDecodeError, match="not a DICOM file"):
        read_slice(tmp_path / "text.dcm")
    path = write_scan(tmp_path / "a.dcm", GROUND)
    monkeypatch.setattr(dicom, "MAX_BYTES", 1000)
    with pytest.raises(ImageDecodeError, match="MiB"):
        read_slice(path)


def test_rows_and_columns_are_scaled_by_their_own_spacing(tmp_path: Path) -> None:
    settings, spacing = RoiSettings(), (0.4, 0.9)
    read = read_slice(write_scan(tmp_path / "a.dcm", disc((200, 120), (90, 50), 16, spacing), spacing))
    seen = crop(read, Box(80, 45, 100, 55), spacing, settings) > 0.35  # 0 HU is .714 of the window
    height, width = (np.flatnonzero(seen.any(axis)) for axis in (1, 0))
    assert (len(height) * settings.pixel_mm, len(width) * settings.pixel_mm) == pytest.approx((16, 16), abs=1.0)


def test_the_fixed_field_shows_size_and_the_published_box_hides_it(tmp_path: Path) -> None:
    shares = {"field": [], "published": []}
    for diameter in (8, 16):
        read = read_slice(write_scan(tmp_path / "a.dcm", disc((160, 160), (80, 80), diameter, (0.5, 0.5)), (0.5, 0.5)))
        box = Box(80 - diameter, 80 - diameter, 80 + diameter, 80 + diameter)
        for mode, values in shares.items():
            values.append(crop(read, box, (0.5, 0.5), RoiSettings(mode=mode, margin_px=0)).mean())
    assert shares["field"][1] / shares["field"][0] == pytest.approx(4, rel=0.1)
    assert shares["published"][1] / shares["published"][0] == pytest.approx(1, rel=0.1)


def test_a_spacing_that_contradicts_the_table_is_said_and_a_missing_one_is_taken_from_it(tmp_path: Path) -> None:
    path = write_scan(tmp_path / "a.dcm", GROUND, (0.7, 0.7))
    bare = write_scan(tmp_path / "b.dcm", GROUND, None)
    box = Box(25, 15, 35, 25)
    with pytest.raises(ImageDecodeError, match=r"the table's 0\.9"):
        region_spacing(read_slice(path), Region(path, "p", box, spacing_mm=(0.7, 0.9)))
    assert region_spacing(read_slice(bare), Region(bare, "p", box, spacing_mm=(0.7, 0.9))) == (0.7, 0.9)
    with pytest.raises(ImageDecodeError, match="pixel_spacing_mm"):
        region_spacing(read_slice(bare), Region(bare, "p", box))
    with pytest.raises(ImageDecodeError, match="lies outside"):
        region_crop(read_slice(path), Region(path, "p", Box(500, 500, 510, 510)), RoiSettings())
