"""The knowledge file itself: whole, in both languages, and no word that stands for two findings of one region."""

import hashlib
import json
import re
import subprocess
import sys
import unicodedata

import pytest

from assets.phantoms.findings import FINDINGS
from runtime.errors import InvalidInputError
from runtime.knowledge import KNOWLEDGE, load_knowledge
from runtime.knowledge.words import words

DATA = json.loads(KNOWLEDGE.read_text("utf-8"))
LOADED = load_knowledge()
ENTRIES = LOADED.entries
PROMPTED = (  # what the judge's prompts tell it to look for
    "erythema", "edema", "watery mucus", "white mucus", "purulent discharge", "cerumen", "fungal debris", "bleeding",
    "tonsillar hypertrophy", "turbinate hypertrophy", "septal deviation", "septal spur", "thickening",
    "thickened membrane", "perforation", "retraction", "obstruction", "polyp", "vocal cord nodule", "scar",
)  # fmt: skip


def strings(value):
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from strings(inner)
    elif isinstance(value, str):
        yield value


def named_words():
    for name, region in ENTRIES.regions.items():
        yield name, region.words
        yield from ((part, structure.words) for part, structure in region.structures.items())
    yield from ((name, finding.words) for name, finding in ENTRIES.findings.items())
    yield from ENTRIES.sides.items()
    yield from ((name, state.words) for name, state in ENTRIES.states.items())


def test_the_file_says_what_it_is_and_where_such_views_are_described():
    assert "not a medical text" in DATA["note"]
    assert "must not be used for diagnosis" in DATA["note"]
    assert len(DATA["sources"]) == 4
    assert LOADED.sha256 == hashlib.sha256(KNOWLEDGE.read_bytes()).hexdigest()


def test_every_finding_of_the_phantoms_and_of_the_prompts_is_in_it_in_its_region():
    for region, findings in FINDINGS.items():
        for finding in findings:
            assert region in ENTRIES.findings[finding].regions, (finding, region)
    assert {*PROMPTED} <= {*ENTRIES.findings}


def test_everything_is_named_in_both_languages_and_unicode_composed():
    for name, named in named_words():
        assert named.terms["en"], name
        assert named.terms["vi"], name
    for text in strings(DATA):
        assert text == unicodedata.normalize("NFC", text) == text.strip()
        assert text
        assert not set("<>{}") & set(text)  # the lines go between tags in a prompt


def test_looks_are_short_and_end_as_sentences():
    looks = [presence.look for finding in ENTRIES.findings.values() for presence in finding.regions.values()]
    looks += [finding.look for finding in ENTRIES.findings.values()]
    assert all(look.endswith(".") and len(look.split()) <= 25 for look in looks)


def test_no_word_stands_for_two_findings_of_one_region_unless_the_file_says_so():
    hints = [term for language in DATA["languages"] for term in DATA["shared_hints"][language]]
    shared = {tuple(word.key for word in words(term)) for term in hints}
    shared |= {(*key[:-1], f"{key[-1]}s") for key in shared}
    twice = []
    for key, senses in LOADED.index["finding"].items():
        found = [sense for sense in senses if sense.kind == "finding"]
        for region in ENTRIES.regions:
            here = {s.name for s in found if region in ([s.region] if s.region else ENTRIES.findings[s.name].regions)}
            if len(here) > 1 and key not in shared:
                twice.append((region, key, here))
    assert twice == []


def every_word(named):
    """Terms and forms in both languages."""
    return [word for terms in (named.terms, named.forms) for spelled in terms.values() for word in spelled]


def test_every_word_of_a_finding_is_read_as_that_finding_in_each_of_its_regions():
    for name, finding in ENTRIES.findings.items():
        for region, presence in finding.regions.items():
            place = ENTRIES.regions[region].words.terms["en"][0]
            for word in every_word(finding.words) + every_word(presence.words):
                assert name in LOADED.read(f"{place}: {word}").findings, (name, region, word)


def test_every_word_of_a_place_is_read_as_its_region_alone():
    for name, region in ENTRIES.regions.items():
        for named in [region.words, *(structure.words for structure in region.structures.values())]:
            for word in every_word(named):
                assert LOADED.read(word).regions == (name,), word


MIRRORED = {"right": "left", "left": "right", "one": "eleven", "eleven": "one", "five": "seven", "seven": "five"}


def test_what_is_said_of_the_left_is_the_mirror_image_of_what_is_said_of_the_right():
    def mirror(text):
        return re.sub(r"\w+", lambda word: MIRRORED.get(word.group(), word.group()), text.lower())

    for region in ENTRIES.regions.values():
        assert mirror(region.sides["right"]) == region.sides["left"].lower()
        assert region.sides["right"] != region.sides["left"]


def test_a_region_is_turned_as_its_examiner_sees_it():
    # the examiner faces the patient: the patient's left is the image's right, and the septum is medial
    assert "septum stands at the image's left" in ENTRIES.regions["nose"].sides["left"]
    assert "turbinates at its right" in ENTRIES.regions["nose"].sides["left"]
    # the examiner stands beside the ear: the cone of light points forwards and down, to the face
    assert "face is towards the image's right" in ENTRIES.regions["ear"].sides["right"]
    assert "five o'clock" in ENTRIES.regions["ear"].sides["right"]
    assert "seven o'clock" in ENTRIES.regions["ear"].sides["left"]
    assert "left tonsil is on the image's right" in ENTRIES.regions["throat"].sides["left"]


def test_it_is_loaded_once():
    assert load_knowledge() is LOADED


def test_its_import_brings_no_library():
    heavy = ("numpy", "cv2", "onnxruntime", "pydantic")
    program = f"import sys, runtime.knowledge; sys.exit(' '.join({{*{heavy!r}}} & {{*sys.modules}}) or 0)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "no knowledge file"),
        ("{", "no whole knowledge file"),
        ("[1]", "no whole knowledge file"),
        ('{"schema": 2}', "schema 2; this version reads schema 1"),
        ('{"schema": 1, "name": "x"}', "regions"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_with_what_was_expected(tmp_path, content, said):
    path = tmp_path / "ent.json"
    if content is not None:
        path.write_text(content, encoding="utf-8")
    with pytest.raises(InvalidInputError, match=said):
        load_knowledge(path)


def test_a_finding_that_names_an_unknown_region_is_refused(tmp_path):
    data = json.loads(KNOWLEDGE.read_text("utf-8"))
    data["findings"]["polyp"]["regions"]["knee"] = {"look": "none."}
    path = tmp_path / "ent.json"
    path.write_text(json.dumps(data), encoding="utf-8")
    with pytest.raises(InvalidInputError, match="knee"):
        load_knowledge(path)
