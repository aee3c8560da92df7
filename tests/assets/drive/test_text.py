import json
from collections import Counter

import pytest

from assets.drive import surroundings, synonyms
from assets.drive.facts import elements_of, facts_of
from assets.drive.grammar import draw_scene
from assets.drive.text import write_text_part
from assets.drive.truth import possible
from assets.drive.vocabulary import THINGS
from runtime.carim.elements import MOST_ELEMENTS, clean_elements
from runtime.carim.rows import read_rows

SCENES, SEED = 300, 7
WEATHERS = {"clear weather": "clear", "rain": "rain", "fog": "fog"}


def lines(path):
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("text")
    write_text_part(folder, scenes=SCENES, seed=SEED)
    return folder


@pytest.fixture(scope="module")
def rows(made):
    return {row["id"]: row for row in lines(made / "rows.jsonl")}


@pytest.fixture(scope="module")
def queries(made):
    return lines(made / "queries.jsonl")


def test_the_same_seed_gives_the_same_bytes_and_another_seed_does_not(made, tmp_path):
    write_text_part(tmp_path / "again", scenes=SCENES, seed=SEED)
    write_text_part(tmp_path / "other", scenes=SCENES, seed=SEED + 1)
    for name in ("rows.jsonl", "queries.jsonl", "carim.json"):
        assert (tmp_path / "again" / name).read_bytes() == (made / name).read_bytes()
        assert (tmp_path / "other" / name).read_bytes() != (made / name).read_bytes()


def test_fewer_scenes_are_the_first_of_more(made, tmp_path):
    write_text_part(tmp_path, scenes=5, seed=SEED)
    assert lines(tmp_path / "rows.jsonl") == lines(made / "rows.jsonl")[:5]


def test_the_runtime_reads_every_row_and_cleaning_changes_no_element(made):
    read = read_rows(made)
    assert len(read.rows) == SCENES
    assert read.problems == ()
    for row, line in zip(read.rows, lines(made / "rows.jsonl"), strict=True):
        assert row.elements == tuple(line["elements"]) == clean_elements(line["elements"])
        assert 6 <= len(row.elements) <= MOST_ELEMENTS


def test_the_manifest_says_synthetic_and_counts_what_is_there(made, rows, queries):
    manifest = json.loads((made / "carim.json").read_text("utf-8"))
    assert manifest["synthetic"] is True
    assert "ynthetic" in manifest["settings"]["note"]
    distinct = {element for row in rows.values() for element in row["elements"]}
    counts = {"rows": SCENES, "scenes": SCENES, "elements": len(distinct), "queries": len(queries)}
    assert manifest["counts"] == counts


def test_scenes_are_told_apart_and_elements_recur(rows):
    sets = Counter(frozenset(row["elements"]) for row in rows.values())
    assert len(sets) > 0.97 * SCENES
    uses = Counter(element for row in rows.values() for element in row["elements"])
    assert len(uses) > 400
    assert sum(count > 1 for count in uses.values()) > 0.6 * len(uses)


def test_every_road_user_may_be_there_and_no_two_look_alike():
    for number in range(SCENES):
        scene = draw_scene(SEED, f"phantom-{number + 1:04d}")
        assert 3 <= len(scene.agents) <= 9
        assert all(possible(scene, agent) for agent in scene.agents)
        assert len({(agent.kind, agent.colour) for agent in scene.agents}) == len(scene.agents)
        assert all(scene.road in THINGS[thing] for thing in scene.things)


