"""Asking a model for words: the record first, then budget and breaker, then the client, and one re-ask.

The judge's parts put together for replies that are no scores: its clients, record, budget, breaker and turns.
"""

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from runtime.judge.asking import describe_model
from runtime.judge.breaker import CircuitBreaker, CircuitOpenError
from runtime.judge.budget import Budget, BudgetSpentError
from runtime.judge.client import Client, Delivered
from runtime.judge.prices import Price, estimated_tokens, price_of
from runtime.judge.prompt import Prompt, load_prompt
from runtime.judge.record import RecordedReply, Replies, ReplyRecord
from runtime.judge.reply import READERS
from runtime.judge.request import Picture, Request
from runtime.judge.retries import RequestFailedError
from runtime.judge.settings import JudgeSettings
from runtime.judge.turns import Turns

from .replies import READ, UnusableReplyError

PROMPTS = {"caption": "carim_caption_v1", "elements": "carim_elements_v1"}
HERE = "this machine"  # the endpoint of a model that no service runs
LARGE_PICTURE = 6  # a picture above 384 px costs up to so many of the small ones that prices.py counts
SMALL_PX = 384
LONG_REPLY = 4  # a caption or a list is about as long as so many scores with their rationale
# one budget for models of different prices: the tokens that it counts are dollars
IN_DOLLARS = Price(input_usd=1e6, output_usd=0.0)


@dataclass
class Tally:
    """What a writer did so far."""

    asked: int = 0
    recorded: int = 0
    failed: int = 0
    usd: float = 0.0
    priced: bool = True
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def add(self, *, asked: int = 0, recorded: int = 0, failed: int = 0, usd: float | None = 0.0) -> None:
        """Counts in; `usd` None marks a price that is not known."""
        with self._lock:
            self.asked, self.recorded, self.failed = self.asked + asked, self.recorded + recorded, self.failed + failed
            self.usd, self.priced = self.usd + (usd or 0.0), self.priced and usd is not None


class NotWrittenError(Exception):
    """Nothing that can be used was brought; the message says why."""


