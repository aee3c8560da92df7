"""Reading a Gemini reply: the HTTP body becomes a score, or the reason why there is none.

The body itself is parsed, not the client's object, so that a recorded reply and a live one take the same path
and a replay needs no client.
"""

from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel


@dataclass(frozen=True)
class Verdict:
    """A score in [0, 1], or None with the reason; tokens as the service counted them."""

    score: float | None
    reason: str
    input_tokens: int = 0
    output_tokens: int = 0


class _Wire(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, extra="ignore")


class _Part(_Wire):
    text: str = ""
    thought: bool = False


class _Content(_Wire):
    parts: list[_Part] = []


class _Candidate(_Wire):
    content: _Content = _Content()
    finish_reason: str = "STOP"


class _Feedback(_Wire):
    block_reason: str | None = None


class _Usage(_Wire):
    prompt_token_count: int = 0
    candidates_token_count: int = 0
    thoughts_token_count: int = 0


class _Body(_Wire):
    candidates: list[_Candidate] = []
    prompt_feedback: _Feedback = _Feedback()
    usage_metadata: _Usage = _Usage()


class _Answer(BaseModel):
    model_config = ConfigDict(extra="ignore", strict=True)
    score: float = Field(ge=0, le=1, allow_inf_nan=False)
    rationale: str = ""


def read_reply(body: bytes) -> Verdict:
    """The verdict in the body of a generateContent reply; what cannot be used is unjudged, nothing raises."""
    try:
        reply = _Body.model_validate_json(body)
    except ValidationError as error:
        return Verdict(None, f"the reply is not a generateContent reply ({_first(error)})")
    usage = reply.usage_metadata
    # thinking is billed as output
    tokens = (usage.prompt_token_count, usage.candidates_token_count + usage.thoughts_token_count)
    return Verdict(*_read_answer(reply), *tokens)


def _read_answer(reply: _Body) -> tuple[float | None, str]:
    if reply.prompt_feedback.block_reason:
        return None, f"the service blocked the request ({reply.prompt_feedback.block_reason})"
    if not reply.candidates:
        return None, "the reply holds no candidate"
    first = reply.candidates[0]
    if first.finish_reason not in {"STOP", "MAX_TOKENS", "FINISH_REASON_UNSPECIFIED"}:
        return None, f"the service stopped the reply ({first.finish_reason})"
    text = "".join(part.text for part in first.content.parts if not part.thought)
    if not text.strip():
        return None, f"the reply has no text (finish reason {first.finish_reason})"
    try:
        answer = _Answer.model_validate_json(text)
    except ValidationError as error:
        return None, f"the reply's text is not the JSON asked for ({_first(error)})"
    return answer.score, answer.rationale


def _first(error: ValidationError) -> str:
    problem = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(str(step) for step in problem["loc"])
    return f"{where}: {problem['msg']}" if where else problem["msg"]
