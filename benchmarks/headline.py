"""The README's first table: what each claim of the project comes to, from the results files."""

import json
from pathlib import Path
from typing import Any

from .markdown import table
from .results import FOLDER


def headline(folder: Path = FOLDER) -> str:
    """One row a claim, as Markdown; every file must be there (KeyError, FileNotFoundError where it is not)."""
    cost, real, drawn = (_figures(folder, name) for name in ("ensemble_cost", "kger_tuxpaint", "kger_phantoms"))
    ladder, faults, start = (_figures(folder, name) for name in ("fusion_ladder", "judge_faults", "coldstart"))
    paper = _figures(folder, "kger_paper_path")
    drive, scenes = (_figures(folder, name) for name in ("carim_phantom_drive", "carim_latency"))
    rows = [
        [
            "ten folds ÷ one, time of a text query and of an image",
            f"{cost['text_ten_over_one_fp32']:.2f} and {cost['image_ten_over_one']:.2f}",
        ],
        [
            "the upstream torch loop ÷ ours (int8), one query",
            _against_target(cost, "torch_loop_over_ours_int8"),
        ],
        ["largest difference between an exported graph and its ten torch models", f"{paper['max_abs_difference']:.0e}"],
        [
            "R@1 of the ensemble and of a mean single fold, real pictures",
            f"{real['ensemble_r1']:.3f} and {real['single_r1_mean']:.3f}",
        ],
        ["R@1 on synthetic phantoms of unseen patients", f"{drawn['r1']:.3f}"],
        [
            "MRR that a tuned fusion adds, real pictures, local judge",
            _gained(ladder, "tuxpaint", "+ convex combination, tuned"),
        ],
        [
            "MRR that the default fusion adds, phantoms, simulated judge",
            _gained(ladder, "phantoms", "+ Pos-Fuse, corrected (default)"),
        ],
        [
            f"{faults['queries']} judged queries, {faults['kills']} kills: lost, paid twice beyond what was in flight",
            f"{faults['lost']} and {faults['paid_twice_beyond_inflight']}",
        ],
        [
            f"R@1 of {drive['scenes']} driving scenes (phantom drive): one vector a caption, late interaction, trained",
            " → ".join(f"{drive[f'r1_{name}']:.3f}" for name in ("caption_vector", "maxsim_untrained", "corrected")),
        ],
        [
            "1,000,000 caption elements: two-stage search, and its recall@5 against exact",
            f"{scenes['two_stage_p50_ms_1m_distinct']:.0f} ms, {scenes['two_stage_recall']:.3f}",
        ],
        [f"process start to first hit, {start['items']:,} items", f"{start['first_hit_s']:.2f} s"],
    ]
    return table(["claim", "figure"], rows)


def _figures(folder: Path, name: str) -> dict[str, Any]:
    figures: dict[str, Any] = json.loads((folder / f"{name}.json").read_text("utf-8"))["figures"]
    return figures


def _against_target(cost: dict[str, Any], key: str) -> str:
    """The figure with its target, a least value such as "≥ 150"."""
    least = float(cost["targets"][key].removeprefix("≥"))
    return f"{cost[key]:.0f} (target {least:.0f}, {'met' if cost[key] >= least else 'missed'})"


def _gained(ladder: dict[str, Any], data: str, system: str) -> str:
    of = {row["system"]: row for row in ladder["rows"] if row["data"] == data}
    row, reference = of[system], of[ladder["reference"]]
    p = "p < .001" if row["p"] < 0.001 else f"p = {row['p']:.3f}"
    return f"{row['mean'] - reference['mean']:+.3f} ({p})"
