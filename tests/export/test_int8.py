"""Which variants are taken, which refused, and what the command says; fp16 beside it."""

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")

from onnx import TensorProto  # noqa: E402  after the skip

from export.float16 import store_float16  # noqa: E402
from export.int8 import Gate, Variant, quantise_towers  # noqa: E402
from runtime.bundle import IMAGE_MODEL, TEXT_MODEL  # noqa: E402
from runtime.errors import BundleError, ProviderError  # noqa: E402

from ..conftest import run_module  # noqa: E402
from .test_gate import dataset, draw  # noqa: E402

pytestmark = pytest.mark.torch

N, D = 60, 16


class Written(Gate):
    """A gate whose graphs are files with a number: how far their vectors are turned towards their neighbours."""

    def __init__(self, queries) -> None:
        super().__init__(queries, None, None)
        vectors = np.linalg.qr(np.random.default_rng(0).normal(size=(N, N)))[0].astype(np.float32)
        self.rows = vectors[:, None]

    def texts(self, graph: Path) -> np.ndarray:
        return self.turned(float(graph.read_text()), [int(text[1:]) for text in self.queries.texts])

    def images(self, graph: Path) -> np.ndarray:
        captions = [self.queries.dataset.records[i].captions[0] for i in self.queries.gallery]
        return self.turned(float(graph.read_text()), [int(caption[1:]) for caption in captions])

    def turned(self, share: float, order: list[int]) -> np.ndarray:
        rows = (1 - share) * self.rows + share * np.roll(self.rows, 1, axis=0)
        return (rows / np.linalg.norm(rows, axis=-1, keepdims=True))[order]


@pytest.fixture
def gate(tmp_path) -> Gate:
    return Written(draw(dataset(tmp_path / "a", [[f"t{i}"] for i in range(N)]), dataset(tmp_path / "b", [["z"]], 99)))


def towers(monkeypatch, folder: Path, text: list[float], image: list[float]) -> tuple[Path, Path]:
    def variants(name: str, shares: list[float]) -> list[Variant]:
        return [Variant(f"{name} {share}", lambda target, s=share: target.write_text(str(s))) for share in shares]

    monkeypatch.setattr("export.int8.text_variants", lambda source: variants("text", text))
    monkeypatch.setattr("export.int8.image_variants", lambda source, pixels: variants("image", image))
    paths = folder / "text", folder / "image"
    for path in paths:
        path.write_text("0.0")
    return paths


def test_the_first_pair_that_passes_is_taken_and_the_refused_ones_stand_in_the_certificate(monkeypatch, tmp_path, gate):
    paths = towers(monkeypatch, tmp_path, text=[0.3, 0.1], image=[0.9, 0.2])
    text, image, report = quantise_towers(*paths, tmp_path, pixels=lambda: None, gate=gate)
    assert (text.read_text(), image.read_text()) == ("0.3", "0.2")  # the image tower steps down first
    assert report["passed"]
    assert [(tried["text"], tried["image"]) for tried in report["refused"]] == [("text 0.3", "image 0.9")]
    assert report["refused"][0]["own_image_r1"]["int8"] < 0.5
    assert report["gate"]["queries"] == N
    assert report["gate"]["held_out"]
    assert report["bytes"] == {"fp32": {"text": 3, "image": 3}, "int8": {"text": 3, "image": 3}}


def test_where_nothing_passes_the_export_is_refused_with_the_numbers(monkeypatch, tmp_path, gate):
    paths = towers(monkeypatch, tmp_path, text=[0.1], image=[0.9, 0.8])
    with pytest.raises(BundleError, match=r"on 60 queries no variant.*(?s:.*)int8-weights") as refusal:
        quantise_towers(*paths, tmp_path, pixels=lambda: None, gate=gate)
    lines = str(refusal.value).splitlines()
    assert len([line for line in lines if "1.0000 → " in line]) == 2


def test_without_a_gate_the_fastest_is_taken_and_the_certificate_says_so(monkeypatch, tmp_path):
    paths = towers(monkeypatch, tmp_path, text=[0.8, 0.0], image=[0.9, 0.0])
    text, _, report = quantise_towers(*paths, tmp_path, pixels=lambda: None, gate=None)
    assert text.read_text() == "0.8"
    assert report["gate"] is None
    assert "passed" not in report


def test_the_command_refuses_a_small_gate_in_one_sentence_before_it_begins(tiny_run, tmp_path):
    done = run_module("export", "kger", tiny_run, "--out", tmp_path / "bundle", "--precision", "int8")
    assert done.returncode == 2
    assert "160 queries" in done.stderr
    assert "python -m assets.phantoms gate --images 2000 --seed 99" in done.stderr
    assert not (tmp_path / "bundle").exists()


@pytest.mark.parametrize("name", [TEXT_MODEL, IMAGE_MODEL])
def test_fp16_halves_the_file_and_keeps_its_ends_float32(tiny_bundle, tmp_path, name):
    weights = store_float16(tiny_bundle / name, tmp_path / name)
    model = onnx.load(tmp_path / name)
    assert weights > 20
    assert 0.48 < (tmp_path / name).stat().st_size / (tiny_bundle / name).stat().st_size < 0.53
    ends = [model.graph.input[0], model.graph.output[0]]
    kinds = [end.type.tensor_type.elem_type for end in ends]
    assert kinds == [TensorProto.INT64 if name == TEXT_MODEL else TensorProto.FLOAT, TensorProto.FLOAT]


def test_an_fp16_bundle_refuses_the_cpu(tiny_bundle):
    from dataclasses import replace

    from runtime.bundle import Bundle
    from runtime.encoder import DualEncoder

    bundle = Bundle.open(tiny_bundle)
    half = Bundle(bundle.folder, replace(bundle.manifest, precision="fp16"))
    with pytest.raises(ProviderError, match=r"fp16 bundle runs on CUDA only.*--precision int8"):
        DualEncoder(half, provider="cpu")
