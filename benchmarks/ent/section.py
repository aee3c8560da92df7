"""The README's sections of the ENT field's figures."""

from typing import Any

from ..markdown import interval, table

NAMES = {"bundle": "the shipped image tower", "dinov2": "ViT-S/14, never saw endoscopy"}
SPACES = {
    "raw": "the tower alone",
    "once, 0 steps": "v(x, 0), mined once",
    "once, 10 steps": "flow, mined once (as published)",
    "each-epoch, 0 steps": "v(x, 0), mined each epoch",
    "each-epoch, 10 steps": "flow, mined each epoch",
}
VOCALFOLDS = {"raw": "the tower alone", "0 steps": "v(x, 0)", "10 steps": "flow"}
SIGNED = "+.3f"
MINED = "each-epoch, 10 steps"


def ent_phantoms_section(f: dict[str, Any]) -> str:
    """R@1 by sense of every space and tower, wrong sides, CLIP score; what the flow gains and what it loses."""
    heading = (
        f"**Image to image by the vector field** (`ent`), {f['images']} phantoms of {f['patients']} held-out patients, "
        "each asked over the others; the query and its near-duplicates never answer. R@1 by exact class with its 95 % "
        "interval over patients, by type, by finding; how often the first hit shows the wrong side; the mean cosine "
        "of query and first hit in the tower's own space (“CLIP score”):\n"
    )
    rows = [
        [NAMES[tower], SPACES.get(name, name), *_cells(entry)]
        for tower, figures in f["towers"].items()
        for name, entry in figures["spaces"].items()
    ]
    head = ["tower", "vectors", "exact", "type", "finding", "wrong side", "CLIP score"]
    changes = "; ".join(_change(NAMES[name], figures["spaces"]) for name, figures in f["towers"].items())
    knew = "; ".join(f"{NAMES[name]}: {text}" for name, text in f["tower_knew"].items() if name in f["towers"])
    return (
        f"{heading}\n{table(head, rows)}\n\nWhat the flow mined each epoch changes: {changes}.\n\n"
        f"What the towers knew: {knew}."
    )


def _cells(entry: dict[str, Any]) -> list[str]:
    senses = entry["senses"]
    return [
        interval(entry["r1"], words=True),
        *(f"{senses[sense]['r1']:.3f}" if sense in senses else "" for sense in ("type", "finding")),
        f"{entry['side_confusions']} of {entry['side_queries']}",
        f"{entry['clip_score']:.3f}",
    ]


def _change(tower: str, spaces: dict[str, Any]) -> str:
    flow, raw = spaces[MINED], spaces["raw"]
    lost = ""
    if "finding" in flow["senses"]:
        change = flow["senses"]["finding"]["r1"] - raw["senses"]["finding"]["r1"]
        lost = f", finding {change:+.3f}: it learns classes, and a class has many findings"
    sides = f"wrong sides {raw['side_confusions']} → {flow['side_confusions']}"
    return f"{tower}: exact class {interval(flow['r1_over_raw'], SIGNED, words=True)}, {sides}{lost}"


def ent_vocalfolds_section(f: dict[str, Any]) -> str:
    """Real frames of a sequence that was never learned: every space with its interval, and each sequence."""
    heading = (
        f"**Real larynx frames by the field** (vocalfolds), leave one of {f['sequences']} sequences out: "
        f"{f['queries']} frames, each asked over all {f['frames']}; first hit in the same sequence, near-duplicates "
        f"left out, 95 % intervals over sequences, which are few:\n"
    )
    rows = [
        [
            VOCALFOLDS[name],
            *(interval(entry[measure], words=True) for measure in ("r1", "mrr")),
            "" if name == "raw" else interval(entry["r1_over_raw"], SIGNED, words=True),
        ]
        for name, entry in f["spaces"].items()
    ]
    by_sequence = [
        [row["sequence"], str(row["queries"]), *(f"{row[name]:.3f}" for name in VOCALFOLDS)] for row in f["rows"]
    ]
    head = ["held-out sequence", "frames", *VOCALFOLDS.values()]
    return (
        f"{heading}\n{table(['vectors', 'R@1', 'MRR', 'R@1 over the tower'], rows)}\n\n"
        f"R@1 of each:\n\n{table(head, by_sequence)}"
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
