"""The one place that speaks to the Gemini API: a request goes out, the HTTP body comes back."""

import importlib
import time
from typing import Any
from urllib.parse import urlsplit

from ..errors import JudgeError
from .asking import OFFICIAL_ENDPOINTS
from .client import Delivered
from .request import Request
from .retries import TRANSIENT, RequestFailedError, RetryPolicy, retry_after_s
from .settings import JudgeSettings

# rationale first: the model reasons before it commits to a number
_SCORE = {"rationale": {"type": "STRING"}, "score": {"type": "NUMBER", "minimum": 0, "maximum": 1}}
_ENTRY = {"id": {"type": "STRING"}, **_SCORE}
_REASON_LENGTH = 300


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    names = list(properties)
    return {"type": "OBJECT", "properties": properties, "required": names, "propertyOrdering": names}


SCHEMAS = {
    "pointwise": _object(_SCORE),
    "listwise": _object({"judgements": {"type": "ARRAY", "items": _object(_ENTRY)}}),
    "pairwise": _object({"rationale": {"type": "STRING"}, "better": {"type": "STRING", "enum": ["A", "B", "tie"]}}),
    "caption": _object({"caption": {"type": "STRING"}}),
    "elements": _object({"elements": {"type": "ARRAY", "items": {"type": "STRING"}}}),
}


class GeminiClient:
    """google-genai's client with this project's request, time-outs and retries; serves several threads."""

    wire = "gemini"

    def __init__(self, settings: JudgeSettings, key: str) -> None:
        try:
            from google.genai import Client, errors, types  # noqa: PLC0415 - 0.4 s, and only this judge needs it
        except ImportError as error:
            raise JudgeError(
                f"the Gemini judge needs google-genai ({error}); pip install -r requirements-runtime.txt"
            ) from error
        self._types = types
        self._settings = settings
        self._key = key
        self._retries = RetryPolicy(settings)
        # never left to the environment: GOOGLE_GEMINI_BASE_URL or Vertex variables would redirect the images
        base_url = settings.base_url or f"https://{OFFICIAL_ENDPOINTS[self.wire]}/"
        self.endpoint = urlsplit(base_url).hostname or base_url
        # its own retries stay off: they know no Retry-After, and log what the service said
        options = types.HttpOptions(base_url=base_url, timeout=settings.timeout_ms)
        self._client = Client(vertexai=False, api_key=key, http_options=options)
        self._refused = errors.APIError
        # the transport is httpx2, or httpx where that is absent; their errors are no APIError
        transports = [_module(name) for name in ("httpx2", "httpx")]
        self._lost = tuple(transport.HTTPError for transport in transports if transport)

    def send(self, request: Request) -> Delivered:
        """The reply's body as it came; raises RequestFailedError, ImageDecodeError for a broken picture."""
        contents = [
            part if isinstance(part, str) else self._types.Part.from_bytes(data=part, mime_type="image/jpeg")
            for part in request.parts()
        ]
        config = self._types.GenerateContentConfig(
            system_instruction=request.prompt.text,
            response_mime_type="application/json",
            response_schema=SCHEMAS[request.mode],
            temperature=request.temperature,
            should_return_http_response=True,
        )
        (body, latency_ms), attempts = self._retries.call(lambda: self._once(contents, config))
        return Delivered(body, attempts, latency_ms)

    def _once(self, contents: list[Any], config: Any) -> tuple[bytes, float]:
        started = time.perf_counter()
        try:
            response = self._client.models.generate_content(
                model=self._settings.model, contents=contents, config=config
            )
        except self._refused as error:
            headers = getattr(error.response, "headers", None)
            raise RequestFailedError(
                self._reason(f"HTTP {error.code}: {error.message or error}"),
                transient=error.code in TRANSIENT,
                retry_after_s=retry_after_s(headers, error.details),
            ) from None
        except self._lost as error:
            raise RequestFailedError(self._reason(f"{type(error).__name__}: {error}"), transient=True) from None
        body: str = response.sdk_http_response.body or ""
        return body.encode(), (time.perf_counter() - started) * 1000

    def _reason(self, text: str) -> str:
        return " ".join(text.replace(self._key, "[key]").split())[:_REASON_LENGTH]

    def close(self) -> None:
        """Closes the connections."""
        self._client.close()


def _module(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError:
        return None
