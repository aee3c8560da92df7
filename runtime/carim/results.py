"""What a search for scenes answers."""

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

from ..gallery import Item
from .explain import Explanation

OWN_KEYS = frozenset({"scene", "frame_id", "timestamp", "elements", "frames"})


@dataclass(frozen=True)
class Scene:
    """A scene by one of its frames.

    `image` and `frames`, the list of the scene's film, are absolute paths or None; `timestamp` is in seconds;
    `metadata` is what the row's `meta` held.
    """

    scene: str
    item_id: int
    frame_id: str
    image: str | None
    timestamp: float
    caption: str
    elements: tuple[str, ...]
    metadata: dict[str, Any]
    frames: str | None


@dataclass(frozen=True)
class SceneHit(Scene):
    """A scene of the ranking by its best frame; `score` is MaxSim's, the mean over the query's tokens."""

    rank: int
    score: float
    explanation: Explanation

    @classmethod
    def of(cls, scene: Scene, rank: int, score: float, explanation: Explanation) -> Self:
        """The scene with its place in a ranking."""
        return cls(**vars(scene), rank=rank, score=score, explanation=explanation)

    def to_json(self) -> dict[str, Any]:
        """JSON-ready."""
        return asdict(self) | {"explanation": self.explanation.to_json()}


@dataclass(frozen=True)
class CarimResult:
    """A search: the hits, best first, and whether every scene was compared (`exact`) or only candidates were."""

    query: str
    hits: tuple[SceneHit, ...]
    timings_ms: dict[str, float] = field(default_factory=dict)
    exact: bool = True
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "query": self.query,
            "exact": self.exact,
            "hits": [hit.to_json() for hit in self.hits],
            "timings_ms": self.timings_ms,
            "notes": list(self.notes),
        }


def scene_of(item: Item) -> Scene:
    """The scene's frame that a gallery's item is."""
    values = item.metadata
    frames = values.get("frames")
    return Scene(
        scene=str(values["scene"]),
        item_id=item.id,
        frame_id=str(values["frame_id"]),
        image=None if item.path == values["frame_id"] else str(Path(item.path)),
        timestamp=float(values["timestamp"]),
        caption=item.caption or "",
        elements=tuple(values["elements"]),
        metadata={key: value for key, value in values.items() if key not in OWN_KEYS},
        frames=None if frames is None else str(frames),
    )
