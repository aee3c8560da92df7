"""What the cost benchmark compares, on small real graphs: definitions, not times."""

import argparse
from pathlib import Path

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")
from onnx import TensorProto, helper, numpy_helper  # noqa: E402

from benchmarks import cost_image, cost_text  # noqa: E402
from benchmarks.cost_graphs import RECIPES, bundle_bytes  # noqa: E402
from benchmarks.cost_rows import Variant, time_group, times  # noqa: E402
from benchmarks.ensemble_cost import TARGETS, assemble, met  # noqa: E402
from benchmarks.floors import Work  # noqa: E402
from benchmarks.graph_work import graph_work  # noqa: E402
from benchmarks.ten_sessions import many_sessions, one_graph, own_pools  # noqa: E402
from runtime.bundle import Bundle  # noqa: E402

RATES = {"threads": 1.0, "matmul_gflops": 100.0, "int8_gops": 300.0, "copy_gbs": 10.0}
DIMS = 4


class SmallGraphs:
    """Image graphs of `folds` linear heads on the mean colour: small, but read by the same calls."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, recipe: str, name: str, precision: str = "fp32", folds: int = 10) -> Path:
        path = self.folder / f"{recipe}-{precision}-{folds}-{name}"
        if not path.is_file():
            onnx.save(_heads(folds), path)
        return path


def _heads(folds: int) -> "onnx.ModelProto":
    weights = np.random.default_rng(folds).standard_normal((3, folds * DIMS)).astype(np.float32)
    nodes = [
        helper.make_node("ReduceMean", ["pixel_values", "sides"], ["colour"], keepdims=0),
        helper.make_node("MatMul", ["colour", "weights"], ["flat"]),
        helper.make_node("Reshape", ["flat", "shape"], ["embeddings"]),
    ]
    tensors = {"sides": np.array([2, 3]), "weights": weights, "shape": np.array([-1, folds, DIMS])}
    side = cost_image.SIDE
    graph = helper.make_graph(
        nodes,
        "heads",
        [helper.make_tensor_value_info("pixel_values", TensorProto.FLOAT, ["n", 3, side, side])],
        [helper.make_tensor_value_info("embeddings", TensorProto.FLOAT, ["n", folds, DIMS])],
        [numpy_helper.from_array(value, key) for key, value in tensors.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)


@pytest.fixture
def graphs(tmp_path: Path) -> SmallGraphs:
    return SmallGraphs(tmp_path)


def test_ten_sessions_give_ten_folds_that_one_session_gives_one_of(graphs):
    path, feeds, opener = graphs.path("paper", "image.onnx", folds=1), cost_image.pixels(2), own_pools(1)
    one = one_graph(opener, path, feeds)()
    ten = many_sessions(opener, path, feeds, 10)()
    assert one.shape == (2, 1, DIMS)
    assert ten.shape == (2, 10, DIMS)
    np.testing.assert_array_equal(ten, np.repeat(one, 10, axis=1))


def test_an_ensemble_s_sizes_are_timed_with_each_graph_s_own_counted_work(graphs):
    timed = cost_image.time_sizes(graphs, own_pools(1), RATES, 3, ("fp32",))
    assert [row["name"] for row in timed.rows] == [cost_text.readout(k, "fp32") for k in (1, 2, 5, 10)]
    assert [row["float_operations"] for row in timed.rows] == [2 * 3 * k * DIMS for k in (1, 2, 5, 10)]
    assert all(row["n"] == 3 and row["threads"] == 1 and row["median_ms"] > 0 for row in timed.rows)
    found = timed.ratio(cost_text.readout(10, "fp32"), cost_text.readout(1, "fp32"))
    assert found["ratio"] == pytest.approx(timed.rows[3]["median_ms"] / timed.rows[0]["median_ms"])
    assert found["low"] <= found["ratio"] <= found["high"]


def test_ten_sessions_do_ten_times_the_work_of_one_and_the_fused_graph_its_own(graphs):
    timed = cost_image.time_recipe(graphs, own_pools(1), RATES, 3)
    operations = {row["name"]: row["float_operations"] for row in timed.rows}
    assert operations == {
        "one session, published recipe": 2 * 3 * DIMS,
        "ten sessions, published recipe": 10 * 2 * 3 * DIMS,
        "one graph, published recipe": 2 * 3 * 10 * DIMS,
    }
    found = timed.ratio("ten sessions, published recipe", "one graph, published recipe")
    assert found["counted"] == 1.0
    assert found["group"] == "image, published recipe"


def test_bulk_compares_the_same_pixels_in_the_same_batch(graphs):
    timed = cost_image.time_bulk(graphs, own_pools(1), RATES, 3, batch=5)
    assert [row["group"] for row in timed.rows] == ["image, batches of 5"] * 4
    for recipe in ("paper", "readout"):
        theirs, ours = cost_image.bulk_names(recipe)
        work = {row["name"]: row["float_operations"] for row in timed.rows}
        assert work[theirs] == work[ours] == 5 * 10 * 2 * 3 * DIMS


def test_a_row_stands_beside_its_floor():
    work = Work(float_operations=10**6, int8_operations=0, weight_bytes=10**6, activation_bytes=0)
    (row,) = time_group("g", {"sum": Variant(lambda: sum(range(1000)), work)}, RATES, rounds=5, prime=1).rows
    assert row["floor_ms"] == pytest.approx(0.1)  # 10⁶ bytes at 10 GB/s; the operations would take 0.01
    assert row["bound"] == "weight bytes"
    assert row["over_floor"] == pytest.approx(row["median_ms"] / 0.1)
    assert times(work, 3) == Work(3 * 10**6, 0, 3 * 10**6, 0)


def test_the_step_names_lead_from_the_published_loop_to_ours_and_each_says_what_changed():
    assert len(cost_text.CHANGED) == len(cost_text.STEPS) - 1
    assert cost_text.STEPS[0].endswith("padded to 128")
    assert cost_text.STEPS[-1].endswith("int8")


def test_the_top_level_keys_are_those_asked_for_and_come_from_the_first_thread_count():
    def part(threads: int, value: float) -> dict:
        keys = [key for key in (*TARGETS, "torch_unpadded_over_ours_int8") if not key.startswith("bundle_bytes")]
        ratios = {key: {"ratio": value} for key in keys}
        return {"threads": threads, "rows": [{"group": "g", "name": f"{threads}"}], "ratios": ratios}

    sizes = {"fp32": {"ten_bytes": 110, "one_bytes": 100}, "int8": {"ten_bytes": 60, "one_bytes": 50}}
    figures = assemble([part(2, 3.0), part(1, 9.0)], {}, sizes)
    asked = {
        *("text_ten_over_one_fp32", "text_ten_over_one_int8", "image_ten_over_one", "torch_loop_over_ours_int8"),
        *("torch_unpadded_over_ours_int8", "sessions_over_fused_image", "sessions_over_fused_text"),
        *("bulk_speedup_exact", "bulk_speedup_readout", "bundle_bytes_ratio", "bundle_bytes_ratio_int8"),
    }
    assert asked <= set(figures)
    assert {figures[key] for key in asked if not key.startswith("bundle")} == {3.0}
    assert (figures["bundle_bytes_ratio"], figures["bundle_bytes_ratio_int8"]) == (1.1, 1.2)
    assert [row["name"] for row in figures["rows"]] == ["2", "1"]


@pytest.mark.parametrize(
    ("key", "measured", "expected"),
    [
        ("text_ten_over_one_fp32", 1.25, True),
        ("text_ten_over_one_fp32", 1.26, False),
        ("bulk_speedup_readout", 8.0, True),
        ("bulk_speedup_readout", 7.9, False),
    ],
)
def test_a_target_is_met_on_its_side(key, measured, expected):
    assert met(key, measured) is expected


def test_the_bytes_of_a_bundle_are_those_of_its_files(bundle_folder):
    bundle = Bundle.open(bundle_folder)
    on_disk = sum((bundle_folder / name).stat().st_size for name in ("image.onnx", "text.onnx", "tokenizer.json"))
    assert bundle_bytes(bundle) == on_disk


@pytest.mark.parametrize("recipe", RECIPES)
def test_the_training_command_of_a_recipe_is_one_that_training_takes(recipe):
    pytest.importorskip("torch")
    from train import kger

    parser = argparse.ArgumentParser()
    kger.add_arguments(parser)
    options = [str(option) for option in RECIPES[recipe]]
    args = parser.parse_args(["--data", "d", "--out", "o", "--folds", "10", *options])
    assert args.image_weights == "random"


def test_the_counted_work_of_a_text_graph_grows_with_its_length(bundle_folder):
    path = Bundle.open(bundle_folder).path("text.onnx")
    work = []
    for length in (8, 16):
        ids = np.full((1, length), 2000)
        work.append(graph_work(path, {"input_ids": ids, "attention_mask": np.ones_like(ids)}))
    assert work[0].float_operations < work[1].float_operations < 2.2 * work[0].float_operations
    assert work[0].weight_bytes == work[1].weight_bytes
