"""`python -m train nodule`: a compact dual encoder of CT crops and questions about size."""

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from torch import Tensor
from tqdm import tqdm

from runtime.errors import DatasetError, InvalidInputError
from runtime.files import sha256_file, write_json
from runtime.nodule.prompts import Prompt, prompts
from runtime.nodule.roi import MODES
from runtime.nodule.table import NAME, read_regions
from runtime.tokenizer import TextTokenizer
from train.minilm import MiniLm, package_folder
from train.shuffle_split import PARTS

from .data import Crops, logger, read_crops, read_patients, split_patients, write_patients
from .fit import Fitted, Questions, fit
from .recipe import NoduleRecipe
from .towers import ImageTower, TextHead, TextTrunk

SCHEMA_VERSION = 1
WEIGHTS = "weights.safetensors"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options; settings default to the recipe."""
    parser.add_argument("--data", type=Path, required=True, help=f"folder with {NAME}, or the table itself")
    parser.add_argument("--out", type=Path, required=True, help="the run's folder; a finished run is kept")
    parser.add_argument("--patients", type=Path, help="folder of train_patients.txt, val_…, test_… (default: drawn)")
    parser.add_argument("--threads", type=int, help="threads of torch (default: all cores)")
    parser.add_argument("--roi", choices=MODES, help="field: fixed millimetres (default); published: box and margin")
    parser.add_argument("--draw-contour", action="store_true", default=None, help="ablation: show the outline")
    for name, kind in (("epochs", int), ("batch", int), ("seed", int), ("prompts", int), ("temperature", float)):
        parser.add_argument(f"--{name}", type=kind)
    parser.add_argument("--learning-rate", type=float)
    parser.add_argument("--diameter-weight", type=float, help="of the auxiliary loss of the diameter head; 0: none")


def run(args: argparse.Namespace) -> int:
    """Trains, unless the run is finished; prints its validation figures."""
    if args.threads:
        torch.set_num_threads(args.threads)
    torch.set_flush_denormal(True)
    given = {name: getattr(args, name, None) for name in NoduleRecipe.__dataclass_fields__}
    recipe = NoduleRecipe(**{name: value for name, value in given.items() if value is not None})
    table = args.data / NAME if args.data.is_dir() else args.data
    regions = read_regions(table)
    for problem in regions.problems:
        logger.warning("%s", problem)
    settings = {
        "schema_version": SCHEMA_VERSION,
        "recipe": recipe.to_json(),
        "data": {"path": str(table.resolve()), "fingerprint": sha256_file(table), **_about(table.parent)},
    }
    figures = _finished(args.out, settings)
    if figures is None:
        patients = [region.patient for region in regions.rows]
        lists = read_patients(args.patients) if args.patients else split_patients(patients, recipe.seed)
        write_json(args.out / "run.json", settings)
        write_patients(args.out, lists)
        known = {patient for part in ("train", "val") for patient in lists[part]}
        figures = _train(args.out, [r for r in regions.rows if r.patient in known], lists, recipe)
    print(f"{args.out}: validation P@10 {figures['p10']:.3f}, diameter off by {figures['mean_error_mm']:.2f} mm")  # noqa: T201
    return 0


def load_run(folder: Path) -> tuple[NoduleRecipe, dict[str, Any], ImageTower, TextTrunk, TextHead]:
    """Recipe, settings and the trained towers, in eval mode; raises DatasetError where the run is not finished."""
    path = folder / "run.json"
    settings = json.loads(path.read_text("utf-8")) if path.is_file() else {}
    if settings.get("schema_version") != SCHEMA_VERSION or _finished(folder, settings) is None:
        raise DatasetError(
            f"{folder}: no finished run; make one with `python -m train nodule --data DIR --out {folder}`"
        )
    recipe = NoduleRecipe(**settings["recipe"])
    trunk, image = text_trunk(recipe), ImageTower(recipe)
    head = TextHead(trunk.width, recipe)
    weights = load_file(folder / WEIGHTS)
    for name, tower in (("image", image), ("text", head)):
        tower.load_state_dict({k.removeprefix(f"{name}."): v for k, v in weights.items() if k.startswith(f"{name}.")})
        tower.eval().requires_grad_(False)
    return recipe, settings, image, trunk, head


def text_trunk(recipe: NoduleRecipe) -> TextTrunk:
    """The frozen text trunk of the recipe."""
    vocabulary = Tokenizer.from_file(str(package_folder() / "tokenizer.json")).get_vocab()
    numbers = [i for token, i in vocabulary.items() if token.removeprefix("##").isdecimal()]
    return TextTrunk(MiniLm.load(package_folder()), recipe, torch.tensor(sorted(numbers)))


def ask(crops: Crops, asked: list[Prompt], recipe: NoduleRecipe) -> Questions:
    """The questions over the crops, with the frozen trunk's means, computed once."""
    tokenizer = TextTokenizer(package_folder() / "tokenizer.json", max_tokens=recipe.max_tokens)
    trunk, texts = text_trunk(recipe), [prompt.text for prompt in asked]
    means = torch.empty(len(texts), trunk.width)
    order = np.argsort(tokenizer.lengths(texts), kind="stable")
    with torch.inference_mode():
        for first in range(0, len(order), 128):
            rows = order[first : first + 128]
            ids, mask = tokenizer([texts[i] for i in rows])
            means[torch.from_numpy(rows)] = trunk(torch.from_numpy(ids), torch.from_numpy(mask))
    asks_for = np.stack([prompt.interval.contains(crops.diameters_mm) for prompt in asked])
    return Questions(asked, means.clone(), asks_for)


