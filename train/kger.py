"""`python -m train kger`: the folds of a dual encoder on a captioned image folder."""

import argparse
import logging
import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from tqdm import tqdm

from runtime.dataset import Dataset, Signatures, duplicate_groups, duplicate_labels, read_dataset, read_signatures
from runtime.errors import DatasetError, InvalidInputError
from runtime.files import write_json
from runtime.tokenizer import TextTokenizer

from .features import image_stream, text_stream
from .fit import Features, FoldResult, fit_fold
from .folds import SPLITS, Folds, load_folds, make_folds, save_folds
from .frozen import check_frozen, frozen_sha256
from .image_trunk import IMAGE_TRUNKS, SIZES, VIT_BLOCKS, image_preprocessing, open_image_trunk
from .minilm import BertShape, MiniLm, package_folder
from .pairs import Pairs, make_pairs
from .paper_recipe import AUGMENTATIONS, SELECTIONS, PaperRecipe
from .recipes import LOSSES, CompactRecipe
from .runs import Run, fold_table

logger = logging.getLogger(__name__)

CACHE = Path(".cache/features")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options; a recipe's settings default to the recipe."""
    parser.add_argument("--data", type=Path, required=True, help="ENTRep folder, CSV or JSONL table")
    parser.add_argument("--out", type=Path, required=True, help="the run's folder; an unfinished run is continued")
    parser.add_argument("--recipe", choices=("compact", "paper"), default="compact")
    parser.add_argument("--folds", type=int, default=10)
    parser.add_argument("--split", choices=SPLITS, default="group", help="what a fold holds out")
    parser.add_argument("--hold-out", type=Path, help="text file of image files, one a line, that no fold may see")
    parser.add_argument("--cache", type=Path, default=CACHE, help="where frozen features are kept")
    parser.add_argument("--threads", type=int, help="threads of torch (default: all cores)")
    for column, default in (("file", "file"), ("caption", "caption"), ("caption-vi", "caption_vi"), ("group", "group")):
        parser.add_argument(f"--{column}-column", default=default)
    settings = parser.add_argument_group("settings of both recipes")
    settings.add_argument("--crop", choices=("none", "circle"))
    settings.add_argument("--positive-columns", help="images alike in these columns are positives, such as class,type")
    settings.add_argument("--languages", help="such as en or en,vi")
    settings.add_argument("--loss", choices=LOSSES)
    for name, kind in (("epochs", int), ("batch", int), ("seed", int), ("temperature", float)):
        settings.add_argument(f"--{name}", type=kind)
    settings.add_argument("--learning-rate", type=float)
    compact = parser.add_argument_group("settings of the compact recipe")
    compact.add_argument("--image-trunk", choices=IMAGE_TRUNKS)
    compact.add_argument(
        "--adapt",
        help="what a fold owns: heads, readout:N, lora:R or unfreeze:N; a convolutional image trunk has heads",
    )
    compact.add_argument("--text-adapt", help="the same for the text tower alone")
    compact.add_argument("--image-adapt", help="the same for the image tower alone")
    compact.add_argument("--rank", type=int, help="rank of read-out maps; 0: full weights")
    compact.add_argument("--hidden", type=int, help="width of a head's GELU layer; 0: a linear head")
    compact.add_argument(
        "--skip", action=argparse.BooleanOptionalAction, default=None, help="head sees the trunk's vector too"
    )
    compact.add_argument(
        "--own-key", action=argparse.BooleanOptionalAction, default=None, help="read-out attends to itself"
    )
    compact.add_argument("--unfrozen-learning-rate", type=float, help="of full weights that begin as the trunk's")
    compact.add_argument("--start", choices=("own", "shared"), help="random weights that a fold begins with")
    compact.add_argument("--sides", action=argparse.BooleanOptionalAction, default=None, help="left − right features")
    compact.add_argument("--dropout", type=float)
    paper = parser.add_argument_group("settings of the paper recipe")
    settings.add_argument("--image-weights", help="DINOv2 ViT-S/14: hub (default), a file, or random to try the path")
    paper.add_argument("--text-weights", help="MiniLM-L6: package (default), a folder, or a name on the hub")
    paper.add_argument("--unfrozen", type=int, help="last blocks of each tower that are trained")
    paper.add_argument("--augmentation", choices=AUGMENTATIONS, help="published mirrors images, left becomes right")
    paper.add_argument("--selection", choices=SELECTIONS, help="which epoch is kept: best MRR, or as published")
    paper.add_argument("--steps", type=int, help="cut every epoch after so many batches")


