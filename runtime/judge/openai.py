"""A judge behind any OpenAI-compatible endpoint that takes pictures: a vLLM or Ollama of one's own, for example."""

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from ..errors import InvalidInputError, JudgeNotEnabledError
from .asking import OFFICIAL_ENDPOINTS, Asker
from .budget import Budget
from .keys import OPENAI_VARIABLES, find_key
from .openai_client import OpenAiClient, is_loopback
from .record import ReplyRecord
from .settings import DEFAULT_MODEL, JudgeSettings
from .vision import VisionJudge


class OpenAiJudge(VisionJudge):
    """Judges with a model that `settings.base_url` serves; off this machine only with the user's consent.

    A key is sent where OPENAI_API_KEY is set; OpenAI's own endpoint needs one.
    """

    def __init__(
        self,
        settings: JudgeSettings,
        *,
        enabled: bool = False,
        record: ReplyRecord | Path | None = None,
        budget: Budget | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        """Raises JudgeNotEnabledError without consent or key where they are needed, InvalidInputError without model."""
        if settings.model == DEFAULT_MODEL:
            raise InvalidInputError("the judge openai needs the name of the model that is served: --judge-model NAME")
        host = urlsplit(settings.base_url).hostname if settings.base_url else OFFICIAL_ENDPOINTS["openai"]
        if not (enabled or is_loopback(host or "")):
            raise JudgeNotEnabledError(
                f"the judge sends the query and the candidates' images to {host}: medical images leave this machine; "
                "switch it on with --allow-upload, or give an endpoint on this machine with --judge-url"
            )
        key = find_key(OPENAI_VARIABLES, environ)
        if not key and host == OFFICIAL_ENDPOINTS["openai"]:
            raise JudgeNotEnabledError(
                "OpenAI's endpoint needs an API key and OPENAI_API_KEY is not set; set it, in the environment or in a "
                ".env file, or give an endpoint of your own with --judge-url"
            )
        # opened last: a judge that is refused leaves no file
        kept = ReplyRecord(record) if isinstance(record, Path) else record
        super().__init__(Asker(settings, client=OpenAiClient(settings, key), record=kept, budget=budget))
