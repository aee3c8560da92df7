import hashlib

import numpy as np
import pytest

from runtime.judge import LocalCaptionJudge
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
