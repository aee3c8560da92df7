"""GPU rows: what a machine lacks is named, and nothing is made for it."""

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
from benchmarks.cost_graphs import Graphs  # noqa: E402
from benchmarks.gpu_cost import feeds_of, gpu_rows  # noqa: E402


@pytest.mark.skipif(torch.cuda.is_available(), reason="has a CUDA device: its rows are the benchmark's")
def test_a_machine_without_cuda_says_what_is_absent_and_why(tmp_path: Path):
    found = gpu_rows(Graphs(tmp_path))
    assert found["rows"] == []
    assert found["rates"] == {}
    assert found["absent"]["torch bfloat16"] == "this torch sees no CUDA device"
    assert "has no CUDA provider" in found["absent"]["ONNX Runtime CUDA"]
    assert list(tmp_path.iterdir()) == []


def test_inputs_have_the_batch_and_shapes_of_the_towers():
    text, image = feeds_of("text", 4), feeds_of("image", 3)
    assert text["input_ids"].shape == text["attention_mask"].shape == (4, 17)
    assert image["pixel_values"].shape == (3, 3, 224, 224)
    assert image["pixel_values"].dtype == np.float32
