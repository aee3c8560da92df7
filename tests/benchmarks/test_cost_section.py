"""The README's section on cost says target, figure, verdict and floor, and hides no miss."""

import pytest

from benchmarks.cost_rows import Timed
from benchmarks.cost_section import MEANING, cost_section
from benchmarks.ensemble_cost import TARGETS, assemble

RATES = {"threads": 2, "matmul_gflops": 395.4, "int8_gops": 1080.0, "copy_gbs": 38.9}


def _row(group: str, name: str, ms: float, threads: int = 2, operations: int = 0) -> dict:
    row = {"group": group, "name": name, "threads": threads, "median_ms": ms, "p95_ms": ms * 1.5, "n": 3}
    if operations:
        row |= {"float_operations": operations, "int8_operations": 0, "floor_ms": ms / 2, "bound": "operations"}
    return row


def _part(threads: int, factor: float) -> dict:
    rows = [_row("g", "ten", factor, threads, 3000), _row("g", "one", 1.0, threads, 2000)]
    timed = Timed(rows, {"ten": [factor] * 3, "one": [1.0] * 3})
    ladder = Timed(
        [_row("loop", "torch", 220.0), _row("loop", "ours", 1.1)], {"torch": [0.22] * 3, "ours": [0.0011] * 3}
    )
    keys = [key for key in (*TARGETS, "torch_unpadded_over_ours_int8") if not key.startswith("bundle")]
    return {
        "threads": threads,
        "rates": RATES,
        "rows": [*rows, *ladder.rows],
        "ratios": {key: timed.ratio("ten", "one") for key in keys},
        "ladder": [{"changed": "no padding", **ladder.ratio("torch", "ours")}],
        "peers": {"versions": {}, "absent": {"fastembed": "not installed"}},
        "gpu": {"absent": {"torch bfloat16": "this torch sees no CUDA device"}},
    }


@pytest.fixture
def section() -> str:
    ratio = {"ratio": 2.5}
    check = {"sessions_over_fused_text": ratio, "sessions_over_fused_image": ratio}
    sizes = {"fp32": {"ten_bytes": 110, "one_bytes": 100}, "int8": {"ten_bytes": 130, "one_bytes": 100}}
    return cost_section(assemble([_part(2, 1.5), _part(1, 1.4)], check, sizes))


def _cells(section: str, start: str) -> list[str]:
    line = next(line for line in section.splitlines() if line.startswith(f"| {start}"))
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_every_target_is_listed_with_figure_and_verdict(section):
    assert set(MEANING) == set(TARGETS)
    lines = [line for line in section.splitlines() if "≤" in line or "≥" in line]
    assert len(lines) == len(TARGETS)
    assert _cells(section, "one query, ten read-out folds")[1:] == [
        *("≤ 1.25", "1.50 (1.50–1.50)", "**missed**", "1.50", "1.50 (0.75, operations)"),
    ]
    assert _cells(section, "bundle of ten")[1:4] == ["≤ 1.15", "1.10", "met"]
    assert section.count("**missed**") == 7  # met: int8 text, ten sessions of text, fp32 bytes


def test_steps_peers_rates_and_what_is_absent_stand_in_it(section):
    assert "395 GFLOP/s" in section
    assert _cells(section, "no padding") == ["no padding", "ours", "200.00"]
    assert "fastembed is absent (not installed)." in section
    assert "torch bfloat16 is absent (this torch sees no CUDA device)." in section
    assert "With 1 thread: " in section
    assert "2.50 (image)" in section
