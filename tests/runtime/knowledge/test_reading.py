import unicodedata

import pytest

from assets.phantoms.cohort import plan
from runtime.knowledge import Mention, load_knowledge
from runtime.knowledge.index import find
from runtime.knowledge.words import words

from .phantoms import every_caption, truth_of

KNOWLEDGE = load_knowledge()
read = KNOWLEDGE.read


def test_every_phantom_caption_in_both_languages_gives_its_region_side_state_and_finding():
    wrong, read_captions = [], 0
    for truth, *captions in every_caption():
        for caption in captions:
            read_captions += 1
            if truth_of(read(caption)) != truth:
                wrong.append((caption, truth_of(read(caption)), truth))
    assert wrong == []
    assert read_captions > 1000


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_captions_as_a_phantom_set_draws_them_are_read(seed):
    for item in plan(120, seed):
        for caption in (text for pair in item.captions for text in pair):
            assert read(caption).findings == (item.finding,), caption
            assert read(caption).regions == (item.kind.region,), caption


def test_writing_makes_no_difference():
    plain = read("thủng màng nhĩ trái, nước mũi")
    assert plain.findings == ("perforation",)
    assert read(unicodedata.normalize("NFD", "thủng màng nhĩ trái, nước mũi")) == plain
    assert read("THỦNG MÀNG NHĨ TRÁI, NƯỚC MŨI") == plain
    # both places of the tone mark are in use
    assert read("vôi hoá màng nhĩ").findings == read("vôi hóa màng nhĩ").findings == ("scar",)
    assert read("Left-sided\tnasal  polyps") == read("left sided nasal polyp")


def test_only_whole_words_within_a_clause_match():
    assert read("a pearl, a tear, the nosegay and a throatwort") == Mention()
    assert read("polyposis nasi").findings == ("polyp",)
    assert read("ear, canal").structures == ()
    assert read("ear canal").structures == ("external auditory canal",)


def test_the_longest_term_wins():
    assert read("nắp thanh môn").structures == ("epiglottis",)  # and not thanh môn, the glottis
    assert read("thanh môn").structures == ("glottis",)
    assert read("xoang lê").regions == ("larynx",)  # the piriform sinus, no sinus of the nose
    assert read("mũi sau").regions == ("throat",)
    assert read("granular pharyngitis").findings == ("granular posterior wall",)
    assert read("acute pharyngitis").findings == ("erythema",)


def test_a_longer_term_wins_over_an_earlier_one_that_it_overlaps():
    # "dịch mủ" comes first, "mủ vàng xanh" is longer
    matches = find(KNOWLEDGE.index, "finding", words("dịch mủ vàng xanh"))
    assert (1, 4) in [(match.start, match.stop) for match in matches]


def test_a_word_that_means_something_else_is_left_alone():
    assert read("một mũi tên, tai nạn, phù thủy") == Mention()
    assert read("turn right now").side is None


def test_one_word_means_what_its_region_makes_of_it():
    assert read("white plaque on the eardrum").findings == ("scar",)
    assert read("white plaque on the vocal cords").findings == ("leukoplakia",)
    assert read("hypertrophy of the turbinates").findings == ("turbinate hypertrophy",)
    assert read("hypertrophy of the tonsils").findings == ("tonsillar hypertrophy",)


def test_a_finding_of_one_region_names_the_region():
    assert read("cerumen").regions == ("ear",)
    assert read("gai vách ngăn").regions == ("nose",)
    assert read("epistaxis").regions == ("nose",)
    assert read("polyp").regions == ()
    assert read("edema, left").regions == ()


def test_everyday_words_count_only_where_nothing_stronger_is_named():
    assert read("red throat").findings == ("erythema",)
    assert read("red polyp of the vocal cord").findings == ("polyp",)
    assert read("normal nose").findings == ("normal",)
    assert read("normal right nose, septal spur").findings == ("septal spur",)
    assert read("normal nose, red").findings == ("erythema",)


def test_a_word_that_leaves_the_finding_open_gives_all_of_the_regions():
    assert read("nasal discharge").findings == ("watery mucus", "white mucus", "purulent discharge")
    assert read("ear with discharge").findings == ("purulent discharge",)


def test_sides_and_states():
    assert read("left and right ear").side is None
    assert read("tai phải").side == "right"
    assert read("open glottis").state == "open"
    assert read("dây thanh khép").state == "closed"
    assert read("open mouth, red throat").state is None  # only the larynx has that state


@pytest.mark.parametrize(
    ("text", "present", "denied"),
    [
        ("no polyp in the left nasal cavity", (), ("polyp",)),
        ("ear without perforation, cerumen", ("cerumen",), ("perforation",)),
        ("no polyp but pus in the nose", ("purulent discharge",), ("polyp",)),
        ("no edema with a septal spur", ("septal spur",), ("edema",)),
        ("no erythema, edema or polyp. Septal spur", ("septal spur",), ("erythema", "edema", "polyp")),
        ("no erythema or edema, polyp", ("polyp",), ("erythema", "edema")),
        ("mũi không có polyp", (), ("polyp",)),
        ("mũi không phù nề, có mủ", ("purulent discharge",), ("edema",)),
        ("mũi không phù nề, polyp hoặc gai vách ngăn", (), ("edema", "polyp", "septal spur")),
        ("eardrum without any lesion", ("normal",), ()),
        ("màng nhĩ không thấy tổn thương", ("normal",), ()),
    ],
)
def test_a_negation_reaches_to_the_end_of_its_clause_or_list(text, present, denied):
    mention = read(text)
    assert (mention.findings, mention.denied) == (present, denied)


def test_a_negation_denies_no_side_and_no_region():
    mention = read("no polyp in the left nasal cavity")
    assert (mention.regions, mention.side) == (("nose",), "left")


def test_a_hostile_length_is_cut_and_costs_no_time():
    assert read("no " * 100_000 + "polyp") == Mention()
    assert read("left nose " + "no " * 100_000).side == "left"


@pytest.mark.parametrize("text", ["", "   ", "\0\n;", "🙂" * 50, "right " * 2000, "no " * 500 + "polyp"])
def test_any_text_is_read(text):
    assert isinstance(read(text), Mention)
