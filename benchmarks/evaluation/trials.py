"""What an ensemble makes of held-out queries, with the truth: the ground that every comparison of judges stands on."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from runtime.dataset import Record, captions_of, read_dataset
from runtime.encoder import open_encoder
from runtime.ensemble import fold_top, vote_sum
from runtime.images import read_image

Floats = NDArray[np.float32]
RELEVANT = 2  # the grade that counts as relevant: region, side and finding agree


@dataclass(frozen=True, eq=False)
class Trials:
    """Q queries over a gallery of N items by K folds.

    `grades` (Q, N) int8: 0, 1 (phantoms: region and finding agree, the side does not), 2 relevant.
    `groups` (Q,): what must never stand on both sides of a tuning split (a patient, a caption).
    `strata` name → (Q,) labels, by which figures are broken down. `cosines` (Q, N, K) float32.
    """

    name: str
    texts: list[str]
    groups: list[str]
    strata: dict[str, list[str]]
    items: list[Record]
    cosines: Floats
    grades: NDArray[np.int8]

    @property
    def relevant(self) -> NDArray[np.bool_]:
        """(Q, N) bool."""
        return self.grades >= RELEVANT

    @cached_property
    def similarities(self) -> Floats:
        """(Q, N) float32: the mean cosine over folds, which ranks."""
        mean: Floats = self.cosines.mean(2)
        return mean

    @cached_property
    def order(self) -> NDArray[np.int64]:
        """(Q, N): item rows by mean cosine, best first, ties by row."""
        return np.argsort(-self.similarities, axis=1, kind="stable")

    @cached_property
    def votes(self) -> Floats:
        """(Q, N) float32: the published sum of cosines over each fold's own top five."""
        rows = np.arange(len(self.items))
        return np.stack([vote_sum(cosines, fold_top(cosines, rows)) for cosines in self.cosines])

    def top(self, k: int) -> NDArray[np.int64]:
        """(Q, k): what a judge is shown."""
        return self.order[:, :k]

    def picked(self, rows: NDArray[np.int64]) -> Floats:
        """(Q, k, K) float32: the folds' cosines of `rows` (Q, k)."""
        return np.take_along_axis(self.cosines, rows[:, :, None], axis=1)

    def without_answers(self) -> "Trials":
        """The same queries over a gallery that holds nothing relevant to them: what an answer must be unsure of."""
        cosines = np.where(self.relevant[:, :, None], np.float32(-1), self.cosines)
        return replace(self, cosines=cosines, grades=np.zeros_like(self.grades))

    def over_galleries(self, parts: int, seed: int = 0) -> "Trials":
        """Every query asked of `parts` galleries in turn: disjoint shares of the items, whole patients each.

        What lies outside a query's gallery has the cosine -1 and the grade 0, so it stands behind all that is
        inside. Queries without an answer in a gallery are not asked there. A query keeps its group in every gallery.
        """
        patients = sorted({str(item.group) for item in self.items})
        drawn = np.random.default_rng(seed).permutation(len(patients)) % parts
        part_of = dict(zip(patients, drawn.tolist(), strict=True))
        part = np.array([part_of[str(item.group)] for item in self.items])
        asked = [(g, q) for g in range(parts) for q in np.flatnonzero(self.relevant[:, part == g].any(1)).tolist()]
        inside = np.stack([part == g for g, _ in asked])  # (Q', N)
        rows = [q for _, q in asked]
        return replace(
            self,
            texts=[self.texts[q] for q in rows],
            groups=[self.groups[q] for q in rows],
            strata={name: [labels[q] for q in rows] for name, labels in self.strata.items()},
            cosines=np.where(inside[:, :, None], self.cosines[rows], np.float32(-1)),
            grades=np.where(inside, self.grades[rows], np.int8(0)),
        )


def graded(queries: Sequence[Record], items: Sequence[Record]) -> NDArray[np.int8]:
    """(Q, N) int8 by what was drawn: 2 where region, side and finding agree, 1 without the side, else 0."""

    def truth(records: Sequence[Record], *keys: str) -> NDArray[np.str_]:
        return np.array(["|".join(str(r.metadata[key]) for key in keys) for r in records])

    whole = truth(queries, "region", "side", "finding")[:, None] == truth(items, "region", "side", "finding")
    half = truth(queries, "region", "finding")[:, None] == truth(items, "region", "finding")
    return (whole.astype(np.int8) + half).astype(np.int8)


def fold_cosines_of(bundle: Path, texts: list[str], pictures: list[Path]) -> Floats:
    """(Q, N, K) float32 cosines of every fold."""
    encoder = open_encoder(bundle)
    images = encoder.encode_images([read_image(path) for path in pictures])  # (N, K, D)
    queries = encoder.encode_texts(texts)  # (Q, K, D)
    cosines: Floats = np.stack([queries[:, k] @ images[:, k].T for k in range(encoder.folds)], axis=2)
    return cosines


def phantom_trials(bundle: Path, data: Path) -> Trials:
    """Every caption of `data` as a query over all its pictures; a caption that several share is asked once a truth."""
    records = list(read_dataset(data).records)
    asked: dict[tuple[str, ...], tuple[str, str, Record]] = {}
    for record in records:
        for language in ("en", "vi"):
            for caption in captions_of(record, language):
                truth = tuple(str(record.metadata[key]) for key in ("region", "side", "finding"))
                asked.setdefault((caption, *truth), (caption, language, record))
    texts, languages, sources = (list(column) for column in zip(*asked.values(), strict=True))
    strata = {key: [str(r.metadata[key]) for r in sources] for key in ("region", "side", "state", "finding")}
    return Trials(
        name="phantoms",
        texts=texts,
        groups=[str(r.group) for r in sources],
        strata={"language": languages, **strata},
        items=records,
        cosines=fold_cosines_of(bundle, texts, [r.path for r in records]),
        grades=graded(sources, records),
    )
