"""What a model said becomes scores, or a reason: by example, and by thousands of hostile replies."""

import math
from itertools import islice

import pytest

from benchmarks.judging.hostile_replies import MODES, WIRES, hostile_replies
from runtime.judge.answers import read_scores
from runtime.judge.asking import Asker
from runtime.judge.client import Delivered
from runtime.judge.prompt import load_prompt
from runtime.judge.record import ReplyRecord
from runtime.judge.reply import MOST_TOKENS, READERS, read_gemini, read_openai
from runtime.judge.request import Picture, Request
from runtime.judge.settings import JudgeSettings

from .cases import candidate, image_file

ENTRY = '{"id": "%s", "rationale": "%s", "score": %s}'


def listed(*entries):
    return '{"judgements": [%s]}' % ", ".join(ENTRY % entry for entry in entries)  # noqa: UP031 - braces are JSON's


def test_each_listed_id_gets_its_score_and_rationale_whatever_the_order():
    read = read_scores(listed(("B", "red", 0.25), ("A", "pale", 1)), "listwise", "AB")
    assert (read.scores, read.rationales, read.problem) == ({"A": 1.0, "B": 0.25}, {"A": "pale", "B": "red"}, "")


@pytest.mark.parametrize(
    ("entries", "left", "says"),
    [
        ([("A", "", 0.1), ("B", "", 0.2), ("B", "", 0.9)], {"A": 0.1}, "doubled id 'B'; missing id 'C'"),
        ([("A", "", 0.1), ("B", "", 0.2), ("Z", "", 0.9)], {"A": 0.1, "B": 0.2}, "unknown id 'Z'; missing id 'C'"),
        ([("A", "", 0.1), ("B", "", 1.5), ("C", "", 0)], {"A": 0.1, "C": 0.0}, "id 'B': score: Input should be less"),
        ([("A", "", 0.1), ("b", "", 0.2), ("C", "", 0)], {"A": 0.1, "C": 0.0}, "unknown id 'b'; missing id 'B'"),
        ([], {}, "missing id 'A', 'B', 'C'"),
    ],
)
def test_only_what_is_wrong_is_unusable_and_it_is_named(entries, left, says):
    read = read_scores(listed(*entries), "listwise", "ABC")
    assert read.scores == left
    assert says in read.problem


@pytest.mark.parametrize(
    ("better", "scores"), [("A", {"A": 1.0, "B": 0.0}), ("B", {"A": 0.0, "B": 1.0}), ("tie", {"A": 0.5, "B": 0.5})]
)
def test_a_preference_is_one_for_the_better_and_nought_for_the_other(better, scores):
    assert read_scores(f'{{"rationale": "x", "better": "{better}"}}', "pairwise", "AB").scores == scores


def test_a_preference_for_somebody_else_is_none():
    assert "better is 'C'; expected one of A, B or tie" in read_scores('{"better": "C"}', "pairwise", "AB").problem


@pytest.mark.parametrize("form", ["```json\n{}\n```", "```\n{}\n```", " \n```json \n{}```\n", "{}"])
def test_one_fence_around_the_whole_is_taken_off(form):
    assert read_scores(form.replace("{}", '{"score": 0.5}'), "pointwise", "A").scores == {"A": 0.5}


@pytest.mark.parametrize(
    "form", ["Sure:\n```json\n{}\n```", "```json\n{}", "```python\n{}\n```", "``` ```\n{}\n``` ```"]
)
def test_anything_else_around_the_json_is_not(form):
    assert read_scores(form.replace("{}", '{"score": 0.5}'), "pointwise", "A").scores == {}


@pytest.mark.timeout(20)
@pytest.mark.parametrize("text", ["```json\n" + "\n" * 900_000 + "x", "```" + "\n" * 900_000, " " * 900_000 + "```"])
def test_a_megabyte_of_blank_lines_in_a_fence_costs_no_more_than_reading_it(text):
    assert read_scores(text, "pointwise", "A").problem


def test_a_million_problems_are_told_in_one_line():
    problem = read_scores('{"judgements": [%s]}' % ", ".join(["{}"] * 100_000), "listwise", "ABCDE").problem  # noqa: UP031
    assert len(problem) < 500


