"""`python -m export carim RUN --out BUNDLE`: the projection as a continuation of a shared text tower, certified."""

import argparse
import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from runtime.bundle import TEXT_MODEL, TOKENIZER, TOKENS_MODEL, Bundle, Manifest
from runtime.carim.maxsim import maxsim
from runtime.carim.rows import Row, read_rows
from runtime.errors import BundleError
from runtime.options import DEFAULT_BUNDLE
from runtime.preprocess import Preprocessing
from runtime.sessions import open_session
from runtime.tokenizer import TextTokenizer
from train.carim.backbones import SPECIAL, MiniLmBackbone
from train.carim.build.places import ROWS
from train.carim.command import SPLIT, trained_head
from train.carim.data import sentences
from train.carim.model import TokenHead, element_vectors
from train.carim.model import maxsim as torch_maxsim
from train.carim.recipe import CarimRecipe
from train.minilm import package_folder
from train.runs import Run

from .carim_graph import check_whole, find_hidden_states, write_continuation
from .certificate import MAX_ABS_DIFFERENCE, certify_tokens, checked_difference
from .parts import original_ids, original_tokenizer

Floats = NDArray[np.float32]
SCENES = 16  # of the certificate
PROBE = (  # where the run's data has gone
    Row("a", "a", None, 0.0, "A red car crosses a junction. It rains at night.", ("red car crossing", "rain", "night")),
    Row("b", "b", None, 0.0, "A man in a blue coat waits.", ("pedestrian with a blue coat waiting", "crosswalk")),
)


@dataclass(frozen=True, eq=False)
class Probe:
    """What the certificate compares: queries, elements, and the scenes' elements as positions and offsets."""

    queries: list[str]
    elements: list[str]
    places: NDArray[np.int64]
    offsets: NDArray[np.int64]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("run", type=Path, help="folder that `python -m train carim` wrote")
    parser.add_argument("--out", type=Path, required=True, help="where the bundle goes")
    parser.add_argument("--text", type=Path, default=DEFAULT_BUNDLE, help="bundle of the text tower (default: kger)")


def run(args: argparse.Namespace) -> int:
    """Exports; prints the certificate's figures."""
    bundle = export_carim(Run(args.run), args.out, args.text)
    report = bundle.manifest.certificate["stored"]
    worst = ", ".join(f"{what} {value:.1e}" for what, value in report["max_abs_difference"].items())
    print(f"largest difference to torch: {worst}")  # noqa: T201
    own = sum(entry.size_bytes for entry in bundle.manifest.files.values() if "/" not in entry.path)
    print(f"{bundle.folder}: adds {own / 1e6:.2f} MB, fingerprint {bundle.manifest.fingerprint[:12]}")  # noqa: T201
    return 0


def export_carim(run: Run, out: Path, text: Path = DEFAULT_BUNDLE) -> Bundle:
    """Writes the bundle of a finished run; raises BundleError where the graph differs from torch by more than 1e-5.

    The text tower of the bundle `text` is pointed to by its hash where that lies beside `out`, else copied.
    """
    settings = run.settings("carim")
    recipe = CarimRecipe.from_json(settings["recipe"])
    if recipe.backbone != "minilm":
        raise BundleError(
            f"{run.folder}: its backbone is {recipe.backbone}, which no bundle here stores and which this command "
            "does not export: its graph has 6 GB. Search needs a run with --backbone minilm; this one is measured by "
            "its test.json"
        )
    tower = Bundle.open(text)
    folder = Path(recipe.weights) if recipe.weights else package_folder()
    backbone = MiniLmBackbone(folder)
    head, probe = trained_head(run, backbone.width, recipe), probe_of(settings)
    tokenizer = TextTokenizer(tower.path(TOKENIZER), max_tokens=recipe.query_tokens)
    with tempfile.TemporaryDirectory() as name:
        path, text_model = Path(name) / TOKENS_MODEL, tower.path(TEXT_MODEL)
        ids, mask = tokenizer(probe.queries[:2])
        with torch.inference_mode():
            expected = backbone.model(torch.from_numpy(ids), torch.from_numpy(mask)).numpy()
        scale = backbone.model.layers[-1].norm.weight.numpy()
        hidden = find_hidden_states(text_model, scale, {"input_ids": ids, "attention_mask": mask}, expected)
        write_continuation(head, hidden, path)
        check_whole(text_model, path)
        certificate = {
            "tokens_compared": certify_tokens(tokenizer, original_ids(folder, recipe.query_tokens), probe.queries),
            "stored": certify(text_model, path, tokenizer, backbone, head, recipe, probe, folder),
        }
        manifest = _manifest(run, settings, recipe, tower, certificate)
        shared = {what: tower.path(what) for what in (TEXT_MODEL, TOKENIZER)}
        return Bundle.write(out, manifest, {TOKENS_MODEL: path}, shared=shared)


