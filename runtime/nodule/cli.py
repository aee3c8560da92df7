"""`python -m runtime nodule index|search|files`: lung nodules by size, and the published files."""

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from ..options import DEFAULT_BUNDLE, add_index_options, add_places
from .files import EMBEDS, META, TOPK, write_gallery_files, write_topk

if TYPE_CHECKING:
    from ..gallery import Gallery
    from ..indexing import IndexReport, Progress

BUNDLE = DEFAULT_BUNDLE.with_name("nodule")
GALLERY = Path("gallery-nodule")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The three commands; each sets `command`, a function of the parsed arguments that returns the exit code."""
    commands = parser.add_subparsers(required=True, metavar="{index,search,files}")
    index = commands.add_parser("index", help="turn a table of regions over DICOM files into a gallery")
    index.add_argument("data", type=Path, help="roi_with_diam.csv, or the folder that holds it")
    add_index_options(index)
    index.set_defaults(command=_index)
    search = commands.add_parser("search", help='one question, such as "between 6 and 10 mm"')
    search.add_argument("text", help="a size in words, English or Vietnamese")
    search.add_argument("-k", type=int, default=10, help="how many crops (default: 10)")
    search.add_argument("--alpha", type=float, default=0.5, help="1: the cosine alone, 0: the rule alone (default: .5)")
    search.add_argument("--diameters", choices=("measured", "read"), default="measured", help="what the rule compares")
    search.add_argument("--where", action="append", default=[], metavar="FILTER", help="such as 'readers>=3'")
    search.add_argument("--json", action="store_true", help="print the whole result as JSON")
    search.add_argument("--out", type=Path, help=f"folder for {TOPK}")
    search.set_defaults(command=_search)
    files = commands.add_parser("files", help=f"the gallery as {EMBEDS} and {META}")
    files.add_argument("--out", type=Path, required=True, help="folder for the files")
    files.set_defaults(command=_files)
    for command in (index, search, files):
        add_places(command, BUNDLE, GALLERY)


def _index(args: argparse.Namespace) -> int:
    from ..index_command import run_index
    from .encoder import open_nodule_encoder
    from .indexing import index_regions
    from .table import read_regions

    regions = read_regions(args.data)
    encoder = open_nodule_encoder(args.bundle, threads=args.threads, provider=args.provider)

    def fill(gallery: "Gallery", progress: "Progress") -> "IndexReport":
        return index_regions(regions, gallery, encoder, progress=progress)

    return run_index(args, encoder.bundle.manifest, fill, of=len(regions.rows), what="regions")


def _search(args: argparse.Namespace) -> int:
    from ..systems.nodule import open_nodule

    system = open_nodule(args.bundle, args.gallery, threads=args.threads, provider=args.provider)
    result = system.search(args.text, k=args.k, alpha=args.alpha, diameters=args.diameters, where=args.where)
    if args.out:
        write_topk(args.out / TOPK, result.hits)
    if args.json:
        print(json.dumps(result.to_json(), ensure_ascii=False, indent=2))
        return 0
    asked = f"understood {' and '.join(result.understood)}" if result.understood else "no size understood"
    print(f"{asked}; alpha {result.alpha:g}, diameters {result.diameters}")
    for hit in result.hits:
        parts = f"cosine {hit.cosine:+.3f} (#{hit.cosine_rank})  rule {hit.rule:.3f} (#{hit.rule_rank})"
        print(f"{hit.rank:>3}  {hit.score:.3f}  {parts}  {hit.explanation}  {hit.dicom_path}")
    return 0


def _files(args: argparse.Namespace) -> int:
    from ..gallery import Gallery

    with Gallery.open(args.gallery) as gallery:
        for path in write_gallery_files(args.out, gallery):
            print(path)
    return 0
