"""The README's section on lung nodules, from `nodule_retrieval.json`."""

from typing import Any

from ..markdown import interval, table
from .plots import KINDS


def nodule_section(f: dict[str, Any]) -> str:
    """P@10 by system and set of questions, and what the pixels tell of the diameter."""
    heading = (
        f"**Lung nodules by size** ({f['kind']}): {f['test_crops']} crops of {f['test_patients']} held-out patients; "
        "P@10 by membership in the asked interval [95 % over patients], and how far the ten lie outside of it. "
        "Relevance is by the readers' diameter, so the rule that compares that same number is right by construction; "
        f"“read” compares what the model reads in the pixels (off by {f['diameter_read_error_mm']:.2f} mm, a constant "
        f"by {f['diameter_constant_error_mm']:.2f}; r = {f['diameter_correlation']:.2f}). No outline is shown to the "
        f"model. Alpha, tuned on validation patients: {f['alpha']:g} and, with read diameters, {f['alpha_read']:g}. "
        f"The bundle has {f['bundle_mb']:.1f} MB.\n"
    )
    rows = [
        [
            r["questions"],
            str(r["n"]),
            r["system"],
            f"{r['p10']:.3f}" if r["system"] == "chance" else interval(r, of="p10"),
            "" if r["off_mm"] is None else f"{r['off_mm']:.2f}",
        ]
        for r in f["rows"]
        if r["questions"] != "all"
    ]
    found = table(["questions", "n", "system", "P@10", "mm outside"], rows)
    text = f"{heading}\n{found}\n\n{_by_kind(f['asked'])}"
    seen = [[name, f"{v['p10']:.3f}", f"{v['mean_error_mm']:.2f}"] for name, v in f["validation"].items()]
    if len(seen) < 2:
        return text
    return f"{text}\n\nWith and without the outline, validation patients, cosine alone:\n\n" + table(
        ["the model sees", "P@10", "diameter, mm off"], seen
    )


def _by_kind(asked: list[dict[str, Any]]) -> str:
    """Where the cosine alone is weak: the finer the question, the fewer of ten lie in it."""
    parts = []
    for kind in dict.fromkeys(row["kind"] for row in sorted(asked, key=lambda row: KINDS.index(row["kind"]))):
        some = [row["p"] for row in asked if row["kind"] == kind]
        parts.append(f"{kind} {sum(some) / len(some):.3f} (n = {len(some)})")
    return f"Cosine alone by what is asked, P@10: {', '.join(parts)}."
