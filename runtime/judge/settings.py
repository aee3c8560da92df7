"""The settings of a judge that looks at pictures."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from ..errors import InvalidInputError

MODES = ("pointwise", "listwise")
PROMPTS = {"pointwise": "kger_pointwise_v2", "listwise": "kger_listwise_v1", "pairwise": "kger_pairwise_v1"}
REPLAYED = ("max_image_px", "temperature", "knowledge")  # beside mode, prompt, model and run: what shapes a request
DEFAULT_MODEL = "gemini-3.8-flash"


@dataclass(frozen=True)
class JudgeSettings:
    """What is asked, how often, and how patiently.

    `mode` pointwise asks about one candidate a call and averages `runs` calls; listwise shows all of them in one
    call and averages over `shuffles` orders. `prompt` names the pointwise prompt, "" takes the newest;
    `knowledge` puts what is known of the query's regions beside it. `concurrency` bounds the requests under way;
    `timeout_ms` is for one attempt; `attempts` counts the first try, later ones (after 408, 429, 5xx and time-outs)
    wait what the service asks for, up to `max_retry_after_s`, else `retry_delay_s`, doubled each time, at most
    `max_retry_delay_s`. After `breaker_failures` failed requests in a row nothing is asked for
    `breaker_cool_down_s`. Pictures are sent at most `max_image_px` wide and high. `base_url` is for another
    endpoint than the service's own, which results then name. `temperature` None leaves the model's own.
    `ask_again` asks anew what was recorded without a usable score.
    Raises InvalidInputError for a value that cannot be used.
    """

    model: str = DEFAULT_MODEL
    mode: str = "pointwise"
    prompt: str = ""
    knowledge: bool = True
    runs: int = 1
    shuffles: int = 3
    concurrency: int = 4
    timeout_ms: int = 60_000
    attempts: int = 4
    retry_delay_s: float = 1.0
    max_retry_delay_s: float = 20.0
    max_retry_after_s: float = 120.0
    breaker_failures: int = 5
    breaker_cool_down_s: float = 60.0
    max_image_px: int = 384
    temperature: float | None = None
    base_url: str | None = None
    ask_again: bool = False

    def __post_init__(self) -> None:
        if not self.model.strip():
            raise InvalidInputError(f"the judge's model name is empty; give one such as {DEFAULT_MODEL}")
        if self.mode not in MODES:
            raise InvalidInputError(f"the judge's mode is {self.mode!r}; choose one of {', '.join(MODES)}")
        for name in (
            "runs", "shuffles", "concurrency", "timeout_ms", "attempts", "max_image_px", "breaker_failures",
        ):  # fmt: skip
            if getattr(self, name) < 1:
                raise InvalidInputError(f"the judge's {name} is {getattr(self, name)}; expected at least 1")
        if self.base_url is not None and not _is_url(self.base_url):
            # what may hold a password is not quoted
            given = "hidden here, for it may hold a password" if {*"@?#"} & {*self.base_url} else repr(self.base_url)
            raise InvalidInputError(
                f"the judge's base_url is {given}; expected http(s)://HOST[:PORT][/PATH], without user, password, "
                "query or fragment"
            )
        for name in ("retry_delay_s", "max_retry_delay_s", "max_retry_after_s", "breaker_cool_down_s"):
            if not getattr(self, name) >= 0:
                raise InvalidInputError(f"the judge's {name} is {getattr(self, name)}; expected at least 0")

    def prompt_of(self, mode: str) -> str:
        """The name of the prompt for `mode` (pairwise too)."""
        return self.prompt if self.prompt and mode == "pointwise" else PROMPTS[mode]

    @property
    def orders(self) -> int:
        """How many calls are averaged: runs or shuffles."""
        return self.shuffles if self.mode == "listwise" else self.runs


def _is_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
        port = parts.port  # raises where it is none
    except ValueError:
        return False
    plain = text.isascii() and text.isprintable() and not {*" \\@?#"} & {*text}
    return plain and parts.scheme in {"http", "https"} and bool(parts.hostname) and port != 0
