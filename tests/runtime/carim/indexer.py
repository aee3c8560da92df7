"""Indexes rows one by one with words for a model and says so after each: the process that the tests kill.

python -m tests.runtime.carim.indexer DATA GALLERY
"""

import sys
from pathlib import Path

from runtime.carim.indexing import index_rows
from runtime.carim.rows import read_rows
from runtime.gallery import Gallery

from .fakes import DIMS, WordEncoder


def main(data: Path, target: Path) -> None:
    with Gallery.create(target, fingerprint=WordEncoder.fingerprint, folds=1, dims=DIMS) as gallery:

        def progress(done: int, _: int) -> None:
            sys.stdout.write(f"{done}\n")
            sys.stdout.flush()
            gallery.terms()  # so that some kills hit a cache that is being written

        index_rows(read_rows(data), gallery, WordEncoder(), batch=1, progress=progress)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
