"""The product by onnxruntime is NumPy's."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runtime.carim.product import product


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 400), st.integers(0, 40), st.integers(1, 70), st.integers(0, 2**31))
def test_the_product_is_numpys_for_any_shape(rows: int, tokens: int, dims: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    elements = rng.standard_normal((rows, dims), dtype=np.float32)
    queries = rng.standard_normal((tokens, dims), dtype=np.float32)
    found = product(elements, queries, threads=1)
    assert found.shape == (rows, tokens)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, elements.astype(float) @ queries.T.astype(float), atol=1e-4)


def test_read_only_rows_are_multiplied_as_they_lie() -> None:
    elements = np.eye(5, 8, dtype=np.float32)
    elements.flags.writeable = False
    np.testing.assert_array_equal(product(elements, np.ones((2, 8), np.float32), threads=1), np.ones((5, 2)))


def test_onnxs_own_checker_accepts_the_graph_written_by_hand() -> None:
    onnx = pytest.importorskip("onnx")
    from runtime.carim.product import matmul_model

    model = onnx.load_from_string(matmul_model())
    onnx.checker.check_model(model, full_check=True)
    assert [node.op_type for node in model.graph.node] == ["MatMul"]
