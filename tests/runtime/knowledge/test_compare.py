import pytest

from runtime.knowledge import load_knowledge

from .phantoms import every_caption

KNOWLEDGE = load_knowledge()


@pytest.mark.parametrize(
    ("query", "caption", "reason"),
    [
        ("left nasal polyp", "polyp of the right nose", "other side: left was asked for, the caption names right"),
        ("tai trái có ráy tai", "cerumen in the right ear", "other side: left was asked for, the caption names right"),
        ("edema of the throat", "phù nề hốc mũi", "other region: throat was asked for, the caption names nose"),
        ("open glottis, polyp", "dây thanh khép", "other state: open was asked for, the caption names closed"),
    ],
)
def test_another_region_side_or_state_contradicts(query, caption, reason):
    assert KNOWLEDGE.contradicts(query, caption) == reason


@pytest.mark.parametrize(
    ("query", "caption"),
    [
        ("polyp of the left nose", "polyp of the left nose"),
        ("polyp of the left nose", "left nose, white mucus"),  # another finding is for the score to tell
        ("polyp of the left nose", "polyp"),
        ("polyp of the left nose", "left and right nose, polyp"),
        ("polyp", "polyp of the right nose"),
        ("throat and larynx, edema", "edema of the larynx"),
        ("a left shoe", "a right shoe"),  # names nothing of ENT
        ("", "right ear"),
    ],
)
def test_what_is_left_open_contradicts_nothing(query, caption):
    assert KNOWLEDGE.contradicts(query, caption) is None


def test_no_phantom_caption_contradicts_its_own_translation_and_each_other_side_does():
    opposite = {"left": "right", "right": "left", "open": "closed", "closed": "open", None: None}
    captions = {truth: (english, vietnamese) for truth, english, vietnamese in every_caption()}
    for (regions, side, state, findings), (english, vietnamese) in captions.items():
        assert KNOWLEDGE.contradicts(english, vietnamese) is None
        if side or state:
            other = captions[regions, opposite[side], opposite[state], findings]
            assert KNOWLEDGE.contradicts(english, other[1]).startswith("other side" if side else "other state")


def test_an_explanation_says_what_agrees_differs_and_is_left_open():
    assert KNOWLEDGE.explain("polyp of the left nose", "hốc mũi trái có polyp") == [
        "Region agrees: nose.",
        "Side agrees: left.",
        "Finding agrees: polyp.",
    ]
    assert KNOWLEDGE.explain("open vocal cords, polyp", "larynx with nodules") == [
        "Region agrees: larynx.",
        "State left open: open was asked for, the caption names none.",
        "Finding differs: polyp was asked for, the caption names vocal cord nodule.",
    ]
    assert KNOWLEDGE.explain("nasal polyp", "nose without polyp")[-1] == (
        "Finding differs: the caption says there is no polyp."
    )


def test_a_query_that_names_nothing_of_ent_is_not_explained():
    assert KNOWLEDGE.explain("a red apple", "a red pear") == []
