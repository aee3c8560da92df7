"""`python -m runtime carim index|search|scenes|batch`: driving scenes by text."""

import argparse
import contextlib
import csv
import io
import json
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import InvalidInputError
from ..options import DEFAULT_BUNDLE, DEFAULT_GALLERY, add_index_options, add_places

if TYPE_CHECKING:
    from ..gallery import Gallery
    from ..indexing import IndexReport, Progress
    from ..systems.carim import CarimSystem
    from .results import CarimResult

BUNDLE = DEFAULT_BUNDLE.with_name("carim")
GALLERY = Path("gallery-carim")
TOPK_CSV, TOPK_JSON = "carim_topk.csv", "carim_topk.jsonl"
COLUMNS = ("query_id", "query", "rank", "scene", "frame", "timestamp", "score")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The four commands; each sets `command`, a function of the parsed arguments that returns the exit code."""
    commands = parser.add_subparsers(required=True, metavar="{index,search,scenes,batch}")
    index = commands.add_parser("index", help="turn rows.jsonl into a gallery")
    index.add_argument("data", type=Path, help="rows.jsonl, or the folder that holds it")
    add_index_options(index)
    index.set_defaults(command=_index)
    search = commands.add_parser("search", help='one query, such as "a red car crossing a junction at night in rain"')
    search.add_argument("text", help="what is to be seen")
    _add_search_options(search)
    search.add_argument("--json", action="store_true", help="print the whole result as JSON")
    search.set_defaults(command=search_text)
    scenes = commands.add_parser("scenes", help="the scenes of a gallery, without a query")
    _add_where(scenes)
    scenes.add_argument("--offset", type=int, default=0, help="the first scene to list (default: 0)")
    scenes.add_argument("--limit", type=int, default=20, help="how many to list (default: 20)")
    scenes.set_defaults(command=_scenes)
    batch = commands.add_parser("batch", help=f"many queries; writes {TOPK_CSV} and {TOPK_JSON}")
    batch.add_argument("--queries", type=Path, required=True, help="a text a line, or JSON Lines with id and text")
    batch.add_argument("--out", type=Path, required=True, help="folder for the files")
    _add_search_options(batch)
    batch.set_defaults(command=batch_texts)
    for command in (index, search, scenes, batch):
        add_places(command, BUNDLE, GALLERY)


def _add_search_options(parser: argparse.ArgumentParser) -> None:
    _add_where(parser)
    parser.add_argument("-k", type=int, default=5, help="how many scenes (default: 5)")
    add_stages(parser)


def _add_where(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--where", action="append", default=[], metavar="FILTER", help="such as 'weather=rain'; may be repeated"
    )


def add_stages(parser: "argparse.ArgumentParser | argparse._ArgumentGroup") -> None:
    """--exact and --two-stage, which set `two_stage` to False or True; None chooses by size."""
    group = parser.add_mutually_exclusive_group()
    for flag, value, text in (("--exact", False, "compare every scene"), ("--two-stage", True, "compare candidates")):
        group.add_argument(flag, dest="two_stage", action="store_const", const=value, help=f"{text}, whatever the size")


def _index(args: argparse.Namespace) -> int:
    from ..errors import GalleryNotFoundError
    from ..index_command import run_index
    from ..systems.carim import open_carim_gallery
    from .encoder import open_carim_encoder
    from .indexing import index_rows
    from .rows import read_rows

    rows = read_rows(args.data)
    encoder = open_carim_encoder(args.bundle, threads=args.threads, provider=args.provider)
    if not args.reencode:
        with contextlib.suppress(GalleryNotFoundError):
            open_carim_gallery(args.gallery, encoder.fingerprint).close()  # refuses another bundle's

    def fill(gallery: "Gallery", progress: "Progress") -> "IndexReport":
        return index_rows(rows, gallery, encoder, progress=progress)

    return run_index(args, encoder.bundle.manifest, fill, of=len(rows.rows), what="rows")


def search_text(args: argparse.Namespace) -> int:
    """One query; prints the table or, with --json, the whole result."""
    from .render import scene_table

    if getattr(args, "image", None) is not None or not (args.text and args.text.strip()):
        raise InvalidInputError(
            '--system carim looks for a text, such as "a red car in rain"; give one, and no --image'
        )
    result = open_system(args).search(args.text, k=args.k, where=args.where, two_stage=args.two_stage)
    print(json.dumps(result.to_json(), ensure_ascii=False, indent=2) if args.json else scene_table(result))
    return 0


def _scenes(args: argparse.Namespace) -> int:
    system = open_system(args)
    scenes, total = system.browse(args.where, args.offset, args.limit)
    print(f"{total} scenes" + (f", of which {len(scenes)} from number {args.offset} on" if len(scenes) < total else ""))
    for scene in scenes:
        told = ", ".join(f"{key}={value}" for key, value in scene.metadata.items() if isinstance(value, str | int))
        print(f"{scene.scene}  {scene.timestamp:.1f} s  {told}")
    for key, values in system.facets().items():
        print(f"filter {key}: {', '.join(f'{value} ({count})' for value, count in values.items())}")
    return 0


def batch_texts(args: argparse.Namespace) -> int:
    """Many queries; writes the rankings and prints what was written."""
    from tqdm import tqdm

    from .queries import read_queries

    queries = read_queries(args.queries)
    system = open_system(args)
    results = [
        (number, system.search(text, k=args.k, where=args.where, two_stage=args.two_stage))
        for number, text in tqdm(queries, desc="batch", unit="query", disable=None)
    ]
    for path in write_topk(args.out, results):
        print(path)
    return 0


def write_topk(folder: Path, results: "list[tuple[str, CarimResult]]") -> list[Path]:
    """Writes the rankings of (query id, result) pairs as CSV, and whole as JSON Lines; gives the paths."""
    from ..files import write_text

    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(COLUMNS)
    for number, result in results:
        for hit in result.hits:
            frame = (hit.scene, hit.frame_id, hit.timestamp, f"{hit.score:.6f}")
            writer.writerow((number, result.query, hit.rank, *frame))
    lines = [json.dumps({"query_id": number, **result.to_json()}, ensure_ascii=False) for number, result in results]
    written = [folder / TOPK_CSV, folder / TOPK_JSON]
    write_text(written[0], table.getvalue())
    write_text(written[1], "".join(f"{line}\n" for line in lines))
    return written


def open_system(args: argparse.Namespace) -> "CarimSystem":
    """The system of --bundle and --gallery; where those are kger's defaults, this system's stand in for them."""
    from ..systems.carim import open_carim

    bundle = BUNDLE if args.bundle == DEFAULT_BUNDLE else args.bundle
    gallery = GALLERY if args.gallery == DEFAULT_GALLERY else args.gallery
    return open_carim(bundle, gallery, threads=args.threads, provider=args.provider)
