"""Static int8 convolutions: close to fp32, the same in any batch, and float32 where that is asked for."""

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")

from onnx import TensorProto, numpy_helper  # noqa: E402  after the skip
from torch import nn  # noqa: E402

from export.graphs import write_image_graph  # noqa: E402
from export.int8_convolutions import Convolutions, convolutions  # noqa: E402
from runtime.sessions import open_session  # noqa: E402

pytestmark = pytest.mark.torch

SIZE = 24


class Trunk(nn.Module):
    """An EfficientNet block in small: stem, depthwise, projection, a residual of two more; mean and unit rows."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.stem, self.depth = nn.Conv2d(3, 32, 3, padding=1), nn.Conv2d(32, 32, 3, padding=1, groups=32)
        self.project, self.expand = nn.Conv2d(32, 64, 1), nn.Conv2d(64, 128, 1)
        self.back = nn.Conv2d(128, 64, 1)
        self.clip = nn.ReLU6()

    def forward(self, pixel_values: torch.Tensor) -> torch.Tensor:
        x = self.project(self.clip(self.depth(self.clip(self.stem(pixel_values)))))
        x = x + self.back(self.clip(self.expand(x)))
        return nn.functional.normalize(x.mean((2, 3)), dim=-1)[:, None]


@pytest.fixture(scope="module")
def trunk(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("trunk") / "fp32.onnx"
    write_image_graph(Trunk().eval(), SIZE, path)
    return path


@pytest.fixture(scope="module")
def calibrated(trunk) -> Convolutions:
    asked = []

    def pixels() -> np.ndarray:
        asked.append(True)
        assert len(asked) == 1, "calibrated again"
        return np.random.default_rng(0).normal(size=(20, 3, SIZE, SIZE)).astype(np.float32)

    return Convolutions(trunk, pixels)


def run(path: Path, pixels: np.ndarray) -> np.ndarray:
    return open_session(path, threads=1).run(None, {"pixel_values": pixels})[0]


def test_vectors_stay_close_and_do_not_depend_on_the_batch(trunk, calibrated, tmp_path):
    calibrated.write(tmp_path / "int8.onnx", float_first=0)
    pixels = np.random.default_rng(1).normal(size=(6, 3, SIZE, SIZE)).astype(np.float32)
    ours, exact = run(tmp_path / "int8.onnx", pixels), run(trunk, pixels)
    assert (ours * exact).sum(-1).min() > 0.995
    pixels[1:] *= 3  # what stands beside it is much brighter now
    np.testing.assert_allclose(run(tmp_path / "int8.onnx", pixels)[:1], ours[:1], atol=1e-6)


def test_the_first_convolutions_stay_float_and_the_others_use_all_codes(calibrated, tmp_path):
    for first, peaks in ((0, [127] * 5), (2, [127] * 3)):
        target = tmp_path / f"{first}.onnx"
        calibrated.write(target, float_first=first)
        model = onnx.load(target)
        codes = {t.name: numpy_helper.to_array(t) for t in model.graph.initializer if t.data_type == TensorProto.INT8}
        found = []
        for node in convolutions(model.graph):
            name = node.input[1].replace("_DequantizeLinear_Output", "_quantized")
            if name in codes:
                found.append(int(np.abs(codes[name].astype(int)).max()))
        assert found == pytest.approx(peaks, abs=1)
        assert len(convolutions(model.graph)) == 5
