"""The Gemini judge: sends the query and the candidates' pictures to Google's service and asks for scores."""

from collections.abc import Mapping
from pathlib import Path

from ..errors import JudgeNotEnabledError
from .asking import Asker
from .budget import Budget
from .gemini_client import GeminiClient
from .keys import GEMINI_VARIABLES, find_key
from .record import ReplyRecord
from .settings import JudgeSettings
from .vision import VisionJudge


class GeminiJudge(VisionJudge):
    """Judges with a Gemini model; needs a key in the environment (or .env) and the user's consent.

    With a `record` every reply is appended to it, and what it holds is not paid for again.
    """

    def __init__(
        self,
        settings: JudgeSettings | None = None,
        *,
        enabled: bool = False,
        record: ReplyRecord | Path | None = None,
        budget: Budget | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        """Raises JudgeNotEnabledError unless `enabled` and a key is set in `environ` (None: the process's, or .env)."""
        settings = settings or JudgeSettings()
        if not enabled:
            raise JudgeNotEnabledError(
                "the Gemini judge sends the query and the candidates' images to Google's service: medical images "
                "leave this machine; switch it on with --allow-upload, or use --judge local"
            )
        key = find_key(GEMINI_VARIABLES, environ)
        if not key:
            raise JudgeNotEnabledError(
                f"the Gemini judge needs an API key and neither {' nor '.join(GEMINI_VARIABLES)} is set; "
                "set one, in the environment or in a .env file, or use --judge local"
            )
        # opened last: a judge that is refused leaves no file
        kept = ReplyRecord(record) if isinstance(record, Path) else record
        super().__init__(Asker(settings, client=GeminiClient(settings, key), record=kept, budget=budget))
