"""Two files whose bytes stand one after the other are one graph."""

from pathlib import Path

import numpy as np
import pytest

from runtime.carim.product import _field, _text, matmul_model
from runtime.errors import BundleError
from runtime.sessions import open_session


def test_a_continuation_uses_the_first_graphs_values_and_adds_an_output(tmp_path: Path) -> None:
    first, more = tmp_path / "first.onnx", tmp_path / "more.onnx"
    first.write_bytes(matmul_model())
    node = _text(1, "products") + _text(2, "negative") + _text(4, "Neg")
    more.write_bytes(_field(7, _field(1, node) + _field(12, _text(1, "negative"))))
    session = open_session(first, provider="cpu", continuation=more)
    feeds = {"elements": np.eye(2, dtype=np.float32), "tokens": np.full((2, 3), 4, np.float32)}
    products, negative = session.run(["products", "negative"], feeds)
    np.testing.assert_array_equal(negative, -products)
    assert products.shape == (2, 3)


def test_a_continuation_of_nothing_there_names_both_files(tmp_path: Path) -> None:
    first, more = tmp_path / "first.onnx", tmp_path / "more.onnx"
    first.write_bytes(matmul_model())
    more.write_bytes(_field(7, _field(1, _text(1, "unknown") + _text(2, "y") + _text(4, "Neg"))))
    with pytest.raises(BundleError, match=r"first\.onnx continued by .*more\.onnx"):
        open_session(first, provider="cpu", continuation=more)
