"""What the ENT panel shows, from a real gallery and the shipped ent bundle: neighbours, columns, an upload."""

import re
from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("gradio")

from demo.ent_board import columns
from demo.ent_panel import BUNDLE, K, hardest, offered
from demo.ent_space import EntSpace, open_space
from runtime.encoder import DualEncoder, open_encoder
from runtime.errors import GalleryError, ImageDecodeError
from runtime.gallery import Gallery
from runtime.options import DEFAULT_BUNDLE


@pytest.fixture(scope="module")
def encoder(bundle_folder: Path) -> DualEncoder:
    if bundle_folder != DEFAULT_BUNDLE:
        pytest.skip("the shipped ent bundle moves the shipped kger bundle's vectors")
    return open_encoder(bundle_folder, threads=2)


@pytest.fixture(scope="module")
def gallery(encoder: DualEncoder, small_gallery: Path):
    with Gallery.open(small_gallery) as opened:
        yield opened


@pytest.fixture(scope="module")
def space(gallery: Gallery) -> EntSpace:
    return open_space(BUNDLE, gallery.folder, gallery.generation)


def test_the_nearest_are_those_of_a_plain_sort_and_the_query_is_not_among_them(space):
    asked = space.item(space.ids[3])
    for t, rows in ((None, space.raw), (0.3, space.moved[:, 3]), (1.0, space.moved[:, 10])):
        found = space.nearest(asked, t, 5)
        cosines = rows @ rows[3]
        others = sorted((i for i in range(24) if i not in asked.copies), key=lambda i: -cosines[i])
        assert [near.position for near in found] == others[:5]
        assert [near.cosine for near in found] == pytest.approx([cosines[i] for i in others[:5]])
        assert 3 not in others
    assert [near.tower_place for near in space.nearest(asked, None, 5)] == [1, 2, 3, 4, 5]


def test_neighbours_of_the_same_class_are_counted_over_the_whole_gallery(space):
    counts = space.right(1.0, K)
    assert counts.shape == (24,)
    for i in (0, 7, 23):
        cosines = space.moved[:, 10] @ space.moved[i, 10]
        near = sorted((j for j in range(24) if j != i), key=lambda j: (-cosines[j], j))[:K]
        assert counts[i] == sum(space.classes[j] == space.classes[i] for j in near)


def test_the_columns_show_the_query_and_its_neighbours_before_and_after_the_flow(space, gallery):
    items = offered(space, gallery)
    assert len({item.metadata["class"] for item in items}) >= 5
    asked = space.item(hardest(space, items))
    query, raw, flow = columns(space, asked, 1.0, K, gallery)
    assert query.count('<li class="card') == 1
    assert raw.count('<li class="card') == flow.count('<li class="card') == K
    assert "synthetic phantom" in raw
    assert "at t = 1.0" in flow
    for text in (raw, flow):
        said = int(re.search(r"(\d) of 5 are", text)[1])
        assert said == text.count(">✓<") == K - text.count(">✗<")
    assert columns(space, asked, 0.0, K, gallery)[1] == raw, "the tower's own neighbours do not depend on t"


def test_a_picture_of_ones_own_is_asked_and_its_near_duplicate_in_the_gallery_is_left_out(
    space, gallery, encoder, tmp_path
):
    own = space.paths[5]
    image = cv2.imread(str(own))
    smaller = tmp_path / "mine <b>.jpg"
    cv2.imwrite(str(smaller), cv2.resize(image, (480, 360), interpolation=cv2.INTER_AREA))
    asked = space.file(smaller, encoder)
    assert asked.item_id is None
    assert asked.copies == {5}
    assert float(asked.raw @ space.raw[5]) > 0.95
    np.testing.assert_allclose(np.linalg.norm(asked.moved, axis=1), 1, atol=1e-5)
    query, raw, flow = columns(space, asked, 0.5, K, gallery)
    assert "1 near-duplicate of it in the gallery: left out" in query
    assert "<b>.jpg" not in query
    assert f'data-item="{space.ids[5]}"' not in raw + flow
    assert "✓" not in raw


def test_a_file_that_is_no_picture_and_another_towers_gallery_are_sentences(space, encoder, tmp_path):
    (tmp_path / "broken.png").write_bytes(b"no picture")
    with pytest.raises(ImageDecodeError, match=r"broken\.png"):
        space.file(tmp_path / "broken.png", encoder)
    with Gallery.create(tmp_path / "other", fingerprint="f" * 64, folds=10, dims=64) as other:
        generation = other.generation
    with pytest.raises(GalleryError, match="another image tower"):
        open_space(BUNDLE, tmp_path / "other", generation)