def _train(folder: Path, regions: list[Any], lists: dict[str, list[str]], recipe: NoduleRecipe) -> dict[str, float]:
    crops = read_crops(regions, recipe.roi_settings, draw_contour=recipe.draw_contour)
    rows = {part: np.flatnonzero(np.isin(crops.patients, lists[part])) for part in PARTS}
    if len(rows["train"]) < 2 or not len(rows["val"]):
        raise DatasetError(
            f"{len(rows['train'])} training and {len(rows['val'])} validation regions; give more patients"
        )
    questions = ask(crops, prompts(recipe.prompts, recipe.seed), recipe)
    with tqdm(total=recipe.epochs, desc="nodule", unit="epoch", disable=None) as bar:
        for row in fit(crops, questions, rows["train"], rows["val"], recipe):
            if isinstance(row, Fitted):
                return _save(folder, row)
            bar.update(int(row["epoch"]) - bar.n)
            bar.set_postfix(loss=f"{row['loss']:.3f}", p10=f"{row['p10']:.3f}", mm=f"{row['mean_error_mm']:.2f}")
    raise RuntimeError("training ended without a result")


def _save(folder: Path, fitted: Fitted) -> dict[str, float]:
    weights: dict[str, Tensor] = {f"image.{k}": v.contiguous() for k, v in fitted.image.items()}
    weights |= {f"text.{k}": v.contiguous() for k, v in fitted.text.items()}
    save_file(weights, folder / WEIGHTS)
    write_json(folder / "curve.json", fitted.curve)
    # written last: it says that the run is finished
    write_json(folder / "figures.json", {**fitted.figures, "weights_sha256": sha256_file(folder / WEIGHTS)})
    return fitted.figures


def _finished(folder: Path, settings: dict[str, Any]) -> dict[str, float] | None:
    path = folder / "run.json"
    if path.is_file() and json.loads(path.read_text("utf-8")) != json.loads(json.dumps(settings)):
        raise InvalidInputError(f"{folder}: holds a run with other settings; choose another --out, or remove it")
    if not (folder / "figures.json").is_file():
        return None
    figures: dict[str, Any] = json.loads((folder / "figures.json").read_text("utf-8"))
    if not (folder / WEIGHTS).is_file() or sha256_file(folder / WEIGHTS) != figures["weights_sha256"]:
        return None
    return {key: value for key, value in figures.items() if key != "weights_sha256"}


def _about(folder: Path) -> dict[str, str]:
    path = folder / "about.json"
    return {"kind": json.loads(path.read_text("utf-8"))["kind"]} if path.is_file() else {"kind": "of the user's own"}
