"""What a card says, and that nothing from outside becomes markup."""

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from demo import board, cards
from demo.pictures import Picture
from runtime.fusion import pos_fuse
from runtime.results import Candidate, Judgement, Query, SearchResult

PHANTOM = Picture("data:image/jpeg;base64,AAAA", synthetic=True)
EVIL = "<img src=x onerror=alert(1)>\"'&"


def candidate(
    item_id: int = 7, rank: int = 1, caption: str | None = "left ear, wax", path: str = "/no.png"
) -> Candidate:
    return Candidate(item_id, rank, path, caption, {}, 0.5, (0.4, 0.6, 0.5), (True, False, True))


class Tags(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


@pytest.mark.parametrize(("change", "text"), [(2, "↑2"), (-1, "↓1"), (0, "=")])
def test_a_move_is_marked_with_its_direction_and_size(change: int, text: str) -> None:
    assert re.sub("<[^>]+>", "", cards.rank_change(change)) == text


def test_captions_reasons_names_and_queries_are_escaped_everywhere() -> None:
    shown = candidate(caption=EVIL)
    result = SearchResult(
        query=Query(EVIL),
        mode="mean",
        candidates=(shown,),
        judge=EVIL,
        judgements=(Judgement(7, 0.5, EVIL),),
        ranking=tuple(pos_fuse([7], {7: 0.5})),
        timings_ms={"encode": 1.0},
    )
    pages = [
        board.retrieval_column(result, None),
        board.judge_column(result, None),
        board.fused_column(result, None),
        board.summary(result, None),
        cards.message(EVIL),
        cards.figure(PHANTOM, "1", EVIL),
    ]
    for html in pages:
        for tag, attributes in Tags(html).found:
            assert "onerror" not in attributes, html
            assert tag != "img" or attributes["src"] == PHANTOM.source
    assert Tags(cards.figure(PHANTOM, "1", EVIL)).found[1][1]["alt"] == f"{EVIL} (synthetic phantom)"


def test_a_phantom_is_labelled_and_a_photograph_is_not() -> None:
    assert "synthetic phantom" in cards.figure(PHANTOM, "1", "ear")
    assert "synthetic" not in cards.figure(Picture(PHANTOM.source, synthetic=False), "1", "ear")


def test_a_picture_that_is_gone_is_a_sentence_in_its_place() -> None:
    html = cards.figure(Picture(None, synthetic=False), "1", "ear")
    assert "cannot be read" in html
    assert "<img" not in html


def test_every_folds_cosine_and_vote_can_be_read() -> None:
    html = cards.fold_bars((0.4, 0.6, 0.5), (True, False, True))
    assert 'title="fold 1: cosine 0.400, in its top five"' in html
    assert 'title="fold 2: cosine 0.600"' in html
    assert "2 of 3 folds" in html


def test_an_unjudged_item_says_why() -> None:
    html = cards.judge_card(candidate(), Judgement(7, None, "the item has no caption"), PHANTOM, rank=1, relevant=False)
    assert "unjudged" in html
    assert "the item has no caption" in html
    assert "no judge was asked" in cards.judge_card(candidate(), None, PHANTOM, rank=1, relevant=False)


def test_the_judges_column_is_in_its_own_order_with_unjudged_items_last() -> None:
    candidates = tuple(candidate(item_id, rank) for rank, item_id in enumerate((11, 12, 13), start=1))
    judgements = (Judgement(11, None, "no caption"), Judgement(12, 0.2), Judgement(13, 0.9))
    ranking = tuple(pos_fuse([11, 12, 13], {j.item_id: j.score for j in judgements}))
    result = SearchResult(Query("x"), "mean", candidates, "local caption judge", judgements, ranking)
    html = board.judge_column(result, frozenset({13}))
    assert re.findall(r'data-item="(\d+)"', html) == ["13", "12", "11"]
    assert "local caption judge · reads captions only · 1 unjudged" in html
    assert re.findall(r'class="card item-(\d) relevant"', html) == ["3"]


def test_the_fused_bar_is_made_of_both_sides() -> None:
    fused = pos_fuse([7, 8], {7: 0.9, 8: 0.1})[0]
    html = cards.fused_card(fused, candidate(), PHANTOM, best=fused.score, relevant=False)
    widths = [float(width) for width in re.findall(r"width:([\d.]+)%", html)]
    assert len(widths) == 2
    assert sum(widths) == pytest.approx(100, abs=0.2)


@pytest.mark.parametrize(("probability", "text"), [(0.0, "under 1 %"), (0.4, "40 %"), (0.999, "over 99 %")])
def test_how_sure_the_answer_is_never_reads_as_certain(probability: float, text: str) -> None:
    result = SearchResult(Query("x"), "mean", (), "judge", (), (), confidence=probability)
    assert f"first is relevant <b>{text}</b>" in board.summary(result, None)
    low = replace(result, no_match=True, notes=("the judge is switched off",))
    assert f"no good match <b>{text}</b>" in board.summary(low, None)
    assert board.remarks(low).startswith("the judge is switched off No good match: the first item is relevant with")
    assert "relevant <b>" not in board.summary(replace(result, confidence=None), None)


def test_what_a_caption_has_to_do_with_the_query_is_said_once() -> None:
    ranking = tuple(pos_fuse([7], {7: 0.9}))
    said = "Region agrees: ear."
    result = SearchResult(
        Query("x"), "mean", (candidate(),), "judge", (Judgement(7, 0.9, said),), ranking, knowledge={7: [said]}
    )
    assert said in board.judge_column(result, None)
    assert said not in board.fused_column(result, None)
    assert said in board.fused_column(replace(result, judgements=(Judgement(7, 0.9, "red"),)), None)