def run(args: argparse.Namespace) -> int:
    """Trains every fold that is not finished, then prints the table."""
    if args.threads:
        torch.set_num_threads(args.threads)
    torch.set_flush_denormal(True)  # Adam's averages of features that are always zero would slow every step
    columns = {f"{name}_column": getattr(args, f"{name}_column") for name in ("file", "caption", "caption_vi", "group")}
    dataset = without(read_dataset(args.data, **columns), args.hold_out)
    for problem in dataset.problems:
        logger.warning("%s", problem)
    data = {"path": str(args.data.resolve()), "columns": columns, "fingerprint": dataset.fingerprint}
    recipe = _recipe(args)
    if isinstance(recipe, CompactRecipe):  # before there is a folder that a corrected command would find taken
        recipe.text.check(BertShape.read(package_folder()).layers, "text tower")
        recipe.image.check(0 if recipe.image_trunk in SIZES else VIT_BLOCKS, f"image tower {recipe.image_trunk}")
    folder = Run.start(args.out, {"recipe": recipe.to_json(), "split": args.split, "data": data})
    if isinstance(recipe, PaperRecipe):
        train_paper(folder, dataset, recipe, args.split)
    else:
        train_compact(folder, dataset, recipe, args.split, args.cache)
    print(fold_table(folder, recipe.folds))  # noqa: T201  the CLI's report
    return 0


def train_compact(run_folder: Run, dataset: Dataset, recipe: CompactRecipe, split: str, cache: Path) -> None:
    """Trains the unfinished folds of a compact run; `times.json` says what this call took, in processor seconds."""
    unfinished = [k for k in range(recipe.folds) if not run_folder.finished(k)]
    if not unfinished:
        return
    folds, pairs = _folds_and_pairs(run_folder, dataset, recipe, split)
    started = time.process_time()
    features = frozen_features(run_folder, dataset, pairs, recipe, cache)
    times = [time.process_time() - started]
    for fold in unfinished:
        train, val = split_pairs(pairs, dataset, folds, fold)
        started = time.process_time()
        _save_fold(run_folder, fold, recipe.epochs, fit_fold(features, pairs, train, val, recipe, fold))
        times.append(time.process_time() - started)
    write_json(run_folder.folder / "times.json", {"frozen_cpu_s": times[0], "fold_cpu_s": times[1:]})


def frozen_features(
    run_folder: Run, dataset: Dataset, pairs: Pairs, recipe: CompactRecipe, cache: Path = CACHE
) -> Features:
    """The run's trunks and what they give for all texts and images.

    Raises InvalidInputError where a trunk has too few blocks, DatasetError where the trunks are not the run's.
    """
    texts, images = MiniLm.load(package_folder()), open_image_trunk(recipe)
    recipe.text.check(len(texts.layers), "text tower")
    recipe.image.check(len(images.layers), "image tower")
    check_frozen(run_folder, frozen_sha256(texts, images), begin=True)
    tokenizer = TextTokenizer(package_folder() / "tokenizer.json", max_tokens=recipe.max_tokens)
    preprocessing = image_preprocessing(recipe.image_trunk, recipe.crop)
    return Features(
        image_stream(dataset, images, preprocessing, recipe, cache),
        text_stream(pairs.texts, texts, tokenizer, recipe.text),
        images,
        texts,
    )


def train_paper(run_folder: Run, dataset: Dataset, recipe: PaperRecipe, split: str) -> None:
    """Trains the unfinished folds of a paper run."""
    from .paper import paper_folds  # noqa: PLC0415  open_clip takes seconds to import; compact does without

    unfinished = [k for k in range(recipe.folds) if not run_folder.finished(k)]
    if not unfinished:
        return
    folds, pairs = _folds_and_pairs(run_folder, dataset, recipe, split)
    splits = {k: split_pairs(pairs, dataset, folds, k) for k in unfinished}
    for fold, rows in paper_folds(run_folder, dataset, pairs, splits, recipe):
        _save_fold(run_folder, fold, recipe.epochs, rows)


