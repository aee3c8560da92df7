"""`python -m train carim-build`: driving scenes become CARIM's data folder."""

import argparse
import re
import sys
from dataclasses import replace
from pathlib import Path

from runtime.errors import InvalidInputError

from .build import build, summary
from .folder import read_folder
from .given import NAME as CAPTIONS
from .given import described
from .jsonl import read_jsonl
from .manifest import Manifest, says_synthetic, scenes_sha256
from .nuscenes import read_nuscenes, version_folder
from .places import FAILURES, shard_folder, shard_of
from .services import CAPTIONERS, EXTRACTORS, IMAGE_PX, Choice, Terms, Writers
from .shot import Source
from .video import FilmSettings

SOURCES = ("nuscenes", "folder", "jsonl")
RECORD_NAME = "replies.sqlite"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options; those that a judge has, too, have its names."""
    add = parser.add_argument
    add("data", type=Path, help="nuScenes' folder; a folder of pictures or videos; a JSONL file or its folder")
    add("--source", choices=SOURCES, required=True)
    add("--out", type=Path, required=True, help="the data folder: rows.jsonl, frames/, carim.json, failures.jsonl")
    add("--version", metavar="NAME", help="nuScenes: the tables, such as v1.0-mini (default: the only ones)")
    add("--captions", type=Path, help=f"given captions and elements (default: {CAPTIONS} in DATA, where there is one)")
    add("--every", type=float, default=0.5, metavar="S", help="seconds between key frames of a video (default: 0.5)")
    add("--film-hz", type=float, default=10.0, metavar="HZ", help="of a video, pictures a second for the player")
    add("--shard", type=_shard, metavar="I/N", help="the I-th of N parts by scene, I from 0; then `carim-merge`")
    add("--synthetic", action="store_true", help="say that the scenes are made by a program")
    add("--strict", action="store_true", help="exit with 1 where anything could not be used")
    for kind, names in (("captioner", CAPTIONERS), ("extractor", EXTRACTORS)):
        add(f"--{kind}", choices=names, default="given", help="given: it comes with the data; replay: from --record")
        add(f"--{kind}-model", metavar="NAME", help="the model's name; for qwen a folder or a hub name")
        add(f"--{kind}-url", metavar="URL", help="another endpoint, such as http://127.0.0.1:8000/v1")
    add("--record", type=Path, help=f"file of replies, never paid for twice (default: {RECORD_NAME} in the folder)")
    add("--image-px", type=int, default=IMAGE_PX, help=f"pictures are sent so large (default: {IMAGE_PX})")
    add("--concurrency", type=int, default=4, help="requests under way at once (default: 4)")
    add("--max-calls", type=int, metavar="N", help="ask no more than N times in all")
    add("--max-cost", type=float, metavar="USD", help="spend no more in all, by assets/prices.json")
    add("--ask-again", action="store_true", help="ask anew what was recorded without a usable reply")
    add("--allow-upload", action="store_true", help="let gemini or openai send pictures and captions off this machine")


def run(args: argparse.Namespace) -> int:
    """Builds the folder and prints what it holds; 1 with --strict where anything could not be used."""
    out = shard_folder(args.out, *args.shard) if args.shard else args.out
    terms = Terms(
        record=args.record or out / RECORD_NAME,
        allow_upload=args.allow_upload,
        ask_again=args.ask_again,
        concurrency=args.concurrency,
        image_px=args.image_px,
        max_calls=args.max_calls,
        max_cost_usd=args.max_cost,
    )
    captioner = Choice(args.captioner, args.captioner_model, args.captioner_url)
    extractor = Choice(args.extractor, args.extractor_model, args.extractor_url)
    film = FilmSettings(args.every, args.film_hz)
    if args.source != "nuscenes" and args.out.resolve() == _root(args).resolve():
        raise InvalidInputError(f"--out {args.out} is the data's own folder; name another, or it would be read again")
    if args.concurrency < 1:
        raise InvalidInputError(f"--concurrency is {args.concurrency}; expected at least 1")
    with Writers(captioner, extractor, terms) as writers:
        source = _with_given(_read(args, out, film), args)
        built = build(
            source,
            out,
            _manifest(args, source, writers, film),
            captioner=writers.captioner,
            extractor=writers.extractor,
            threads=args.concurrency,
            progress=True,
        )
        limit = writers.budget.limit_reached
        print(summary(built, out, {"captioner": writers.captioner, "extractor": writers.extractor}))  # noqa: T201
    return report(built.failures, out, strict=args.strict, limit=limit)


def report(failures: tuple[object, ...], out: Path, *, strict: bool, limit: str = "", most: int = 20) -> int:
    """Names what could not be used on stderr; the exit code."""
    if limit:
        sys.stderr.write(f"  {limit}; the same command goes on where this one ended\n")
    for failure in failures[:most]:
        sys.stderr.write(f"  not used: {failure}\n")
    if len(failures) > most:
        sys.stderr.write(f"  and {len(failures) - most} more in {out / FAILURES}\n")
    return int(strict and bool(failures))


def _read(args: argparse.Namespace, out: Path, film: FilmSettings) -> Source:
    index, shards = args.shard or (0, 1)

    def wanted(scene: str) -> bool:
        return shard_of(scene, shards) == index

    if args.source == "nuscenes":
        return read_nuscenes(args.data, version=args.version, wanted=wanted)
    if args.source == "folder":
        # videos are cut into the shard's own folder; none of the shards' pictures is a source
        return read_folder(args.data, out, film, wanted=wanted, skip=args.out)
    return read_jsonl(args.data, wanted=wanted)


def _root(args: argparse.Namespace) -> Path:
    data: Path = args.data
    return data if data.is_dir() else data.parent


def _with_given(source: Source, args: argparse.Namespace) -> Source:
    places = [_root(args) / CAPTIONS]
    if args.source == "nuscenes":
        places.insert(0, version_folder(args.data, args.version) / CAPTIONS)
    path = args.captions or next((place for place in places if place.is_file()), None)
    if path is None:
        return source
    shots, failures = described(source.shots, path)
    return replace(source, shots=shots, failures=(*source.failures, *failures))


def _manifest(args: argparse.Namespace, source: Source, writers: Writers, film: FilmSettings) -> Manifest:
    settings: dict[str, object] = {"source_name": source.name}
    if args.source == "folder":
        settings |= {"every_s": film.every_s, "film_hz": film.film_hz}
    for writer in (writers.captioner, writers.extractor):
        if writer:
            settings |= {f"{writer.mode}_prompt": writer.prompt.name, "image_px": writer.settings.max_image_px}
    marked = source.shots and all(shot.meta.get("synthetic") is True for shot in source.shots)
    shard = None
    if args.shard:
        index, shards = args.shard
        mine = [scene for scene in source.scenes if shard_of(scene, shards) == index]
        shard = {"index": index, "of": shards, "scenes": mine}
    return Manifest(
        source=source.kind,
        captioner=writers.captioner.name if writers.captioner else "given",
        extractor=writers.extractor.name if writers.extractor else "given",
        synthetic=bool(args.synthetic or marked or says_synthetic(_root(args))),
        settings=settings,
        all_scenes=len(source.scenes),
        all_scenes_sha256=scenes_sha256(source.scenes),
        shard=shard,
    )


def _shard(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"(\d+)/(\d+)", text)
    if not match or not int(match[1]) < int(match[2]):
        raise argparse.ArgumentTypeError(f"{text!r}; expected I/N with I from 0 to N - 1, such as 0/4")
    return int(match[1]), int(match[2])
