"""What follows the fusion: ties broken by a judge, confidence, "no good match", and explanations."""

import math
from dataclasses import replace

import numpy as np
import pytest

from runtime.confidence import ConfidenceModel, signals
from runtime.ensemble import stack_folds
from runtime.errors import InvalidInputError
from runtime.fusion import PosFuseSettings, Retrieved
from runtime.fusion.tuned import Tuned
from runtime.judge.pairwise import Preference
from runtime.judge.protocol import Judge
from runtime.knowledge import load_knowledge
from runtime.results import Candidate, FusedItem, Judgement, Query, SearchResult
from runtime.systems.deciding import check_confidence, check_ties, explained, ties_broken, with_confidence
from runtime.systems.kger import KgerSystem, open_kger

TEXT = "right nasal cavity with mucus"
CAPTIONS = ("right nasal cavity with mucus", "left nasal cavity", None)
MODEL = ConfidenceModel(("similarity", "judge_score"), (0.5, 0.5), (0.1, 0.25), (2.0, 1.0), -0.5)
TUNED = Tuned(
    "made up",
    {"name": "made up", "fingerprint": "0" * 64, "kind": "synthetic", "queries": 1},
    bundle="0" * 64,
    judge="no judge",
    fusion=PosFuseSettings(),
    confidence=MODEL,
)


def result(scores=(0.9, 0.88, 0.2)):
    candidates = tuple(
        Candidate(10 + i, i + 1, f"{i}.png", caption, {}, s, (s, s), (True, False))
        for i, (s, caption) in enumerate(zip(scores, CAPTIONS, strict=True))
    )
    ranking = tuple(FusedItem(c.item_id, c.rank, c.similarity, c.rank, c.similarity, 0, None, 0) for c in candidates)
    judgements = (Judgement(10, 0.75), Judgement(11, None, "unjudged"))
    cost = {"judge_calls": 2.0, "input_tokens": 5.0, "output_tokens": 1.0, "usd": 0.5}
    return SearchResult(Query(TEXT), "mean", candidates, "judge", judgements, ranking, {}, cost)


class Comparing:
    """Prefers the item with the higher id, at a price."""

    name = "comparing judge"

    def __init__(self):
        self.asked = []

    def compare(self, query, high, low, images):
        self.asked.append((high.item_id, low.item_id))
        return Preference(float(high.item_id > low.item_id), 2, 100, 10, 0.25)


def test_neighbours_within_the_margin_are_exchanged_and_what_it_cost_is_added():
    judge = Comparing()
    decided = ties_broken(result(), judge, lambda c: b"", 0.05)
    assert judge.asked == [(10, 11)]
    assert [(item.item_id, item.rank, item.rank_change) for item in decided.ranking] == [
        (11, 1, 1),
        (10, 2, -1),
        (12, 3, 0),
    ]
    assert decided.cost == {"judge_calls": 4.0, "input_tokens": 105.0, "output_tokens": 11.0, "usd": 0.75}


@pytest.mark.parametrize("margin", [-0.1, math.nan])
def test_a_margin_that_is_none_is_refused(margin):
    for check in (lambda: check_ties(Comparing(), margin), lambda: ties_broken(result(), Comparing(), None, margin)):
        with pytest.raises(InvalidInputError, match=r"the tie margin is .*; expected a difference of fused scores"):
            check()


def test_a_judge_that_cannot_compare_is_refused_by_name():
    says = "can be broken by gemini, openai or a replay of theirs, not by no judge; leave --tie-margin out"
    with pytest.raises(InvalidInputError, match=says):
        check_ties(None, 0.1)


def test_the_confidence_is_the_models_of_the_first_items_signals():
    found = result()
    told = with_confidence(found, TUNED, None)
    by_hand = 1 / (1 + math.exp(-(2 * (0.9 - 0.5) / 0.1 + 1 * (0.75 - 0.5) / 0.25 - 0.5)))
    assert told.confidence == pytest.approx(by_hand)
    assert told.confidence == MODEL.probability(signals(Retrieved.of(found.candidates), {10: 0.75}, 10))
    assert not told.no_match


@pytest.mark.parametrize(("threshold", "no_match"), [(0.0, False), (0.99, False), (1.0, True), (None, False)])
def test_below_the_users_threshold_it_is_no_good_match(threshold, no_match):
    assert with_confidence(result(), TUNED, threshold).no_match is no_match


