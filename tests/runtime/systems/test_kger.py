"""The whole kger search on a real gallery: encode, index, judge, fuse, explain."""

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from runtime.encoder import DualEncoder, open_encoder
from runtime.errors import FilterError, GalleryError, InvalidInputError
from runtime.files import sha256_file
from runtime.fusion import PosFuseSettings, pos_fuse
from runtime.gallery import Gallery, NewItem
from runtime.images import read_image
from runtime.judge import Judge
from runtime.judge.local import LocalCaptionJudge
from runtime.judge.protocol import ImageReader
from runtime.results import Candidate, Judgement, Query, SearchResult
from runtime.systems import kger
from runtime.systems.kger import KgerSystem, open_kger

TEXT = "right nasal cavity with mucus"


class CountingJudge:
    """Likes the last candidates best, looks at every picture, and counts how often it is asked."""

    name = "counting judge"

    def __init__(self) -> None:
        self.calls = 0

    def judge(self, query: Query, candidates: Sequence[Candidate], images: ImageReader) -> list[Judgement]:
        self.calls += 1
        sizes = [len(images(candidate)) for candidate in candidates]
        assert all(size > 100 for size in sizes)
        return [
            Judgement(c.item_id, None if c.rank == 1 else c.rank / len(candidates), input_tokens=size, attempts=1)
            for c, size in zip(candidates, sizes, strict=True)
        ]


@pytest.fixture(scope="module")
def system(bundle_folder: Path, small_gallery: Path) -> KgerSystem:
    return open_kger(bundle_folder, small_gallery, threads=2)


@pytest.fixture(scope="module")
def picture(system: KgerSystem) -> tuple[int, np.ndarray]:
    item = system.gallery.items([7])[0]
    return item.id, read_image(Path(item.path))


@pytest.fixture(scope="module")
def gallery_folds(system: KgerSystem) -> tuple[np.ndarray, np.ndarray]:
    """Ids and the vectors of each fold (N, K, D), encoded anew from the pictures."""
    ids = system.gallery.matrix()[0]
    pictures = [read_image(Path(item.path)) for item in system.gallery.items([int(i) for i in ids])]
    return ids, system.encoder.encode_images(pictures)


def ids_of(result: SearchResult) -> list[int]:
    return [candidate.item_id for candidate in result.candidates]


def test_a_text_finds_what_ten_separate_models_find_on_average(system, gallery_folds):
    ids, folds = gallery_folds
    query = system.encoder.encode_texts([TEXT])[0]
    mean = np.mean([folds[:, k] @ query[k] for k in range(system.encoder.folds)], axis=0)
    result = system.search(Query(TEXT), k=5)
    assert ids_of(result) == ids[np.argsort(-mean, kind="stable")[:5]].tolist()
    for candidate in result.candidates:
        row = int(np.flatnonzero(ids == candidate.item_id)[0])
        np.testing.assert_allclose(candidate.fold_cosines, (folds[row] * query).sum(1), atol=1e-5)
        assert candidate.similarity == pytest.approx(mean[row], abs=1e-5)
        assert candidate.similarity == pytest.approx(np.mean(candidate.fold_cosines), abs=1e-6)


def test_every_stage_stands_in_the_result(system):
    result = system.search(Query(TEXT), k=5)
    assert [c.rank for c in result.candidates] == [1, 2, 3, 4, 5]
    assert all(a.similarity >= b.similarity for a, b in zip(result.candidates, result.candidates[1:], strict=False))
    assert [place.item_id for place in result.ranking] == ids_of(result), "without a judge the ranking is retrieval's"
    assert {"encode", "search", "votes", "fuse"} <= set(result.timings_ms)
    assert min(result.timings_ms.values()) >= 0
    assert (result.judge, result.judgements, result.cost["judge_calls"]) == (None, (), 0)
    assert all(Path(c.path).is_file() and c.caption and c.metadata["class"] for c in result.candidates)
    plain = json.loads(json.dumps(result.to_json()))
    assert plain["candidates"][0]["item_id"] == result.candidates[0].item_id
    assert plain["query"] == {"text": TEXT, "image": None}


def test_an_image_of_the_gallery_finds_itself_with_the_vote_of_every_fold(system, picture):
    item_id, image = picture
    first = system.search(Query(image=image, image_name="own.png")).candidates[0]
    assert first.item_id == item_id
    assert first.similarity == pytest.approx(1, abs=1e-4)
    assert first.agreement == 1


def test_text_and_image_together_are_the_mean_of_both_per_fold(system, picture, gallery_folds):
    _, image = picture
    text, pixels = system.encoder.encode_texts([TEXT])[0], system.encoder.encode_images([image])[0]
    both = text + pixels
    both /= np.linalg.norm(both, axis=1, keepdims=True)
    ids, folds = gallery_folds
    mean = np.einsum("nkd,kd->n", folds, both) / system.encoder.folds
    result = system.search(Query(TEXT, image, "own.png"), k=4)
    assert ids_of(result) == ids[np.argsort(-mean, kind="stable")[:4]].tolist()
    np.testing.assert_allclose([c.similarity for c in result.candidates], np.sort(mean)[::-1][:4], atol=1e-5)