@pytest.mark.parametrize(
    ("reported", "counted"),
    [(-5, 0), (2**70, MOST_TOKENS), (10**4000, MOST_TOKENS), (True, 0), ('"700"', 0), (700, 700)],
)
def test_impossible_token_counts_do_not_lose_the_reply(reported, counted):
    number = str(reported).lower()
    parts = '"candidates": [{"content": {"parts": [{"text": "x"}]}}]'
    gemini = f'{{{parts}, "usageMetadata": {{"promptTokenCount": {number}}}}}'
    openai = f'{{"choices": [{{"message": {{"content": "x"}}}}], "usage": {{"prompt_tokens": {number}}}}}'
    assert (read_gemini(gemini.encode()).text, read_gemini(gemini.encode()).input_tokens) == ("x", counted)
    assert (read_openai(openai.encode()).text, read_openai(openai.encode()).input_tokens) == ("x", counted)


def shown(mode):
    return "ABCDE"[: {"pointwise": 1, "pairwise": 2, "listwise": 5}[mode]]


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize("mode", MODES)
def test_of_ten_thousand_hostile_replies_none_crashes_nothing_is_dropped_no_score_leaves_the_scale(mode, wire):
    ids, usable, judged = shown(mode), 0, 0
    for body in hostile_replies(4, 10_000, wire=wire, mode=mode, ids=ids):
        said = READERS[wire](body)
        assert 0 <= said.input_tokens <= MOST_TOKENS
        if said.text is None:
            assert 0 < len(said.reason) < 1000
            continue
        usable += 1
        read = read_scores(said.text, mode, ids)
        assert set(read.scores) == set(read.rationales) <= set(ids)
        assert all(math.isfinite(score) and 0 <= score <= 1 for score in read.scores.values())
        assert len(read.problem) < 1000
        assert set(read.scores) == set(ids) or read.problem, body[:300]
        judged += bool(read.scores)
    assert usable > 6000, "most hostile replies must reach the reader of scores"
    assert 1000 < judged < 9000, "both sound and broken replies must be among them"


def test_the_same_seed_gives_the_same_replies_and_another_seed_others():
    one, same, other = (list(islice(hostile_replies(seed, 600), 600)) for seed in (1, 1, 2))
    assert one == same
    assert one != other


class Hostile:
    """A service of hostile bodies, without the network."""

    endpoint = "127.0.0.1"

    def __init__(self, wire, bodies):
        self.wire, self._bodies, self.sent = wire, bodies, []

    def send(self, request):
        self.sent.append((request.key("made-up").sha256, next(self._bodies)))
        return Delivered(self.sent[-1][1], 1, 1.0)

    def close(self):
        pass


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize("mode", MODES)
def test_hostile_replies_are_recorded_as_they_came_and_replayed_alike(tmp_path, mode, wire):
    ids, settings = shown(mode), JudgeSettings(model="made-up")
    pictures = tuple(Picture(f"{i}.png", image_file(candidate(i))) for i in range(len(ids)))
    client = Hostile(wire, hostile_replies(5, 1000, wire=wire, mode=mode, ids=ids))
    asker = Asker(settings, client=client, record=ReplyRecord(tmp_path / "r.sqlite"))
    requests = [Request(mode, load_prompt("kger_listwise_v1"), "polyp", None, pictures, run=run) for run in range(40)]
    answers = [asker.ask(request) for request in requests]
    for answer in answers:
        assert len(answer.scores) == len(answer.reasons) == len(ids)
        assert all(reason for score, reason in zip(answer.scores, answer.reasons, strict=True) if score is None)
    asker.close()
    record = ReplyRecord(tmp_path / "r.sqlite")
    assert [(reply.key_sha256, reply.body) for reply in record.all()] == client.sent
    offline = Asker(settings, replies=record)
    again = [offline.ask(request) for request in requests]
    assert [(a.scores, a.reasons) for a in again] == [(a.scores, a.reasons) for a in answers]
    assert any(None in a.scores for a in answers)
    record.close()
