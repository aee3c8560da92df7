"""`python -m train ent`: a vector field on a frozen image tower, on an image folder with classes."""

import argparse
import json
import logging
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm

from runtime.dataset import Dataset, duplicate_groups, duplicate_labels, read_dataset, read_signatures
from runtime.ent.classes import SHIPPED, ClassTable, read_classes
from runtime.ent.measures import report
from runtime.ent.relevance import Relevance, class_of, relevance
from runtime.errors import DatasetError
from runtime.files import write_json

from ..fit import FoldResult
from ..runs import Run
from .backends import dataset_vectors, open_backend
from .field import Flow
from .fit import Floats, Part, fit_field, new_field, vectors
from .recipe import BACKENDS, MININGS, TARGETS, EntRecipe
from .splits import SHARES, Ints, Split, make_split

logger = logging.getLogger(__name__)
CACHE = Path(".cache/features")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options; a recipe's settings default to the recipe."""
    parser.add_argument("--data", type=Path, required=True, help="class-named folders, ENTRep folder, or a table")
    parser.add_argument("--out", type=Path, required=True, help="the run's folder")
    parser.add_argument("--classes", type=Path, default=SHIPPED, help="table of classes and what they are taken for")
    parser.add_argument("--class-column", default="class", help="metadata that names the class (default: class)")
    parser.add_argument("--group-column", default="group", help="patient or sequence (default: group)")
    parser.add_argument("--shares", type=float, nargs=3, default=SHARES, metavar=("TRAIN", "VAL", "TEST"))
    parser.add_argument("--test", type=Path, help="text file of image files, one a line, that are the test part")
    parser.add_argument("--cache", type=Path, default=CACHE, help="where the tower's vectors are kept")
    parser.add_argument("--threads", type=int, help="threads of torch (default: all cores)")
    settings = parser.add_argument_group("settings of the recipe")
    settings.add_argument("--backend", choices=BACKENDS, help="the frozen image tower (default: bundle)")
    settings.add_argument("--weights", help="bundle: its folder; open_clip: hub, random or a file")
    settings.add_argument("--crop", choices=("none", "circle"), help="of compact and open_clip")
    settings.add_argument("--mining", choices=MININGS, help="once, as published, or each-epoch")
    settings.add_argument("--target", choices=TARGETS)
    for name in ("steps", "warmup", "epochs", "triplets", "patience", "stop-after", "seed"):
        settings.add_argument(f"--{name}", type=int)
    settings.add_argument("--learning-rate", type=float)
    settings.add_argument("--warmup-rate", type=float, help="learning rate of the warm-up's epochs")


@dataclass(frozen=True, eq=False)
class Material:
    """A data set as the field sees it: its records' classes, the tower's rows, looks, and the split."""

    dataset: Dataset
    classes: list[str]
    rows: Floats
    looks: list[int]
    split: Split

    def part(self, positions: Ints) -> Part:
        """The rows and classes of some records."""
        return Part(self.rows[positions], [self.classes[i] for i in positions])

    def relevance(self, positions: Ints, table: ClassTable) -> Relevance:
        """Who answers whom among some records."""
        records = [self.dataset.records[i] for i in positions]
        looks = [self.looks[i] for i in positions]
        return relevance(records, self.part(positions).classes, table, looks, self.dataset.image_queries)


def run(args: argparse.Namespace) -> int:
    """Trains the field unless it is finished; prints the test part's table and writes it to test.json."""
    if args.threads:
        torch.set_num_threads(args.threads)
    torch.set_flush_denormal(True)
    given = {f.name: getattr(args, f.name, None) for f in fields(EntRecipe) if f.name != "name"}
    recipe = EntRecipe(**{name: value for name, value in given.items() if value is not None})
    table = read_classes(args.classes)
    dataset, classes = classed(read_dataset(args.data, group_column=args.group_column), args.class_column)
    for problem in dataset.problems:
        logger.warning("%s", problem)
    columns = {"group_column": args.group_column}
    data = {
        "path": str(args.data.resolve()),
        "columns": columns,
        "class_column": args.class_column,
        "fingerprint": dataset.fingerprint,
    }
    settings = {"recipe": recipe.to_json(), "split": list(args.shares), "data": data, "classes": table.to_json()}
    folder = Run.start(args.out, settings)
    material = _material(folder, dataset, classes, recipe, args)
    if not folder.finished(0):
        _train(folder, material, table, recipe)
    figures = held_out_report(folder, material, table, recipe)
    write_json(folder.folder / "test.json", figures)
    _print_table(figures)
    return 0


