"""Classes, the three senses of relevance, and their measures."""

import json
from pathlib import Path

import numpy as np
import pytest

from runtime.dataset import ImageQuery, Record
from runtime.ent.classes import SHIPPED, ClassTable, read_classes
from runtime.ent.measures import answers, clip_score, confusion, report, sense_table, wrong_sides
from runtime.ent.relevance import class_of, relevance
from runtime.errors import InvalidInputError

TABLE = read_classes()
CLASSES = ["ear-left", "ear-left", "ear-right", "vc-open", "throat"]


def record(name: str, **metadata: object) -> Record:
    return Record(name, Path(name), metadata=metadata)


def rows(*vectors: tuple[float, ...]) -> np.ndarray:
    made = np.array(vectors, np.float32)
    return made / np.linalg.norm(made, axis=1, keepdims=True)


def test_the_shipped_table_has_the_published_confusions():
    confusable = {name: set(c.confusable) for name, c in TABLE.classes.items()}
    assert confusable == {
        "nose-right": {"nose-left"},
        "nose-left": {"nose-right"},
        "ear-right": {"ear-left"},
        "ear-left": {"ear-right"},
        "vc-open": {"vc-closed", "throat"},
        "vc-closed": {"vc-open"},
        "throat": {"vc-open", "vc-closed"},
    }
    assert TABLE["vc-open"].type == TABLE["vc-closed"].type
    assert TABLE.other_side("ear-left", "ear-right")
    assert not TABLE.other_side("ear-left", "nose-right")
    assert not TABLE.other_side("vc-open", "vc-closed")


def test_a_class_that_no_table_names_is_its_own_type():
    assert (TABLE["larynx"].type, TABLE["larynx"].confusable) == ("larynx", ())
    assert not TABLE.other_side("larynx", "larynx")


def test_an_edited_table_is_read_back_as_it_was(tmp_path):
    value = json.loads(SHIPPED.read_text("utf-8"))
    value["classes"]["sinus"] = {"type": "nose", "confusable": ["nose-left"]}
    (tmp_path / "mine.json").write_text(json.dumps(value))
    table = read_classes(tmp_path / "mine.json")
    assert table["sinus"].confusable == ("nose-left",)
    assert ClassTable.from_json(table.to_json(), "again") == table


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "cannot be read"),
        ("[]", "not a table of classes"),
        ('{"schema": 2, "classes": {}}', "not a table of classes"),
        ('{"schema": 1, "classes": {"a": {"typ": "b"}}}', "class 'a'"),
        ('{"schema": 1, "classes": {"a": {"confusable": ["b"]}}}', "'b' is confusable but is no class"),
    ],
)
def test_a_table_of_another_layout_is_a_sentence(tmp_path, text, said):
    (tmp_path / "table.json").write_text(text)
    with pytest.raises(InvalidInputError, match=said):
        read_classes(tmp_path / "table.json")


def test_a_class_is_the_metadatas_or_the_folders():
    assert class_of(record("a.png", **{"class": "throat"})) == "throat"
    assert class_of(record("data/ear-left/a.png")) == "ear-left"
    assert class_of(record("a.png")) is None
    assert class_of(record("a.png", sequence=3), "sequence") == "3"


def test_the_senses_are_three_questions():
    findings = ["wax", "scar", "wax", "polyp", "polyp"]
    records = [record(f"{i}.png", finding=finding) for i, finding in enumerate(findings)]
    asked = relevance(records, CLASSES, TABLE, range(5))
    assert asked.of("exact")[0].tolist() == [False, True, False, False, False]
    assert asked.of("type")[0].tolist() == [False, True, True, False, False]
    assert not asked.of("finding").any(), "the wax of another ear, the scar of the same ear: not the same finding"


def test_without_findings_the_challenges_pairs_are_the_third_sense():
    records = [record(f"{i}.png") for i in range(5)]
    asked = relevance(records, CLASSES, TABLE, range(5), [ImageQuery("0.png", frozenset({"2.png", "else.png"}))])
    assert np.argwhere(asked.of("finding")).tolist() == [[0, 2]]
    assert relevance(records, CLASSES, TABLE, range(5)).of("finding") is None


def test_the_query_and_its_near_duplicates_never_answer_and_are_counted():
    asked = relevance([record(f"{i}.png") for i in range(5)], CLASSES, TABLE, [0, 0, 2, 3, 4])
    assert asked.duplicates == 2
    space = rows((1, 0), (1, 0), (1, 0.1), (0, 1), (0.1, 1))
    found = answers(space, asked)
    assert found.best.tolist() == [2, 2, 0, 4, 3]
    assert found.ranks["exact"].tolist() == [0, 0, 0, 0, 0], "the only other left ear is the same picture"
    assert found.ranks["type"][0] == 1


def test_measures_of_a_small_case_by_hand():
    space = rows((1, 0, 0), (0.6, 0.8, 0), (0.9, 0.3, 0), (0, 0, 1), (0, 0.1, 1))
    records = [record(f"{i}.png") for i in range(5)]
    asked = relevance(records, CLASSES, TABLE, range(5))
    found = answers(space, asked)
    # 0 → 2 (the right ear), 1 → 2, 2 → 0: every first hit of an ear is of the other side
    assert found.best.tolist() == [2, 2, 0, 4, 3]
    assert wrong_sides(found, CLASSES, TABLE).tolist() == [True, True, True, False, False]
    assert found.ranks["exact"].tolist() == [2, 2, 0, 0, 0]
    table = sense_table(found, CLASSES)
    assert table["exact"]["queries"] == 2
    assert (table["exact"]["r1"], table["exact"]["r5"], table["exact"]["mrr"]) == (0, 1, 0.5)
    assert table["type"]["r1"] == 1
    assert confusion(found, CLASSES)["ear-left"]["ear-right"] == 2
    assert clip_score(found, space) == pytest.approx(np.mean([space[i] @ space[j] for i, j in enumerate(found.best)]))


def test_a_rare_class_counts_as_much_as_a_frequent_one_in_the_macro_average():
    classes = ["throat"] * 4 + ["vc-open"] * 2
    space = rows((1, 0), (1, 0.01), (1, 0.02), (1, 0.03), (0, 1), (1, 0.04))
    asked = relevance([record(f"{i}.png") for i in range(6)], classes, TABLE, range(6))
    entry = sense_table(answers(space, asked), classes)["exact"]
    # 3 of 4 throats find a throat, the last the larynx beside it; of the larynges one finds the other
    assert (entry["r1"], entry["macro_r1"]) == (pytest.approx(4 / 6), pytest.approx((3 / 4 + 1 / 2) / 2))


def test_the_report_of_the_tower_itself_has_the_highest_clip_score():
    rng = np.random.default_rng(0)
    raw = rows(*rng.standard_normal((30, 6)))
    classes = [CLASSES[i % 5] for i in range(30)]
    asked = relevance([record(f"{i}.png") for i in range(30)], classes, TABLE, range(30))
    moved = rows(*rng.standard_normal((30, 6)))
    assert (
        report(raw, raw, asked, classes, TABLE)["clip_score"] > report(moved, raw, asked, classes, TABLE)["clip_score"]
    )
