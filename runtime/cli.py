"""The command line: index, search, batch, info, verify."""

import argparse
import json
import logging
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from .entry import quiet_threads, run_command
from .errors import GalleryNotFoundError, InvalidInputError
from .fusion import DECAYS, STRATEGIES, VARIANTS, PosFuseSettings
from .judge.choose import JUDGES, choose_judge
from .sessions import PROVIDER_CHOICES

if TYPE_CHECKING:
    from .judge import Judge
    from .systems.kger import KgerSystem

DEFAULT_BUNDLE = Path(__file__).resolve().parent.parent / "assets" / "bundles" / "kger"
DEFAULT_GALLERY = Path("gallery")


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
    commands = parser.add_subparsers(required=True, metavar="{index,search,batch,info,verify}")

    index = commands.add_parser("index", help="turn a folder or a table of images into a gallery")
    index.add_argument("data", type=Path, help="ENTRep folder, CSV or JSONL table, or a folder of images")
    _places(index)
    for column, default in (("file", "file"), ("caption", "caption"), ("caption-vi", "caption_vi"), ("group", "group")):
        index.add_argument(f"--{column}-column", default=default, help=f"name of the column (default: {default})")
    index.add_argument("--batch", type=int, default=16, help="images a transaction (default: 16)")
    index.add_argument("--reencode", action="store_true", help="replace a gallery that another bundle made")
    index.add_argument("--strict", action="store_true", help="exit with 1 where anything was skipped")
    index.set_defaults(command=_index)

    search = commands.add_parser("search", help="one query")
    search.add_argument("text", nargs="?", help="what to look for")
    search.add_argument("--image", type=Path, help="an image to look for, alone or together with the text")
    search.add_argument("--json", action="store_true", help="print the whole result as JSON")
    _search_options(search)
    search.set_defaults(command=_search)

    batch = commands.add_parser("batch", help="many queries; writes the published files")
    batch.add_argument("--queries", type=Path, required=True, help="t2i.csv: one phrase a line, no header")
    batch.add_argument("--out", type=Path, required=True, help="folder for the result files")
    _search_options(batch)
    batch.set_defaults(command=_batch)

    info = commands.add_parser("info", help="what the bundle and the gallery are")
    _places(info)
    info.set_defaults(command=_info)
    verify = commands.add_parser("verify", help="check every hash and every row")
    _places(verify)
    verify.set_defaults(command=_verify)
    return parser


def _places(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--bundle", type=Path, default=DEFAULT_BUNDLE, help="bundle folder (default: the shipped one)")
    parser.add_argument("--gallery", type=Path, default=DEFAULT_GALLERY, help="gallery folder (default: gallery)")
    parser.add_argument("--threads", type=int, help="threads of the model (default: all cores)")
    parser.add_argument(
        "--provider",
        choices=PROVIDER_CHOICES,
        default="auto",
        help="where the model runs: auto is CUDA where this onnxruntime has it, else the CPU",
    )


def _search_options(parser: argparse.ArgumentParser) -> None:
    _places(parser)
    parser.add_argument("-k", type=int, default=5, help="how many items (default: 5)")
    parser.add_argument(
        "--where", action="append", default=[], metavar="FILTER", help="such as 'class=ear-left'; may be repeated"
    )
    parser.add_argument(
        "--recall",
        type=float,
        default=0.99,
        help="share of the ten best that an approximate search must find, measured on the gallery (default: .99); "
        "above 50 000 items only, below search is exact, as it always is with 1",
    )
    parser.add_argument("--mode", choices=("mean", "votes"), default="mean", help="mean cosine, or published vote sum")
    parser.add_argument("--judge", choices=JUDGES, default="none")
    parser.add_argument("--record", type=Path, help="file of recorded replies: written by gemini, read by replay")
    parser.add_argument("--judge-model", help="Gemini model name")
    parser.add_argument("--allow-upload", action="store_true", help="let gemini send images to Google")
    parser.add_argument("--fusion", choices=VARIANTS, default="corrected", help="Pos-Fuse variant")
    parser.add_argument("--decay", choices=tuple(DECAYS), default="exponential")
    parser.add_argument("--strategy", choices=STRATEGIES, default="weighted")


def _index(args: argparse.Namespace) -> int:
    from tqdm import tqdm

    from .bulk import open_for_bulk
    from .dataset import read_dataset
    from .gallery import Gallery
    from .indexing import index_dataset

    dataset = read_dataset(
        args.data,
        file_column=args.file_column,
        caption_column=args.caption_column,
        caption_vi_column=args.caption_vi_column,
        group_column=args.group_column,
    )
    encoder, plan = open_for_bulk(args.bundle, batch=args.batch, threads=args.threads, provider=args.provider)
    gallery = Gallery.create(
        args.gallery,
        fingerprint=encoder.fingerprint,
        folds=encoder.folds,
        dims=encoder.dims,
        precision=encoder.bundle.manifest.precision,
        reencode=args.reencode,
    )
    with gallery, tqdm(total=len(dataset.records), desc="index", unit="img", disable=None) as bar:

        def progress(done: int, total: int) -> None:
            bar.update(done - bar.n)

        report = index_dataset(dataset, gallery, encoder, batch=args.batch, plan=plan, progress=progress)
        size = len(gallery)
    rate = f" ({report.images_per_second:.1f} images/s)" if report.added else ""
    counts = f"{report.added} added{rate}, {report.unchanged} unchanged, {len(report.skipped)} skipped"
    print(f"{counts}; {size} in the gallery")
    for sentence in report.skipped:
        print(f"  skipped: {sentence}", file=sys.stderr)
    return 1 if args.strict and report.skipped else 0


def _search(args: argparse.Namespace) -> int:
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
    result = system.search(
        query, k=args.k, where=args.where, mode=args.mode, judge=_judge(args, system), fusion=_fusion(args)
    )
    print(json.dumps(result.to_json(), ensure_ascii=False, indent=2) if args.json else result_table(result))
    return 0


def _batch(args: argparse.Namespace) -> int:
    from tqdm import tqdm

    from .dataset import read_queries
    from .publish import publish
    from .results import Query

    queries = read_queries(args.queries)
    system = _open(args)
    judge, fusion = _judge(args, system), _fusion(args)
    results = [
        system.search(Query(text), k=args.k, where=args.where, mode=args.mode, judge=judge, fusion=fusion)
        for text in tqdm(queries, desc="batch", unit="query", disable=None)
    ]
    for path in publish(args.out, results):
        print(path)
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


def _judge(args: argparse.Namespace, system: "KgerSystem") -> "Judge | None":
    return choose_judge(
        args.judge,
        system.encoder.encode_texts,
        record=args.record,
        model=args.judge_model,
        allow_upload=args.allow_upload,
    )


def _fusion(args: argparse.Namespace) -> PosFuseSettings:
    return PosFuseSettings(variant=args.fusion, decay=args.decay, strategy=args.strategy)