class Writer:
    """Writes captions (`mode` caption) or lists their elements (elements) with one model; serves several threads.

    Without a client it only replays `replies`. `record` is read and written: what it holds is not asked for again.
    """

    def __init__(
        self,
        mode: str,
        settings: JudgeSettings,
        budget: Budget,
        *,
        client: Client | None = None,
        record: ReplyRecord | None = None,
        replies: Replies | None = None,
    ) -> None:
        self.mode, self.settings, self.client, self.budget = mode, settings, client, budget
        self.prompt: Prompt = load_prompt(PROMPTS[mode], "carim")
        self.tally = Tally()
        self._record, self._replies = record, replies or record
        self._price = price_of(settings.model)
        self._breaker = CircuitBreaker(settings.breaker_failures, settings.breaker_cool_down_s)
        self._slots = threading.BoundedSemaphore(settings.concurrency)
        self._turns = Turns()
        self._read: Callable[[str], Any] = READ[mode]

    @property
    def name(self) -> str:
        """The model, and the endpoint where that is not its maker's; "replay of" where nobody is asked."""
        if self.client is None:
            return f"replay of {self.settings.model}"
        if self.client.endpoint == HERE:
            return f"{self.settings.model} on {HERE}"
        return describe_model(self.settings.model, self.client.wire, self.client.endpoint)

    def caption(self, picture: Picture) -> str:
        """Of one picture; raises NotWrittenError, ImageDecodeError for a file that is no picture."""
        return str(self._write(self._request(None, (picture,))))

    def elements(self, caption: str) -> tuple[str, ...]:
        """Of a caption; raises NotWrittenError."""
        return tuple(self._write(self._request(caption, ())))

    def close(self) -> None:
        """Closes the client's connections; the record is its opener's."""
        if self.client:
            self.client.close()

    def _request(self, text: str | None, pictures: tuple[Picture, ...]) -> Request:
        chosen = self.settings
        return Request(
            mode=self.mode,
            prompt=self.prompt,
            text=text,
            image=None,
            candidates=pictures,
            max_image_px=chosen.max_image_px,
            temperature=chosen.temperature,
        )

    def _write(self, request: Request) -> Any:
        with self._turns.of(request.key(self.settings.model).sha256):
            try:
                text, problem, final = self._text(request)
                value, problem = self._value(text, problem)
                if value is None and not final:
                    value, second = self._second(request, problem)
                    problem = second or problem
            except NotWrittenError:
                self.tally.add(failed=1)
                raise
            if value is None:
                self.tally.add(failed=1)
                raise NotWrittenError(f"{self.settings.model}: {problem}")
            return value

    def _second(self, request: Request, problem: str) -> tuple[Any, str]:
        try:
            text, said, _ = self._text(request.again(problem))
        except NotWrittenError:  # the first reply's fault is the one to tell
            return None, problem
        return self._value(text, said)

    def _value(self, text: str | None, problem: str) -> tuple[Any, str]:
        if text is None:
            return None, problem
        try:
            return self._read(text), ""
        except UnusableReplyError as error:
            return None, str(error)

    def _text(self, request: Request) -> tuple[str | None, str, bool]:
        """What the model said, recorded or now, or None and why; and whether asking again would change nothing."""
        reply = self._known(request)
        if reply is not None:
            self.tally.add(recorded=1)
        elif self.client is None:
            name = self._replies.name if self._replies else "the record"
            raise NotWrittenError(f"{name} has no reply of {self.settings.model} to this (mode {self.mode})")
        else:
            reply = self._send(request, self.client)
        if reply.body is None:
            return None, "the reply's words were redacted", True
        said = READERS[reply.wire](reply.body)
        return said.text, said.reason, said.final

    def _known(self, request: Request) -> RecordedReply | None:
        found = self._replies.find(request.key(self.settings.model)) if self._replies else None
        if found is None or not (self.client and self.settings.ask_again and found.problem):
            return found
        if request.complaint:
            return None
        again = self._replies.find(request.again("unusable").key(self.settings.model)) if self._replies else None
        return found if again is not None and not again.problem else None

    def _send(self, request: Request, client: Client) -> RecordedReply:
        tokens = self.estimated(request)
        with self._slots:
            try:
                self._breaker.check()
                reserved = self.budget.reserve(self._dollars(*tokens), 0)  # type: ignore[arg-type]
            except CircuitOpenError:
                raise NotWrittenError(f"not asked: {self.settings.model} is {self._breaker.open_reason}") from None
            except BudgetSpentError as error:
                raise NotWrittenError(str(error)) from None
            try:
                delivered = client.send(request)
            except BaseException as error:
                self.budget.settle(reserved, 0, 0)
                if not isinstance(error, RequestFailedError):
                    raise
                self._breaker.failed(str(error))
                raise NotWrittenError(f"{self.settings.model}: {error}") from None
            self._breaker.succeeded()
        return self._recorded(request, client, delivered, reserved)

    def _recorded(self, request: Request, client: Client, delivered: Delivered, reserved: float) -> RecordedReply:
        said = READERS[client.wire](delivered.body)
        dollars = self._dollars(said.input_tokens, said.output_tokens)
        self.budget.settle(reserved, dollars, 0)  # type: ignore[arg-type]
        known = None if self._price is None else dollars
        shape = {"max_image_px": self.settings.max_image_px, "temperature": self.settings.temperature}
        reply = RecordedReply(
            key=request.key(self.settings.model),
            prompt=self.prompt.name,
            settings=json.dumps(shape),
            wire=client.wire,
            endpoint=client.endpoint,
            body=delivered.body,
            problem=self._value(said.text, said.reason)[1],
            input_tokens=said.input_tokens,
            output_tokens=said.output_tokens,
            price_usd=known,
            attempts=delivered.attempts,
            latency_ms=round(delivered.latency_ms, 3),
            recorded_at=datetime.now(UTC).isoformat(timespec="seconds"),
        )
        if self._record is not None:
            self._record.append(reply)  # on disk before anyone uses it
        self.tally.add(asked=1, usd=known)
        return reply

    def estimated(self, request: Request) -> tuple[int, int]:
        """Tokens in and out that `request` may take; the picture is not decoded for it."""
        letters = len(request.prompt.text) + len(request.text or "") + len(request.complaint)
        pictures = len(request.candidates) * (1 if request.max_image_px <= SMALL_PX else LARGE_PICTURE)
        return estimated_tokens(letters, pictures, LONG_REPLY)

    def _dollars(self, input_tokens: int, output_tokens: int) -> float:
        return self._price.of(input_tokens, output_tokens) if self._price else 0.0
