"""From a source to a data folder: rows, films, failures, and carim.json last."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tqdm import tqdm

from runtime.carim.rows import Frame, Row, write_frames, write_rows
from runtime.errors import DatasetError
from runtime.files import sha256_file, write_text

from .describe import Describer
from .manifest import NAME, Manifest
from .places import FAILURES, ROWS, frames_path, seen_from
from .shot import Failure, FilmFrame, Source, natural
from .writer import Writer


@dataclass(frozen=True)
class Built:
    """What lies in the folder now."""

    rows: tuple[Row, ...]
    failures: tuple[Failure, ...]
    manifest: Manifest


def build(
    source: Source,
    out: Path,
    manifest: Manifest,
    *,
    captioner: Writer | None = None,
    extractor: Writer | None = None,
    threads: int = 4,
    progress: bool = False,
) -> Built:
    """Describes every shot of `source` and writes the data folder; `manifest` gets counts and hash.

    A second run after a kill asks for no reply that is on record. Raises DatasetError where no row is left and the
    folder is no shard, whose failures.jsonl is written all the same; InvalidInputError where elements would be lacking.
    """
    describer = Describer(out, source.films, captioner, extractor)
    describer.check(source.shots)
    out.mkdir(parents=True, exist_ok=True)
    (out / NAME).unlink(missing_ok=True)  # while it is missing the folder is not finished
    shots = sorted(source.shots, key=lambda s: (natural(s.scene), s.timestamp, natural(s.id)))
    with tqdm(total=len(shots), desc="describing", unit="row", disable=None if progress else True) as bar:
        made = list(describer.describe_all(shots, threads, bar.update))
    rows = tuple(row for row in made if isinstance(row, Row))
    failures = (*source.failures, *(failure for failure in made if isinstance(failure, Failure)))
    write_failures(out, failures)
    if not rows and manifest.shard is None:
        raise DatasetError(f"{out}: no row could be made; {failures[0] if failures else 'the source is empty'}")
    for scene, film in source.films.items():
        write_film(out, scene, film)
    return finish(out, rows, failures, manifest, frames=sum(map(len, source.films.values())))


def write_film(out: Path, scene: str, film: Sequence[FilmFrame]) -> None:
    """The scene's film, its pictures named from `out`."""
    ordered = sorted(film, key=lambda f: f.timestamp)
    frames = [Frame(seen_from(out, f.picture), f.timestamp, f.key) for f in ordered]
    write_frames(out / frames_path(scene), scene, frames)


def write_failures(out: Path, failures: Sequence[Failure]) -> None:
    """failures.jsonl, empty where all went well."""
    lines = (json.dumps(failure.to_json(), ensure_ascii=False) + "\n" for failure in failures)
    write_text(out / FAILURES, "".join(lines))


def finish(out: Path, rows: Sequence[Row], failures: Sequence[Failure], manifest: Manifest, *, frames: int) -> Built:
    """Writes rows.jsonl, then carim.json with its counts and hash."""
    write_rows(out / ROWS, rows)
    counts = {
        "rows": len(rows),
        "scenes": len({row.scene for row in rows}),
        "elements": len({element for row in rows for element in row.elements}),
        "frames": frames,
        "failures": len(failures),
    }
    manifest = replace(manifest, counts=counts, sha256=sha256_file(out / ROWS))
    manifest.write(out)
    return Built(tuple(rows), tuple(failures), manifest)


def summary(built: Built, out: Path, writers: Mapping[str, Writer | None]) -> str:
    """What was made, what was asked for and what it cost, for people."""
    counts = built.manifest.counts
    lines = [
        f"{out / ROWS}: {counts['rows']} rows of {counts['scenes']} scenes, {counts['elements']} distinct elements, "
        f"{counts['frames']} pictures in films" + (" (synthetic)" if built.manifest.synthetic else "")
    ]
    for kind, writer in writers.items():
        if writer:
            tally = writer.tally
            cost = f"${tally.usd:.4f}" if tally.priced else "a price that is not listed"
            lines.append(
                f"{kind} {writer.name}: {tally.asked} asked for {cost}, {tally.recorded} from the record, "
                f"{tally.failed} failed"
            )
    return "\n".join(lines)