def test_a_blank_text_beside_an_image_counts_for_nothing(system, picture):
    _, image = picture
    assert ids_of(system.search(Query("  ", image))) == ids_of(system.search(Query(None, image)))


def test_the_mode_votes_is_the_published_loop(system, gallery_folds):
    ids, folds = gallery_folds
    query = system.encoder.encode_texts([TEXT])[0]
    totals: dict[int, float] = {}
    for k in range(system.encoder.folds):
        cosines = {int(i): float(c) for i, c in zip(ids, folds[:, k] @ query[k], strict=True)}
        for item_id in sorted(cosines, key=lambda i: cosines[i], reverse=True)[:5]:
            totals[item_id] = totals.get(item_id, 0.0) + cosines[item_id]
    result = system.search(Query(TEXT), k=5, mode="votes")
    assert ids_of(result) == sorted(totals, key=lambda i: totals[i], reverse=True)[:5]
    for candidate in result.candidates:
        assert candidate.similarity == pytest.approx(totals[candidate.item_id], abs=1e-4)
    everything = system.search(Query(TEXT), k=24, mode="votes")
    assert set(ids_of(everything)) == set(totals), "an item without a vote is listed"


def test_each_folds_votes_are_its_own_top_five(system):
    everything = system.search(Query(TEXT), k=24)
    votes = np.array([c.fold_votes for c in everything.candidates])
    cosines = np.array([c.fold_cosines for c in everything.candidates])
    np.testing.assert_array_equal(votes.sum(0), 5)
    for k in range(system.encoder.folds):
        assert cosines[votes[:, k], k].min() >= cosines[~votes[:, k], k].max()


def test_filters_hold_for_every_hit_and_votes_are_counted_among_the_allowed(system):
    names = system.gallery.distinct_values("class")
    assert len(names) > 1
    for name in names:
        result = system.search(Query(TEXT), k=24, where=[f"class={name}"])
        assert {c.metadata["class"] for c in result.candidates} == {name}
        votes = np.array([c.fold_votes for c in result.candidates])
        np.testing.assert_array_equal(votes.sum(0), min(5, len(result.candidates)))
    everything = system.search(Query(TEXT), k=24)
    rest = system.search(Query(TEXT), k=24, where=[f"class!={names[0]}"])
    assert ids_of(rest) == [c.item_id for c in everything.candidates if c.metadata["class"] != names[0]]


@pytest.mark.parametrize("mode", kger.MODES)
def test_a_filter_that_nothing_fulfils_gives_an_empty_result(system, mode):
    result = system.search(Query(TEXT), where=["class=elbow"], mode=mode, judge=CountingJudge())
    assert (result.candidates, result.ranking, result.judgements) == ((), (), ())


def test_more_than_there_is_gives_all_there_is(system):
    assert len(system.search(Query(TEXT), k=1000).candidates) == len(system.gallery)


@pytest.mark.parametrize("query", [Query(), Query(""), Query("  \n")])
def test_an_empty_query_is_refused(system, query):
    with pytest.raises(InvalidInputError, match="the query is empty; give a text, an image, or both"):
        system.search(query)


def test_settings_that_mean_nothing_are_refused(system):
    with pytest.raises(InvalidInputError, match="k = 0"):
        system.search(Query(TEXT), k=0)
    with pytest.raises(InvalidInputError, match=r"'median'.*mean, votes"):
        system.search(Query(TEXT), mode="median")
    with pytest.raises(FilterError, match="Known keys"):
        system.search(Query(TEXT), where=["colour=red"])


def test_the_local_judge_scores_captions_with_the_same_text_tower(system):
    judge: Judge = LocalCaptionJudge(system.encoder.encode_texts)
    result = system.search(Query(TEXT), judge=judge)
    assert result.judge == "local caption judge"
    assert [j.item_id for j in result.judgements] == ids_of(result)
    query = system.encoder.encode_texts([TEXT])[0]
    for candidate, judgement in zip(result.candidates, result.judgements, strict=True):
        caption = system.encoder.encode_texts([candidate.caption])[0]
        assert judgement.score == pytest.approx(max(0.0, float((query * caption).sum(1).mean())), abs=1e-4)
    assert sorted(p.item_id for p in result.ranking) == sorted(ids_of(result))
    assert "judge" in result.timings_ms


