"""The throughput benchmark on a handful of phantoms: every variant gives our vectors, what is absent says why."""

import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks import throughput, throughput_pictures
from benchmarks.figures import _throughput
from benchmarks.results import FOLDER
from benchmarks.throughput_gpu import gpu_figures
from benchmarks.throughput_images import OURS, image_figures
from benchmarks.throughput_pictures import Material, large_jpeg_rows, make_material, preparation_rows
from runtime.encoder import DualEncoder, open_encoder


@pytest.fixture(scope="module")
def encoder(bundle_folder: Path) -> DualEncoder:
    return open_encoder(bundle_folder, threads=2, provider="cpu")


@pytest.fixture(scope="module")
def material(phantoms: Path) -> Material:
    paths = sorted((phantoms / "imgs").iterdir())[:2]
    return Material(paths, {"phantoms (synthetic)": 2}, phantoms, {}, [])


@pytest.fixture(scope="module")
def figures(bundle_folder, encoder, material) -> dict:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(throughput_pictures, "EACH", 1)
        patch.setattr(throughput_pictures, "LARGE", (1500, 2000))
        large = large_jpeg_rows(material, encoder)
        patch.setattr(throughput, "BATCH", 8)
        sentence = "a long sentence about the left ear and its canal, membrane and wax"
        texts = throughput.text_figures(encoder, [*(f"ear {i}" for i in range(12)), sentence], rounds=1)
    return {
        "precision": "int8",
        "folds": encoder.folds,
        "cores_used": 2,
        "pictures": material.counts,
        **image_figures(bundle_folder, material.paths, cores=2, rounds=1),
        "texts": texts,
        "large_jpeg": large,
        "gpu": gpu_figures(bundle_folder, material.paths),
    }


def test_every_variant_encodes_the_same_pictures_to_our_vectors(figures):
    rows = {row["variant"]: row for row in figures["threads"]}
    assert [row["variant"] for row in rows.values() if row["ours"]] == [OURS]
    for preparing in range(4):
        for session in (1, 2):
            assert rows[f"{preparing} preparing, session of {session}"]["session_threads"] == session
    for row in rows.values():
        assert row["images_per_s"] > 0
        assert row["mean_cosine_to_ours"] > 0.999


def test_padding_costs_and_reduced_jpegs_keep_their_vectors(figures):
    assert figures["texts"]["tokens_longest"] > figures["texts"]["tokens_median"]
    cpu = {row["variant"]: row["cpu_ms_a_text"] for row in figures["texts"]["rows"]}
    assert cpu["padded to 128"] > 2 * cpu["length buckets (ours)"]
    for row in figures["large_jpeg"]:
        assert 0.999 < row["min_cosine"] <= row["mean_cosine"] < 1.0001
        assert row["cpu_whole_over_reduced"] > 0  # a single round on a busy machine may say anything


def test_the_committed_figures_say_that_reduced_decoding_pays():
    committed = json.loads((FOLDER / "throughput.json").read_text("utf-8"))["figures"]
    assert all(row["cpu_whole_over_reduced"] > 1 for row in committed["large_jpeg"])


def test_what_is_absent_says_why_and_what_is_there_has_a_row_a_batch(figures):
    assert set(figures["gpu"]) == {"onnxruntime CUDA", "torch bf16"}
    for part in figures["gpu"].values():
        assert part.get("absent") or [row["batch"] for row in part["rows"]] == [2**i for i in range(9)]


def test_the_readmes_section_names_every_table(figures):
    section = _throughput(figures)
    for word in ("Bulk encoding", "one after another", "padded to 128", "mosaic", "GPU:"):
        assert word in section


def test_the_plot_is_drawn(figures, tmp_path):
    pytest.importorskip("matplotlib")
    (path,) = throughput.plot(figures | {"gpu": {}}, tmp_path)
    assert path.read_bytes()[:4] == b"\x89PNG"
    gpu = {"some": {"rows": [{"batch": n, "images_per_s": 9.0 * n} for n in (1, 2)]}, "none": {"absent": "no GPU"}}
    assert len(throughput.plot(figures | {"gpu": gpu}, tmp_path)) == 2


def test_the_steps_of_preparing_are_timed_by_size(material, encoder, monkeypatch):
    monkeypatch.setattr(throughput_pictures, "LARGE", (600, 800))
    rows = {row["step"]: row["median_ms"] for row in preparation_rows(material, encoder.preprocess, rounds=1)}
    assert len(rows) == 12
    assert all(ms > 0 for ms in rows.values())


def test_material_takes_phantoms_and_real_sets_in_turn(tmp_path, monkeypatch):
    monkeypatch.setattr(throughput_pictures, "PHANTOMS", 2)
    made = make_material(tmp_path / "a", tmp_path / "none", images=5)
    assert made.counts == {"phantoms (synthetic)": 5}
    assert (len(made.paths), made.captions) == (5, [])
    data = tmp_path / "data" / "vocalfolds"
    (data / "img").mkdir(parents=True)
    (data / "captions.jsonl").write_text('{"file": "a.jpg", "caption": "a larynx"}\n', "utf-8")
    (data / "img" / "a.jpg").write_bytes(made.paths[0].read_bytes())
    made = make_material(tmp_path / "b", tmp_path / "data", images=4)
    assert made.counts == {"phantoms (synthetic)": 2, "vocalfolds": 2}
    assert made.captions == ["a larynx"]
    assert np.unique(made.paths).size == 3