def classed(dataset: Dataset, column: str) -> tuple[Dataset, list[str]]:
    """The records that have a class, and their classes; raises DatasetError where there are fewer than two classes."""
    found = [(record, name) for record in dataset.records if (name := class_of(record, column)) is not None]
    if len({name for _, name in found}) < 2:
        raise DatasetError(
            f"{dataset.root}: {len({name for _, name in found})} classes; expected class-named folders, cls.json, or a "
            f"table with the column {column!r} (name another with --class-column)"
        )
    return replace(dataset, records=tuple(record for record, _ in found)), [name for _, name in found]


def _material(
    folder: Run, dataset: Dataset, classes: list[str], recipe: EntRecipe, args: argparse.Namespace
) -> Material:
    signatures = read_signatures(dataset.records)
    readable = [i for i, record in enumerate(dataset.records) if record.file not in signatures.bad]
    if len(readable) < len(dataset.records):
        for sentence in signatures.bad.values():
            logger.warning("left out: %s", sentence)
        dataset = replace(dataset, records=tuple(dataset.records[i] for i in readable))
        classes = [classes[i] for i in readable]
        signatures = read_signatures(dataset.records)
    names = [record.file for record in dataset.records]
    path = folder.folder / "split.json"
    if path.is_file():
        split = Split.of_files(json.loads(path.read_text("utf-8")), names)
    else:
        groups = duplicate_groups(dataset.records, signatures)
        split = make_split(groups, recipe.seed, args.shares, _listed(args.test, names))
        write_json(path, split.files(names))
    rows = dataset_vectors(dataset, open_backend(recipe), args.cache)
    return Material(dataset, classes, rows, duplicate_labels(signatures), split)


def _listed(path: Path | None, names: list[str]) -> list[int] | None:
    if path is None:
        return None
    place = {name: i for i, name in enumerate(names)}
    try:
        wanted = [line.strip() for line in path.read_text("utf-8").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(f"{path}: cannot be read ({error}); expected one image file a line") from error
    unknown = [name for name in wanted if name not in place]
    if unknown:
        raise DatasetError(f"{path}: {unknown[0]} is not an image of the data, or has no class")
    return [place[name] for name in wanted]


def _train(folder: Run, material: Material, table: ClassTable, recipe: EntRecipe) -> None:
    train, val = material.part(material.split.train), material.part(material.split.val)
    asked = material.relevance(material.split.val, table)
    with tqdm(total=recipe.epochs, desc="field", unit="epoch", disable=None) as bar:
        for row in fit_field(train, val, asked, table, recipe):
            if isinstance(row, FoldResult):
                folder.save_fold(0, row)
            else:
                bar.update(1)
                bar.set_postfix(loss=f"{row['loss']:.3f}", mrr=f"{row['mrr']:.3f}")


def trained_flow(folder: Run, recipe: EntRecipe) -> Flow:
    """The finished run's field, in eval mode; raises DatasetError where it is not finished."""
    weights = folder.weights(0)
    field = new_field(weights["norm.weight"].shape[0], recipe)
    field.load_state_dict(weights)
    return Flow(field.eval().requires_grad_(False), recipe.target)


def held_out_report(folder: Run, material: Material, table: ClassTable, recipe: EntRecipe) -> dict[str, Any]:
    """Measures of the test part: the tower's vectors (raw), v(x, 0) (step 0) and the flow (step 10)."""
    flow, test = trained_flow(folder, recipe), material.split.test
    part, asked = material.part(test), material.relevance(test, table)
    spaces = {"raw": part.rows, **{f"step {n}": vectors(flow, part.rows, n) for n in (0, 10)}}
    return {
        "images": len(test),
        "groups": len({material.dataset.records[i].group for i in test}),
        "best_epoch": int(folder.figures(0)["epoch"]),
        **{name: report(rows, part.rows, asked, part.classes, table) for name, rows in spaces.items()},
    }


def _print_table(figures: dict[str, Any]) -> None:
    print(f"test part: {figures['images']} images, best epoch {figures['best_epoch']}")  # noqa: T201
    print("space    sense      R@1    R@5   R@10    MRR  macro  wrong side  CLIP score")  # noqa: T201
    for space in ("raw", "step 0", "step 10"):
        entry = figures[space]
        for sense, row in entry["senses"].items():
            cells = "  ".join(f"{row[key]:.3f}" for key in ("r1", "r5", "r10", "mrr", "macro_r1"))
            tail = f"{entry['side_confusions']:>6} of {entry['side_queries']}  {entry['clip_score']:.3f}"
            print(f"{space:<8} {sense:<8} {cells}  {tail if sense == 'exact' else ''}".rstrip())  # noqa: T201
