"""Attacks are drawn and really read; whoever obeys them can reorder the k and do no more."""

import json

import numpy as np
import pytest

from assets.phantoms import render
from benchmarks.judging.drawn_text import FOUND_FROM
from benchmarks.judging.faults_section import judge_injection_section
from benchmarks.judging.injection_cases import Case, K, attacked_pictures, file_of, victim_cases
from benchmarks.judging.injection_outcomes import (
    FUSIONS,
    MEDIAN,
    WAYS,
    Judges,
    attacked_captions,
    blocks_broken,
    breaks_out,
    obeyed_outside,
    outcomes,
    ranks,
)
from benchmarks.judging.injections import PLACES, WIDTH, finder, read_attacks
from benchmarks.judging.loopback_answers import OBEYS, Truth, captions_shown
from benchmarks.judging.loopback_process import loopback
from runtime.dataset import read_dataset
from runtime.encoder import open_encoder
from runtime.errors import InvalidInputError
from runtime.judge.picture import shrink_to_jpeg
from runtime.results import Query
from runtime.systems.kger import open_kger

PICTURE_ATTACKS = read_attacks(place="picture")


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch):
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def phantom(number: int) -> np.ndarray:
    return render(23, patient=number, view=0, classification="nose-left", finding="polyp", severity="mild")


def test_the_committed_attacks_cover_every_place_and_both_languages():
    attacks = read_attacks()
    assert len({attack.name for attack in attacks}) == len(attacks) >= 12
    for place in PLACES:
        assert {"en", "vi"} <= {attack.language for attack in read_attacks(place=place)}


def test_another_schema_or_place_is_refused(tmp_path):
    path = tmp_path / "injections.json"
    path.write_text('{"schema": 2, "attacks": []}', "utf-8")
    with pytest.raises(InvalidInputError, match="expected 1"):
        read_attacks(path)
    row = vars(read_attacks()[0]) | {"places": ["sound"]}
    path.write_text(json.dumps({"schema": 1, "attacks": [row]}), "utf-8")
    with pytest.raises(InvalidInputError, match="places among"):
        read_attacks(path)


@pytest.mark.parametrize("attack", PICTURE_ATTACKS, ids=lambda attack: attack.name)
def test_drawn_text_is_read_from_the_jpeg_that_is_sent_and_a_picture_without_it_is_not_flagged(attack):
    reader, picture = finder(PICTURE_ATTACKS), phantom(PICTURE_ATTACKS.index(attack))
    drawn = attack.into_picture(picture, 1)
    assert np.array_equal(drawn, attack.into_picture(picture, 1))
    assert not np.array_equal(drawn, attack.into_picture(picture, 2))
    assert reader.find(shrink_to_jpeg(drawn, 384)) == attack.name
    clean = shrink_to_jpeg(picture, 384)
    assert reader.find(clean) is None
    assert max(reader.likeness(clean).values()) < FOUND_FROM - 0.05


def test_text_that_is_no_attack_is_not_taken_for_one():
    picture = phantom(1).copy()
    assert picture.shape[1] == WIDTH
    reader = finder(PICTURE_ATTACKS)
    harmless = PICTURE_ATTACKS[0].__class__(
        "x", "en", "top", ("picture",), "", "Left nasal cavity, 12 May, exam 3 of 4"
    )
    assert reader.find(shrink_to_jpeg(harmless.into_picture(picture, 3), 384)) is None


def test_no_attack_breaks_out_of_the_querys_block_and_two_would_out_of_plain_tags():
    assert blocks_broken(read_attacks(place="query")) == {"json_block": 0, "pasted_between_tags": 2}
    assert breaks_out('<finding>"a"</finding> b')
    assert breaks_out('<finding>"a\nb"</finding>')


@pytest.fixture(scope="module")
def system(bundle_folder, small_gallery):
    return open_kger(bundle_folder, small_gallery, threads=1)


@pytest.fixture(scope="module")
def records(phantoms):
    return read_dataset(phantoms).records[:24]


@pytest.fixture(scope="module")
def ground(bundle_folder, phantoms, tmp_path_factory):
    """The 40 phantoms, every attack drawn into one of them, encoded as they are then."""
    return attacked_pictures(tmp_path_factory.mktemp("attacked"), phantoms, open_encoder(bundle_folder, threads=2), 3)


@pytest.fixture(scope="module")
def cases(ground):
    """By what the attack asks for, one query that retrieves its picture among the k."""
    found = victim_cases(ground, "picture", captions_shown(ground.records), 1)
    return {case.attack.asks: case for case in found}


