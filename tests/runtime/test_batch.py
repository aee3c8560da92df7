"""A batch with a judge by the command line: its limits, a dead service, and going on where it ended."""

import json
import shutil
from pathlib import Path

import pytest

from runtime.cli import main

from .judge.loopback import Loopback, completed, completion, entries, failed

QUERIES = ("left ear", "polyp in the nose", "dây thanh đóng", "left ear")  # three different ones


@pytest.fixture(autouse=True)
def _no_proxy_no_key(monkeypatch, tmp_path):
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    for name in ("OPENAI_API_KEY", "GEMINI_API_KEY", "GOOGLE_API_KEY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def batch(bundle_folder: Path, small_gallery: Path, tmp_path, capsys):
    """Runs a batch against a server; its exit code, what it said, its scores, and the server."""
    shutil.copytree(small_gallery, tmp_path / "gallery")
    (tmp_path / "t2i.csv").write_text("".join(f'"{query}"\n' for query in QUERIES), "utf-8")

    def run(script, *options):
        with Loopback(script) as server:
            code = main([
                "batch", "--queries", str(tmp_path / "t2i.csv"), "--out", str(tmp_path / "out"),
                "--bundle", str(bundle_folder),
                "--gallery", str(tmp_path / "gallery"), "--threads", "2", "-k", "3", "--judge", "openai",
                "--judge-model", "loopback", "--judge-url", f"{server.url}/v1", *map(str, options),
            ])  # fmt: skip
        said = capsys.readouterr()
        scores = tmp_path / "out" / "judge_scores.json"
        return code, said, json.loads(scores.read_text("utf-8")) if scores.exists() else None, server

    return run


def listwise(n, request):
    return completion(entries(dict.fromkeys("ABC"[: len(request.images)], 0.5)))


def test_a_batch_estimates_asks_writes_and_sums_up(batch, tmp_path):
    code, said, scores, server = batch(lambda n, request: completed(0.5))
    assert code == 0
    assert [Path(line).name for line in said.out.splitlines()] == [
        "image_retrieval_results.csv", "judge_scores.json", "submission.json",
    ]  # fmt: skip
    first, *rest = said.err.splitlines()
    assert "loopback at 127.0.0.1 (not OpenAI's service): 12 calls (4 queries, pointwise)" in first
    assert "of a price that is not listed" in first
    assert rest[-1].endswith(": 12 of 12 judged, 9 calls")
    assert len(server.requests) == 9, "the query that stands twice is asked once"
    assert list(scores) == list(dict.fromkeys(QUERIES))
    assert {entry["overall_score"] for found in scores.values() for entry in found} == {0.5}
    assert (tmp_path / "gallery" / "replies.sqlite").is_file(), "a record is kept, asked for or not"


def test_the_same_batch_again_asks_nobody_and_writes_the_same(batch):
    _, _, first, _ = batch(lambda n, request: completed(round(n / 10, 1)), "--concurrency", 1)
    _, said, second, server = batch(lambda n, request: failed(500))
    assert server.requests == []
    assert second == first
    assert "12 of 12 judged, 0 calls" in said.err


def test_a_batch_that_ended_at_its_limit_goes_on_where_it_ended(batch):
    code, said, scores, server = batch(lambda n, request: completed(0.5), "--max-calls", 4)
    assert (code, len(server.requests)) == (0, 4)
    assert "unjudged: not asked: the limit of 4 calls is reached (--max-calls)" in said.err
    assert "the limit of 4 calls is reached (--max-calls); what is unjudged is ranked by retrieval alone" in said.err
    left = sum(entry["overall_score"] is None for found in scores.values() for entry in found)
    assert left >= 9 - 4 - 1
    _, said, scores, server = batch(lambda n, request: completed(0.5))
    assert len(server.requests) == 5
    assert None not in [entry["overall_score"] for found in scores.values() for entry in found]


def test_of_a_dead_service_the_batch_ends_with_retrievals_ranking_and_says_so(batch, tmp_path):
    code, said, scores, server = batch(lambda n, request: failed(400, "down"), "--concurrency", 1)
    assert code == 0
    assert len(server.requests) == 5, "after five failures nobody is asked"
    assert "0 of 12 judged" in said.err
    assert "the judge is switched off after 5 failures in a row (last: HTTP 400: down)" in said.err
    assert "Traceback" not in said.err
    ranked = json.loads((tmp_path / "out" / "submission.json").read_text("utf-8"))
    for query, found in scores.items():
        assert ranked[query] == found[0]["image_name"], "retrieval's own first"


def test_listwise_orders_are_estimated_and_counted(batch):
    _, said, _, server = batch(listwise, "--judge-mode", "listwise", "--shuffles", 2)
    assert "8 calls (4 queries, listwise)" in said.err
    assert len(server.requests) == 6
    assert "12 of 12 judged, 6 calls" in said.err


def test_an_error_ends_the_batch_in_one_sentence_before_anybody_is_asked(batch):
    for options in (("--tie-margin", -1), ("--min-confidence", 0.5), ("--prompt", "none")):
        code, said, _, server = batch(lambda n, request: completed(0.5), *options)
        assert (code, server.requests) == (2, [])
        assert said.err.splitlines()[-1].startswith("error: ")


def test_a_search_answers_from_retrieval_alone_where_the_service_is_dead(
    bundle_folder, small_gallery, tmp_path, capsys
):
    places = ["--bundle", str(bundle_folder), "--gallery", str(small_gallery), "--threads", "2"]
    with Loopback(lambda n, request: failed(400, "down")) as server:
        judge = ["--judge", "openai", "--judge-model", "m", "--judge-url", server.url, "--record", str(tmp_path / "r")]
        assert main(["search", "left ear", *places, *judge, "-k", "8", "--concurrency", "1", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert len(server.requests) == 5
    assert [p["item_id"] for p in result["ranking"]] == [c["item_id"] for c in result["candidates"]]
    assert [j["score"] for j in result["judgements"]] == [None] * 8
    (note,) = result["notes"]
    assert note.startswith("the judge is switched off after 5 failures in a row")
