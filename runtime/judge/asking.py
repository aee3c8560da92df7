"""From a request to scores: the record first, then budget and breaker, then the service, and one re-ask."""

import json
import threading
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from ..errors import ReplayMissError
from .answers import Scores, read_scores
from .breaker import CircuitBreaker, CircuitOpenError
from .budget import Budget, BudgetSpentError
from .client import Client
from .prices import estimated_tokens
from .record import RecordedReply, Replies, ReplyRecord
from .reply import READERS, Said
from .request import Request
from .retries import RequestFailedError
from .settings import REPLAYED, JudgeSettings
from .turns import Turns

OFFICIAL_ENDPOINTS = {"gemini": "generativelanguage.googleapis.com", "openai": "api.openai.com"}


@dataclass(frozen=True)
class Answer:
    """What one request brought, a score and a reason for each candidate in the order shown.

    Tokens, dollars, time and attempts are those spent now: 0 where it was replayed. `price_usd` is None where
    the model's price is not known.
    """

    scores: tuple[float | None, ...]
    reasons: tuple[str, ...]
    model: str
    input_tokens: int = 0
    output_tokens: int = 0
    price_usd: float | None = 0.0
    latency_ms: float = 0.0
    attempts: int = 0
    replayed: bool = False


def describe_model(model: str, wire: str, endpoint: str) -> str:
    """`model`, and where it answered if that was not its maker's own endpoint."""
    if endpoint == OFFICIAL_ENDPOINTS[wire]:
        return model
    owner = "Google's" if wire == "gemini" else "OpenAI's"
    return f"{model} at {endpoint} (not {owner} service)"


