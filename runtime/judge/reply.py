"""Reading a reply's HTTP body: the text that the model said, or the reason why there is none.

The body itself is parsed, not a client's object, so that a recorded reply and a live one take the same path and a
replay needs no client. Two wire formats are known: Gemini's generateContent and OpenAI's chat completions.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, FailFast, ValidationError
from pydantic.alias_generators import to_camel

from .answers import first_problem

MOST_TOKENS = 100_000_000


def _count(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        return 0
    return min(max(value, 0), MOST_TOKENS)


# what a service counts is not worth losing its reply: nonsense is 0, and no sum outgrows a record's column
_Tokens = Annotated[int, BeforeValidator(_count)]


@dataclass(frozen=True)
class Said:
    """The model's text, or None with the reason; tokens as the service counted them (thinking is billed as output).

    `final` marks a reason that asking again in other words would not change (a block, a refusal).
    """

    text: str | None
    reason: str = ""
    input_tokens: int = 0
    output_tokens: int = 0
    final: bool = False


class _Wire(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, extra="ignore")


class _Part(_Wire):
    text: str = ""
    thought: bool = False


class _Content(_Wire):
    parts: Annotated[list[_Part], FailFast()] = []


class _Candidate(_Wire):
    content: _Content = _Content()
    finish_reason: str = "STOP"


class _Feedback(_Wire):
    block_reason: str | None = None


class _Usage(_Wire):
    prompt_token_count: _Tokens = 0
    candidates_token_count: _Tokens = 0
    thoughts_token_count: _Tokens = 0


class _Body(_Wire):
    candidates: Annotated[list[_Candidate], FailFast()] = []
    prompt_feedback: _Feedback = _Feedback()
    usage_metadata: _Usage = _Usage()


def read_gemini(body: bytes) -> Said:
    """The body of a generateContent reply."""
    try:
        reply = _Body.model_validate_json(body)
    except ValidationError as error:
        return Said(None, f"the reply is not a generateContent reply ({first_problem(error)})")
    usage = reply.usage_metadata
    tokens = (usage.prompt_token_count, usage.candidates_token_count + usage.thoughts_token_count)
    if reply.prompt_feedback.block_reason:
        return Said(None, f"the service blocked the request ({reply.prompt_feedback.block_reason})", *tokens, True)
    if not reply.candidates:
        return Said(None, "the reply holds no candidate", *tokens)
    first = reply.candidates[0]
    if first.finish_reason not in {"STOP", "MAX_TOKENS", "FINISH_REASON_UNSPECIFIED"}:
        return Said(None, f"the service stopped the reply ({first.finish_reason})", *tokens, True)
    text = "".join(part.text for part in first.content.parts if not part.thought)
    if not text.strip():
        return Said(None, f"the reply has no text (finish reason {first.finish_reason})", *tokens)
    return Said(text, "", *tokens)


class _Plain(BaseModel):
    model_config = ConfigDict(extra="ignore")


class _Message(_Plain):
    content: str | None = None
    refusal: str | None = None


class _Choice(_Plain):
    message: _Message = _Message()
    finish_reason: str | None = None


class _Counts(_Plain):
    prompt_tokens: _Tokens = 0
    completion_tokens: _Tokens = 0


class _Completion(_Plain):
    choices: Annotated[list[_Choice], FailFast()]
    usage: _Counts | None = None


def read_openai(body: bytes) -> Said:
    """The body of a chat completion."""
    try:
        reply = _Completion.model_validate_json(body)
    except ValidationError as error:
        return Said(None, f"the reply is not a chat completion ({first_problem(error)})")
    usage = reply.usage or _Counts()
    tokens = (usage.prompt_tokens, usage.completion_tokens)
    if not reply.choices:
        return Said(None, "the reply holds no choice", *tokens)
    first = reply.choices[0]
    if first.message.refusal or first.finish_reason == "content_filter":
        return Said(None, "the model refused to answer", *tokens, True)
    if not (first.message.content or "").strip():
        return Said(None, f"the reply has no text (finish reason {first.finish_reason})", *tokens)
    return Said(first.message.content, "", *tokens)


READERS: dict[str, Callable[[bytes], Said]] = {"gemini": read_gemini, "openai": read_openai}
