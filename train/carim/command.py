"""`python -m train carim`: a token projection for driving scenes by text, on captions and their elements."""

import argparse
import json
import logging
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm

from runtime.carim.rows import read_rows
from runtime.errors import DatasetError
from runtime.files import sha256_file, write_json

from ..fit import FoldResult
from ..runs import Run
from .backbones import Backbone, open_backbone
from .build.manifest import NAME
from .build.places import ROWS
from .data import build_corpus, read_split, split_scenes, write_split
from .fit import fit, new_head
from .material import Material, prepare
from .measure import retrieval
from .model import TokenHead
from .recipe import BACKBONES, DRAWS, FORMS, INJECTED, QUERIES, SETTINGS, CarimRecipe

logger = logging.getLogger(__name__)
CACHE = Path(".cache/features")
SPLIT, TEST = "split.json", "test.json"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options; a recipe's settings default to the recipe."""
    parser.add_argument(
        "--data", type=Path, required=True, help="folder with rows.jsonl, of `python -m train carim-build`"
    )
    parser.add_argument("--out", type=Path, required=True, help="the run's folder; a finished run is kept")
    parser.add_argument("--split", type=Path, help="split.json with lists of scenes (default: drawn, 70/10/20)")
    parser.add_argument("--cache", type=Path, default=CACHE, help="where the backbone's states are kept")
    parser.add_argument("--threads", type=int, help="threads of torch (default: all cores)")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu", help="of torch")
    settings = parser.add_argument_group("settings of the recipe")
    settings.add_argument("--backbone", choices=BACKBONES, help="the frozen text model (default: minilm)")
    settings.add_argument("--weights", help="the backbone's folder or hub name (default: its own)")
    settings.add_argument("--ani", choices=FORMS, help="form of training: published, or corrected (default)")
    settings.add_argument("--draw", choices=DRAWS, help="negatives by similarity, or uniformly as published")
    settings.add_argument("--queries", choices=QUERIES, help="text of a scene in training; published: caption")
    settings.add_argument("--injected", choices=INJECTED, help="injected elements as one text, as published, or apart")
    settings.add_argument("--normalise-elements", action=argparse.BooleanOptionalAction)
    settings.add_argument("--leave-out-false-negatives", action=argparse.BooleanOptionalAction)
    for name in ("dims", "epochs", "batch", "seed", "most-sentences", "pool-every"):
        settings.add_argument(f"--{name}", type=int)
    for name in (
        "learning-rate",
        "threshold",
        "draw-temperature",
        "temperature",
        "negative-weight",
        "positive-weight",
    ):
        settings.add_argument(f"--{name}", type=float)


def run(args: argparse.Namespace) -> int:
    """Trains the head unless it is finished; prints the test part's table and writes it to test.json."""
    if args.threads:
        torch.set_num_threads(args.threads)
    torch.set_flush_denormal(True)
    recipe = CarimRecipe.of({name: getattr(args, name, None) for name in SETTINGS})
    data = read_rows(args.data)
    for problem in data.problems:
        logger.warning("%s", problem)
    scenes = [row.scene for row in data.rows]
    lists = read_split(args.split, scenes) if args.split else split_scenes(scenes, recipe.seed)
    source = {"path": str(data.root.resolve()), "fingerprint": sha256_file(_rows_file(args.data)), **about(data.root)}
    folder = Run.start(args.out, {"recipe": recipe.to_json(), "data": source, "split": lists})
    write_split(args.out / SPLIT, lists)
    corpus = build_corpus(data.rows, lists["train"])
    backbone = open_backbone(recipe, args.device)
    material = prepare(corpus, backbone, recipe, args.cache)
    if not folder.finished(0):
        _train(folder, material, backbone, lists, recipe, args.device)
    head = trained_head(folder, backbone.width, recipe).to(args.device)
    figures = {
        "scenes": len(lists["test"]),
        "best_epoch": int(folder.figures(0)["epoch"]),
        **retrieval(head, material, corpus.rows_of(lists["test"]), recipe),
    }
    write_json(args.out / TEST, figures)
    _print_table(figures)
    return 0


def trained_head(folder: Run, width: int, recipe: CarimRecipe) -> TokenHead:
    """The finished run's head, in eval mode; raises DatasetError where it is not finished."""
    head = new_head(width, recipe)
    head.load_state_dict(folder.weights(0))
    return head.eval().requires_grad_(False)


def about(folder: Path) -> dict[str, Any]:
    """What carim.json says of the data: its source and whether it is synthetic; unknown where there is none."""
    path = folder / NAME
    if not path.is_file():
        return {"source": "unknown", "synthetic": None}
    try:
        value = json.loads(path.read_text("utf-8"))
        return {"source": value["source"], "synthetic": value["synthetic"]}
    except (ValueError, KeyError, TypeError) as error:
        raise DatasetError(f"{path}: not readable ({error!r}); build the data again") from error


def _rows_file(data: Path) -> Path:
    return data / ROWS if data.is_dir() else data


def _train(
    folder: Run,
    material: Material,
    backbone: Backbone,
    lists: dict[str, list[str]],
    recipe: CarimRecipe,
    device: str,
) -> None:
    rows = {part: material.corpus.rows_of(lists[part]) for part in ("train", "val")}
    if len(rows["train"]) < 2 or not len(rows["val"]):
        raise DatasetError(
            f"{len(rows['train'])} training and {len(rows['val'])} validation rows with captions; give more scenes"
        )
    with tqdm(total=recipe.epochs, desc="carim", unit="epoch", disable=None) as bar:
        for row in fit(material, backbone, rows["train"], rows["val"], recipe, device):
            if isinstance(row, FoldResult):
                folder.save_fold(0, row)
            else:
                bar.update(1)
                bar.set_postfix(loss=f"{row['loss']:.3f}", mrr=f"{row['mrr']:.3f}")


def _print_table(figures: dict[str, Any]) -> None:
    print(f"test part: {figures['scenes']} scenes, best epoch {figures['best_epoch']}")  # noqa: T201
    print("text → scene   queries    R@1    R@5   R@10    MRR")  # noqa: T201
    for kind in ("pairs", "captions"):
        row = figures[kind]
        cells = "  ".join(f"{row[key]:.3f}" for key in ("r1", "r5", "r10", "mrr"))
        print(f"{kind:<14} {int(row['queries']):>7}  {cells}")  # noqa: T201