def probe_of(settings: dict[str, Any]) -> Probe:
    """Captions and elements of the run's data where it still is, else of two written scenes."""
    data = Path(settings["data"]["path"])
    held = read_rows(data).rows if (data / ROWS).is_file() else ()
    rows = [row for row in held if row.caption.strip()] or PROBE
    chosen = [rows[i] for i in np.random.default_rng(0).permutation(len(rows))[:SCENES]]
    elements = list(dict.fromkeys(element for row in chosen for element in row.elements))
    queries = list(dict.fromkeys(text for row in chosen for text in (row.caption, *sentences(row.caption)[:2])))
    place = {element: i for i, element in enumerate(elements)}
    places = np.array([place[element] for row in chosen for element in row.elements], np.int64)
    return Probe(queries, elements, places, np.cumsum([0, *(len(row.elements) for row in chosen)]))


def certify(
    text_model: Path,
    continuation: Path,
    tokenizer: TextTokenizer,
    backbone: MiniLmBackbone,
    head: TokenHead,
    recipe: CarimRecipe,
    probe: Probe,
    folder: Path,
) -> dict[str, Any]:
    """Largest differences of tokens, element vectors and scores to torch; raises BundleError above 1e-5.

    The graph sees padded batches by the runtime's tokenizer, torch one text at a time by the original one.
    """
    session = open_session(text_model, provider="cpu", continuation=continuation)
    original = original_tokenizer(folder)

    def stored(texts: list[str]) -> list[Floats]:
        ids, mask = tokenizer(texts)
        tokens = session.run(["tokens"], {"input_ids": ids, "attention_mask": mask})[0]
        ends = mask.sum(1) - SPECIAL // 2
        return [row[SPECIAL // 2 : end] for row, end in zip(tokens, ends, strict=True)]

    def trained(texts: list[str]) -> list[torch.Tensor]:
        alone = [original([t], truncation=True, max_length=recipe.query_tokens, return_tensors="pt") for t in texts]
        hidden = [backbone.model(entry["input_ids"], entry["attention_mask"])[0] for entry in alone]
        return [head(states[SPECIAL // 2 : len(states) - SPECIAL // 2]) for states in hidden]

    queries, elements = stored(probe.queries), _means(stored(probe.elements), unit=recipe.normalise_elements)
    with torch.inference_mode():
        reference, parts = trained(probe.queries), trained(probe.elements)
        lengths = torch.tensor([len(part) for part in parts])
        vectors = element_vectors(torch.cat(parts), lengths, unit=recipe.normalise_elements)
    ours = np.stack([maxsim(query, elements[probe.places], probe.offsets) for query in queries])
    differences = {
        "tokens": checked_difference("the tokens differ", np.concatenate(queries), torch.cat(reference).numpy()),
        "elements": checked_difference("the elements differ", elements, vectors.numpy()),
        "scores": checked_difference("the scores differ", ours, _reference_scores(reference, vectors, probe)),
    }
    report = {"queries": len(queries), "elements": len(elements), "scenes": len(probe.offsets) - 1}
    return report | {"limit": MAX_ABS_DIFFERENCE, "max_abs_difference": differences}


def _means(tokens: list[Floats], *, unit: bool) -> Floats:
    means = np.stack([part.mean(0) for part in tokens])
    return means / np.linalg.norm(means, axis=1, keepdims=True) if unit else means


def _reference_scores(queries: list[torch.Tensor], vectors: torch.Tensor, probe: Probe) -> Floats:
    counts = np.diff(probe.offsets).tolist()
    scenes = torch.nn.utils.rnn.pad_sequence(list(vectors[probe.places].split(counts)), batch_first=True)
    present = torch.arange(scenes.shape[1]) < torch.tensor(counts)[:, None]
    lengths = torch.tensor([len(query) for query in queries])
    return torch_maxsim(torch.cat(queries), lengths, scenes, present)[0].numpy()


def _manifest(
    run: Run, settings: dict[str, Any], recipe: CarimRecipe, tower: Bundle, certificate: dict[str, Any]
) -> Manifest:
    shown = settings["recipe"] | ({"weights": Path(recipe.weights).name} if recipe.weights else {})
    split = json.loads((run.folder / SPLIT).read_text("utf-8"))
    data = settings["data"]
    return Manifest(
        system="carim",
        recipe=f"{recipe.backbone}, {recipe.ani}",
        precision=tower.manifest.precision,
        folds=1,
        dims=recipe.dims,
        max_tokens=recipe.query_tokens,
        preprocessing=Preprocessing(size=1, mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0)),  # no picture is encoded
        inputs={TEXT_MODEL: {"input_ids": ["N", "T"], "attention_mask": ["N", "T"], "dtype": "int64"}},
        outputs={"tokens": ["N", "T", recipe.dims], "dtype": "float32"},
        certificate=certificate,
        training={
            "recipe": shown,
            "best": run.figures(0),
            "scenes": {part: len(scenes) for part, scenes in split.items()},
            "data_fingerprint": data["fingerprint"],
            "data": {"source": data["source"], "synthetic": data["synthetic"]},
            "tower": tower.manifest.fingerprint,
        },
        licences={what: licence for what, licence in tower.manifest.licences.items() if "text" in what},
    )
