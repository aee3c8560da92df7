"""From a judge's name, as the CLI and the app offer it, to the judge."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import InvalidInputError
from .local import EncodeTexts, LocalCaptionJudge
from .protocol import Judge

JUDGES = ("none", "local", "gemini", "openai", "replay")
REMOTE = ("gemini", "openai")


def choose_judge(
    name: str,
    encode_texts: EncodeTexts,
    *,
    record: Path | None = None,
    model: str | None = None,
    allow_upload: bool = False,
    max_calls: int | None = None,
    max_cost_usd: float | None = None,
    settings: Mapping[str, Any] | None = None,
) -> Judge | None:
    """The judge called `name`, None for "none".

    `record` is the file of replies: written by gemini and openai, read by replay (which also takes an exported
    record or a published scores file). `settings` are further fields of JudgeSettings. Raises JudgeNotEnabledError
    where a service has no key or `allow_upload` is not set.
    """
    if name == "none":
        return None
    if name == "local":
        from ..knowledge import load_knowledge  # noqa: PLC0415 - read only where it is asked for

        return LocalCaptionJudge(encode_texts, load_knowledge())
    chosen = {key: value for key, value in (settings or {}).items() if value is not None}
    if name in REMOTE:  # imported here because pydantic and the client are slow to import
        from .budget import Budget  # noqa: PLC0415
        from .prices import price_of  # noqa: PLC0415
        from .settings import JudgeSettings  # noqa: PLC0415

        if name == "gemini":
            from .gemini import GeminiJudge as Chosen  # noqa: PLC0415
        else:
            from .openai import OpenAiJudge as Chosen  # type: ignore[assignment]  # noqa: PLC0415
        asked = JudgeSettings(**chosen | ({"model": model} if model else {}))
        budget = Budget(price_of(asked.model), max_calls, max_cost_usd, asked.model)
        return Chosen(asked, enabled=allow_upload, record=record, budget=budget)
    if name == "replay":
        from .replay import open_replay  # noqa: PLC0415

        if record is None:
            raise InvalidInputError("the judge replay needs --record FILE, written by --judge gemini --record FILE")
        return open_replay(record, model=model, mode=chosen.get("mode"))
    raise InvalidInputError(f"judge {name!r}; expected one of {', '.join(JUDGES)}")
