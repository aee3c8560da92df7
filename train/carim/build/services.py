"""From a captioner's or extractor's name on the command line to a writer: consent, key, record and shared budget."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from runtime.errors import InvalidInputError, JudgeError, JudgeNotEnabledError
from runtime.judge.asking import OFFICIAL_ENDPOINTS
from runtime.judge.budget import Budget
from runtime.judge.keys import GEMINI_VARIABLES, OPENAI_VARIABLES, find_key
from runtime.judge.prices import price_of
from runtime.judge.record import RecordedReply, Replies, ReplyRecord
from runtime.judge.record_file import RecordFile
from runtime.judge.settings import DEFAULT_MODEL, JudgeSettings

from .writer import IN_DOLLARS, Writer

if TYPE_CHECKING:
    from runtime.judge.client import Client

CAPTIONERS = ("given", "gemini", "openai", "qwen-vl", "replay")
EXTRACTORS = ("given", "gemini", "openai", "qwen", "replay")
OPTION = {"caption": "captioner", "elements": "extractor"}
SENT = {"caption": "pictures", "elements": "captions"}
IMAGE_PX = 768
_SQLITE = b"SQLite format 3\x00"


@dataclass(frozen=True)
class Choice:
    """One of CAPTIONERS or EXTRACTORS, its model and its endpoint, None for the usual ones."""

    name: str
    model: str | None = None
    url: str | None = None


@dataclass(frozen=True)
class Terms:
    """What holds for captioner and extractor together: limits are of both, None is no limit."""

    record: Path
    allow_upload: bool = False
    ask_again: bool = False
    concurrency: int = 4
    image_px: int = IMAGE_PX
    max_calls: int | None = None
    max_cost_usd: float | None = None


class Writers:
    """The captioner and the extractor, None for "given"; a context manager that closes them and their record.

    Raises JudgeNotEnabledError without consent or key, InvalidInputError for options that do not fit.
    """

    def __init__(self, captioner: Choice, extractor: Choice, terms: Terms) -> None:
        self._terms = terms
        self._record: ReplyRecord | None = None
        self._replayed: Replies | None = None
        self.budget = Budget(IN_DOLLARS, terms.max_calls, terms.max_cost_usd)
        self.captioner = self.extractor = None
        # every choice is checked before the record is made: one that is refused leaves no file
        makers = [self._maker("caption", captioner, CAPTIONERS), self._maker("elements", extractor, EXTRACTORS)]
        try:
            self.captioner, self.extractor = (make() if make else None for make in makers)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> "Writers":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes connections and record."""
        for writer in (self.captioner, self.extractor):
            if writer:
                writer.close()
        for record in (self._record, self._replayed):
            if isinstance(record, ReplyRecord):
                record.close()

    def _maker(self, mode: str, choice: Choice, names: tuple[str, ...]) -> "Callable[[], Writer] | None":
        if choice.name not in names:
            raise InvalidInputError(f"--{OPTION[mode]} {choice.name}; expected one of {', '.join(names)}")
        if choice.name == "given":
            return None
        if choice.name == "replay":
            return lambda: self._replay(mode, choice)
        if choice.name == "gemini":
            connect = self._gemini(mode, choice)
        elif choice.name == "openai":
            connect = self._openai(mode, choice)
        else:
            connect = self._qwen(mode, choice)
        return lambda: self._asking(mode, *connect)

    def _asking(self, mode: str, settings: JudgeSettings, client: "Callable[[], Client]") -> Writer:
        self._record = self._record or ReplyRecord(self._terms.record)
        return Writer(mode, settings, self.budget, client=client(), record=self._record)

    def _settings(self, model: str, choice: Choice, *, paid: bool = True, **changes: object) -> JudgeSettings:
        terms = self._terms
        if paid and terms.max_cost_usd is not None:
            Budget(price_of(model), None, terms.max_cost_usd, model)  # refuses a price that is not known
        settings = JudgeSettings(
            model=model,
            base_url=choice.url,
            concurrency=terms.concurrency,
            max_image_px=terms.image_px,
            ask_again=terms.ask_again,
            timeout_ms=120_000,
        )
        return replace(settings, **changes)  # type: ignore[arg-type]

    def _gemini(self, mode: str, choice: Choice) -> "tuple[JudgeSettings, Callable[[], Client]]":
        settings = self._settings(choice.model or DEFAULT_MODEL, choice)
        if not self._terms.allow_upload:
            raise _consent(mode, "gemini", "Google's service")
        key = find_key(GEMINI_VARIABLES)
        if not key:
            raise JudgeNotEnabledError(
                f"--{OPTION[mode]} gemini needs an API key and neither {' nor '.join(GEMINI_VARIABLES)} is set; set "
                "one, in the environment or in a .env file"
            )
        from runtime.judge.gemini_client import GeminiClient  # noqa: PLC0415 - google-genai is slow to import

        return settings, lambda: GeminiClient(settings, key)

    def _openai(self, mode: str, choice: Choice) -> "tuple[JudgeSettings, Callable[[], Client]]":
        from runtime.judge.openai_client import OpenAiClient, is_loopback  # noqa: PLC0415 - httpx, only where used

        if not choice.model:
            raise InvalidInputError(
                f"--{OPTION[mode]} openai needs the name of the model that is served: --{OPTION[mode]}-model NAME"
            )
        settings = self._settings(choice.model, choice)
        host = urlsplit(choice.url).hostname if choice.url else OFFICIAL_ENDPOINTS["openai"]
        if not (self._terms.allow_upload or is_loopback(host or "")):
            raise _consent(mode, "openai", str(host))
        key = find_key(OPENAI_VARIABLES)
        if not key and host == OFFICIAL_ENDPOINTS["openai"]:
            raise JudgeNotEnabledError(
                f"OpenAI's endpoint needs an API key and OPENAI_API_KEY is not set; set it, in the environment or in a "
                f".env file, or give an endpoint of your own with --{OPTION[mode]}-url"
            )
        return settings, lambda: OpenAiClient(settings, key)

    def _qwen(self, mode: str, choice: Choice) -> "tuple[JudgeSettings, Callable[[], Client]]":
        from .qwen import DEFAULT_MODELS, QwenClient, model_name  # noqa: PLC0415 - transformers, only where used

        source = choice.model or DEFAULT_MODELS[mode]
        # the model works on one request at a time
        settings = self._settings(model_name(source), replace(choice, url=None), paid=False, concurrency=1)
        return settings, lambda: QwenClient(source, mode)

    def _replay(self, mode: str, choice: Choice) -> Writer:
        self._replayed = self._replayed or _open_replies(self._terms.record)
        mine = [r for r in self._replayed.all() if r.key.mode == mode and choice.model in {None, r.key.model}]
        models = sorted({r.key.model for r in mine})
        if len(models) != 1:
            found = f"replies of {', '.join(models)}; choose one with" if models else f"no {mode} reply; check"
            raise JudgeError(f"{self._terms.record} holds {found} --{OPTION[mode]}-model")
        settings = JudgeSettings(model=models[0], concurrency=1, **_shape(mine[-1]))
        return Writer(mode, settings, self.budget, replies=self._replayed)


def _shape(reply: RecordedReply) -> dict[str, object]:
    return {k: v for k, v in json.loads(reply.settings).items() if k in {"max_image_px", "temperature"}}


def _open_replies(path: Path) -> Replies:
    if not path.is_file():
        raise JudgeError(f"no record of replies at {path}; one is written by --captioner gemini --record {path}")
    with path.open("rb") as stream:
        return ReplyRecord(path, must_exist=True) if stream.read(len(_SQLITE)) == _SQLITE else RecordFile(path)


def _consent(mode: str, name: str, whom: str) -> JudgeNotEnabledError:
    return JudgeNotEnabledError(
        f"--{OPTION[mode]} {name} sends the {SENT[mode]} to {whom}: they leave this machine; switch it on with "
        f"--allow-upload, or give an endpoint on this machine with --{OPTION[mode]} openai --{OPTION[mode]}-url URL"
    )
