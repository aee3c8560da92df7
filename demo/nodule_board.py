"""From a nodule search to the page: what was understood, the gallery's diameters, the crops. All text is escaped."""

import base64
import math
from html import escape

import numpy as np

from runtime.errors import ImageDecodeError
from runtime.images import RgbImage, encode_image
from runtime.nodule.interval import Interval
from runtime.nodule.picture import SIDE, hit_picture
from runtime.systems.nodule import NoduleHit, NoduleResult

from .cards import bar

BIN_MM, LAST_MM = 2, 40
WIDTH, HEIGHT, BELOW = 640, 130, 34
SYNTHETIC_PATIENT = "PHANTOM-"


def summary(result: NoduleResult) -> str:
    """What was understood, how many crops fit it, and how long it took."""
    asked = " and ".join(result.understood) or "no size: the cosine alone ranks"
    total = sum(result.timings_ms.values())
    fit = ""
    if result.interval is not None:
        inside = sum(hit.rule == 1 for hit in result.hits)
        fit = f'<span class="chip">size fits <b>{inside}</b> of {len(result.hits)} shown</span>'
    return (
        f'<div class="timings"><span><span class="chip asked">understood {escape(asked)}</span>{fit}'
        f'<span class="chip"><b>{total:.1f}</b> ms</span></span><span class="small bars">score: '
        '<i class="retrieval"></i>alpha · cosine + <i class="judge"></i>(1 − alpha) · rule</span></div>'
    )


def histogram(sizes_mm: list[float], result: NoduleResult) -> str:
    """The gallery's diameters in bins of 2 mm as SVG: the interval shaded, the hits as dots below; and what is what."""
    known = np.array([size for size in sizes_mm if not math.isnan(size)])
    counts, _ = np.histogram(np.clip(known, 0, LAST_MM - 0.01), bins=np.arange(0, LAST_MM + BIN_MM, BIN_MM))
    label = f"diameters of the {len(known)} crops in the gallery"
    parts = [f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{label}">']
    parts += [*_interval(result.interval), *_bars(counts.tolist()), *_dots(result), *_axis(), "</svg>"]
    asked = "" if result.interval is None else f'<i class="asked"></i>asked: {escape(str(result.interval))} · '
    legend = f'<i class="all"></i>all {len(known)} crops by diameter · {asked}<i class="hit"></i>the crops shown below'
    return f'<figure class="histogram">{"".join(parts)}<figcaption>{legend}</figcaption></figure>'


def crops(result: NoduleResult) -> str:
    """The hits as cards: the crop with its scale bar, the size against the question, both parts of the score."""
    if not result.hits:
        return '<p class="small">no crops here</p>'
    return f'<ol class="crops">{"".join(_crop(hit, result) for hit in result.hits)}</ol>'


def _crop(hit: NoduleHit, result: NoduleResult) -> str:
    source = base64.b64encode(encode_image(_picture(hit, result.interval), ".jpg")).decode("ascii")
    synthetic = hit.patient.startswith(SYNTHETIC_PATIENT)
    alt = f"crop of {hit.diameter_mm:.1f} mm{' (synthetic phantom)' if synthetic else ''}"
    label = "<figcaption>synthetic phantom</figcaption>" if synthetic else ""
    fits = "" if result.interval is None else ("✓ " if hit.rule == 1 else "✗ ")
    parts = f"cosine {hit.cosine:+.2f}, rule {hit.rule:.2f}"
    cosine, rule = result.alpha * max(hit.cosine, 0.0), (1 - result.alpha) * hit.rule
    return (
        f'<li class="crop{" relevant" if fits == "✓ " else ""}" data-item="{hit.item_id}">'
        f'<figure><img src="data:image/jpeg;base64,{source}" alt="{escape(alt)}">'
        f'<span class="rank">{hit.rank}</span>{label}</figure>'
        f"<p>{fits}{escape(hit.explanation)}</p>"
        f"{bar([('retrieval', cosine), ('judge', rule)], f'score {hit.score:.3f}: {parts}')}"
        f'<p class="small">score {hit.score:.3f}: {parts}</p></li>'
    )


def _picture(hit: NoduleHit, interval: Interval | None) -> RgbImage:
    try:
        return hit_picture(hit.metadata, interval, hit.diameter_mm)
    except ImageDecodeError:  # the file has gone since it was indexed: its place stays, in grey
        return np.full((SIDE, SIDE, 3), 90, np.uint8)


def _interval(interval: Interval | None) -> list[str]:
    if interval is None:
        return []
    x, tall = WIDTH / LAST_MM, HEIGHT - BELOW
    low, high = min(interval.low_mm, LAST_MM), min(interval.high_mm, LAST_MM)
    return [f'<rect class="asked" x="{low * x:.1f}" width="{(high - low) * x:.1f}" height="{tall}"/>']


def _bars(counts: list[int]) -> list[str]:
    x, tall = WIDTH / LAST_MM, HEIGHT - BELOW
    parts = []
    for i, count in enumerate(counts):
        height = (tall - 10) * count / max(1, *counts)
        place = f'x="{i * BIN_MM * x + 1:.1f}" y="{tall - height:.1f}" width="{BIN_MM * x - 2:.1f}"'
        label = f"{i * BIN_MM} to {(i + 1) * BIN_MM} mm: {count}"
        parts.append(f'<rect class="all" {place} height="{height:.1f}"><title>{label}</title></rect>')
        if count:
            at = (i + 0.5) * BIN_MM * x
            parts.append(f'<text x="{at:.0f}" y="{tall - height - 2:.1f}" text-anchor="middle">{count}</text>')
    return parts


def _dots(result: NoduleResult) -> list[str]:
    x, at = WIDTH / LAST_MM, HEIGHT - BELOW + 8
    return [
        f'<circle class="hit" cx="{min(hit.diameter_mm, LAST_MM) * x:.1f}" cy="{at}" r="4"/>' for hit in result.hits
    ]


def _axis() -> list[str]:
    parts = []
    for mm in range(0, LAST_MM + 1, 5):
        anchor = "start" if mm == 0 else "end" if mm == LAST_MM else "middle"
        label = f"{mm} mm" + ("+" if mm == LAST_MM else "")
        parts.append(f'<text x="{mm * WIDTH / LAST_MM:.0f}" y="{HEIGHT - 4}" text-anchor="{anchor}">{label}</text>')
    return parts
