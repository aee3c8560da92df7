"""Scores from a published judge's file, by query and image name."""

from collections.abc import Sequence
from pathlib import Path

from ..publish import image_name, read_judge_json
from ..results import Candidate, Judgement, Query
from .protocol import ImageReader


class PublishedScoresJudge:
    """Gives out the scores of a file `{query: [{"image_name", "overall_score"}, …]}`; asks nobody.

    It cannot know who made the file, so it is named after the file and nothing else. An item that the file
    does not list under the query, or whose file name two candidates share, is unjudged.
    """

    def __init__(self, path: Path) -> None:
        """Raises InvalidInputError where the file is not of that layout."""
        self._scores = read_judge_json(path)
        self._file = path.name

    @property
    def name(self) -> str:
        """Names the file."""
        return f"published scores ({self._file})"

    def judge(self, query: Query, candidates: Sequence[Candidate], images: ImageReader) -> list[Judgement]:
        """One Judgement per candidate, in the same order; `images` is never called."""
        names = [image_name(c) for c in candidates]
        scores = self._scores.get(query.name)
        return [
            self._one(c.item_id, name, scores, shared=names.count(name) > 1)
            for c, name in zip(candidates, names, strict=True)
        ]

    def _one(self, item_id: int, name: str, scores: dict[str, float | None] | None, *, shared: bool) -> Judgement:
        score, reason = None, ""
        if scores is None:
            reason = f"{self._file} has no such query"
        elif shared:
            reason = f"two candidates are called {name}; {self._file} cannot tell them apart"
        elif name not in scores:
            reason = f"{self._file} has no score of {name} for this query"
        elif scores[name] is None:
            reason = f"{self._file} lists {name} as unjudged"
        else:
            score = scores[name]
        return Judgement(item_id, score, reason, self.name, attempts=0, replayed=True)
