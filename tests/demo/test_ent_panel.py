"""The ENT panel's two columns, from a real gallery and the shipped ent bundle."""

import numpy as np
import pytest

pytest.importorskip("gradio")

from demo.ent_panel import BUNDLE, _space, neighbours, panel
from demo.first_start import open_ready
from runtime.bundle import MANIFEST
from runtime.encoder import open_encoder
from runtime.options import DEFAULT_BUNDLE

needs_bundle = pytest.mark.skipif(not (BUNDLE / MANIFEST).is_file(), reason="no ent bundle in assets/bundles/ent")


def test_the_nearest_are_sorted_and_the_query_is_not_among_them():
    rows = np.random.default_rng(0).standard_normal((20, 4)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    found = neighbours(rows, 3)
    cosines = [cosine for _, cosine in found]
    assert len(found) == 5
    assert cosines == sorted(cosines, reverse=True)
    assert 3 not in [i for i, _ in found]
    assert cosines[0] == pytest.approx(max(rows[i] @ rows[3] for i in range(20) if i != 3))
    assert len(neighbours(rows[:3], 0)) == 2


@needs_bundle
def test_the_panel_shows_the_query_and_its_neighbours_before_and_after_the_flow(small_gallery, bundle_folder):
    if bundle_folder != DEFAULT_BUNDLE:
        pytest.skip("the shipped ent bundle moves the shipped kger bundle's vectors")
    ready = open_ready(open_encoder(bundle_folder, threads=2), small_gallery)
    choice, asked, raw, flow = panel(ready, BUNDLE, None, 1.0)
    assert "Query" in asked
    assert raw.count("<article") == flow.count("<article") == 5
    assert "t = 1.0" in flow
    assert "synthetic phantom" in raw
    space = _space(BUNDLE, ready.system.gallery.folder, ready.system.gallery.generation)
    assert space.path.shape == (24, 11, space.raw.shape[1])
    again = panel(ready, BUNDLE, choice.value, 0.0)
    assert again[2] == raw, "the tower's own neighbours do not depend on t"
