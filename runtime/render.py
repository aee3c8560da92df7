"""Results as plain text for the terminal."""

from pathlib import Path

from .bundle import Bundle
from .gallery import Gallery
from .results import SearchResult


def result_table(result: SearchResult) -> str:
    """The final ranking, one line an item, with every stage's score; timings last."""
    if not result.candidates:
        return "nothing found: no item fulfils the filter"
    by_id = {c.item_id: c for c in result.candidates}
    reasons = {j.item_id: j.reason for j in result.judgements}
    lines = [f"query   {result.query.name}", f"judge   {result.judge or 'none'}", ""]
    lines.append("rank  was   fused  cosine  folds  judged     image")
    for place in result.ranking:
        c = by_id[place.item_id]
        change = f"{place.retrieval_rank}" + ("↑" if place.rank_change > 0 else "↓" if place.rank_change < 0 else " ")
        judged = "unjudged" if place.judge_score is None else f"{place.judge_score:.3f}"
        judged = judged if result.judge else "–"
        votes = f"{sum(c.fold_votes)}/{len(c.fold_votes)}"
        lines.append(
            f"{place.rank:>4}  {change:<4} {place.score:.4f}  {c.similarity:>6.3f}  {votes:>5}  {judged:<9}  "
            f"{Path(c.path).name}"
        )
        if c.caption:
            lines.append(f"      {c.caption}")
        if place.judge_score is None and result.judge and reasons.get(c.item_id):
            lines.append(f"      unjudged: {reasons[c.item_id]}")
        if place.tie_break:
            lines.append(f"      {place.tie_break}")
        lines += [f"      {sentence}" for sentence in result.knowledge.get(c.item_id, ())]
    if result.confidence is not None:
        word = "no good match" if result.no_match else "the first is relevant"
        lines += ["", f"{word}: probability {percent(result.confidence)}"]
    lines += [f"note: {note}" for note in result.notes]
    stages = ", ".join(f"{stage} {ms:.1f}" for stage, ms in result.timings_ms.items())
    return "\n".join([*lines, "", f"ms: {stages}"])


def percent(probability: float) -> str:
    """A probability as a reader should take it: never 0 % and never 100 %."""
    if probability < 0.01:
        return "under 1 %"
    return "over 99 %" if probability > 0.99 else f"{probability:.0%}".replace("%", " %")


def bundle_lines(bundle: Bundle) -> str:
    """What the bundle says of itself."""
    m = bundle.manifest
    size = sum(entry.size_bytes for entry in m.files.values()) / 1e6
    fp32 = m.certificate.get("fp32", {})
    worst = max([*fp32.get("text_max_abs_difference", []), *fp32.get("image_max_abs_difference", [])], default=None)
    lines = [
        f"bundle     {bundle.folder}",
        f"system     {m.system}, recipe {m.recipe}, {m.precision}",
        f"vectors    {m.folds} folds × {m.dims} dimensions, {size:.1f} MB of files",
        f"image      {m.preprocessing.size} px, crop {m.preprocessing.crop}",
        f"parity     fp32 within {worst:.1e} of torch" if worst is not None else "parity     no certificate",
    ]
    if "int8" in m.certificate:
        int8 = m.certificate["int8"]
        low = min(*int8["text_mean_cosine"], *int8["image_mean_cosine"])
        lines.append(f"           int8: mean cosine ≥ {low:.4f}, top-5 agreement {int8['top5_agreement']:.3f}")
    lines += [f"licence    {what}: {licence}" for what, licence in m.licences.items()]
    lines.append(f"finger     {m.fingerprint[:16]}")
    return "\n".join(lines)


def gallery_lines(gallery: Gallery, bundle: Bundle) -> str:
    """How much the gallery holds, and whether it belongs to the bundle."""
    fits = (
        "made by this bundle" if gallery.info.fingerprint == bundle.manifest.fingerprint else "made by ANOTHER bundle"
    )
    keys = ", ".join(gallery.metadata_keys()) or "none"
    return f"gallery    {gallery.folder}: {len(gallery)} items, {fits}\nfilters    {keys}"