def test_elements_agree_with_the_truth_and_with_each_other(rows):
    for number in range(SCENES):
        scene = draw_scene(SEED, f"phantom-{number + 1:04d}")
        row = rows[scene.name]
        elements = set(row["elements"])
        assert elements == set(elements_of(scene))
        assert all(fact.holds(scene) for fact in facts_of(scene))
        assert [WEATHERS[e] for e in row["elements"] if e in WEATHERS] == [row["meta"]["weather"]] == [scene.weather]
        assert elements & {"morning", "daytime", "evening", "night"} == {row["meta"]["time_of_day"]}
        assert ("wet road" in elements) == (scene.weather == "rain")
        assert scene.weather == "rain" or not elements & {"puddles"}
        lights = {e for e in elements if e.endswith("traffic light")}
        assert lights == (set() if scene.signal == "none" else {f"{scene.signal} traffic light"})
        if scene.signal not in {"red", "none"}:
            assert not [e for e in elements if "waiting at the light" in e or "crossing the junction" in e]


def test_captions_are_several_sentences_in_words_of_their_own(rows):
    copied = 0
    for row in rows.values():
        assert row["caption"].count(".") >= 4
        copied += sum(element in row["caption"].lower() for element in row["elements"][:3])
    assert copied < 0.35 * 3 * SCENES


def test_relevant_rows_are_exactly_those_that_hold_all_that_is_asked_for(rows, queries):
    for query in queries[::3]:
        asked = set(query["elements"])
        fits = [name for name, row in rows.items() if asked <= set(row["elements"])]
        assert query["relevant"] == fits
        assert query["scene"] in fits


def test_each_scene_has_its_share_of_each_kind(rows, queries):
    kinds = Counter((query["scene"], query["kind"]) for query in queries)
    assert len({query["id"] for query in queries}) == len(queries)
    for name in rows:
        assert kinds[name, "paraphrase"] == kinds[name, "swapped"] == 2
        assert kinds[name, "composition"] in {1, 2}
    lengths = {len(query["elements"]) for query in queries if query["kind"] == "paraphrase"}
    assert lengths == {2, 3, 4}


def test_a_swapped_element_is_absent_and_differs_in_one_thing(rows, queries):
    attributes = Counter()
    for query in (query for query in queries if query["kind"] == "swapped"):
        held, other, attribute = (query["swapped"][key] for key in ("element", "by", "attribute"))
        there = rows[query["scene"]]["elements"]
        assert held in there
        assert other not in there
        assert held in query["elements"]
        copy = {other if element == held else element for element in there}
        assert not set(query["elements"]) <= copy
        attributes[attribute] += 1
        if attribute in {"colour", "object"}:
            assert _actions(held) & _actions(other)
        if attribute == "colour":
            assert _without_colour(held) == _without_colour(other)
        if attribute == "weather":
            assert {held, other} <= set(WEATHERS)
    assert min(attributes[name] for name in ("colour", "object", "action", "weather", "time")) > 50


def _actions(element):
    return {action for action in synonyms.ACTIONS if element.endswith(action)}


def _without_colour(element):
    return [word for word in element.split() if word not in {*synonyms.COLOURS, "a", "an"}]


def test_a_paraphrase_does_not_repeat_its_elements(queries):
    paraphrases = [query for query in queries if query["kind"] == "paraphrase"]
    assert not [q["text"] for q in paraphrases if any(len(e.split()) > 2 and e in q["text"] for e in q["elements"])]


def test_unseen_wordings_stand_in_no_caption_and_half_of_the_paraphrases_have_none(rows, queries):
    captions = "\n".join(row["caption"].lower() for row in rows.values())
    unseen = {wording for query in queries for wording in query["unseen"]}
    assert len(unseen) > 80
    assert not [wording for wording in unseen if wording.removeprefix("… ") in captions]
    plain = [not query["unseen"] for query in queries if query["kind"] == "paraphrase"]
    assert 0.4 < sum(plain) / len(plain) < 0.6


@pytest.mark.parametrize("table", ["COLOURS", "KINDS", "ACTIONS", "THINGS", "SIGNALS", "WEATHERS", "TIMES", "ROADS"])
def test_queries_share_some_wordings_with_captions_and_have_some_of_their_own(table):
    wordings = getattr(synonyms, table, None) or getattr(surroundings, table)
    for key, (captions, queries) in wordings.items():
        assert set(captions) & set(queries), key
        assert set(queries) - set(captions), key