class Asker:
    """Asks one model; without a client, only its record. Safe to call from several threads."""

    def __init__(
        self,
        settings: JudgeSettings,
        *,
        client: Client | None = None,
        record: ReplyRecord | None = None,
        replies: Replies | None = None,
        budget: Budget | None = None,
        strict: bool = False,
    ) -> None:
        """`record` is read and written, `replies` only read; `strict` raises ReplayMissError for what is missing."""
        self.settings = settings
        self.client = client
        self.budget = budget or Budget(model=settings.model)
        self.breaker = CircuitBreaker(settings.breaker_failures, settings.breaker_cool_down_s)
        self._record, self._replies, self._strict = record, replies or record, strict
        self._slots = threading.BoundedSemaphore(settings.concurrency)
        self._turns = Turns()  # two queries of a batch that are alike: the second finds the first's reply on record

    def ask(self, request: Request) -> Answer:
        """The scores of `request`; what fails is unjudged with the reason. Raises ImageDecodeError, ReplayMissError."""
        with self._turns.of(request.key(self.settings.model).sha256):
            return self._ask(request)

    def _ask(self, request: Request) -> Answer:
        first = self._reply(request)
        if isinstance(first, Answer):
            return first
        said, scores, spent = self._read(request, first)
        if scores.problem and not said.final:
            second = self._second(request.again(scores.problem))
            if isinstance(second, Answer):  # it brought nothing: the first stands, and what trying took is added
                spent = _added(spent, second) if second.attempts else spent
            elif second is not None:
                _, again, more = self._read(request, second)
                # the reply with more that can be used counts, the later one if both have as much
                scores = again if len(again.scores) >= len(scores.scores) else scores
                spent = _added(spent, more)
        return replace(
            spent,
            scores=tuple(scores.scores.get(name) for name in request.ids),
            reasons=tuple(
                scores.rationales[name] if name in scores.scores else scores.problem or "the reply has no score of it"
                for name in request.ids
            ),
        )

    def close(self) -> None:
        """Closes the client's connections and the record."""
        if self.client:
            self.client.close()
        for record in {id(r): r for r in (self._record, self._replies) if isinstance(r, ReplyRecord)}.values():
            record.close()

    def _reply(self, request: Request) -> RecordedReply | Answer:
        """A reply, just now or recorded (then without cost), or an answer without scores that says why."""
        known = self._known(request)
        if known is not None:
            return known
        if self.client is None:
            name = self._replies.name if self._replies else "the record"
            missing = f"{name} has no reply of {self.settings.model} for this query and image (run {request.run + 1})"
            if self._strict:
                raise ReplayMissError(
                    f"{missing}: {request.text or 'image query'!r}, {', '.join(p.name for p in request.candidates)}; "
                    "record it with --judge gemini --record FILE"
                )
            return self._nothing(request, missing)
        return self._send(request, self.client)

    def _second(self, request: Request) -> RecordedReply | Answer | None:
        # of a replay whose second reply was never recorded, the first stands
        return self._known(request) if self.client is None else self._reply(request)

    def _known(self, request: Request) -> RecordedReply | None:
        found = self._replies.find(request.key(self.settings.model)) if self._replies else None
        if found is None:
            return None
        if self.client and self.settings.ask_again and None in found.scores and not self._mended(request):
            return None
        return replace(found, attempts=0, latency_ms=0.0, input_tokens=0, output_tokens=0, price_usd=0.0)

    def _mended(self, request: Request) -> bool:
        """Whether the re-ask that followed is on record and whole, so that nothing is left to ask."""
        again = request.again("it was not usable").key(self.settings.model)
        second = None if request.complaint or self._replies is None else self._replies.find(again)
        return second is not None and None not in second.scores

    def _send(self, request: Request, client: Client) -> RecordedReply | Answer:
        parts = list(request.parts())
        letters = len(request.prompt.text) + sum(len(part) for part in parts if isinstance(part, str))
        pictures = sum(isinstance(part, bytes) for part in parts)
        tokens = estimated_tokens(letters, pictures, len(request.candidates))
        with self._slots:
            try:
                self.breaker.check()
                reserved = self.budget.reserve(*tokens)
            except (CircuitOpenError, BudgetSpentError) as error:
                return self._nothing(request, str(error))
            started = time.perf_counter()
            try:
                delivered = client.send(request)
            except RequestFailedError as error:
                self.budget.settle(reserved, 0, 0)
                self.breaker.failed(str(error))
                spent_ms = (time.perf_counter() - started) * 1000
                return self._nothing(request, str(error), attempts=error.attempts, latency_ms=spent_ms)
            except BaseException:
                self.budget.settle(reserved, 0, 0)
                raise
            self.breaker.succeeded()
        said = READERS[client.wire](delivered.body)
        scores = _scores(request, said)
        reply = RecordedReply(
            key=request.key(self.settings.model),
            prompt=request.prompt.name,
            settings=json.dumps({name: getattr(self.settings, name) for name in REPLAYED}),
            wire=client.wire,
            endpoint=client.endpoint,
            body=delivered.body,
            scores=tuple(scores.scores.get(name) for name in request.ids),
            rationale=" | ".join(f"{name}: {words}" for name, words in scores.rationales.items() if words),
            problem=scores.problem,
            input_tokens=said.input_tokens,
            output_tokens=said.output_tokens,
            price_usd=self.budget.settle(reserved, said.input_tokens, said.output_tokens),
            attempts=delivered.attempts,
            latency_ms=round(delivered.latency_ms, 3),
            recorded_at=datetime.now(UTC).isoformat(timespec="seconds"),
        )
        if self._record is not None:
            self._record.append(reply)
        return reply

    def _read(self, request: Request, reply: RecordedReply) -> tuple[Said, Scores, Answer]:
        replayed = reply.attempts == 0
        answer = Answer(
            scores=(),
            reasons=(),
            model=describe_model(self.settings.model, reply.wire, reply.endpoint),
            input_tokens=reply.input_tokens,
            output_tokens=reply.output_tokens,
            price_usd=reply.price_usd,
            latency_ms=reply.latency_ms,
            attempts=reply.attempts,
            replayed=replayed,
        )
        if reply.body is None:  # redacted: the scores that were read stand for the words
            kept = {name: score for name, score in zip(request.ids, reply.scores, strict=True) if score is not None}
            scores = Scores(kept, dict.fromkeys(kept, "(redacted)"), reply.problem)
            return Said(None, reply.problem), scores, answer
        said = READERS[reply.wire](reply.body)
        return said, _scores(request, said), answer

    def _nothing(self, request: Request, reason: str, *, attempts: int = 0, latency_ms: float = 0.0) -> Answer:
        none = (None,) * len(request.candidates)
        source = self.settings.model
        if self.client:
            source = describe_model(source, self.client.wire, self.client.endpoint)
        return Answer(
            scores=none,
            reasons=(reason,) * len(none),
            model=source,
            latency_ms=latency_ms,
            attempts=attempts,
            replayed=self.client is None,
        )


def _scores(request: Request, said: Said) -> Scores:
    if said.text is None:
        return Scores(problem=said.reason)
    return read_scores(said.text, request.mode, request.ids)


def _added(one: Answer, other: Answer) -> Answer:
    dollars = None if one.price_usd is None or other.price_usd is None else one.price_usd + other.price_usd
    return replace(
        one,
        input_tokens=one.input_tokens + other.input_tokens,
        output_tokens=one.output_tokens + other.output_tokens,
        price_usd=dollars,
        latency_ms=one.latency_ms + other.latency_ms,
        attempts=one.attempts + other.attempts,
        replayed=one.replayed and other.replayed,
    )
