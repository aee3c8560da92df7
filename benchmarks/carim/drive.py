"""The synthetic phantom drive: both forms of training against none, on scenes that no training has seen.

What the runtime serves is measured through it: exported bundles, `runtime.carim`. The references are MiniLM itself.
"""

import argparse
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from runtime.carim.encoder import open_carim_encoder

from ..results import FOLDER, command_line, print_table, save_result
from .ablation import ablation
from .asked import Asked, hold_out
from .measured import Values, differences, parts_of, query_values, table_of
from .models import Scored, caption_vectors, trained, untrained
from .reference import HiddenStates
from .trainings import FORMS, drawn, exported, held_out_scenes, work_folder

CAPTION, UNTRAINED, RENORMALISED = "caption_vector", "maxsim_untrained", "maxsim_untrained_renormalised"
PAIRS = (
    (CAPTION, UNTRAINED),
    (UNTRAINED, "published"),
    ("published", "corrected"),
    (RENORMALISED, "corrected"),
    (CAPTION, "corrected"),
)
KIND = "synthetic phantom drive, text scenes; held-out scenes of the same grammar"
SINGLE = "all-MiniLM-L6-v2's sentence vector of the caption; of a swapped pair, of the elements joined by commas"


@dataclass
class Pooled:
    """Values of one model over the queries of every seed, one seed after the other."""

    retrieval: list[Values] = field(default_factory=list)
    right: list[NDArray[np.float64]] = field(default_factory=list)

    def add(self, scored: Scored, asked: Asked) -> None:
        """Another seed's."""
        self.retrieval.append(query_values(scored.scores, asked.relevant))
        self.right.append(scored.right)

    @property
    def values(self) -> Values:
        """{measure: (all seeds' queries,)}."""
        return {key: np.concatenate([part[key] for part in self.retrieval]) for key in self.retrieval[0]}


def run(args: argparse.Namespace) -> None:
    """Draws, trains both forms, exports, asks; writes `carim_phantom_drive.json`, with --quick to the work folder."""
    data, states = drawn(args), HiddenStates(args.threads)
    pooled: dict[str, Pooled] = {}
    asked_of: list[Asked] = []
    training: dict[str, Any] = {}
    for seed in range(args.seeds):
        bundles = {form: exported(args, data, form, seed) for form in FORMS}
        asked = hold_out(data, held_out_scenes(args, seed))
        asked_of.append(asked)
        scored = {
            CAPTION: caption_vectors(asked, states),
            UNTRAINED: untrained(asked, states, normalise=False),
            RENORMALISED: untrained(asked, states, normalise=True),
        }
        for form, bundle in bundles.items():
            encoder = open_carim_encoder(bundle, threads=args.threads, provider="cpu")
            training[form] = encoder.bundle.manifest.training
            scored[form] = trained(asked, encoder)
        for name, one in scored.items():
            pooled.setdefault(name, Pooled()).add(one, asked)
    figures = figures_of(pooled, asked_of)
    figures |= {"kind": KIND, "single": SINGLE, "seeds": args.seeds, "recipes": _recipes(training)}
    if args.ablate:
        figures["ablation"] = ablation(args, data, asked_of[0], pooled["corrected"].retrieval[0], 0)
    print_table(shown(figures))
    folder = work_folder(args) if args.quick else FOLDER
    save_result("carim_phantom_drive", command_line(), figures, folder=folder)


def figures_of(pooled: dict[str, Pooled], asked_of: list[Asked]) -> dict[str, Any]:
    """Flat figures by the issue's names, then every table."""
    queries = [query for asked in asked_of for query in asked.queries]
    scenes, parts = [query.scene for query in queries], parts_of([query.kind for query in queries])
    if any(query.unseen for query in queries):
        parts["wording of captions"] = np.array([query.unseen is False for query in queries])
        parts["wording that no caption has"] = np.array([query.unseen is True for query in queries])
    values = {name: one.values for name, one in pooled.items()}
    models = {name: table_of(value, parts, scenes) for name, value in values.items()}
    swapped = _swapped(pooled, asked_of)
    relevant = [asked.relevant for asked in asked_of]
    return {
        **{f"{key}_{name}": models[name]["all"][key]["mean"] for name in models for key in ("r1", "mrr")},
        "swapped_element_accuracy": swapped["corrected"]["all"]["accuracy"]["mean"],
        "scenes": min(len(asked.rows) for asked in asked_of),
        "queries": len(queries),
        "swapped_queries": len(swapped_queries(asked_of)),
        "unanswered": sum(asked.unanswered for asked in asked_of),
        "chance_r1": float(np.concatenate([part.mean(1) for part in relevant]).mean()),
        "relevant_scenes_mean": float(np.concatenate([part.sum(1) for part in relevant]).mean()),
        "models": models,
        "differences": differences(values, PAIRS, parts, scenes),
        "swapped": swapped,
    }


def shown(figures: dict[str, Any]) -> list[dict[str, Any]]:
    """The printed table: R@1 by kind, MRR and the swapped pairs, a row a model."""
    rows = []
    for name, table in figures["models"].items():
        kinds = {kind: entry["r1"]["mean"] for kind, entry in table.items()}
        right = figures["swapped"][name]["all"]["accuracy"]["mean"]
        rows.append({"model": name, **kinds, "MRR": table["all"]["mrr"]["mean"], "swapped": right})
    return rows


def swapped_queries(asked_of: list[Asked]) -> list[Any]:
    """The queries with a hard negative, of every seed."""
    return [query for asked in asked_of for query, _ in asked.swapped]


def _swapped(pooled: dict[str, Pooled], asked_of: list[Asked]) -> dict[str, dict[str, Any]]:
    """{model: {attribute or "all": {"queries", "accuracy": {mean, low, high}}}}."""
    queries = swapped_queries(asked_of)
    parts = parts_of([query.swap.attribute for query in queries])
    scenes = [query.scene for query in queries]
    return {name: table_of({"accuracy": np.concatenate(one.right)}, parts, scenes) for name, one in pooled.items()}


def _recipes(training: dict[str, Any]) -> dict[str, Any]:
    return {form: dict(said["recipe"]) for form, said in training.items()}
