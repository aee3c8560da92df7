"""The one place that speaks to the Gemini API: a question goes out, the HTTP body comes back."""

import importlib
import threading
import time
from typing import Any
from urllib.parse import urlsplit

from ..errors import JudgeError
from ..images import RgbImage, decode_image
from .picture import shrink_to_jpeg
from .pointwise import OFFICIAL_ENDPOINT, Question
from .prompt import finding_block, load_prompt
from .record import RecordedReply
from .settings import GeminiSettings

# rationale first: the model reasons before it commits to a number
_SCHEMA = {
    "type": "OBJECT",
    "properties": {"rationale": {"type": "STRING"}, "score": {"type": "NUMBER", "minimum": 0, "maximum": 1}},
    "required": ["rationale", "score"],
    "propertyOrdering": ["rationale", "score"],
}
_REASON_LENGTH = 300


class RequestFailedError(Exception):
    """A request that brought no reply, after all attempts; the message never holds the key."""

    def __init__(self, reason: str, attempts: int, latency_ms: float) -> None:
        super().__init__(reason)
        self.attempts = attempts
        self.latency_ms = latency_ms


class GeminiClient:
    """google-genai's client with this project's request, time-outs and retries; serves several threads."""

    def __init__(self, settings: GeminiSettings, key: str) -> None:
        try:
            from google.genai import Client, errors, types  # noqa: PLC0415 - 0.4 s, and only this judge needs it
        except ImportError as error:
            raise JudgeError(
                f"the Gemini judge needs google-genai ({error}); pip install -r requirements-runtime.txt"
            ) from error
        self._types = types
        self._settings = settings
        self._key = key
        self._counter = threading.local()
        self._prompt = load_prompt(settings.prompt).text
        # never left to the environment: GOOGLE_GEMINI_BASE_URL or Vertex variables would redirect the images
        base_url = settings.base_url or f"https://{OFFICIAL_ENDPOINT}/"
        self.endpoint = urlsplit(base_url).hostname or base_url
        self._client = Client(vertexai=False, api_key=key, http_options=self._http_options(base_url))
        # the transport is httpx2, or httpx where that is absent; their errors are no APIError
        transports = [_module(name) for name in ("httpx2", "httpx")]
        self._errors: tuple[type[Exception], ...] = (
            errors.APIError,
            *(transport.HTTPError for transport in transports if transport),
        )

    def _http_options(self, base_url: str) -> Any:
        return self._types.HttpOptions(
            base_url=base_url,
            timeout=self._settings.timeout_ms,
            retry_options=self._types.HttpRetryOptions(
                attempts=self._settings.attempts,
                initial_delay=self._settings.retry_delay_s,
                max_delay=self._settings.max_retry_delay_s,
                jitter=min(1.0, self._settings.retry_delay_s),
            ),
            client_args={"event_hooks": {"request": [self._count]}},
        )

    def _count(self, request: object) -> None:
        # httpx calls this in the thread that sends, once for each attempt
        self._counter.attempts += 1

    def ask(self, question: Question) -> RecordedReply:
        """The reply's body as it came; raises RequestFailedError, ImageDecodeError for a broken picture."""
        contents = self._contents(question)
        self._counter.attempts = 0
        started = time.perf_counter()
        try:
            response = self._client.models.generate_content(
                model=self._settings.model, contents=contents, config=self._config()
            )
        except self._errors as error:
            raise RequestFailedError(self._reason(error), self._counter.attempts, _ms(started)) from None
        body: str = response.sdk_http_response.body or ""
        return RecordedReply(body.encode(), self.endpoint, self._counter.attempts, _ms(started))

    def _config(self) -> Any:
        return self._types.GenerateContentConfig(
            system_instruction=self._prompt,
            response_mime_type="application/json",
            response_schema=_SCHEMA,
            temperature=self._settings.temperature,
            should_return_http_response=True,
        )

    def _contents(self, question: Question) -> list[Any]:
        parts: list[Any] = []
        if question.text:
            parts.append(finding_block(question.text))
        if question.image is not None:
            parts += ["Example image of the finding:", self._jpeg(question.image)]
        candidate = decode_image(question.candidate, name=question.candidate_name)
        return [*parts, "Candidate image:", self._jpeg(candidate)]

    def _jpeg(self, image: RgbImage) -> Any:
        content = shrink_to_jpeg(image, self._settings.max_image_px)
        return self._types.Part.from_bytes(data=content, mime_type="image/jpeg")

    def _reason(self, error: Exception) -> str:
        code, message = getattr(error, "code", None), getattr(error, "message", None)
        kind = f"HTTP {code}" if code else type(error).__name__
        text = f"{kind}: {message or error}".replace(self._key, "[key]")
        return " ".join(text.split())[:_REASON_LENGTH]

    def close(self) -> None:
        """Closes the connections."""
        self._client.close()


def _module(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError:
        return None


def _ms(started: float) -> float:
    return (time.perf_counter() - started) * 1000
