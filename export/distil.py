"""`python -m export distil RUN --out BUNDLE`: one pair of towers that imitates all folds, as a bundle of one fold."""

import argparse
import sys
from dataclasses import replace
from pathlib import Path

from tqdm import tqdm

from runtime.bundle import Bundle
from runtime.dataset import Dataset, read_dataset, read_signatures
from runtime.errors import InvalidInputError
from train.distil import fit_student, student_recipe
from train.fit import CompactFolds
from train.fold_layers import load_stacked, stack_folds
from train.folds import load_folds
from train.kger import frozen_features, pairs_of
from train.recipes import CompactRecipe
from train.runs import Run

from .compact import stacked_parts
from .kger import export_parts, print_report
from .parts import Parts


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("run", type=Path, help="folder that `python -m train kger` wrote, all folds finished")
    parser.add_argument("--out", type=Path, required=True, help="where the student's bundle goes")
    parser.add_argument("--epochs", type=int, help="default: 60")
    parser.add_argument("--precision", choices=("fp32", "int8-weights"), default="fp32")


def run(args: argparse.Namespace) -> int:
    """Trains the student, exports it, prints the certificate's figures."""
    print_report(distil(Run(args.run), args.out, precision=args.precision, epochs=args.epochs))
    return 0


def distil(run: Run, out: Path, *, precision: str = "fp32", epochs: int | None = None) -> Bundle:
    """Writes the bundle of a student of the finished compact run; its vectors fit the ensemble's galleries in size.

    Trained on what the run was trained on. Raises InvalidInputError for another recipe, DatasetError where the data
    or the folds are not there.
    """
    settings = run.settings()
    if settings["recipe"]["name"] != "compact":
        raise InvalidInputError(f"{run.folder}: a {settings['recipe']['name']} run; students are made of compact runs")
    recipe = CompactRecipe.from_json(settings["recipe"])
    student = student_recipe(recipe)
    student = student if epochs is None else replace(student, epochs=epochs)
    dataset = read_dataset(Path(settings["data"]["path"]), **settings["data"]["columns"])
    parts = _student(run, recipe, student, _training_part(run, dataset))
    return export_parts(run, parts, dataset, out, precision, {"student_of": recipe.folds})


def _training_part(run: Run, dataset: Dataset) -> Dataset:
    """The images that the run's folds share out between them: without those that were held out of the run."""
    known = {file for files in load_folds(run.folder / "folds.json").files for file in files}
    return replace(dataset, records=tuple(record for record in dataset.records if record.file in known))


def _student(run: Run, recipe: CompactRecipe, student: CompactRecipe, dataset: Dataset) -> Parts:
    pairs = pairs_of(dataset, read_signatures(dataset.records), recipe)
    features = frozen_features(run, dataset, pairs, recipe)
    state = stack_folds([run.weights(k) for k in range(recipe.folds)])
    ensemble = CompactFolds(features.text_trunk, features.image_trunk, recipe, recipe.folds)
    teacher = load_stacked(ensemble, state)
    weights = {}
    with tqdm(total=student.epochs, desc="student", unit="epoch", disable=None, file=sys.stderr) as bar:
        for row in fit_student(features, pairs, teacher, student):
            if "epoch" not in row:
                weights = row
                break
            bar.update()
            bar.set_postfix(text=f"{row['text_cosine']:.3f}", image=f"{row['image_cosine']:.3f}")
    return stacked_parts(student, features.text_trunk, features.image_trunk, [weights])
