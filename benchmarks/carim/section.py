"""The README's sections on driving scenes by text, from `carim_phantom_drive.json` and `carim_latency.json`."""

from typing import Any

from ..markdown import interval, table
from .plots import NAMES

SIGNED = "+.3f"


def carim_phantom_drive_section(f: dict[str, Any]) -> str:
    """R@1 and MRR by model and kind of query, the paired gains, and the swapped elements."""
    kinds = [kind for kind in next(iter(f["models"].values())) if kind != "all"]
    heading = (
        f"**Driving scenes by text** ({f['kind']}): {f['queries']:,} queries over {f['scenes']} scenes that no "
        f"training has seen; R@k is Success@k, 95 % intervals over scenes; chance R@1 {f['chance_r1']:.3f}. "
        "“Swapped” is how often a query scores its scene above a copy with one element exchanged:\n"
    )
    rows = [
        [
            NAMES[name],
            interval(entry["all"]["r1"]),
            *(f"{entry['all'][key]['mean']:.3f}" for key in ("r5", "r10", "mrr")),
            *(f"{entry[kind]['r1']['mean']:.3f}" for kind in kinds),
            f"{f['swapped'][name]['all']['accuracy']['mean']:.3f}",
        ]
        for name, entry in f["models"].items()
    ]
    head = ["model", "R@1", "R@5", "R@10", "MRR", *(f"R@1, {kind}" for kind in kinds), "swapped"]
    gained = "; ".join(
        f"{NAMES[row['model']]} − {NAMES[row['minus']]}: "
        f"R@1 {interval(row['r1'], SIGNED)}, MRR {interval(row['mrr'], SIGNED)}"
        for row in f["differences"]
        if row["kind"] == "all"
    )
    return f"{heading}\n{table(head, rows)}\n\nPaired over queries: {gained}.\n\n{_swapped(f)}{_undone(f)}"


def carim_latency_section(f: dict[str, Any]) -> str:
    """Time, memory and recall by set of scenes."""
    heading = (
        f"**One query of {f['tokens']} tokens over scenes of {f['elements_a_scene']} elements** ({f['kind']}), "
        f"{f['threads']} threads; encoding it takes {f['encode_p50_ms']:.1f} ms more. Recall@5 is of the scenes that "
        "exact MaxSim puts first:\n"
    )
    rows = [
        [
            f"{r['scenes']:,}",
            f"{r['distinct_elements']:,}",
            r["path"],
            f"{r['median_ms']:.1f}",
            f"{r['p95_ms']:.1f}",
            "" if r["recall5"] is None else f"{r['recall5']:.3f}",
            "" if r["index_mb"] is None else f"{r['index_mb']:,.0f}",
        ]
        for r in f["rows"]
    ]
    head = ["scenes", "distinct elements", "path", "p50 ms", "p95 ms", "recall@5", "index MB"]
    slower = [f["loop_over_exact"], f["loop_over_exact_distinct"]]
    said = " and ".join(interval(s, ".1f", of="ratio") for s in slower)
    return (
        f"{heading}\n{table(head, rows)}\n\nA loop over the scenes in NumPy takes {said} times as long as exact "
        "MaxSim in the same run (elements that repeat, and none that does). “Text to hits” is encoding and searching, "
        "without the explanation. Making the two-stage path of the last set took "
        f"{f['two_stage_build_s_1m_distinct']:.0f} s."
    )


def _swapped(f: dict[str, Any]) -> str:
    attributes = [name for name in f["swapped"]["corrected"] if name != "all"]
    rows = [
        [NAMES[name], *(interval(entry[attribute]["accuracy"]) for attribute in attributes)]
        for name, entry in f["swapped"].items()
    ]
    return f"Swapped elements by what was exchanged:\n\n{table(['model', *attributes], rows)}"


def _undone(f: dict[str, Any]) -> str:
    if "ablation" not in f:
        return ""
    rows = [
        [r["undone"], interval(r["r1"]), interval(r["r1_change"], SIGNED), interval(r["mrr_change"], SIGNED)]
        for r in f["ablation"]
    ]
    head = ["corrected, but", "R@1", "R@1, change", "MRR, change"]
    return f"\n\nEach correction undone by itself:\n\n{table(head, rows)}"


SECTIONS = {"carim_phantom_drive": carim_phantom_drive_section, "carim_latency": carim_latency_section}
