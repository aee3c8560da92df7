"""Any endpoint that speaks OpenAI's chat completions with pictures: vLLM, Ollama, llama.cpp, OpenAI itself."""

import base64
import time
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

import httpx

from .asking import OFFICIAL_ENDPOINTS
from .client import Delivered
from .request import Request
from .retries import TRANSIENT, RequestFailedError, RetryPolicy, retry_after_s
from .settings import JudgeSettings

_SCORE = {"rationale": {"type": "string"}, "score": {"type": "number", "minimum": 0, "maximum": 1}}
_REASON_LENGTH = 300


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


SCHEMAS = {
    "pointwise": _object(_SCORE),
    "listwise": _object({"judgements": {"type": "array", "items": _object({"id": {"type": "string"}, **_SCORE})}}),
    "pairwise": _object({"rationale": {"type": "string"}, "better": {"type": "string", "enum": ["A", "B", "tie"]}}),
    "caption": _object({"caption": {"type": "string"}}),
    "elements": _object({"elements": {"type": "array", "items": {"type": "string"}}}),
}


class OpenAiClient:
    """POST {base_url}/chat/completions; a key only where one is given. Serves several threads."""

    wire = "openai"

    def __init__(self, settings: JudgeSettings, key: str) -> None:
        self._settings = settings
        self._key = key
        self._retries = RetryPolicy(settings)
        base_url = (settings.base_url or f"https://{OFFICIAL_ENDPOINTS[self.wire]}/v1").rstrip("/")
        self.endpoint = urlsplit(base_url).hostname or base_url
        self._url = f"{base_url}/chat/completions"
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        # redirects are not followed, and a proxy gets nothing that was meant for this machine: images go where it was
        # said
        self._client = httpx.Client(
            headers=headers, timeout=settings.timeout_ms / 1000, trust_env=not is_loopback(self.endpoint)
        )

    def send(self, request: Request) -> Delivered:
        """The reply's body as it came; raises RequestFailedError, ImageDecodeError for a broken picture."""
        message = self._message(request)
        (body, latency_ms), attempts = self._retries.call(lambda: self._once(message))
        return Delivered(body, attempts, latency_ms)

    def _message(self, request: Request) -> dict[str, Any]:
        content = [_part(part) for part in request.parts()]
        schema = {"name": request.mode, "strict": True, "schema": SCHEMAS[request.mode]}
        message: dict[str, Any] = {
            "model": self._settings.model,
            "messages": [{"role": "system", "content": request.prompt.text}, {"role": "user", "content": content}],
            "response_format": {"type": "json_schema", "json_schema": schema},
        }
        if request.temperature is not None:
            message["temperature"] = request.temperature
        return message

    def _once(self, message: dict[str, Any]) -> tuple[bytes, float]:
        started = time.perf_counter()
        try:
            response = self._client.post(self._url, json=message)
        except httpx.HTTPError as error:
            raise RequestFailedError(self._reason(f"{type(error).__name__}: {error}"), transient=True) from None
        if response.status_code != httpx.codes.OK:
            raise RequestFailedError(
                self._reason(f"HTTP {response.status_code}: {_message_of(response)}"),
                transient=response.status_code in TRANSIENT,
                retry_after_s=retry_after_s(response.headers),
            )
        return response.content, (time.perf_counter() - started) * 1000

    def _reason(self, text: str) -> str:
        plain = text.replace(self._key, "[key]") if self._key else text
        return " ".join(plain.split())[:_REASON_LENGTH]

    def close(self) -> None:
        """Closes the connections."""
        self._client.close()


def is_loopback(host: str) -> bool:
    """Whether `host` is this machine by name or number; other names are not resolved, so that none can pretend."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _part(part: str | bytes) -> dict[str, Any]:
    if isinstance(part, str):
        return {"type": "text", "text": part}
    return {"type": "image_url", "image_url": {"url": f"data:image/jpeg;base64,{base64.b64encode(part).decode()}"}}


def _message_of(response: httpx.Response) -> str:
    try:
        error = response.json()["error"]
        return str(error["message"] if isinstance(error, dict) else error)
    except (ValueError, KeyError, TypeError):
        return response.text  # cut after the key was taken out, which may stand across the cut
