"""The judge's prompt: a versioned file, and the query as data that cannot pass for instructions."""

import hashlib
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from ..errors import InvalidInputError

PROMPTS = Path(__file__).resolve().parents[2] / "assets" / "prompts"


@dataclass(frozen=True)
class Prompt:
    """A prompt's `name` (with its version) and `text`, sent as the system instruction."""

    name: str
    text: str

    @property
    def sha256(self) -> str:
        """Hexadecimal SHA-256 of the text."""
        return hashlib.sha256(self.text.encode()).hexdigest()


@cache
def load_prompt(name: str, system: str = "kger") -> Prompt:
    """The prompt `name` of assets/prompts; raises InvalidInputError, which lists those of `system`."""
    known = {path.stem: path for path in sorted(PROMPTS.glob(f"{system}_*.txt"))}
    if name not in known:
        raise InvalidInputError(f"no prompt {name!r}; choose one of {', '.join(known) or '(none found)'}")
    return Prompt(name, known[name].read_text(encoding="utf-8"))


def finding_block(text: str) -> str:
    """`text` as a JSON string between <finding> tags; it can neither close the tag nor start a line."""
    quoted = json.dumps(text, ensure_ascii=False).replace("<", "\\u003c").replace(">", "\\u003e")
    return f"<finding>{quoted}</finding>"
