import hashlib

import numpy as np
import pytest

from runtime.judge import LocalCaptionJudge
from runtime.knowledge import load_knowledge
from runtime.results import Candidate, Query

FOLDS, DIMS = 3, 8


def _encode_texts(texts):
    # a seeded stand-in for the text tower: one unit vector per fold, the same for the same text
    rows = []
    for text in texts:
        seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8])
        rows.append(np.random.default_rng(seed).normal(size=(FOLDS, DIMS)))
    vectors = np.array(rows)
    return (vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)).astype(np.float32)


def _candidate(item_id, caption):
    return Candidate(item_id, item_id, f"{item_id}.png", caption, {}, 0.0, (), ())


def _never(candidate):
    raise AssertionError("the local judge must not read images")


def test_score_is_the_mean_cosine_over_folds_clipped_at_zero():
    captions = [f"finding {i}" for i in range(20)]
    judged = LocalCaptionJudge(_encode_texts).judge(
        Query("red ear"), [_candidate(i, c) for i, c in enumerate(captions)], _never
    )
    query = _encode_texts(["red ear"])[0]
    cosines = [np.mean([query[k] @ _encode_texts([c])[0, k] for k in range(FOLDS)]) for c in captions]
    assert [j.item_id for j in judged] == list(range(20))
    assert [j.score for j in judged] == pytest.approx([max(c, 0.0) for c in cosines], abs=1e-6)
    assert min(cosines) < 0 < max(cosines)


def test_the_same_words_score_one_and_never_more():
    judged = LocalCaptionJudge(_encode_texts).judge(Query("red ear"), [_candidate(1, "red ear")], _never)
    assert judged[0].score == pytest.approx(1, abs=1e-6)
    assert judged[0].score <= 1


def test_an_item_without_caption_is_unjudged_in_its_place():
    candidates = [_candidate(1, None), _candidate(2, "polyp"), _candidate(3, "  ")]
    judged = LocalCaptionJudge(_encode_texts).judge(Query("polyp"), candidates, _never)
    assert [j.score is None for j in judged] == [True, False, True]
    assert "no caption" in judged[0].reason
    assert [j.attempts for j in judged] == [0, 0, 0]  # nothing was sent anywhere


@pytest.mark.parametrize("text", [None, "", "  "])
def test_a_query_without_text_leaves_every_item_unjudged(text):
    query = Query(text, np.zeros((4, 4, 3), np.uint8), "query.png")
    judged = LocalCaptionJudge(_encode_texts).judge(query, [_candidate(1, "polyp")], _never)
    assert judged[0].score is None
    assert "no text" in judged[0].reason


def test_each_caption_is_encoded_once():
    seen = []

    def encode(texts):
        seen.extend(texts)
        return _encode_texts(texts)

    LocalCaptionJudge(encode).judge(Query("q"), [_candidate(i, "polyp") for i in range(5)], _never)
    assert seen == ["q", "polyp"]


def test_it_names_itself_and_nothing_else():
    judge = LocalCaptionJudge(_encode_texts)
    assert judge.name == "local caption judge"
    assert judge.judge(Query("q"), [_candidate(1, "polyp")], _never)[0].model == "local caption judge"


KNOWLEDGE = load_knowledge()


def test_with_knowledge_the_query_is_the_mean_direction_of_its_paraphrases_in_every_fold():
    query, caption = "perforation of the left eardrum", "a caption that names nothing"
    texts = KNOWLEDGE.expand(query)
    assert len(texts) > 1
    mean = _encode_texts(texts).astype(np.float64).mean(axis=0)  # (K, D)
    asked = mean / np.linalg.norm(mean, axis=-1, keepdims=True)
    expected = np.mean([asked[k] @ _encode_texts([caption])[0, k] for k in range(FOLDS)])
    judged = LocalCaptionJudge(_encode_texts, KNOWLEDGE).judge(Query(query), [_candidate(1, caption)], _never)
    assert judged[0].score == pytest.approx(max(expected, 0), abs=1e-6)
    assert expected > 0  # else the clip would pass for the score


def test_a_query_without_ent_words_is_judged_as_without_knowledge():
    candidates = [_candidate(i, caption) for i, caption in enumerate(["a red apple", "right ear", "a left shoe"])]
    query = Query("a right shoe")
    plain = LocalCaptionJudge(_encode_texts).judge(query, candidates, _never)
    judged = LocalCaptionJudge(_encode_texts, KNOWLEDGE).judge(query, candidates, _never)
    assert [(j.score, j.reason) for j in judged] == [(j.score, "") for j in plain]


def test_a_caption_of_another_side_region_or_state_keeps_half_its_score_and_says_why():
    def encode(texts):
        return np.ones((len(texts), FOLDS, DIMS), np.float32) / np.sqrt(DIMS).astype(np.float32)

    captions = ["polyp of the left nose", "polyp of the right nose", "edema of the throat", "polyp"]
    judged = LocalCaptionJudge(encode, KNOWLEDGE).judge(
        Query("polyp of the left nose"), [_candidate(i, c) for i, c in enumerate(captions)], _never
    )
    assert [j.score for j in judged] == pytest.approx([1, 0.5, 0.5, 1], abs=1e-6)
    assert judged[0].reason == "Region agrees: nose. Side agrees: left. Finding agrees: polyp."
    assert judged[1].reason == "other side: left was asked for, the caption names right; score halved"
    assert judged[2].reason.startswith("other region: nose was asked for, the caption names throat")
    assert "Side left open" in judged[3].reason


def test_with_knowledge_it_says_so_in_its_name_and_without_it_does_not():
    judge = LocalCaptionJudge(_encode_texts, KNOWLEDGE)
    assert judge.name == "local caption judge with ENT knowledge"
    assert judge.judge(Query("polyp"), [_candidate(1, "polyp")], _never)[0].model == judge.name
    assert LocalCaptionJudge.name == LocalCaptionJudge(_encode_texts).name == "local caption judge"
