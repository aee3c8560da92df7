"""One question, answered: the sentences of what cannot be, the weights, and fusing again without asking."""

from dataclasses import replace
from pathlib import Path

import pytest

from demo.answer import QueryPicture, Question, Shown, fuse_again, fusion_of, search
from demo.examples import where
from demo.first_start import CALIBRATION, Places, Ready, open_ready, prepare_gallery
from runtime.errors import KgerError
from runtime.fusion import PosFuseSettings
from runtime.fusion.tuned import read_tuned
from runtime.publish import write_judge_json

from .colours import ColourEncoder

ASK = Question("cerumen in the left ear", None, 5, "mean", (), "local", consent=False)


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory, phantoms: Path) -> Ready:
    encoder = ColourEncoder()
    places = Places(tmp_path_factory.mktemp("cache"), data=phantoms)
    return open_ready(encoder, prepare_gallery(encoder, places, lambda *_: None))


def test_the_sliders_defaults_are_the_published_settings() -> None:
    assert fusion_of((0.6, 0.6, 0.8, "exponential", "weighted", "corrected")) == PosFuseSettings()


def test_how_sure_it_is_holds_for_the_calibrated_judge_and_settings_alone(ready: Ready) -> None:
    encoder = ready.system.encoder
    tuned = replace(read_tuned(CALIBRATION), bundle=encoder.fingerprint)
    calibrated = replace(ready, calibration=tuned)
    shown = search(calibrated, replace(ASK, min_confidence=1.0), PosFuseSettings(), None)
    assert shown.result.confidence is not None
    assert shown.result.no_match
    assert fuse_again(calibrated, shown, PosFuseSettings(), 0.0).result.no_match is False
    assert fuse_again(calibrated, shown, PosFuseSettings(judge_weight=0.5), 1.0).result.confidence is None
    assert search(calibrated, replace(ASK, judge="none"), PosFuseSettings(), None).result.confidence is None
    assert search(ready, ASK, PosFuseSettings(), None).result.confidence is None


@pytest.mark.parametrize(("judge_weight", "order"), [(0.0, "retrieval"), (1.0, "judge")])
def test_a_weight_of_all_or_nothing_gives_one_sides_order_and_asks_nobody(
    ready: Ready, judge_weight: float, order: str
) -> None:
    shown = search(ready, ASK, PosFuseSettings(), None)
    asked = shown.result.judgements
    again = fuse_again(ready, shown, fusion_of((judge_weight, 1.0, 0.8, "exponential", "weighted", "corrected")))
    assert again.result.judgements is asked
    retrieved = [c.item_id for c in shown.result.candidates]
    scores = {j.item_id: j.score or 0.0 for j in asked}
    expected = retrieved if order == "retrieval" else sorted(retrieved, key=lambda i: -scores[i])
    assert [f.item_id for f in again.result.ranking] == expected


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"text": "  "}, "The query is empty"),
        ({"judge": "gemini"}, "Tick the consent box"),
        ({"judge": "gemini", "consent": True}, "Gemini needs a key"),
        ({"judge": "replay"}, "--record FILE"),
        ({"picture": QueryPicture(Path("/nowhere/ear.png"))}, "ear.png cannot be read"),
    ],
)
def test_what_cannot_be_answered_is_told_in_a_sentence(
    ready: Ready, monkeypatch: pytest.MonkeyPatch, change: dict[str, object], sentence: str
) -> None:
    for name in ("GEMINI_API_KEY", "GOOGLE_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(KgerError) as told:
        search(ready, replace(ASK, **change), PosFuseSettings(), None)
    assert sentence in str(told.value)
    assert "/nowhere" not in str(told.value)


def test_recorded_scores_are_replayed_under_the_name_of_their_file(ready: Ready, tmp_path: Path) -> None:
    shown = search(ready, ASK, PosFuseSettings(), None)
    write_judge_json(tmp_path / "scores.json", [shown.result])
    again = search(ready, replace(ASK, judge="replay"), PosFuseSettings(), tmp_path / "scores.json")
    assert again.result.judge == "published scores (scores.json)"
    assert [j.score for j in again.result.judgements] == [j.score for j in shown.result.judgements]
    assert all(j.replayed for j in again.result.judgements)
    assert [f.item_id for f in again.result.ranking] == [f.item_id for f in shown.result.ranking]


def test_a_gallery_picture_as_query_is_found_first_and_its_truth_is_known(ready: Ready) -> None:
    item = ready.examples.pictures[2]
    question = replace(ASK, text="", picture=QueryPicture(Path(item.path), item.id))
    shown: Shown = search(ready, question, PosFuseSettings(), None)
    assert shown.result.candidates[0].item_id == item.id
    assert shown.relevant is not None
    assert item.id in shown.relevant
    assert shown.result.query.image is None  # a session keeps no pixels
    assert all(j.score is None and j.reason for j in shown.result.judgements)


def test_filters_of_one_key_are_alternatives_and_a_bar_in_a_value_is_no_bar() -> None:
    assert where(["class=ear-left", "side=left", "class=a|b"]) == ["class=ear-left|a\\|b", "side=left"]
    assert where([]) == []
