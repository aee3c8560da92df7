"""One visitor's question, answered: no Gradio here, and nothing that outlives the call."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from runtime.dataset.records import clean_text
from runtime.errors import ImageDecodeError, InvalidInputError, JudgeNotEnabledError
from runtime.fusion import PosFuseSettings
from runtime.fusion.tuned import Tuned
from runtime.images import read_image
from runtime.judge import Judge
from runtime.judge.choose import choose_judge
from runtime.judge.keys import GEMINI_VARIABLES, find_key
from runtime.results import Query, SearchResult

from .examples import where
from .first_start import Ready

NO_CONSENT = (
    "Gemini is a service of Google: the query and the candidates' pictures would leave this machine. "
    "Tick the consent box, or choose the local caption judge."
)
NO_KEY = (
    f"Gemini needs a key: set {' or '.join(GEMINI_VARIABLES)} in the environment before the app is started, "
    "or choose the local caption judge."
)
NO_RECORD = "There is nothing to replay: start the app with --record FILE, a file that the Gemini judge wrote."
UNREADABLE = "The picture {name} cannot be read: use a PNG, JPEG, BMP, TIFF or WebP file of at most 64 megapixels."
EMPTY = "The query is empty: type what you look for, or add a picture."


@dataclass(frozen=True)
class QueryPicture:
    """The file of a picture that is the query; `item_id` is its own where it was picked from the gallery."""

    path: Path
    item_id: int | None = None


@dataclass(frozen=True)
class Question:
    """What the page's controls say."""

    text: str
    picture: QueryPicture | None
    k: int
    mode: str
    filters: Sequence[str]
    judge: str
    consent: bool
    judge_mode: str = "pointwise"
    min_confidence: float = 0.0


@dataclass(frozen=True, eq=False)
class Shown:
    """What a session keeps: the result, without the query's pixels, and the relevant items where they are known."""

    result: SearchResult
    relevant: frozenset[int] | None


def search(ready: Ready, question: Question, fusion: PosFuseSettings, record: Path | None) -> Shown:
    """Searches, judges and fuses. Raises KgerError with a sentence for the reader."""
    text = clean_text(question.text or "")
    if not text and not question.picture:
        raise InvalidInputError(EMPTY)
    query = _query(text, question.picture)
    with ExitStack() as cleanup:
        judge = _judge(ready, question, record)
        if hasattr(judge, "close"):
            cleanup.callback(judge.close)
        calibrated = _calibrated(ready, judge.name if judge else None, fusion)
        result = ready.system.search(
            query,
            k=question.k,
            where=where(question.filters),
            mode=question.mode,
            judge=judge,
            fusion=calibrated or fusion,
            min_confidence=question.min_confidence if calibrated else None,
            explain=True,
        )
    return Shown(replace(result, query=replace(query, image=None)), _relevant(ready, text, question))


def fuse_again(ready: Ready, shown: Shown, fusion: PosFuseSettings, min_confidence: float = 0.0) -> Shown:
    """The same candidates and judgements under other weights; nobody is asked again."""
    calibrated = _calibrated(ready, shown.result.judge, fusion)
    least = min_confidence if calibrated else None
    return replace(shown, result=ready.system.fuse(shown.result, calibrated or fusion, min_confidence=least))


def _calibrated(ready: Ready, judge: str | None, fusion: PosFuseSettings) -> Tuned | None:
    """What tells how sure the answer is, where it was calibrated for this judge and these very settings."""
    tuned = ready.calibration
    return tuned if tuned and tuned.judge == judge and tuned.fusion == fusion else None


def fusion_of(controls: Sequence[Any]) -> PosFuseSettings:
    """Pos-Fuse settings from the page's controls, in its order; each weight's partner is what it leaves of 1."""
    judge_weight, position_weight, decay_rate, decay, strategy, variant = controls
    return PosFuseSettings(
        variant=variant,
        decay=decay,
        decay_rate=decay_rate,
        strategy=strategy,
        retrieval_weight=round(1 - judge_weight, 6),
        judge_weight=judge_weight,
        position_weight=position_weight,
        score_weight=round(1 - position_weight, 6),
    )


def _query(text: str, picture: QueryPicture | None) -> Query:
    if picture is None:
        return Query(text)
    name = picture.path.name
    try:
        image = read_image(picture.path)
    except ImageDecodeError as error:  # its message would name the server's temporary folder
        raise InvalidInputError(UNREADABLE.format(name=name)) from error
    return Query(text or None, image, name)


def _judge(ready: Ready, question: Question, record: Path | None) -> Judge | None:
    if question.judge == "gemini":
        if not question.consent:
            raise JudgeNotEnabledError(NO_CONSENT)
        if not find_key(GEMINI_VARIABLES):
            raise JudgeNotEnabledError(NO_KEY)
    if question.judge == "replay" and record is None:
        raise InvalidInputError(NO_RECORD)
    encode = ready.system.encoder.encode_texts
    return choose_judge(
        question.judge,
        encode,
        record=record,
        allow_upload=question.consent,
        settings={"mode": question.judge_mode} if question.judge == "gemini" else None,
    )


def _relevant(ready: Ready, text: str, question: Question) -> frozenset[int] | None:
    if text and question.picture:  # no single item's truth describes what both ask for
        return None
    if question.picture is None:
        return ready.truth.of_text(text)
    return None if question.picture.item_id is None else ready.truth.of_item(question.picture.item_id)
