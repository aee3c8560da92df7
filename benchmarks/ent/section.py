"""The README's sections of the ENT field's figures."""

from typing import Any

from ..markdown import table

NAMES = {"bundle": "the shipped image tower", "dinov2": "ViT-S/14, never saw endoscopy"}


def ent_phantoms_section(f: dict[str, Any]) -> str:
    """R@1 by sense of every space and tower, wrong sides, CLIP score."""
    heading = (
        f"**Image to image by the vector field** (`ent`), {f['images']} phantoms of {f['patients']} held-out patients, "
        "each asked over the others; the query and its near-duplicates never answer. R@1 by exact class with its 95 % "
        "interval over patients, by type, by finding:\n"
    )
    rows = []
    for tower, figures in f["towers"].items():
        for name, entry in figures["spaces"].items():
            r1, senses = entry["r1"], entry["senses"]
            cells = [senses[sense]["r1"] if sense in senses else float("nan") for sense in ("type", "finding")]
            rows.append(
                [
                    NAMES[tower],
                    name,
                    f"{r1['mean']:.3f} ({r1['low']:.3f} to {r1['high']:.3f})",
                    *(f"{cell:.3f}" for cell in cells),
                    f"{entry['side_confusions']} of {entry['side_queries']}",
                    f"{entry['clip_score']:.3f}",
                ]
            )
    knew = "; ".join(f"{NAMES[name]}: {text}" for name, text in f["tower_knew"].items() if name in f["towers"])
    head = ["tower", "vectors", "exact", "type", "finding", "wrong side", "CLIP score"]
    return f"{heading}\n{table(head, rows)}\n\nWhat the towers knew: {knew}."


def ent_vocalfolds_section(f: dict[str, Any]) -> str:
    """Real frames of a sequence that was never learned."""
    return (
        f"**Real larynx frames by the field**, leave one sequence out, {f['queries']} frames over all {f['frames']}, "
        f"near-duplicates left out: first hit in the same sequence {f['r1_raw']:.3f} by the tower alone, "
        f"{f['r1_t0']:.3f} by v(x, 0), {f['r1_flow']:.3f} after the flow."
    )


def ent_latency_section(f: dict[str, Any]) -> str:
    """The flow beside its towers."""
    rows = [
        [
            r["tower"],
            str(r["width"]),
            *(f"{r[key]:.2f}" for key in ("tower_ms", "flow_ms")),
            *(f"{100 * r[key]:.1f} %" for key in ("flow_over_tower", "flow_over_tower_batch16")),
        ]
        for r in f["rows"]
    ]
    head = ["tower", "width", "tower ms", "flow ms", "flow ÷ tower, one image", "16 images"]
    return f"**What the flow costs**, ten RK4 steps, {f['threads']} threads:\n\n{table(head, rows)}"


SECTIONS = {
    "ent_phantoms": ent_phantoms_section,
    "ent_vocalfolds": ent_vocalfolds_section,
    "ent_latency": ent_latency_section,
}
