"""The nodule system: a question about size → CT crops.

encode (question) → index (every crop's cosine, exact) → fuse (alpha · cosine + (1 − alpha) · rule) → explain (the
diameter against the interval).
"""

import math
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import GalleryError, InvalidInputError
from ..gallery import Gallery
from ..nodule.encoder import NoduleEncoder, open_nodule_encoder
from ..nodule.fusion import fuse, order
from ..nodule.interval import Interval
from ..nodule.query import parse_query, understood
from ..nodule.rule import rule_score

ALPHA = 0.5
DIAMETERS = ("measured", "read")
CLOSE_MM = 0.1


@dataclass(frozen=True)
class NoduleHit:
    """One crop of the ranking.

    `measured_mm` is the table's diameter, None where it has none; `read_mm` what the model reads from the pixels.
    `diameter_mm` is the one that the rule used. Ranks count from 1 over all crops that the filters allow.
    """

    item_id: int
    rank: int
    score: float
    cosine: float
    rule: float
    cosine_rank: int
    rule_rank: int
    dicom_path: str
    patient: str
    measured_mm: float | None
    read_mm: float
    diameter_mm: float
    explanation: str
    metadata: dict[str, Any]


@dataclass(frozen=True)
class NoduleResult:
    """A search: what was understood, the interval (None where the cosine alone ranked), and the hits, best first."""

    query: str
    understood: tuple[str, ...]
    interval: Interval | None
    alpha: float
    diameters: str
    hits: tuple[NoduleHit, ...]
    timings_ms: dict[str, float] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """JSON-ready; an infinite end of the interval is null."""
        interval = None if self.interval is None else {"text": str(self.interval), **asdict(self.interval)}
        if interval and math.isinf(interval["high_mm"]):
            interval["high_mm"] = None
        return {
            "query": self.query,
            "understood": list(self.understood),
            "interval": interval,
            "alpha": self.alpha,
            "diameters": self.diameters,
            "hits": [asdict(hit) for hit in self.hits],
            "timings_ms": self.timings_ms,
        }


class NoduleSystem:
    """Search over one gallery with one bundle; safe to call from several threads."""

    def __init__(self, encoder: NoduleEncoder, gallery: Gallery) -> None:
        self.encoder = encoder
        self.gallery = gallery

    def search(
        self,
        text: str,
        *,
        k: int = 10,
        alpha: float = ALPHA,
        diameters: str = "measured",
        where: Sequence[str] = (),
    ) -> NoduleResult:
        """The k best crops for `text`. `alpha` 1 ranks by the cosine alone, 0 by the rule alone.

        The rule compares the `diameters` "measured" (the table's; the model's where there is none) or "read" (the
        model's always). With alpha 1 the text need not name a size. Raises InvalidInputError for k < 1, an unknown
        choice of diameters, an alpha outside [0, 1], or a text without a size that the rule could use.
        """
        if k < 1 or diameters not in DIAMETERS:
            raise InvalidInputError(f"k = {k}, diameters = {diameters!r}; expected k ≥ 1 and {' or '.join(DIAMETERS)}")
        timings: dict[str, float] = {}
        interval, parts = _asked(text, alpha)
        started = time.perf_counter()
        vector = self.encoder.encode_text(text)
        timings["encode"] = (time.perf_counter() - started) * 1000
        ids, rows = self._rows(where)
        cosine = (rows @ vector).astype(np.float64)
        timings["search"] = (time.perf_counter() - started) * 1000 - timings["encode"]
        metadata = [item.metadata for item in self.gallery.items(ids.tolist())]
        used = np.array([_diameter(values, diameters) for values in metadata], np.float64)
        rule = rule_score(interval, used) if interval else np.zeros(len(ids))
        scores = fuse(cosine, rule, alpha)
        best = order(scores, ids)[:k]
        places = {name: np.argsort(order(s, ids)) + 1 for name, s in (("cosine", cosine), ("rule", rule))}
        hits = tuple(
            NoduleHit(
                item_id=int(ids[i]),
                rank=rank,
                score=float(scores[i]),
                cosine=float(cosine[i]),
                rule=float(rule[i]),
                cosine_rank=int(places["cosine"][i]),
                rule_rank=int(places["rule"][i]),
                dicom_path=str(metadata[i]["dicom_path"]),
                patient=str(metadata[i]["patient"]),
                measured_mm=metadata[i].get("diameter_mm"),
                read_mm=float(metadata[i]["diameter_read_mm"]),
                diameter_mm=float(used[i]),
                explanation=explain(interval, float(used[i])),
                metadata=metadata[i],
            )
            for rank, i in enumerate(best.tolist(), start=1)
        )
        timings["fuse"] = (time.perf_counter() - started) * 1000 - timings["encode"] - timings["search"]
        return NoduleResult(text, parts, interval, alpha, diameters, hits, timings)

    def _rows(self, where: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        ids, rows = self.gallery.matrix()
        if not len(ids):
            raise GalleryError(f"{self.gallery.folder}: the gallery is empty; fill it with `python -m runtime index`")
        allowed = self.gallery.allowed_ids(where)
        if allowed is None:
            return ids, rows
        kept = np.isin(ids, allowed)
        return ids[kept], rows[kept]


def explain(interval: Interval | None, diameter_mm: float) -> str:
    """The diameter against the interval that was asked for, as a sentence without its full stop."""
    off_mm = 0.0 if interval is None else float(interval.distance(np.array([diameter_mm]))[0])
    places = 2 if 0 < off_mm < CLOSE_MM else 1  # "15.0 mm lies 0.0 mm outside of 15 to 17 mm" would explain nothing
    size = f"{diameter_mm:.{places}f} mm"
    if interval is None:
        return f"{size}; no size was asked for"
    if bool(interval.contains(np.array([diameter_mm]))[0]):
        return f"{size} lies in {interval}"
    return f"{size} lies {off_mm:.{places}f} mm outside of {interval}"


def _asked(text: str, alpha: float) -> tuple[Interval | None, tuple[str, ...]]:
    if alpha == 1:
        try:
            return parse_query(text), tuple(map(str, understood(text)))
        except InvalidInputError:  # the cosine needs no interval
            return None, ()
    return parse_query(text), tuple(map(str, understood(text)))


def _diameter(values: dict[str, Any], diameters: str) -> float:
    measured = values.get("diameter_mm")
    return float(values["diameter_read_mm"] if diameters == "read" or measured is None else measured)


def open_nodule(bundle: Path, gallery: Path, *, threads: int | None = None, provider: str = "auto") -> NoduleSystem:
    """The system on a bundle's folder and a gallery's folder, which must belong together."""
    encoder = open_nodule_encoder(bundle, threads=threads, provider=provider)
    return NoduleSystem(encoder, Gallery.open(gallery, fingerprint=encoder.fingerprint))
