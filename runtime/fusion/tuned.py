"""A tuned fusion as a file: the settings, what they were tuned on, and the bundle and judge they hold for.

JSON: schema, name, data, bundle, judge, fusion (its family and settings), confidence, figures, and sha256, the
SHA-256 of the rest in canonical form (sorted keys, no spaces).
"""

import hashlib
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ..confidence import ConfidenceModel
from ..errors import InvalidInputError
from ..files import write_json
from .calibration import Calibration
from .settings import ConvexSettings, FusionSettings, PosFuseSettings

SCHEMA = 1
KINDS = ("synthetic", "real")
TUNE_COMMAND = "python -m benchmarks tune --data DIR --bundle BUNDLE --judge JUDGE --out FILE"
_REPLAY = "replay of "


@dataclass(frozen=True)
class Tuned:
    """A fusion tuned on queries that the bundle was not trained on, and where it may be used.

    `data`: name, fingerprint, kind ("synthetic" or "real") and number of queries; `bundle`: the fingerprint whose
    cosines were used; `judge`: the judge's name; `confidence`: None where none was fitted; `figures`: JSON-ready
    results, the published setting's beside the tuned one's. Raises InvalidInputError for data without those four.
    """

    name: str
    data: dict[str, Any]
    bundle: str
    judge: str
    fusion: FusionSettings
    confidence: ConfidenceModel | None = None
    figures: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        missing = [key for key in ("name", "fingerprint", "kind", "queries") if key not in self.data]
        if missing or self.data["kind"] not in KINDS:
            raise InvalidInputError(
                f"the tuned fusion {self.name!r} does not say what it was tuned on (missing: {missing}; "
                f"kind {self.data.get('kind')!r}, expected {' or '.join(KINDS)})"
            )

    def check_bundle(self, fingerprint: str) -> None:
        """Raises InvalidInputError where the bundle's fingerprint is not the one that this was tuned with."""
        if fingerprint != self.bundle:
            raise InvalidInputError(
                f"the fusion {self.name!r} was tuned with the bundle {self.bundle[:12]}, this one is "
                f"{fingerprint[:12]}: its cosines differ; tune again: {TUNE_COMMAND}"
            )

    def check_judge(self, judge: str | None) -> None:
        """Raises InvalidInputError where another judge answers; the replay of a judge counts as that judge."""
        if judge is None or judge.removeprefix(_REPLAY) != self.judge.removeprefix(_REPLAY):
            raise InvalidInputError(
                f"the fusion {self.name!r} was tuned with the {self.judge}, asked was {judge or 'no judge'}; "
                f"choose that judge, or tune again: {TUNE_COMMAND}"
            )


def write_tuned(path: Path, tuned: Tuned) -> None:
    """Writes `tuned` to `path` atomically."""
    value = {
        "schema": SCHEMA,
        "name": tuned.name,
        "data": tuned.data,
        "bundle": tuned.bundle,
        "judge": tuned.judge,
        "fusion": _fusion_to_json(tuned.fusion),
        "confidence": asdict(tuned.confidence) if tuned.confidence else None,
        "figures": tuned.figures,
    }
    write_json(path, value | {"sha256": _checksum(value)})


def read_tuned(path: Path) -> Tuned:
    """The tuned fusion in `path`.

    Raises InvalidInputError where there is none, its schema is unknown, or its content is damaged or incomplete.
    """
    try:
        value = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise InvalidInputError(f"no tuned fusion at {path} ({error.strerror}); make one: {TUNE_COMMAND}") from error
    except ValueError as error:
        raise InvalidInputError(f"{path}: not readable as JSON ({error}); tune again: {TUNE_COMMAND}") from error
    if not isinstance(value, dict) or value.get("schema") != SCHEMA:
        found = value.get("schema") if isinstance(value, dict) else type(value).__name__
        raise InvalidInputError(f"{path}: schema {found!r}, this runtime reads {SCHEMA}; tune again: {TUNE_COMMAND}")
    if not _whole(value):
        raise InvalidInputError(f"{path}: the checksum differs, the file was changed; tune again: {TUNE_COMMAND}")
    try:
        return Tuned(
            name=value["name"],
            data=value["data"],
            bundle=value["bundle"],
            judge=value["judge"],
            fusion=_fusion_of(value["fusion"]),
            confidence=_confidence_of(value["confidence"]),
            figures=value["figures"],
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise InvalidInputError(f"{path}: incomplete ({error}); tune again: {TUNE_COMMAND}") from error


def _fusion_to_json(settings: FusionSettings) -> dict[str, Any]:
    return {"family": "convex" if isinstance(settings, ConvexSettings) else "pos_fuse", **asdict(settings)}


def _fusion_of(value: dict[str, Any]) -> FusionSettings:
    given = {key: content for key, content in value.items() if key != "family"}
    if value["family"] == "pos_fuse":
        return PosFuseSettings(**given)
    if value["family"] == "convex":
        sides = {side: _calibration_of(given[side]) for side in ("retrieval", "judge")}
        return ConvexSettings(**given | sides)
    raise TypeError(f"unknown family {value['family']!r}")


def _calibration_of(value: dict[str, Any]) -> Calibration:
    return Calibration(**value | {"x": tuple(value["x"]), "y": tuple(value["y"])})


def _confidence_of(value: dict[str, Any] | None) -> ConfidenceModel | None:
    if value is None:
        return None
    lists = {name: tuple(value[name]) for name in ("names", "mean", "scale", "weights")}
    return ConfidenceModel(**value | lists)


def _whole(value: dict[str, Any]) -> bool:
    try:
        return bool(value.pop("sha256", None) == _checksum(value))
    except ValueError:  # NaN or infinity, which no file of ours holds
        return False


def _checksum(value: dict[str, Any]) -> str:
    canonical = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(canonical.encode("utf-8")).hexdigest()
