"""The published files of a batch of searches: the retrieval table, the judge's scores, the submission.

Images go by file name there, so two gallery files of one name cannot be told apart; that is logged.
"""

import csv
import io
import json
import logging
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from .errors import InvalidInputError
from .files import write_json, write_text
from .results import Candidate, SearchResult

RETRIEVAL_FILE = "image_retrieval_results.csv"
JUDGE_FILE = "judge_scores.json"
SUBMISSION_FILE = "submission.json"

logger = logging.getLogger(__name__)


def image_name(candidate: Candidate) -> str:
    """The candidate's file name without its folders."""
    return PurePosixPath(candidate.path.replace("\\", "/")).name


def publish(folder: Path, results: Sequence[SearchResult]) -> list[Path]:
    """Writes the three files into `folder`, the judge's only where a judge was asked; gives their paths."""
    written = [folder / RETRIEVAL_FILE]
    write_retrieval_csv(written[0], results)
    if any(result.judge for result in results):
        written.append(folder / JUDGE_FILE)
        write_judge_json(written[-1], results)
    written.append(folder / SUBMISSION_FILE)
    write_submission(written[-1], results)
    return written


def write_retrieval_csv(path: Path, results: Sequence[SearchResult], top: int = 5) -> None:
    """`text,image_name`: one row a query in the order given, the first `top` retrieved names as a JSON list.

    The list is also a Python literal, so `json.loads` and `ast.literal_eval` both read it.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["text", "image_name"])
    for result in results:
        names = _names(result)
        best = [names[c.item_id] for c in sorted(result.candidates, key=lambda c: c.rank)[:top]]
        writer.writerow([result.query.name, json.dumps(best, ensure_ascii=False)])
    write_text(path, text.getvalue())


def write_judge_json(path: Path, results: Sequence[SearchResult]) -> None:
    """`{query: [{"image_name", "overall_score"}, …]}`, best first, equal scores in retrieval order.

    Unjudged images stand at the end with null. A query asked twice stands once.
    """
    write_json(path, _by_query((result.query.name, _scores(result)) for result in results))


def write_submission(path: Path, results: Sequence[SearchResult]) -> None:
    """`{query: image}`: the first of each final ranking, null where nothing was found."""
    write_json(path, _by_query((result.query.name, _first(result)) for result in results))


def read_judge_json(path: Path) -> dict[str, dict[str, float | None]]:
    """Scores by query and image name, in the file's order; null is unjudged.

    Raises InvalidInputError, naming the place, where the file is not of `write_judge_json`'s layout.
    """
    layout = 'expected {query: [{"image_name": …, "overall_score": 0 to 1 or null}, …]}'
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InvalidInputError(f"{path}: cannot be read ({error.strerror or error}); {layout}") from error
    except ValueError as error:
        raise InvalidInputError(f"{path}: not JSON ({error}); {layout}") from error
    if not isinstance(content, dict) or not all(isinstance(entries, list) for entries in content.values()):
        raise InvalidInputError(f"{path}: {layout}")
    scores: dict[str, dict[str, float | None]] = {}
    for query, entries in content.items():
        scores[query] = {}
        for entry in entries:
            if not _is_entry(entry):
                raise InvalidInputError(f"{path}: query {query!r} has the entry {entry!r}; {layout}")
            scores[query].setdefault(entry["image_name"], entry["overall_score"])
    return scores


def _is_entry(entry: Any) -> bool:
    if not isinstance(entry, Mapping) or not isinstance(entry.get("image_name"), str):
        return False
    if "overall_score" not in entry:
        return False
    score = entry["overall_score"]
    return score is None or (isinstance(score, int | float) and not isinstance(score, bool) and 0 <= score <= 1)


def _names(result: SearchResult) -> dict[int, str]:
    names = {c.item_id: image_name(c) for c in result.candidates}
    if len(set(names.values())) < len({c.path for c in result.candidates}):
        logger.warning("query %r: two images found share a file name: %s", result.query.name, names)
    return names


def _scores(result: SearchResult) -> list[dict[str, str | float | None]]:
    names = _names(result)
    scores = {judgement.item_id: judgement.score for judgement in result.judgements}
    in_order = sorted(result.candidates, key=lambda c: c.rank)
    # stable: equal scores, and the unjudged at the end, keep retrieval order
    best_first = sorted(in_order, key=lambda c: -1.0 if (s := scores.get(c.item_id)) is None else s, reverse=True)
    return [{"image_name": names[c.item_id], "overall_score": scores.get(c.item_id)} for c in best_first]


def _first(result: SearchResult) -> str | None:
    return _names(result)[result.ranking[0].item_id] if result.ranking else None


def _by_query(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    content: dict[str, Any] = {}
    for query, value in pairs:
        if content.setdefault(query, value) != value:
            logger.warning("query %r stands twice with different results; the first is published", query)
    return content
