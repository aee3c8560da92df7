"""The settings of the Gemini judge."""

import hashlib
from dataclasses import dataclass
from urllib.parse import urlsplit

from ..errors import InvalidInputError
from .prompt import DEFAULT_PROMPT, load_prompt


@dataclass(frozen=True)
class GeminiSettings:
    """What is asked, how often, and how patiently.

    `runs` are averaged; `concurrency` bounds the requests under way; `timeout_ms` is for one attempt;
    `attempts` counts the first try, later ones (after 408, 429, 5xx and time-outs) wait `retry_delay_s`,
    doubled each time, at most `max_retry_delay_s`. Pictures are sent at most `max_image_px` wide and high.
    `base_url` is for another endpoint than Google's, which results then name. `temperature` None leaves
    the model's own. Raises InvalidInputError for a value that cannot be used.
    """

    model: str = "gemini-3.8-flash"
    prompt: str = DEFAULT_PROMPT
    runs: int = 1
    concurrency: int = 4
    timeout_ms: int = 60_000
    attempts: int = 4
    retry_delay_s: float = 1.0
    max_retry_delay_s: float = 20.0
    max_image_px: int = 384
    temperature: float | None = None
    base_url: str | None = None

    def __post_init__(self) -> None:
        if not self.model.strip():
            raise InvalidInputError("the judge's model name is empty; give one such as gemini-3.8-flash")
        for name in ("runs", "concurrency", "timeout_ms", "attempts", "max_image_px"):
            if getattr(self, name) < 1:
                raise InvalidInputError(f"the judge's {name} is {getattr(self, name)}; expected at least 1")
        if self.base_url is not None and not _is_url(self.base_url):
            raise InvalidInputError(f"the judge's base_url is {self.base_url!r}; expected http(s)://HOST[:PORT]")
        for name in ("retry_delay_s", "max_retry_delay_s"):
            if not getattr(self, name) >= 0:
                raise InvalidInputError(f"the judge's {name} is {getattr(self, name)}; expected at least 0")

    @property
    def request_sha256(self) -> str:
        """SHA-256 of the prompt's text and of the settings that shape a request beside the model's name."""
        shape = f"{load_prompt(self.prompt).sha256} {self.max_image_px} {self.temperature}"
        return hashlib.sha256(shape.encode()).hexdigest()


def _is_url(text: str) -> bool:
    parts = urlsplit(text)
    return parts.scheme in {"http", "https"} and bool(parts.hostname)
