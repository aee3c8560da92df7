import json
from collections import Counter, defaultdict

import pytest

from assets.phantoms.cohort import plan
from assets.phantoms.findings import CLASSES, FINDINGS, NORMAL, SEVERITIES
from assets.phantoms.tables import tables


@pytest.fixture(scope="module")
def items():
    return plan(600, 7)


def test_every_class_and_every_finding_appears_in_600(items):
    seen = Counter((item.classification, item.finding) for item in items)
    for kind in CLASSES:
        for finding in [NORMAL, *FINDINGS[kind.region]]:
            assert seen[kind.name, finding] >= 3, (kind.name, finding)
    assert len({item.finding for item in items} - {NORMAL}) >= 14


def test_classes_have_the_shares_of_the_challenge(items):
    counts = Counter(item.classification for item in items)
    total = sum(kind.weight for kind in CLASSES)
    for kind in CLASSES:
        assert counts[kind.name] == pytest.approx(600 * kind.weight / total, abs=1)


def test_class_numbers_are_those_of_the_challenge():
    numbers = {kind.name: kind.number for kind in CLASSES}
    assert numbers == {
        "nose-right": 0,
        "nose-left": 1,
        "ear-right": 2,
        "ear-left": 3,
        "vc-open": 4,
        "vc-closed": 5,
        "throat": 6,
    }


def test_a_patient_has_six_to_eight_views_each_with_its_own_number(items):
    views = defaultdict(list)
    for item in items:
        views[item.patient].append(item.view)
    assert all(seen == list(range(len(seen))) for seen in views.values())
    sizes = [len(seen) for seen in views.values()]
    assert all(6 <= size <= 8 for size in sizes[:-1])
    assert 1 <= sizes[-1] <= 8


def test_only_graded_findings_have_a_severity(items):
    for item in items:
        graded = FINDINGS[item.kind.region].get(item.finding, False)
        assert (item.severity in SEVERITIES) == graded


def test_a_plan_depends_on_its_seed_alone(items):
    assert plan(600, 7) == items
    assert plan(600, 8) != items


def test_captions_repeat_over_images_and_differ_within_a_finding(items):
    captions = Counter(item.captions[0][0] for item in items)
    assert 250 <= len(captions) <= 450
    assert all(item.captions[0] != item.captions[1] for item in items)


@pytest.mark.parametrize("images", [1, 2, 41])
def test_a_small_set_is_planned_too(images):
    assert len(plan(images, 0)) == images


def test_queries_point_to_images_they_describe(items):
    by_file = {item.file: item for item in items}
    files = tables(items, 7)
    phrases, pairs = json.loads(files["t2i.json"]), json.loads(files["i2i.json"])
    assert len(phrases) >= 71
    assert all(phrase == by_file[file].captions[0][0] for phrase, file in phrases.items())
    assert len(pairs) >= 100
    for query, answer in pairs.items():
        a, b = by_file[query], by_file[answer]
        assert (a.classification, a.finding) == (b.classification, b.finding)
        assert a.patient != b.patient
