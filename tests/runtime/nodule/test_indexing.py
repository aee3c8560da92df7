"""From a table over DICOM files to a gallery, a search and the published files, with the shipped bundle."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from runtime.bundle import Bundle
from runtime.errors import BundleError, DatasetError, GalleryError, InvalidInputError
from runtime.gallery import Gallery
from runtime.nodule.encoder import NoduleEncoder, open_nodule_encoder
from runtime.nodule.files import EMBEDS, META, write_gallery_files, write_topk
from runtime.nodule.indexing import index_regions
from runtime.nodule.picture import hit_picture
from runtime.nodule.table import NAME, contour_diameter, read_regions, write_regions
from runtime.options import DEFAULT_BUNDLE
from runtime.systems.nodule import NoduleSystem

from .scans import NAME as PATIENT_NAME
from .scans import disc, write_scan

BUNDLE = DEFAULT_BUNDLE.with_name("nodule")
DIAMETERS = (4.0, 5.0, 7.0, 8.0, 9.0, 12.0, 16.0, 22.0)
SPACING = (0.7, 0.6)


@pytest.fixture(scope="session")
def encoder() -> NoduleEncoder:
    return open_nodule_encoder(BUNDLE, threads=1)


def write_table(folder: Path) -> Path:
    """Eight discs, one a patient, and five rows that cannot be used."""
    rows = []
    for i, diameter in enumerate(DIAMETERS):
        name, centre = f"dicom/{i}.dcm", (60.0 + i, 70.0)
        write_scan(folder / name, disc((128, 128), centre, diameter, SPACING), SPACING)
        half = (diameter / 2 / SPACING[0], diameter / 2 / SPACING[1])
        box = f"{centre[0] - half[0]:g} {centre[1] - half[1]:g} {centre[0] + half[0]:g} {centre[1] + half[1]:g}"
        rows.append([name, f"P{i}", "", box, "0.7 0.6", "" if i == 7 else diameter])
    write_scan(folder / "dicom/frames.dcm", disc((64, 64), (30, 30), 5, SPACING), SPACING, NumberOfFrames=2)
    rows += [
        ["dicom/frames.dcm", "P8", "", "20 20 30 30", "", 5],
        ["dicom/none.dcm", "P8", "", "20 20 30 30", "", 5],
        ["dicom/0.dcm", "P8", "", "", "", 5],
        ["dicom/0.dcm", "P8", "", "20 20 30 30", "0.7", -5],
        ["dicom/0.dcm", "P8", "", "20 20 30 30", "0.9", 5],
    ]
    with (folder / NAME).open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["dicom_path", "patient", "contour", "box", "pixel_spacing_mm", "diameter_mm"])
        writer.writerows(rows)
    return folder


@pytest.fixture(scope="module")
def system(encoder: NoduleEncoder, tmp_path_factory: pytest.TempPathFactory) -> NoduleSystem:
    folder = tmp_path_factory.mktemp("nodules")
    regions = read_regions(write_table(folder))
    gallery = Gallery.create(folder / "gallery", fingerprint=encoder.fingerprint, folds=1, dims=encoder.dims)
    report = index_regions(regions, gallery, encoder, batch=3)
    assert (report.added, report.unchanged, len(report.skipped)) == (8, 0, 5), report.skipped
    for said in ("2 frames", "cannot be read", "neither a contour", "diameter of -5", "the table's 0.9"):
        assert sum(said in sentence for sentence in report.skipped) == 1, said
    again = index_regions(regions, gallery, encoder)
    assert (again.added, again.unchanged) == (0, 8)
    return NoduleSystem(encoder, gallery)


def test_the_rule_alone_returns_the_measured_sizes_that_were_asked_for(system: NoduleSystem) -> None:
    result = system.search("between 6 and 10 mm", k=3, alpha=0.0)
    assert sorted(hit.diameter_mm for hit in result.hits) == [7, 8, 9]
    assert result.hits[0].explanation == f"{result.hits[0].diameter_mm:.1f} mm lies in [6, 10] mm"
    assert [hit.rule for hit in result.hits] == [1, 1, 1]


def test_the_score_is_the_sum_of_its_named_parts(system: NoduleSystem) -> None:
    for hit in system.search("> 10 mm", k=8, alpha=0.3).hits:
        assert hit.score == pytest.approx(0.3 * hit.cosine + 0.7 * hit.rule)


def test_the_model_reads_larger_discs_as_larger_without_a_diameter_in_the_table(system: NoduleSystem) -> None:
    hits = sorted(system.search("large", k=8, alpha=1.0).hits, key=lambda hit: hit.dicom_path)
    assert np.corrcoef([hit.read_mm for hit in hits], DIAMETERS)[0, 1] > 0.85
    assert hits[7].measured_mm is None
    assert hits[7].diameter_mm == hits[7].read_mm


def test_filters_and_read_diameters_and_wordless_sizes(system: NoduleSystem) -> None:
    only = system.search("> 3 mm", where=["patient=P2"])
    assert [hit.patient for hit in only.hits] == ["P2"]
    read = system.search("> 3 mm", k=8, diameters="read")
    assert all(hit.diameter_mm == hit.read_mm for hit in read.hits)
    assert system.search("spiculated", alpha=1.0).interval is None
    with pytest.raises(InvalidInputError, match="no size understood"):
        system.search("spiculated")
    for wrong in ({"k": 0}, {"alpha": 2.0}, {"diameters": "guessed"}):
        with pytest.raises(InvalidInputError):
            system.search("> 3 mm", **wrong)


def test_the_published_files_hold_the_gallery_and_no_patient_name(system: NoduleSystem, tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    paths = write_gallery_files(tmp_path, system.gallery)
    result = system.search("> 10 mm", k=4)
    write_topk(tmp_path / "topk.csv", result.hits)
    (tmp_path / "result.json").write_text(json.dumps(result.to_json(), allow_nan=False))
    assert [path.name for path in paths] == [EMBEDS, META]
    embeds = np.load(tmp_path / EMBEDS, allow_pickle=False)
    assert embeds.shape == (8, system.encoder.dims)
    assert np.linalg.norm(embeds, axis=1) == pytest.approx(1, abs=1e-5)
    table = parquet.read_table(tmp_path / META).to_pydict()
    assert table["patient"] == [f"P{i}" for i in range(8)]
    assert table["diameter_mm"] == [*DIAMETERS[:7], None]
    lines = (tmp_path / "topk.csv").read_text().splitlines()
    assert lines[0] == "dicom_path,diameter_mm,similarity"
    assert len(lines) == 5
    written = [p for folder in (tmp_path, system.gallery.folder) for p in folder.rglob("*") if p.is_file()]
    assert len(written) > 4
    for path in written:
        content = path.read_bytes()
        assert PATIENT_NAME.encode() not in content, path
        assert b"SECRET-ID" not in content, path


def test_a_hit_is_drawn_with_its_scale_bar_in_green_or_orange(system: NoduleSystem) -> None:
    result = system.search("> 10 mm", k=8, alpha=0.0)
    inside, outside = (
        hit_picture(h.metadata, result.interval, h.diameter_mm) for h in (result.hits[0], result.hits[-1])
    )
    for image, colour in ((inside, (80, 220, 120)), (outside, (250, 150, 60))):
        assert image.shape == (240, 240, 3)
        assert (np.abs(image.astype(int) - colour).max(2) < 12).sum() > 30
    # 10 mm of 40 on 240 pixels
    assert (inside[40, 10:71] == 240).all(1).sum() >= 60


def test_a_table_comes_back_as_it_was_written(tmp_path: Path) -> None:
    text = 'dicom_path,patient,contour,pixel_spacing_mm\n"a,b.dcm",P1,10 10;10 20;16 15,0.5 0.8\n'
    (tmp_path / NAME).write_text(text)
    first = read_regions(tmp_path)
    assert first.problems == ()
    assert first.rows[0].diameter_mm == pytest.approx(10 * 0.8)
    write_regions(tmp_path / "again.csv", first.rows, root=tmp_path)
    assert read_regions(tmp_path / "again.csv").rows[0].contour == first.rows[0].contour
    assert read_regions(tmp_path / "again.csv").rows[0].path == tmp_path / "a,b.dcm"
    assert contour_diameter([(0, 0), (3, 4)], (2.0, 1.0)) == pytest.approx(52**0.5)
    (tmp_path / NAME).write_text("file,size\n")
    with pytest.raises(DatasetError, match="expected the columns"):
        read_regions(tmp_path)


def test_a_bundle_of_another_system_or_a_changed_field_of_view_is_refused(
    encoder: NoduleEncoder, tmp_path: Path
) -> None:
    with pytest.raises(BundleError, match="system 'kger'"):
        open_nodule_encoder(DEFAULT_BUNDLE)
    for path in BUNDLE.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "roi.json").write_text('{"mode": "field", "field_mm": 80}')
    with pytest.raises(BundleError, match=r"roi\.json"):
        NoduleEncoder(Bundle(tmp_path, encoder.bundle.manifest))


def test_an_empty_gallery_is_said(encoder: NoduleEncoder, tmp_path: Path) -> None:
    gallery = Gallery.create(tmp_path / "g", fingerprint=encoder.fingerprint, folds=1, dims=encoder.dims)
    with gallery, pytest.raises(GalleryError, match="empty"):
        NoduleSystem(encoder, gallery).search("> 3 mm")
