"""A search for scenes as plain text for the terminal."""

from .results import CarimResult, SceneHit

ELEMENTS = 4  # shares shown of a hit
CAPTION = 110  # letters


def scene_table(result: CarimResult) -> str:
    """One block a scene: score, scene and time, the start of the caption, the largest shares, what it lacks."""
    how = "every scene compared" if result.exact else "candidates of a first stage compared"
    lines = [f"query   {result.query}", f"index   {how}", ""]
    for hit in result.hits:
        lines += _block(hit)
    lines += [f"note: {note}" for note in result.notes]
    stages = ", ".join(f"{stage} {ms:.1f}" for stage, ms in result.timings_ms.items())
    return "\n".join([*lines, "", f"ms: {stages}"])


def _block(hit: SceneHit) -> list[str]:
    told = [hit.scene, f"{hit.timestamp:.1f} s"]
    told += [str(hit.metadata[key]) for key in ("weather", "time_of_day", "location") if key in hit.metadata]
    lines = [f"{hit.rank:>3}  {hit.score:.4f}  {'  '.join(told)}"]
    if hit.caption:
        lines.append(f"     {hit.caption if len(hit.caption) <= CAPTION else hit.caption[:CAPTION].rstrip() + ' …'}")
    shares = sorted(hit.explanation.elements, key=lambda element: -element.share)
    named = [f"{element.text} {element.share:.3f}" for element in shares[:ELEMENTS] if element.share > 0]
    rest = hit.score - sum(element.share for element in shares[: len(named)])
    lines.append(f"     = {' + '.join(named)}" + (f" + others {rest:.3f}" if abs(rest) >= 5e-4 else ""))
    return lines + [f"     lacks: {entry.sentence}" for entry in hit.explanation.missing]
