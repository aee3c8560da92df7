"""Adds a folder's files to a gallery in batches and says so after each: the process that the tests kill.

python -m tests.runtime.gallery.adder FOLDER GALLERY
"""

import sys
from pathlib import Path

from runtime.gallery import Gallery

from .fakes import DIMS, FOLDS, new_item

BATCH = 4


def main(folder: Path, target: Path) -> None:
    with Gallery.create(target, fingerprint="b1", folds=FOLDS, dims=DIMS) as gallery:
        known = gallery.known()
        waiting = [path for path in sorted(folder.iterdir()) if str(path) not in known]
        for number, start in enumerate(range(0, len(waiting), BATCH)):
            gallery.add([new_item(path) for path in waiting[start : start + BATCH]])
            print("stored", flush=True)
            if number % 3 == 0:
                gallery.matrix()  # so that some kills hit a cache that is being written


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
