"""The knowledge file, loaded once, and what can be asked of it."""

import hashlib
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from ..errors import InvalidInputError
from .brief import brief
from .compare import compared, contradiction
from .entries import Entries, parse_entries
from .index import Index, build_index
from .paraphrase import expand
from .reading import Mention, Reading, read

KNOWLEDGE = Path(__file__).resolve().parents[2] / "assets" / "knowledge" / "ent.json"
SCHEMA = 1


@dataclass(frozen=True, eq=False)
class Knowledge:
    """Words and looks of ear, nose and throat endoscopy in English and Vietnamese: a retrieval aid, no medical text.

    `sha256` is the file's, hexadecimal: what a record names where the knowledge went into a prompt.
    """

    name: str
    sha256: str
    entries: Entries
    index: Index

    def read(self, text: str) -> Mention:
        """The regions, side, state and findings that `text` names, in English or Vietnamese or both.

        Terms match whole words, Unicode-composed and case folded, the longest first. A finding after "no",
        "without", "không có" and the like counts as denied: see `reading.read` for how far that reaches.
        """
        return self._reading(text).mention

    def block(self, text: str) -> str:
        """Reference lines for a judge on what `text` names, at most 250 words; "" where it names nothing of ENT.

        The lines are the file's own: nothing of `text` stands in them. A region's everyday name ("ear",
        "nose") alone brings none, since a query for a rabbit's ears is no ENT query.
        """
        return brief(self.entries, self._reading(text))

    def expand(self, text: str) -> list[str]:
        """`text` composed (NFC), then up to three paraphrases; the text alone where it names nothing of ENT.

        First synonyms swapped in, then what it names as a plain phrase in the other and in its own language.
        """
        return expand(self.entries, self.index, self._reading(text))

    def contradicts(self, query_text: str, caption: str) -> str | None:
        """Why `caption` cannot answer the query: another region, side or state; None where nothing says so.

        None for a query that names nothing of ENT.
        """
        asked = self._reading(query_text)
        return contradiction(asked.mention, self.read(caption)) if asked.named else None

    def explain(self, query_text: str, caption: str) -> list[str]:
        """Short sentences on region, side, state and finding: what agrees, differs or is left open.

        Empty for a query that names nothing of ENT.
        """
        asked = self._reading(query_text)
        return compared(asked.mention, self.read(caption)) if asked.named else []

    def _reading(self, text: str) -> Reading:
        return read(self.entries, self.index, text)


@cache
def load_knowledge(path: Path = KNOWLEDGE) -> Knowledge:
    """The knowledge of a file, read once a process.

    Raises InvalidInputError where it is missing, no JSON, of another schema, or not whole.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InvalidInputError(f"no knowledge file at {path}: {error.strerror}; expected a JSON file") from error
    try:
        data = json.loads(content)
        if data["schema"] != SCHEMA:
            raise InvalidInputError(f"{path} has schema {data['schema']!r}; this version reads schema {SCHEMA}")
        entries = parse_entries(data)
        return Knowledge(data["name"], hashlib.sha256(content).hexdigest(), entries, build_index(entries))
    except InvalidInputError:
        raise
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InvalidInputError(
            f"{path} is no whole knowledge file ({type(error).__name__}: {error}); "
            "restore assets/knowledge/ent.json, or give a file laid out like it"
        ) from error
