"""What every system's index command does with its data: the gallery, the bar, the counts, the exit code."""

import argparse
import sys
from collections.abc import Callable

from tqdm import tqdm

from .bundle import Manifest
from .gallery import Gallery
from .indexing import IndexReport, Progress


def run_index(
    args: argparse.Namespace, made_by: Manifest, fill: Callable[[Gallery, Progress], IndexReport], *, of: int, what: str
) -> int:
    """Makes or continues `args.gallery` by `fill`, which reads `of` things called `what`; the exit code.

    Prints the counts and names what was skipped; 1 where `args.strict` is set and something was.
    Raises GalleryError for a gallery that another bundle made, unless `args.reencode` is set.
    """
    gallery = Gallery.create(
        args.gallery,
        fingerprint=made_by.fingerprint,
        folds=made_by.folds,
        dims=made_by.dims,
        precision=made_by.precision,
        reencode=args.reencode,
    )
    with gallery, tqdm(total=of, desc="index", unit=f" {what}", disable=None) as bar:

        def progress(done: int, total: int) -> None:
            bar.update(done - bar.n)

        report = fill(gallery, progress)
        size = len(gallery)
    rate = f" ({report.per_second:.1f} {what}/s)" if report.added else ""
    counts = f"{report.added} added{rate}, {report.unchanged} unchanged, {len(report.skipped)} skipped"
    sys.stdout.write(f"{counts}; {size} in the gallery\n")
    sys.stderr.write("".join(f"  skipped: {sentence}\n" for sentence in report.skipped))
    return 1 if args.strict and report.skipped else 0
