"""The README's section on what ten folds cost, from `ensemble_cost.json`."""

from typing import Any

from .ensemble_cost import TARGETS, met
from .markdown import table

MEANING = {
    "text_ten_over_one_fp32": "one query, ten read-out folds ÷ one, fp32",
    "text_ten_over_one_int8": "the same, int8",
    "image_ten_over_one": "one image (ViT-S/14), ten read-out folds ÷ one, fp32",
    "torch_loop_over_ours_int8": "one query, the upstream torch loop ÷ ten read-out folds, int8",
    "sessions_over_fused_image": "published recipe, one image: ten sessions ÷ one exact graph",
    "sessions_over_fused_text": "published recipe, one query: ten sessions ÷ one exact graph",
    "bulk_speedup_exact": "bulk images, published recipe: ten sessions ÷ one exact graph",
    "bulk_speedup_readout": "bulk images: ten one-fold sessions ÷ one graph of ten read-out folds",
    "bundle_bytes_ratio": "bundle of ten read-out folds ÷ of one, bytes, fp32",
    "bundle_bytes_ratio_int8": "the same, int8",
}


def cost_section(f: dict[str, Any]) -> str:
    """Targets, figures, verdicts and floors; then the way from the upstream loop to ours; then the peers."""
    first = f["parts"][0]
    heading = (
        f"**Ten folds at the price of one** ({f['threads']} threads, medians of variants that ran in turn; image tower "
        "with random weights, which time does not depend on). *By operations* is the ratio that the counted "
        "multiplications allow; the floor is what ours must do at this machine's measured rates "
        f"({first['rates']['matmul_gflops']:.0f} GFLOP/s, {first['rates']['int8_gops']:.0f} int8 GOP/s, "
        f"{first['rates']['copy_gbs']:.0f} GB/s):\n"
    )
    return "\n".join([heading, _targets(f), "", _ladder(first), "", _peers(f), "", _other_threads(f)])


def _targets(f: dict[str, Any]) -> str:
    rows = []
    for key, (sign, target) in TARGETS.items():
        verdict = "met" if met(key, f[key]) else "**missed**"
        found = f["parts"][0]["ratios"].get(key)
        interval = f" ({found['low']:.2f}–{found['high']:.2f})" if found else ""
        counted = f"{found['counted']:.2f}" if found and "counted" in found else ""
        cells = [MEANING[key], f"{sign} {target}", f"{f[key]:.2f}{interval}", verdict, counted]
        rows.append([*cells, _ours(f, key, found) if found else ""])
    return table(["", "target", "measured (95 %)", "", "by operations", "ours: ms (floor)"], rows)


def _ours(f: dict[str, Any], key: str, found: dict[str, Any]) -> str:
    name = found["above"] if TARGETS[key][0] == "≤" else found["below"]
    wanted = (found["group"], name, f["threads"])
    row = next(row for row in f["rows"] if (row["group"], row["name"], row["threads"]) == wanted)
    floor = f" ({row['floor_ms']:.2f}, {row['bound']})" if "floor_ms" in row else ""
    return f"{row['median_ms']:.2f}{floor}"


def _ladder(first: dict[str, Any]) -> str:
    rows = [[step["changed"], step["below"], f"{step['ratio']:.2f}"] for step in first["ladder"]]
    return "The way from the upstream loop to ours, one change at a time, tokenisation included:\n\n" + table(
        ["what changes", "to", "times faster"], rows
    )


def _peers(f: dict[str, Any]) -> str:
    first = f["parts"][0]
    group = next(step["group"] for step in first["ladder"])
    rows = [
        [row["name"], f"{row['median_ms']:.2f}", f"{row['p95_ms']:.2f}"]
        for row in f["rows"]
        if row["threads"] == f["threads"] and row["group"] == group
    ]
    absent = "".join(f" {name} is absent ({reason})." for name, reason in first["peers"]["absent"].items())
    gpu = "".join(f" {name} is absent ({reason})." for name, reason in first["gpu"]["absent"].items())
    return (
        "Peers encode the same query with ONE model, in turn with these:\n\n"
        + table(["one query, tokenisation included", "p50 ms", "p95 ms"], rows)
        + (f"\n\n{(absent + gpu).strip()}" if absent or gpu else "")
    )


def _other_threads(f: dict[str, Any]) -> str:
    lines = []
    for part in f["parts"][1:]:
        ratios = part["ratios"]
        listed = "; ".join(f"{MEANING[key]} {ratios[key]['ratio']:.2f}" for key in TARGETS if key in ratios)
        lines.append(f"With {part['threads']} thread{'s' if part['threads'] > 1 else ''}: {listed}.")
    check = f["one_pool"]
    lines.append(
        "Ten sessions on one shared pool instead of pools that sleep: "
        f"÷ one exact graph {check['sessions_over_fused_image']['ratio']:.2f} (image), "
        f"{check['sessions_over_fused_text']['ratio']:.2f} (text)."
    )
    return "\n\n".join(lines)
