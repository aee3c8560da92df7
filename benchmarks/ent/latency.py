"""What the flow costs beside its tower: one image through CLIP ViT-B/32 and through the shipped compact tower.

Random weights stand in for CLIP's: time does not depend on them.
"""

import argparse
from typing import Any

import numpy as np

from runtime.bundle import IMAGE_MODEL, Bundle
from runtime.ent.flow import FlowGraph
from runtime.sessions import FOR_IMAGES, open_session

from ..pipeline import export_once, run_module
from ..results import command_line, print_table, save_result
from ..timing import machine_load, paired, ratio, summary

TINY_IMAGES = 60
TOWERS = {
    "CLIP ViT-B/32, random weights": ["--backend", "open_clip", "--weights", "random"],
    "shipped compact tower": [],
}
THREADS = 2


def run(args: argparse.Namespace) -> None:
    """Trains one epoch on a few phantoms, exports, times; writes `ent_latency.json`."""
    data = args.work / "latency" / "data"
    run_module("assets.phantoms", data, "--images", TINY_IMAGES, "--seed", args.seed)
    rows: list[dict[str, Any]] = []
    with machine_load() as load:
        for number, (name, options) in enumerate(TOWERS.items()):
            folder, bundle = args.work / "latency" / f"run-{number}", args.work / "latency" / f"bundle-{number}"
            run_module("train", "ent", "--data", data, "--out", folder, "--epochs", 1, "--threads", THREADS, *options)
            export_once("ent", folder, bundle)
            rows.append({"tower": name, **_timed(Bundle.open(bundle), args.rounds)})
    print_table([{k: v for k, v in row.items() if not isinstance(v, dict)} for row in rows])
    figures = {"flow_over_backbone": rows[0]["flow_over_tower"], "rows": rows, "threads": THREADS, "load": load}
    save_result("ent_latency", command_line(), figures)


def _timed(bundle: Bundle, rounds: int) -> dict[str, Any]:
    size = bundle.manifest.preprocessing.size
    session = open_session(bundle.path(IMAGE_MODEL), FOR_IMAGES, threads=THREADS, provider="cpu")
    flow = FlowGraph.of(bundle, threads=THREADS, provider="cpu")
    rng = np.random.default_rng(0)
    found: dict[str, Any] = {"width": flow.width}
    for batch in (1, 16):
        pixels = rng.standard_normal((batch, 3, size, size)).astype(np.float32)
        rows = rng.standard_normal((batch, flow.width)).astype(np.float32)
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        variants = {
            "tower": lambda pixels=pixels: session.run(None, {"pixel_values": pixels}),
            "flow": lambda rows=rows: flow.transform(rows, 10),
        }
        seconds = paired(variants, rounds=rounds if batch == 1 else max(5, rounds // 4), prime=1)
        share = ratio(seconds["flow"], seconds["tower"])
        key = "" if batch == 1 else f"_batch{batch}"
        found |= {
            f"tower_ms{key}": summary(seconds["tower"])["median_ms"],
            f"flow_ms{key}": summary(seconds["flow"])["median_ms"],
            f"flow_over_tower{key}": share["ratio"],
            f"interval{key}": share,
        }
    return found
