"""A data folder's own captions as queries, and what a judge makes of the items that they retrieve."""

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from runtime.bundle import Bundle
from runtime.dataset import Dataset, Record, caption_key, captions_of, read_dataset
from runtime.errors import InvalidInputError
from runtime.judge import Judge
from runtime.results import Candidate, Query

from .fused_orders import Scores
from .trials import RELEVANT, Trials, fold_cosines_of, phantom_trials

TRUTH = ("region", "side", "finding")
PHANTOM_FILE = "phantoms.json"  # the phantoms' own description: what bears it is synthetic
LANGUAGES = ("en", "vi")

EncodeTexts = Callable[[list[str]], NDArray[np.float32]]


def own_trials(bundle: Path, data: Path) -> Trials:
    """Every distinct caption of `data` asked over all its pictures.

    Relevant is what shows the same region, side and finding where every picture says them (as phantoms do), else
    what bears an equal caption. Raises InvalidInputError where the bundle was trained on exactly this data.
    """
    dataset = read_dataset(data)
    if Bundle.open(bundle).manifest.training.get("data_fingerprint") == dataset.fingerprint:
        raise InvalidInputError(
            f"{bundle} was trained on {data}: a fusion tuned there would trust retrieval too much; give data that "
            "training did not see (train with --hold-out, or draw phantoms with another --seed)"
        )
    if all(key in record.metadata for record in dataset.records for key in TRUTH):
        return phantom_trials(bundle, data)
    return caption_trials(bundle, dataset, name=data.name)


def caption_trials(bundle: Path, dataset: Dataset, name: str) -> Trials:
    """Every distinct caption (by `caption_key`) once a language; relevant is every picture that bears it."""
    items = list(dataset.records)
    asked: dict[tuple[str, str], tuple[str, str]] = {}
    bearers: dict[tuple[str, str], list[int]] = {}
    for row, record in enumerate(items):
        for language in LANGUAGES:
            for caption in captions_of(record, "vi" if language == "vi" else "en"):
                key = (language, caption_key(caption))
                asked.setdefault(key, (caption, record.group or f"caption {key[1]}"))
                bearers.setdefault(key, []).append(row)
    if not asked:
        raise InvalidInputError(f"{dataset.root}: no picture has a caption, so there is no query to tune on")
    grades = np.zeros((len(asked), len(items)), np.int8)
    for query, rows in enumerate(bearers.values()):
        grades[query, rows] = RELEVANT
    texts = [text for text, _ in asked.values()]
    return Trials(
        name=name,
        texts=texts,
        groups=[group for _, group in asked.values()],
        strata={"language": [language for language, _ in asked]},
        items=items,
        cosines=fold_cosines_of(bundle, texts, [record.path for record in items]),
        grades=grades,
    )


def is_synthetic(data: Path) -> bool:
    """Whether `data` is a set of phantoms."""
    return (data / PHANTOM_FILE).is_file()


def judge_scores(trials: Trials, judge: Judge, k: int) -> Scores:
    """(Q, k) float64 scores of each query's first k items, NaN where unjudged.

    An item is shown with its first caption in the query's language that is not the query itself: a judge that reads
    captions would otherwise find the query in them. No truth attribute is shown. Raises InvalidInputError where not
    one relevant item got a score: nothing about the judge can be learnt then.
    """
    top = trials.top(k)
    languages = trials.strata.get("language", ["en"] * len(trials.texts))
    scores = np.full(top.shape, np.nan)
    asked = zip(trials.texts, languages, strict=True)
    for query, (text, language) in enumerate(tqdm(asked, total=len(top), desc="judge", file=sys.stderr, disable=None)):
        candidates = [
            Candidate(
                item_id=row,
                rank=rank,
                path=str(trials.items[row].path),
                caption=other_caption(trials.items[row], text, language),
                metadata={},
                similarity=float(trials.similarities[query, row]),
                fold_cosines=tuple(trials.cosines[query, row].tolist()),
                fold_votes=(),
            )
            for rank, row in enumerate(top[query].tolist(), start=1)
        ]
        answer = judge.judge(Query(text), candidates, lambda c: Path(c.path).read_bytes())
        scores[query] = [np.nan if judgement.score is None else judgement.score for judgement in answer]
    if trials.relevant.any() and not (~np.isnan(scores) & np.take_along_axis(trials.relevant, top, 1)).any():
        raise InvalidInputError(
            f"the {judge.name} scored no relevant item, so nothing can be tuned; the local judge needs a second "
            "caption an image (the first is the query), replay needs a record of these very queries and images"
        )
    return scores


def other_caption(record: Record, query: str, language: str) -> str | None:
    """The record's first caption in `language` that is not the query (by `caption_key`), or None."""
    captions = captions_of(record, "vi" if language == "vi" else "en")
    return next((caption for caption in captions if caption_key(caption) != caption_key(query)), None)


def remembered(encode: EncodeTexts) -> EncodeTexts:
    """`encode` that encodes no text twice: N texts -> (N, K, D) float32."""
    known: dict[str, NDArray[np.float32]] = {}

    def encode_new(texts: list[str]) -> NDArray[np.float32]:
        new = [text for text in dict.fromkeys(texts) if text not in known]
        if new:
            known.update(zip(new, encode(new), strict=True))
        return np.stack([known[text] for text in texts])

    return encode_new
