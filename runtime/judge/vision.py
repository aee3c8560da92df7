"""A judge that looks at pictures, whatever service answers: pointwise or listwise, with pairwise tie-breaks."""

from collections.abc import Sequence
from functools import partial
from typing import Self

from ..errors import ImageDecodeError
from ..knowledge import load_knowledge
from ..results import Candidate, Judgement, Query
from .asking import Asker, describe_model
from .listwise import judge_listwise
from .pairwise import Preference
from .pointwise import Make, judge_pointwise
from .prices import estimated_tokens, price_of
from .prompt import load_prompt
from .protocol import ImageReader
from .request import Picture, Request
from .settings import JudgeSettings

LETTERS_OF_A_QUERY = 1500  # the query, and the knowledge beside it


class VisionJudge:
    """Scores candidates by what a vision-language model says of their pictures. A context manager."""

    def __init__(self, asker: Asker) -> None:
        self._asker = asker
        self._settings = asker.settings

    @property
    def name(self) -> str:
        """The model, and the endpoint where that is not its maker's."""
        client = self._asker.client
        return describe_model(self._settings.model, client.wire, client.endpoint) if client else self._settings.model

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences for the user about the judge as a whole; empty while all is well."""
        reason = self._asker.breaker.open_reason
        said = [f"the judge is {reason}" if reason else "", self._asker.budget.limit_reached]
        return tuple(f"{words}; what is unjudged is ranked by retrieval alone" for words in said if words)

    @property
    def settings(self) -> JudgeSettings:
        """As given, or as a record has them."""
        return self._settings

    @property
    def asks(self) -> bool:
        """Whether a service is asked; a replay asks nobody."""
        return self._asker.client is not None

    def estimate(self, queries: int, k: int) -> str:
        """A sentence for the user: how many calls and dollars that many queries with k candidates take.

        Without re-asks and tie-breaks.
        """
        mode, orders = self._settings.mode, self._settings.orders
        calls, shown = queries * orders * (k if mode == "pointwise" else 1), 1 if mode == "pointwise" else k
        letters = len(load_prompt(self._settings.prompt_of(mode)).text) + LETTERS_OF_A_QUERY
        tokens_in, tokens_out = estimated_tokens(letters, shown, shown)
        price = price_of(self._settings.model)
        cost = f"about ${calls * price.of(tokens_in, tokens_out):.2f}" if price else "of a price that is not listed"
        return (
            f"{self.name}: {calls} calls ({queries} queries, {mode}), {cost} by assets/prices.json; what is on record "
            "costs nothing, a reply that cannot be used is asked for once more"
        )

    def judge(self, query: Query, candidates: Sequence[Candidate], images: ImageReader) -> list[Judgement]:
        """One Judgement per candidate, in the same order; what the service fails on is unjudged."""
        text = _text(query)
        if text is None and query.image is None:
            reason = "the query has neither text nor image"
            return [Judgement(c.item_id, None, reason, self.name, attempts=0) for c in candidates]
        # read in the caller's thread: a gallery's connection may be bound to it
        pictures = [self._read(c, images) for c in candidates]
        make, chosen = self._make(query, self._settings.mode), self._settings
        if chosen.mode == "listwise":
            return judge_listwise(
                candidates, pictures, make, self._asker.ask, shuffles=chosen.shuffles, concurrency=chosen.concurrency
            )
        return judge_pointwise(
            candidates, pictures, make, self._asker.ask, runs=chosen.runs, concurrency=chosen.concurrency
        )

    def compare(self, query: Query, high: Candidate, low: Candidate, images: ImageReader) -> Preference:
        """Which of the two shows the query better, asked in both orders."""
        pictures = [self._read(candidate, images) for candidate in (high, low)]
        one, other = (picture if isinstance(picture, Picture) else None for picture in pictures)
        if one is None or other is None:
            return Preference(None)
        make = self._make(query, "pairwise")
        try:
            answers = [self._asker.ask(make(pair, 0)) for pair in ((one, other), (other, one))]
        except ImageDecodeError:
            return Preference(None)
        first, second = answers[0].scores[0], answers[1].scores[1]
        return Preference(
            None if first is None or second is None else first if first == second else 0.5,
            attempts=sum(answer.attempts for answer in answers),
            input_tokens=sum(answer.input_tokens for answer in answers),
            output_tokens=sum(answer.output_tokens for answer in answers),
            usd=sum(answer.price_usd or 0.0 for answer in answers),
        )

    def _make(self, query: Query, mode: str) -> Make:
        chosen, text = self._settings, _text(query)
        prompt = load_prompt(chosen.prompt_of(mode))
        told = chosen.knowledge and bool(text) and "<knowledge>" in prompt.text  # the published form knows of none
        return partial(
            self._request,
            mode=mode,
            prompt=prompt,
            text=text,
            image=query.image,
            knowledge=load_knowledge().block(text or "") if told else "",
            max_image_px=chosen.max_image_px,
            temperature=chosen.temperature,
        )

    @staticmethod
    def _request(candidates: tuple[Picture, ...], run: int, **rest: object) -> Request:
        return Request(candidates=candidates, run=run, **rest)  # type: ignore[arg-type]

    def _read(self, candidate: Candidate, images: ImageReader) -> Picture | Judgement:
        try:
            return Picture(candidate.path, images(candidate))
        except (OSError, ImageDecodeError) as error:
            reason = f"the candidate's image cannot be read: {error}"
            return Judgement(candidate.item_id, None, reason, self.name, attempts=0)

    def close(self) -> None:
        """Closes the connections and the record."""
        self._asker.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


def _text(query: Query) -> str | None:
    return (query.text or "").strip() or None
