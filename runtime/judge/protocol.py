"""What every judge offers."""

from collections.abc import Callable, Sequence
from typing import Protocol

from ..results import Candidate, Judgement, Query

ImageReader = Callable[[Candidate], bytes]
"""Gives the encoded bytes of a candidate's image file; may raise OSError or ImageDecodeError."""


class Judge(Protocol):
    """Scores how well each retrieved item answers the query."""

    @property
    def name(self) -> str:
        """What results, files and the app call this judge."""

    def judge(self, query: Query, candidates: Sequence[Candidate], images: ImageReader) -> list[Judgement]:
        """One Judgement per candidate, in the same order.

        A candidate that cannot be scored is *unjudged* (score None) with the reason; none is dropped.
        Raises JudgeError only where the judge cannot work at all.
        """
