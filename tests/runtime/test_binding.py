"""The code that runs graphs on a GPU, here on the CPU device: the same binding, staging and conversion."""

import threading

import numpy as np
import onnxruntime
import pytest

from runtime.binding import BoundRun, as_float32, needs_binding, pinned_memory
from runtime.bundle import TEXT_MODEL, Bundle
from runtime.sessions import open_session
from runtime.tower import Tower

TEXTS, FOLDS, DIMS = 4, 3, 8


@pytest.fixture(scope="module")
def bundle(bundle_folder) -> Bundle:
    return Bundle.open(bundle_folder)


@pytest.fixture(scope="module")
def session(bundle) -> onnxruntime.InferenceSession:
    return open_session(bundle.path(TEXT_MODEL), threads=1, provider="cpu")


def feeds(rows: int, tokens: int, seed: int = 0) -> dict[str, np.ndarray]:
    ids = np.random.default_rng(seed).integers(1000, 5000, (rows, tokens))
    return {"input_ids": ids, "attention_mask": np.ones_like(ids)}


def test_a_bound_run_gives_what_a_plain_run_gives_while_shapes_change_and_repeat(session, bundle):
    bound = BoundRun(session)
    for number, (rows, tokens) in enumerate([(2, 7), (2, 7), (5, 3), (2, 7), (1, 1)]):
        fed = feeds(rows, tokens, seed=number)
        vectors = bound(fed, (rows, bundle.manifest.folds, bundle.manifest.dims))
        assert vectors.dtype == np.float32
        np.testing.assert_array_equal(vectors, session.run(None, fed)[0])


def test_staging_memory_is_reused_and_keeps_nothing_of_the_caller(session, bundle):
    bound = BoundRun(session)
    shape = (2, bundle.manifest.folds, bundle.manifest.dims)
    first = bound(feeds(2, 7), shape)
    kept = first.copy()
    staged = bound._staged["input_ids"]
    second = bound(feeds(2, 7, seed=1), shape)
    assert bound._staged["input_ids"] is staged
    assert np.abs(first - second).max() > 1e-3
    np.testing.assert_array_equal(first, kept)


def test_threads_that_share_a_bound_run_get_their_own_answers(session, bundle):
    bound, found = BoundRun(session), {}

    def ask(seed: int) -> None:
        found[seed] = bound(feeds(1, 6, seed), (1, bundle.manifest.folds, bundle.manifest.dims))

    threads = [threading.Thread(target=ask, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    for seed in range(8):
        np.testing.assert_array_equal(found[seed], session.run(None, feeds(1, 6, seed))[0])


def test_memory_that_cannot_be_had_page_locked_is_ordinary_memory(session, bundle):
    bound = BoundRun(session, pinned="no memory description")
    fed = feeds(2, 4)
    vectors = bound(fed, (2, bundle.manifest.folds, bundle.manifest.dims))
    np.testing.assert_array_equal(vectors, session.run(None, fed)[0])


def test_the_cpu_needs_no_binding_and_has_no_pinned_memory(session):
    assert not needs_binding(session)
    assert pinned_memory(session) is None


def test_half_precision_becomes_float32_exactly():
    values = np.array([0, -0.0, 1, -2.5, 65504, np.inf, 2.0**-24], np.float16)
    np.testing.assert_array_equal(as_float32(values), values.astype(np.float64))
    upper_halves = np.array([0x0000, 0x3F80, 0xC020, 0x7F80, 0x4049], np.uint16)
    np.testing.assert_array_equal(as_float32(upper_halves), [0, 1, -2.5, np.inf, 3.140625])
    whole = np.ones(3, np.float32)
    assert as_float32(whole) is whole


@pytest.mark.torch
@pytest.mark.parametrize("element", ["FLOAT", "FLOAT16", "BFLOAT16"])
def test_a_tower_gives_float32_whatever_its_graph_gives(tmp_path, element):
    onnx = pytest.importorskip("onnx")
    helper = onnx.helper
    kind = getattr(onnx.TensorProto, element)
    graph = helper.make_graph(
        [helper.make_node("Cast", ["values"], ["embeddings"], to=kind)],
        "cast",
        [helper.make_tensor_value_info("values", onnx.TensorProto.FLOAT, ["N", FOLDS, DIMS])],
        [helper.make_tensor_value_info("embeddings", kind, ["N", FOLDS, DIMS])],
    )
    onnx.save(helper.make_model(graph, ir_version=10, opset_imports=[helper.make_opsetid("", 20)]), tmp_path / "cast")
    tower = Tower(lambda: open_session(tmp_path / "cast", provider="cpu"), folds=FOLDS, dims=DIMS)
    values = np.random.default_rng(0).standard_normal((TEXTS, FOLDS, DIMS)).astype(np.float32)
    vectors = tower({"values": values})
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(vectors, values, rtol={"FLOAT": 0, "FLOAT16": 2**-11, "BFLOAT16": 2**-8}[element])
