"""From a judge's name, as the CLI and the app offer it, to the judge."""

from pathlib import Path

from ..errors import InvalidInputError
from .local import EncodeTexts, LocalCaptionJudge
from .protocol import Judge

JUDGES = ("none", "local", "gemini", "replay")


def choose_judge(
    name: str,
    encode_texts: EncodeTexts,
    *,
    record: Path | None = None,
    model: str | None = None,
    allow_upload: bool = False,
) -> Judge | None:
    """The judge called `name`, None for "none".

    `record` is the file of replies: written by gemini, read by replay (which also takes a published scores
    file). Raises JudgeNotEnabledError where gemini has no key or `allow_upload` is not set.
    """
    if name == "none":
        return None
    if name == "local":
        return LocalCaptionJudge(encode_texts)
    if name == "gemini":  # imported here because pydantic and the client are slow to import
        from .gemini import GeminiJudge  # noqa: PLC0415
        from .record import ReplyRecord  # noqa: PLC0415
        from .settings import GeminiSettings  # noqa: PLC0415

        settings = GeminiSettings(model=model) if model else None
        return GeminiJudge(settings, enabled=allow_upload, record=ReplyRecord(record) if record else None)
    if name == "replay":
        from .replay import open_replay  # noqa: PLC0415

        if record is None:
            raise InvalidInputError("the judge replay needs --record FILE, written by --judge gemini --record FILE")
        return open_replay(record, model=model)
    raise InvalidInputError(f"judge {name!r}; expected one of {', '.join(JUDGES)}")