@pytest.mark.parametrize(("threshold", "no_match"), [(0.5, True), (None, False)])
def test_where_nothing_was_found_there_is_no_confidence(threshold, no_match):
    empty = replace(result(), candidates=(), ranking=(), judgements=())
    told = with_confidence(empty, TUNED, threshold)
    assert (told.confidence, told.no_match) == (None, no_match)


def test_without_a_calibration_there_is_no_confidence_and_no_threshold():
    stale = replace(result(), confidence=0.4, no_match=True)
    assert (with_confidence(stale, None, None).confidence, with_confidence(stale, None, None).no_match) == (None, False)
    for tuned in (None, replace(TUNED, confidence=None)):
        with pytest.raises(InvalidInputError, match="a least confidence needs a calibration: give --fusion FILE"):
            check_confidence(tuned, 0.5)
        with pytest.raises(InvalidInputError, match="needs a calibration"):
            with_confidence(result(), tuned, 0.5)


@pytest.mark.parametrize("threshold", [-0.1, 1.1, math.nan])
def test_a_threshold_that_is_no_probability_is_refused(threshold):
    with pytest.raises(InvalidInputError, match="expected a probability, 0 to 1"):
        check_confidence(TUNED, threshold)


def test_captions_are_explained_and_an_item_without_one_is_left_out():
    told = explained(result()).knowledge
    assert set(told) == {10, 11}
    assert any("Side differs" in sentence for sentence in told[11])
    assert not any("differs" in sentence for sentence in told[10])
    assert explained(replace(result(), query=Query(None))).knowledge == {}


@pytest.fixture(scope="module")
def system(bundle_folder, small_gallery) -> KgerSystem:
    return open_kger(bundle_folder, small_gallery, threads=2)


def test_expanding_searches_with_the_mean_direction_of_the_paraphrases(system):
    texts = load_knowledge().expand(TEXT)
    assert len(texts) > 1
    mean = np.mean([system.encoder.encode_text(text) for text in texts], axis=0)
    mean /= np.linalg.norm(mean, axis=1, keepdims=True)
    np.testing.assert_allclose(system.encode(Query(TEXT), expand=True), stack_folds(mean[None])[0], atol=1e-5)
    assert not np.allclose(system.encode(Query(TEXT), expand=True), system.encode(Query(TEXT)), atol=1e-3)
    other = "a red tractor"
    np.testing.assert_allclose(system.encode(Query(other), expand=True), system.encode(Query(other)), atol=1e-7)


def test_a_tuned_fusion_of_another_bundle_or_judge_is_refused_by_the_search(system):
    with pytest.raises(InvalidInputError, match="was tuned with the bundle 000000000000"):
        system.search(Query(TEXT), fusion=TUNED)
    ours = replace(TUNED, bundle=system.encoder.fingerprint)
    with pytest.raises(InvalidInputError, match="was tuned with the no judge"):
        system.search(Query(TEXT), fusion=ours)


def test_a_search_tells_confidence_no_match_and_explanations(system):
    class Even:
        name = "even judge"

        def judge(self, query, candidates, images):
            return [Judgement(c.item_id, 0.5) for c in candidates]

    judge: Judge = Even()
    ours = replace(TUNED, bundle=system.encoder.fingerprint, judge="even judge")
    told = system.search(Query(TEXT), judge=judge, fusion=ours, min_confidence=1.0, explain=True)
    assert 0 < told.confidence < 1
    assert told.no_match
    assert told.knowledge
    plain = told.to_json()
    assert (plain["confidence"], plain["no_match"]) == (told.confidence, True)


def test_the_confidence_is_of_the_item_that_a_broken_tie_put_first(system):
    class Reversing(Comparing):
        name = "reversing judge"
        notes = ("said last",)

        def judge(self, query, candidates, images):
            return [Judgement(c.item_id, 0.5) for c in candidates]

        def compare(self, query, high, low, images):
            return Preference(0.0)

    tuned = replace(TUNED, bundle=system.encoder.fingerprint, judge=Reversing.name)
    plain = system.search(Query(TEXT), judge=Reversing(), fusion=tuned)
    broken = system.search(Query(TEXT), judge=Reversing(), fusion=tuned, tie_margin=1.0)
    assert broken.ranking[0].item_id == plain.ranking[1].item_id
    judged = {j.item_id: j.score for j in broken.judgements}
    expected = MODEL.probability(signals(Retrieved.of(broken.candidates), judged, broken.ranking[0].item_id))
    assert broken.confidence == pytest.approx(expected)
    assert broken.confidence != pytest.approx(plain.confidence)
    assert broken.notes == ("said last",)
