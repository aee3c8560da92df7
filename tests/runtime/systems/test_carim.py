"""Scenes by text over one gallery: best frame a scene, filters in search and browse alike, errors that help."""

from pathlib import Path

import numpy as np
import pytest

from runtime.carim.encoder import open_carim_encoder
from runtime.carim.indexing import index_rows
from runtime.carim.rows import read_rows
from runtime.errors import BundleError, FilterError, GalleryError, GalleryNotFoundError, InvalidInputError
from runtime.gallery import Gallery
from runtime.systems.carim import CarimSystem, open_carim_gallery
from tests.runtime.carim.fakes import DIMS, WordEncoder, write_scenes

QUERY = "a red car crossing a junction at night in rain"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("carim")
    data = write_scenes(folder / "data", frames=3)
    with Gallery.create(folder / "g", fingerprint="words", folds=1, dims=DIMS) as gallery:
        assert index_rows(read_rows(data), gallery, WordEncoder()).added == 12
    return folder / "g"


@pytest.fixture(scope="module")
def system(folder: Path) -> CarimSystem:
    with Gallery.open(folder) as gallery:
        yield CarimSystem(WordEncoder(), gallery, threads=1)


@pytest.mark.parametrize("two_stage", [None, False, True])
def test_each_scene_stands_once_by_its_best_frame(system: CarimSystem, two_stage: bool | None) -> None:
    result = system.search(QUERY, k=10, two_stage=two_stage)
    assert [hit.scene for hit in result.hits][:2] == ["s1", "s2"]
    assert len(result.hits) == len({hit.scene for hit in result.hits}) == 4
    assert [hit.rank for hit in result.hits] == [1, 2, 3, 4]
    first = result.hits[0]
    assert (first.frame_id, first.timestamp, first.image, first.frames) == ("s1-0", 0.0, None, None)
    assert first.metadata == {"weather": "rain", "time_of_day": "night", "synthetic": True}
    assert result.exact is (two_stage is not True)


def test_the_shares_of_every_hit_add_up_to_its_score(system: CarimSystem) -> None:
    for hit in system.search(QUERY).hits:
        assert sum(hit.explanation.shares) == pytest.approx(hit.score, abs=1e-6)
        assert [element.text for element in hit.explanation.elements] == list(hit.elements)


def test_what_a_scene_lacks_is_named_with_the_element_that_has_it(system: CarimSystem) -> None:
    by_scene = {hit.scene: hit for hit in system.search(QUERY).hits}
    assert not by_scene["s1"].explanation.missing
    lacks = {entry.word: entry.element for entry in by_scene["s2"].explanation.missing}
    assert lacks["night"] == "night"
    assert "rain" not in lacks


def test_filters_hold_in_search_and_browse_alike(system: CarimSystem) -> None:
    where = ["weather=rain", "time_of_day=daytime"]
    assert [hit.scene for hit in system.search(QUERY, where=where).hits] == ["s2"]
    scenes, total = system.browse(where)
    assert ([scene.scene for scene in scenes], total) == (["s2"], 1)
    late, _ = system.browse(["timestamp>=1"])
    assert [scene.frame_id for scene in late] == ["s1-2", "s2-2", "s3-2", "s4-2"]
    page, total = system.browse(offset=3, limit=5)
    assert ([scene.scene for scene in page], total) == (["s4"], 4)


def test_facets_count_scenes_the_usual_three_first(system: CarimSystem) -> None:
    facets = system.facets()
    assert list(facets) == ["weather", "time_of_day", "synthetic"]
    assert facets["weather"] == {"rain": 2, "fog": 1, "clear": 1}
    assert facets["synthetic"] == {"true": 4}


def test_no_scene_for_a_filter_says_which_values_there_are(system: CarimSystem) -> None:
    with pytest.raises(InvalidInputError, match=r"no scene fulfils weather=snow; there are weather: rain, .*fog"):
        system.search(QUERY, where=["weather=snow"])
    assert system.browse(["weather=snow"]) == ((), 0)
    with pytest.raises(FilterError, match="No item has the key 'wheather'"):
        system.search(QUERY, where=["wheather=rain"])


@pytest.mark.parametrize(("text", "k"), [(" ", 5), ("…", 5), (QUERY, 0)])
def test_an_empty_query_and_no_hits_asked_for_are_refused(system: CarimSystem, text: str, k: int) -> None:
    with pytest.raises(InvalidInputError):
        system.search(text, k=k)


def test_what_was_added_meanwhile_is_found(tmp_path: Path) -> None:
    data = write_scenes(tmp_path / "data", frames=1)
    with Gallery.create(tmp_path / "g", fingerprint="words", folds=1, dims=DIMS) as gallery:
        with pytest.raises(GalleryError, match=r"holds no scene.*runtime carim index"):
            CarimSystem(WordEncoder(), gallery).search(QUERY)
        index_rows(read_rows(data), gallery, WordEncoder())
        system = CarimSystem(WordEncoder(), gallery, threads=1)
        assert system.search("snow").hits
        data.write_text(data.read_text().replace("fog", "snow"))
        index_rows(read_rows(data), gallery, WordEncoder())
        assert system.search("snow").hits[0].scene == "s3"


def test_every_result_is_json(system: CarimSystem) -> None:
    value = system.search(QUERY, k=1).to_json()
    assert value["hits"][0]["explanation"]["words"][1]["text"] == "red"
    assert sum(value["hits"][0]["explanation"]["shares"]) == pytest.approx(value["hits"][0]["score"], abs=1e-6)


def test_a_gallery_of_another_bundle_or_none_is_refused_with_the_command(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(GalleryError, match=r"two bundles cannot be compared.*runtime carim index DATA .*--reencode"):
        open_carim_gallery(folder, "another")
    with pytest.raises(GalleryNotFoundError, match="runtime carim index"):
        open_carim_gallery(tmp_path, "words")


def test_a_bundle_of_another_system_is_refused(bundle_folder: Path) -> None:
    with pytest.raises(BundleError, match=r"of the system 'kger'.*export carim"):
        open_carim_encoder(bundle_folder)


def test_scores_are_the_references(system: CarimSystem) -> None:
    from runtime.carim.maxsim import maxsim

    tokens = WordEncoder().encode_query(QUERY).tokens
    for hit in system.search(QUERY).hits:
        elements = WordEncoder().encode_elements(hit.elements)
        assert hit.score == pytest.approx(float(maxsim(tokens, elements, np.array([0, len(elements)]))[0]), abs=1e-6)