def test_fusing_again_asks_nobody_and_equals_a_search_with_those_settings(system):
    judge = CountingJudge()
    result = system.search(Query(TEXT), judge=judge)
    assert judge.calls == 1
    assert result.cost["judge_calls"] == 5
    assert result.cost["input_tokens"] == sum(Path(c.path).stat().st_size for c in result.candidates)
    retrieval_alone = PosFuseSettings(retrieval_weight=1, judge_weight=0)
    again = system.fuse(result, retrieval_alone)
    assert judge.calls == 1
    assert [p.item_id for p in again.ranking] == ids_of(result)
    assert [p.item_id for p in result.ranking] != ids_of(result), "the judge changed nothing"
    assert (again.candidates, again.judgements) == (result.candidates, result.judgements)
    scores = {j.item_id: j.score for j in result.judgements}
    for settings in (PosFuseSettings(decay="linear"), PosFuseSettings(variant="published", strategy="rrf")):
        assert system.fuse(again, settings).ranking == tuple(pos_fuse(ids_of(result), scores, settings))
    assert judge.calls == 1


def test_a_large_gallery_votes_among_the_nearest_with_the_same_result(
    system, bundle_folder, small_gallery, monkeypatch
):
    everything = {mode: system.search(Query(TEXT), k=5, mode=mode) for mode in kger.MODES}
    monkeypatch.setattr(kger, "EXACT_VOTES", 0)
    monkeypatch.setattr(kger, "POOL", 20)
    large = open_kger(bundle_folder, small_gallery, threads=2, backend="hnsw")
    for mode, expected in everything.items():
        result = large.search(Query(TEXT), k=5, mode=mode)
        assert ids_of(result) == ids_of(expected)
    monkeypatch.setattr(kger, "POOL", 1)  # smaller than k: what was found still votes
    assert ids_of(large.search(Query(TEXT), k=5)) == ids_of(everything["mean"])


def test_what_an_approximate_index_missed_in_the_pool_keeps_its_own_place(system, monkeypatch):
    """The pool is found with another k than the hits, so it may lack one: ids must not slip to a neighbour."""
    monkeypatch.setattr(kger, "EXACT_VOTES", 0)
    index = system._index()
    found = index.ids[[3, 11, 20]]
    monkeypatch.setattr(kger, "POOL", 2)
    vector = system.encode(Query(TEXT))
    assert set(found) <= set(index.ids[system._pool(vector, found, index, None)])


def test_votes_among_a_whole_gallery_copy_no_row(system):
    index = system._index()
    pool = system._pool(index.vectors[0], index.ids[:1], index, None)
    assert len(index.vectors[pool]) == len(index.ids)
    assert np.shares_memory(index.vectors[pool], index.vectors)


def test_a_repeated_text_is_not_encoded_again_and_finds_the_same(system, monkeypatch):
    first = system.search(Query(TEXT))
    monkeypatch.setattr(system.encoder, "text_tower", None)  # whoever runs the model now fails
    again = system.search(Query(TEXT))
    assert (again.candidates, again.ranking) == (first.candidates, first.ranking)


def one_item(encoder: DualEncoder, path: Path) -> NewItem:
    vectors = encoder.encode_images([read_image(path)])
    return NewItem(str(path), sha256_file(path), (), {}, kger.stack_folds(vectors)[0])


def test_an_open_system_sees_what_is_added_and_an_empty_gallery_says_how_to_fill_it(bundle_folder, phantoms, tmp_path):
    encoder = open_encoder(bundle_folder, threads=2)
    settings = {"fingerprint": encoder.fingerprint, "folds": encoder.folds, "dims": encoder.dims}
    paths = sorted((phantoms / "imgs").iterdir())[:2]
    with Gallery.create(tmp_path / "g", **settings) as gallery, Gallery.open(tmp_path / "g") as reader:
        system = KgerSystem(encoder, reader)
        with pytest.raises(GalleryError, match=r"the gallery is empty.*python -m runtime index"):
            system.search(Query(TEXT))
        for size, path in enumerate(paths, start=1):
            gallery.add([one_item(encoder, path)])
            result = system.search(Query(image=read_image(path)))
            assert (len(result.candidates), result.candidates[0].path) == (size, str(path))
        assert result.candidates[0].caption is None


def test_another_bundles_gallery_is_refused_with_the_command_that_mends_it(bundle_folder, tmp_path):
    encoder = open_encoder(bundle_folder)
    Gallery.create(tmp_path / "g", fingerprint="0" * 64, folds=encoder.folds, dims=encoder.dims).close()
    with pytest.raises(GalleryError, match="python -m runtime index"):
        open_kger(bundle_folder, tmp_path / "g")


def test_threads_that_share_a_system_get_their_own_answers(bundle_folder, small_gallery, system):
    texts = [TEXT, "left ear", "open vocal cords", "tonsils"] * 4
    expected = [ids_of(system.search(Query(text))) for text in texts]
    fresh = open_kger(bundle_folder, small_gallery, threads=1)
    with ThreadPoolExecutor(4) as pool:
        assert [ids_of(r) for r in pool.map(lambda text: fresh.search(Query(text)), texts)] == expected