def _folds_and_pairs(
    run_folder: Run, dataset: Dataset, recipe: CompactRecipe | PaperRecipe, split: str
) -> tuple[Folds, Pairs]:
    """The run's folds, saved or new, and the data set's pairs; every image is decoded once for both."""
    signatures = read_signatures(dataset.records)
    pairs = pairs_of(dataset, signatures, recipe)
    path = run_folder.folder / "folds.json"
    if path.is_file():
        return load_folds(path, dataset), pairs
    groups = duplicate_groups(dataset.records, signatures)
    folds = make_folds(dataset, folds=recipe.folds, seed=recipe.seed, by=split, groups=groups)
    save_folds(path, folds)
    return folds, pairs


def pairs_of(dataset: Dataset, signatures: Signatures, recipe: CompactRecipe | PaperRecipe) -> Pairs:
    """The data set's pairs as the recipe wants them."""
    look = np.array(duplicate_labels(signatures), np.int64)
    return make_pairs(dataset, look, languages=recipe.languages, positive_columns=recipe.positive_columns)


def _save_fold(run_folder: Run, fold: int, epochs: int, rows: Iterable[dict[str, float] | FoldResult]) -> None:
    with tqdm(total=epochs, desc=f"fold {fold}", unit="epoch", disable=None) as bar:
        for row in rows:
            if isinstance(row, FoldResult):
                run_folder.save_fold(fold, row)
            else:
                bar.update(int(row["epoch"]) - bar.n)
                bar.set_postfix(loss=f"{row['loss']:.3f}", mrr=f"{row['mrr']:.3f}")


def split_pairs(pairs: Pairs, dataset: Dataset, folds: Folds, fold: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Training and validation pairs of a fold, as indices into `pairs`."""
    rows = [(dataset.records[i].file, pairs.texts[t]) for t, i in zip(pairs.text, pairs.image, strict=True)]
    val = np.array(folds.held_out(rows, fold), np.int64)
    train = np.setdiff1d(np.arange(len(rows)), val)
    if not len(train) or not len(val):
        raise DatasetError(f"fold {fold} has {len(train)} training and {len(val)} validation pairs; use fewer folds")
    return train, val


def without(dataset: Dataset, hold_out: Path | None) -> Dataset:
    """`dataset` without the images that the file `hold_out` names; raises DatasetError for an unknown name."""
    if hold_out is None:
        return dataset
    try:
        lines = hold_out.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(f"{hold_out}: cannot be read ({error}); expected one image file a line") from error
    names = {line.strip() for line in lines if line.strip()}
    unknown = names - {record.file for record in dataset.records}
    if unknown:
        raise DatasetError(f"{hold_out}: {min(unknown)} is not an image of {dataset.root}")
    kept = tuple(record for record in dataset.records if record.file not in names)
    return replace(dataset, records=kept)


def _recipe(args: argparse.Namespace) -> CompactRecipe | PaperRecipe:
    if args.adapt:
        if args.recipe == "paper":
            raise InvalidInputError("--adapt is no setting of the paper recipe, which unfreezes blocks: --unfrozen N")
        convolutional = (args.image_trunk or CompactRecipe.image_trunk) in SIZES
        args.text_adapt = args.text_adapt or args.adapt
        args.image_adapt = args.image_adapt or ("heads" if convolutional else args.adapt)
    own, other = (CompactRecipe, PaperRecipe) if args.recipe == "compact" else (PaperRecipe, CompactRecipe)
    fields, foreign = set(own.__dataclass_fields__), set(other.__dataclass_fields__)
    for name in sorted(foreign - fields):
        if getattr(args, name, None) is not None:
            raise InvalidInputError(f"--{name.replace('_', '-')} is no setting of the {args.recipe} recipe")
    lists = {"positive_columns", "languages"}
    given: dict[str, Any] = {
        name: getattr(args, name) for name in fields - lists - {"name"} if getattr(args, name, None) is not None
    }
    for name in lists:
        if getattr(args, name):
            given[name] = tuple(part.strip() for part in getattr(args, name).split(","))
    return own(**given)
