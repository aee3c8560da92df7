"""The command line: index, search, batch, record, info, verify."""

import argparse
import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from .carim.cli import add_arguments as carim_commands
from .entry import quiet_threads, run_command
from .errors import GalleryNotFoundError, InvalidInputError
from .nodule.cli import add_arguments as nodule_commands
from .options import add_index_options, add_places, add_search_options, checked_arguments, open_judge

if TYPE_CHECKING:
    from .gallery import Gallery
    from .indexing import IndexReport, Progress
    from .systems.kger import KgerSystem


def main(argv: list[str] | None = None) -> int:
    """Runs one command. Exit code 0, 1 where `--strict` or `verify` found problems, 2 after an error."""
    quiet_threads()
    args = _parser().parse_args(argv)
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    command: Callable[[argparse.Namespace], int] = args.command
    return run_command(lambda: command(args))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m runtime", description="Knowledge-grounded image retrieval, without torch."
    )
    commands = parser.add_subparsers(required=True, metavar="{index,search,batch,record,info,verify,nodule,carim}")

    index = commands.add_parser("index", help="turn a folder or a table of images into a gallery")
    index.add_argument("data", type=Path, help="ENTRep folder, CSV or JSONL table, or a folder of images")
    add_places(index)
    for column, default in (("file", "file"), ("caption", "caption"), ("caption-vi", "caption_vi"), ("group", "group")):
        index.add_argument(f"--{column}-column", default=default, help=f"name of the column (default: {default})")
    index.add_argument("--batch", type=int, default=16, help="images a transaction (default: 16)")
    add_index_options(index)
    index.set_defaults(command=_index)

    search = commands.add_parser("search", help="one query")
    search.add_argument("text", nargs="?", help="what to look for")
    search.add_argument("--image", type=Path, help="an image to look for, alone or together with the text")
    search.add_argument("--json", action="store_true", help="print the whole result as JSON")
    add_places(search)
    add_search_options(search)
    _add_system(search)
    search.set_defaults(command=_search)

    batch = commands.add_parser("batch", help="many queries; writes the published files")
    batch.add_argument(
        "--queries", type=Path, required=True, help="t2i.csv: one phrase a line, no header; ent: a folder of pictures"
    )
    batch.add_argument("--out", type=Path, required=True, help="folder for the result files")
    add_places(batch)
    add_search_options(batch)
    _add_system(batch)
    batch.set_defaults(command=_batch)

    record = commands.add_parser("record", help="a record of a judge's replies as a text file to send or commit")
    record.add_argument("record", type=Path, help="the file that --record named")
    record.add_argument("--out", type=Path, required=True, help="the JSON Lines file to write")
    record.add_argument("--redact", action="store_true", help="leave out the words: queries, rationales, replies")
    record.set_defaults(command=_record)

    info = commands.add_parser("info", help="what the bundle and the gallery are")
    add_places(info)
    info.set_defaults(command=_info)
    verify = commands.add_parser("verify", help="check every hash and every row")
    add_places(verify)
    verify.set_defaults(command=_verify)
    nodule_commands(commands.add_parser("nodule", help="lung nodules by size: index, search, files"))
    carim_commands(commands.add_parser("carim", help="driving scenes by text: index, search, scenes, batch"))
    return parser


def _add_system(parser: argparse.ArgumentParser) -> None:
    from .carim.cli import add_stages
    from .ent.cli import add_options

    systems = "ent: picture to picture, by a field; carim: driving scenes by text"
    parser.add_argument("--system", choices=("kger", "ent", "carim"), default="kger", help=systems)
    add_options(parser.add_argument_group("--system ent"))
    add_stages(parser.add_argument_group("--system carim"))


def _index(args: argparse.Namespace) -> int:
    from .bulk import open_for_bulk
    from .dataset import read_dataset
    from .index_command import run_index
    from .indexing import index_dataset

    dataset = read_dataset(
        args.data,
        file_column=args.file_column,
        caption_column=args.caption_column,
        caption_vi_column=args.caption_vi_column,
        group_column=args.group_column,
    )
    encoder, plan = open_for_bulk(args.bundle, batch=args.batch, threads=args.threads, provider=args.provider)

    def fill(gallery: "Gallery", progress: "Progress") -> "IndexReport":
        return index_dataset(dataset, gallery, encoder, batch=args.batch, plan=plan, progress=progress)

    return run_index(args, encoder.bundle.manifest, fill, of=len(dataset.records), what="images")


def _search(args: argparse.Namespace) -> int:
    if args.system == "ent":
        from .ent.cli import search

        return search(args)
    if args.system == "carim":
        from .carim.cli import search_text

        return search_text(args)
    from .images import read_image
    from .render import result_table
    from .results import Query

    if not (args.text and args.text.strip()) and args.image is None:
        raise InvalidInputError(
            'nothing to look for; give a text, as in search "polyp in the left nose", or --image FILE'
        )
    image = read_image(args.image) if args.image else None
    query = Query(args.text, image, args.image.name if args.image else None)
    system = _open(args)
    with open_judge(args, system) as judge:
        result = system.search(query, judge=judge, **checked_arguments(args, system, judge))
    print(json.dumps(result.to_json(), ensure_ascii=False, indent=2) if args.json else result_table(result))
    return 0


def _batch(args: argparse.Namespace) -> int:
    if args.system == "ent":
        from .ent.cli import batch

        return batch(args)
    if args.system == "carim":
        from .carim.cli import batch_texts

        return batch_texts(args)
    from .batch import run_batch
    from .dataset import read_queries

    return run_batch(_open(args), read_queries(args.queries), args)


def _record(args: argparse.Namespace) -> int:
    from .judge.record import ReplyRecord
    from .judge.record_file import export_record

    if args.out.exists() and args.record.exists() and args.out.samefile(args.record):
        raise InvalidInputError(f"--out {args.out} is the record itself; name another file, it would be lost")
    record = ReplyRecord(args.record, must_exist=True)
    try:
        count = export_record(record, args.out, redact=args.redact)
    finally:
        record.close()
    print(f"{args.out}: {count} replies{', without words' if args.redact else ''}")
    return 0


def _info(args: argparse.Namespace) -> int:
    from .bundle import Bundle
    from .gallery import Gallery
    from .render import bundle_lines, gallery_lines
    from .wheels import describe_onnxruntime

    bundle = Bundle.open(args.bundle)
    print(bundle_lines(bundle))
    print(f"runs on    {describe_onnxruntime()}")
    try:
        with Gallery.open(args.gallery) as gallery:
            print(gallery_lines(gallery, bundle))
    except GalleryNotFoundError as error:
        print(f"gallery    none: {error}")
    return 0


def _verify(args: argparse.Namespace) -> int:
    from .bundle import Bundle
    from .gallery import Gallery

    bundle = Bundle.open(args.bundle)  # opening checks every hash
    print(f"bundle {args.bundle}: every file matches its SHA-256")
    problems: list[str] = []
    try:
        with Gallery.open(args.gallery, fingerprint=bundle.manifest.fingerprint) as gallery:
            problems = gallery.verify()
            print(f"gallery {args.gallery}: {len(gallery)} items, {len(problems)} problems")
    except GalleryNotFoundError as error:
        print(f"gallery: not checked; {error}")
    for problem in problems:
        print(f"  {problem}")
    return 1 if problems else 0


def _open(args: argparse.Namespace) -> "KgerSystem":
    from .systems.kger import open_kger

    # opening the text graph on one thread and the rest on another won nothing that could be measured
    return open_kger(args.bundle, args.gallery, threads=args.threads, provider=args.provider, recall=args.recall)
