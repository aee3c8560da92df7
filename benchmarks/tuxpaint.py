"""700 real captioned pictures: single fold, ensemble and ridge, on two kinds of split, in two languages."""

import argparse
import itertools
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from runtime import metrics
from runtime.encoder import DualEncoder, open_encoder
from runtime.ensemble import stack_folds
from runtime.errors import DatasetError
from runtime.files import atomic_path
from runtime.images import read_image

from .pipeline import train_and_export
from .results import command_line, print_table, save_result
from .ridge import lite2_features, minilm_vectors, ridge_similarities

HELD_OUT = 150
SPLITS = ("row", "grouped")
COLUMNS = ("--caption-column", "en", "--caption-vi-column", "vi")
KEYS = ("r1", "r5", "r10", "mrr")


@dataclass(frozen=True, eq=False)
class Pictures:
    """The data set's rows in file order."""

    root: Path
    files: list[str]
    en: list[str]
    vi: list[str | None]

    @classmethod
    def read(cls, root: Path) -> "Pictures":
        """From `captions.jsonl` in `root`."""
        table = root / "captions.jsonl"
        if not table.is_file():
            raise DatasetError(f"{table}: not found; give the tuxpaint folder with --data (README: real data sets)")
        rows = [json.loads(line) for line in table.read_text("utf-8").splitlines()]
        return cls(root, [r["file"] for r in rows], [r["en"] for r in rows], [r.get("vi") for r in rows])

    def held_out(self, split: str, seed: int) -> NDArray[np.int64]:
        """Row numbers of the test images.

        row: the first 150 of a permutation of the 700 rows; some of their captions also stand in training.
        grouped: all images of the first 150 of a permutation of the distinct captions, in file order.
        """
        rng = np.random.RandomState(seed)  # this generator defines the split
        if split == "row":
            return np.sort(rng.permutation(len(self.files))[:HELD_OUT])
        distinct = list(dict.fromkeys(self.en))
        chosen = {distinct[i] for i in rng.permutation(len(distinct))[:HELD_OUT]}
        return np.array([i for i, caption in enumerate(self.en) if caption in chosen])


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("--data", type=Path, default=Path("../shared/data/tuxpaint"))
    parser.add_argument("--work", type=Path, default=Path("runs/tuxpaint"), help="finished steps are kept here")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--splits", nargs="+", choices=SPLITS, default=SPLITS, help="fewer: trains, writes no result")
    parser.add_argument("--threads", type=int, default=2, help="threads of training")


def run(args: argparse.Namespace) -> int:
    """Runs both splits over all seeds, trained on English captions and on both languages; writes the result."""
    pictures = Pictures.read(args.data)
    texts = minilm_vectors(pictures.en)
    images = _features(args.work / "lite2.npy", [args.data / "img" / file for file in pictures.files])
    rows: list[dict[str, Any]] = []
    for split, trained_on in itertools.product(args.splits, ("en", "en,vi")):
        for seed in tqdm(range(args.seeds), desc=f"{split}, trained on {trained_on}", file=sys.stderr):
            test = pictures.held_out(split, seed)
            rest = np.setdiff1d(np.arange(len(pictures.files)), test)
            bundle = train_and_export(
                args.data,
                args.work / f"{split}-{trained_on.replace(',', '-')}-{seed}",
                hold_out=[pictures.files[i] for i in test],
                options=[*COLUMNS, "--languages", trained_on, "--threads", args.threads],
            )
            known = sum(pictures.en[i] in {pictures.en[j] for j in rest} for i in test)
            common = {"split": split, "trained_on": trained_on, "seed": seed, "test": len(test)}
            common["captions_also_in_training"] = known
            if trained_on == "en":
                relevant = same([pictures.en[i] for i in test])
                ridge = ridge_similarities(texts[rest], images[rest], texts[test], images[test])
                rows.append({**common, "language": "en", "system": "ridge", **metrics.table(ridge, relevant)})
            rows += [{**common, **row} for row in measure(open_encoder(bundle), pictures, test)]
    summary = summarise(rows)
    print_table(summary)
    if set(args.splits) == set(SPLITS):
        save_result("kger_tuxpaint", command_line(), headline(summary) | {"summary": summary, "rows": rows})
    return 0


def _features(cache: Path, paths: list[Path]) -> NDArray[np.float32]:
    if cache.is_file():
        stored: NDArray[np.float32] = np.load(cache, allow_pickle=False)
        return stored
    features = lite2_features(paths)
    with atomic_path(cache) as part, part.open("wb") as stream:
        np.save(stream, features, allow_pickle=False)
    return features


def measure(encoder: DualEncoder, pictures: Pictures, test: NDArray[np.int64]) -> list[dict[str, Any]]:
    """Mean single fold and ensemble, English and Vietnamese queries, over the test images."""
    images = encoder.encode_images([read_image(pictures.root / "img" / pictures.files[i]) for i in test])
    rows: list[dict[str, Any]] = []
    for language, captions in (("en", pictures.en), ("vi", pictures.vi)):
        asked = [i for i in test if captions[i]]
        texts = encoder.encode_texts([str(captions[i]) for i in asked])
        relevant = same([captions[i] for i in asked], [captions[i] for i in test])
        ensemble = stack_folds(texts) @ stack_folds(images).T
        singles = [metrics.table(texts[:, k] @ images[:, k].T, relevant) for k in range(encoder.folds)]
        mean = {key: float(np.mean([single[key] for single in singles])) for key in KEYS}
        rows.append({"language": language, "system": "single fold (mean)", **mean})
        rows.append({"language": language, "system": "ensemble", **metrics.table(ensemble, relevant)})
    return rows


def same(queries: list[str | None], items: list[str | None] | None = None) -> NDArray[np.bool_]:
    """(Q, N) bool: equal captions; an item without one is relevant to nothing."""
    items = queries if items is None else items
    return np.array([[q == item and item is not None for item in items] for q in queries])


def summarise(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Means over the seeds."""
    groups: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    names = ("split", "trained_on", "language", "system")
    for row in rows:
        groups.setdefault(tuple(row[name] for name in names), []).append(row)
    return [
        dict(zip(names, key, strict=True)) | {figure: float(np.mean([row[figure] for row in group])) for figure in KEYS}
        for key, group in groups.items()
    ]


def headline(summary: list[dict[str, Any]]) -> dict[str, float]:
    """The figures that the README quotes: English by folds trained on English, Vietnamese by bilingual ones."""
    of = {(s["split"], s["trained_on"], s["language"], s["system"]): s for s in summary}
    ensemble, single = "ensemble", "single fold (mean)"
    return {
        "ensemble_r1": of["row", "en", "en", ensemble]["r1"],
        "ensemble_r10": of["row", "en", "en", ensemble]["r10"],
        "ensemble_mrr": of["row", "en", "en", ensemble]["mrr"],
        "single_r1_mean": of["row", "en", "en", single]["r1"],
        "ridge_r1": of["row", "en", "en", "ridge"]["r1"],
        "grouped_ensemble_r1": of["grouped", "en", "en", ensemble]["r1"],
        "grouped_single_r1_mean": of["grouped", "en", "en", single]["r1"],
        "grouped_ridge_r1": of["grouped", "en", "en", "ridge"]["r1"],
        "vi_ensemble_r1": of["row", "en,vi", "vi", ensemble]["r1"],
        "grouped_vi_ensemble_r1": of["grouped", "en,vi", "vi", ensemble]["r1"],
        "bilingual_ensemble_r1": of["row", "en,vi", "en", ensemble]["r1"],
    }
