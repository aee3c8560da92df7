"""Many picture queries: `{query: match}`, the challenge's image-to-image submission."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tqdm import tqdm

from ..errors import ImageDecodeError, InvalidInputError
from ..files import write_json
from ..images import IMAGE_SUFFIXES, read_image
from ..publish import write_submission
from ..results import Query, SearchResult

if TYPE_CHECKING:
    from ..systems.ent import EntSettings, EntSystem

SUBMISSION = "submission.json"
SKIPPED = "skipped.json"


def read_image_queries(path: Path) -> list[Path]:
    """The pictures that `path` names: a folder's, by name, or those of a text file, one a line, relative to it.

    Raises InvalidInputError where there is none, or a line names no file.
    """
    if path.is_dir():
        found = sorted(p for p in path.rglob("*") if p.suffix.lower() in IMAGE_SUFFIXES and p.is_file())
    else:
        try:
            lines = [line.strip() for line in path.read_text("utf-8").splitlines() if line.strip()]
        except (OSError, UnicodeDecodeError) as error:
            raise InvalidInputError(f"{path}: cannot be read ({error}); expected a folder, or a file a line") from error
        found = [path.parent / line for line in lines]
        missing = [p for p in found if not p.is_file()]
        if missing:
            raise InvalidInputError(f"{path}: {missing[0]} is no file; names are relative to the list's folder")
    if not found:
        raise InvalidInputError(f"{path}: names no picture; expected a folder of them, or a text file with one a line")
    return found


def run_image_batch(
    system: "EntSystem", pictures: Sequence[Path], out: Path, *, k: int = 5, settings: "EntSettings | None" = None
) -> tuple[list[Path], list[str]]:
    """Searches all `pictures` and writes `submission.json`; gives what was written and a sentence a skipped picture.

    A bad picture never stops the batch: it is skipped, and named in `skipped.json`.
    """
    results: list[SearchResult] = []
    skipped: list[str] = []
    for path in tqdm(pictures, desc="batch", unit="query", disable=None):
        try:
            image = read_image(path)
        except ImageDecodeError as error:
            skipped.append(str(error))
            continue
        results.append(system.search(Query(None, image, path.name), path=path, k=k, settings=settings))
    written = [out / SUBMISSION]
    write_submission(written[0], results)
    if skipped:
        written.append(out / SKIPPED)
        write_json(written[-1], skipped)
    return written, skipped