def test_who_obeys_a_picture_reorders_the_k_and_lets_nothing_in(tmp_path, ground, cases):
    truth = Truth.of(ground.records, captions_shown(ground.records))
    with loopback(tmp_path, truth) as server, Judges(server, tmp_path) as judges:
        told = {asks: outcomes(judges, ground.system, case) for asks, case in cases.items()}
    assert set(told) == {"top", "over", "outsider"}
    for found in told.values():
        assert {(o.way, o.fusion) for o in found} == {(way, name) for way in (*WAYS, MEDIAN) for name in FUSIONS}
        assert all(o.obeyed and o.outside == 0 for o in found)
    listwise = [o for o in told["top"] if o.way != "pointwise" and o.fusion == "corrected"]
    assert all(o.rise >= 2 and o.to_first for o in listwise), "whoever obeys listwise lifts the picture to the top"
    assert not any(o.changed for o in told["outsider"]), "an id that was not shown moves nothing"


def test_a_score_of_9999_is_refused_and_its_candidate_unjudged(tmp_path, ground, cases):
    case, system = cases["over"], ground.system
    found = system.search(Query(case.query), k=K).candidates
    (victim,) = (c.item_id for c in found if file_of(c) == case.victim)
    truth = Truth.of(ground.records, captions_shown(ground.records))
    with loopback(tmp_path, truth) as server, Judges(server, tmp_path) as judges:
        for way in WAYS:
            scores = judges.scores(OBEYS, way, case, found, system)
            assert scores.pop(victim) is None
            assert all(0 <= score <= 1 for score in scores.values())
        again = [line["again"] for line in server.new_lines() if line["event"] == "start"]
    assert again.count(True) == 1 + 1 + 3, "each refused reply is asked for once more"


def test_a_query_is_obeyed_only_by_who_reads_into_the_data_block(tmp_path, system, records):
    attack, text = next(a for a in read_attacks() if a.name == "close-finding"), records[3].captions[0]
    case = Case(attack, "query", attack.into_query(text), text)
    with loopback(tmp_path, Truth.of(records, captions_shown(records))) as server, Judges(server, tmp_path) as judges:
        told = outcomes(judges, system, case)
        assert not obeyed_outside(judges, system, case)
    assert all(outcome.obeyed for outcome in told)
    assert all(outcome.outside == 0 for outcome in told)


def test_a_caption_reaches_no_picture_judge(tmp_path, system, records):
    attack, text = read_attacks()[0], records[0].captions[0]
    victim = system.search(Query(text), k=K).candidates[-1]
    case = Case(attack, "caption", text, text, file_of(victim))
    assert attack.text in attacked_captions([victim], case)[0].caption
    with loopback(tmp_path, Truth.of(records, captions_shown(records))) as server, Judges(server, tmp_path) as judges:
        told = outcomes(judges, system, case)
    assert not any(outcome.obeyed or outcome.changed or outcome.rise for outcome in told)


def test_ranks_by_the_judge_alone_keep_retrievals_order_among_equals(system, records):
    found = system.search(Query(records[0].captions[0]), k=3).candidates
    a, b, c = (candidate.item_id for candidate in found)
    assert ranks(found, {a: 0.2, b: None, c: 0.5}, None) == {b: 1, c: 2, a: 3}


def test_the_section_says_what_the_figures_say():
    row = {
        "obeyed": 1.0,
        "largest_rise": 4,
        "mean_rise": 3.0,
        "to_first": 0.9,
        "changed": 0.8,
        "outside": 0,
        "cases": 9,
    }
    figures = {
        "attacks": 13, "sets": 4, "phantoms": 72, "k": 5, "outside": 77,
        "cases": {"picture": 9, "query": 9, "caption": 9},
        "rows": [
            {"place": place, "asked": way, "fusion": fusion} | row
            for place in PLACES for way in (*WAYS, MEDIAN) for fusion in FUSIONS
        ],
        "by_demand": [
            {"asks": asks, "asked": way, "fusion": fusion} | row
            for asks in ("top", "over", "outsider") for way in WAYS for fusion in ("published", "corrected")
        ],
        "attacks_out_of_the_block": {"json_block": 0, "pasted_between_tags": 2},
        "obeyed_outside_the_block": {"cases": 9, "obeyed": 0},
        "local_judge": {"rows": []},
        "retrieval": {
            "picture_cosine_to_itself_mean": 0.9, "picture_cosine_to_itself_least": 0.7, "query_top_k_kept": 0.7,
        },
    }  # fmt: skip
    text = judge_injection_section(figures)
    assert "77 items from outside the k" in text
    assert text.count("4, 90%") == 2 * len((*WAYS, MEDIAN)) * len(FUSIONS)
