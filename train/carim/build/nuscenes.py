"""nuScenes as it comes: CAM_FRONT's key frames and sweeps from the JSON tables, every link between them checked."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from runtime.errors import DatasetError

from .shot import Failure, FilmFrame, Shot, Source, Wanted, named_time, natural
from .tables import read_table

CHANNEL = "CAM_FRONT"
MICROSECONDS = 1e6
Entry = dict[str, Any]


@dataclass
class _Scene:
    entry: Entry
    location: str | None
    samples: list[Entry] = field(default_factory=list)
    key_frames: dict[str, Entry] = field(default_factory=dict)  # by sample token
    sweeps: list[Entry] = field(default_factory=list)

    @property
    def name(self) -> str:
        return str(self.entry["name"])


def version_folder(root: Path, version: str | None = None) -> Path:
    """The folder of the tables; raises DatasetError where there is none, or several and no choice."""
    found = {path.parent.name: path.parent for path in sorted(root.glob("*/scene.json"))}
    if version:
        if version not in found:
            raise DatasetError(f"{root}: no tables of {version}; there are {', '.join(found) or 'none'}")
        return found[version]
    if len(found) == 1:
        return next(iter(found.values()))
    if not found:
        raise DatasetError(f"{root}: no nuScenes tables; expected a folder such as v1.0-mini/ with scene.json in it")
    raise DatasetError(f"{root}: holds the tables of {', '.join(found)}; choose one with --version")


def read_nuscenes(root: Path, *, version: str | None = None, wanted: Wanted = lambda _: True) -> Source:
    """The wanted scenes' key frames with location and time of day, and their films with the sweeps.

    A broken link or a missing file is a failure that says what was expected; what is whole goes on. Raises
    DatasetError for a missing or damaged table.
    """
    folder = version_folder(root, version)
    failures: list[Failure] = []
    names, scenes = _scenes(folder, wanted, failures)
    by_sample = _samples(folder, scenes, failures)
    _pictures(folder, by_sample, failures)
    shots: list[Shot] = []
    films: dict[str, tuple[FilmFrame, ...]] = {}
    for scene in sorted((s for s in scenes.values() if s), key=lambda s: natural(s.name)):
        failures += [Failure("", scene.name, "source", problem) for problem in _broken_links(scene)]
        made, film, missing = _scene_shots(root, scene)
        shots += made
        failures += missing
        if film:
            films[scene.name] = film
    return Source("nuscenes", folder.name, tuple(names), tuple(shots), films, tuple(failures))


def _scenes(folder: Path, wanted: Wanted, failures: list[Failure]) -> tuple[list[str], dict[str, _Scene | None]]:
    logs = {log["token"]: log["location"] for log in read_table(folder, "log", ("token", "location"))}
    keys = ("token", "name", "log_token", "nbr_samples", "first_sample_token", "last_sample_token")
    scenes: dict[str, _Scene | None] = {}  # None: known, and not wanted
    names: list[str] = []
    for entry in read_table(folder, "scene", keys):
        if entry["name"] in names or entry["token"] in scenes:
            failures.append(Failure("", entry["name"], "source", "the scene stands twice in scene.json"))
            continue
        names.append(entry["name"])
        scenes[entry["token"]] = _Scene(entry, logs.get(entry["log_token"])) if wanted(entry["name"]) else None
        if scenes[entry["token"]] and entry["log_token"] not in logs:
            problem = f"its log {entry['log_token']} is not in log.json, so its location is not known"
            failures.append(Failure("", entry["name"], "source", problem))
    return names, scenes


def _samples(
    folder: Path, scenes: Mapping[str, _Scene | None], failures: list[Failure]
) -> dict[str, tuple[_Scene | None, Entry]]:
    found: dict[str, tuple[_Scene | None, Entry]] = {}
    for entry in read_table(folder, "sample", ("token", "timestamp", "prev", "next", "scene_token")):
        if entry["scene_token"] not in scenes:
            problem = f"the sample's scene {entry['scene_token']} is not in scene.json"
            failures.append(Failure(entry["token"], "", "source", problem))
            continue
        scene = scenes[entry["scene_token"]]
        found[entry["token"]] = (scene, entry)
        if scene:
            scene.samples.append(entry)
    return found


def _pictures(folder: Path, by_sample: Mapping[str, tuple[_Scene | None, Entry]], failures: list[Failure]) -> None:
    sensors = {s["token"] for s in read_table(folder, "sensor", ("token", "channel")) if s["channel"] == CHANNEL}
    if not sensors:
        raise DatasetError(f"{folder / 'sensor.json'}: has no channel {CHANNEL}")
    mounted = read_table(folder, "calibrated_sensor", ("token", "sensor_token"))
    front = {c["token"] for c in mounted if c["sensor_token"] in sensors}
    keys = ("token", "sample_token", "calibrated_sensor_token", "timestamp", "filename", "is_key_frame")
    for entry in read_table(folder, "sample_data", keys):
        if entry["calibrated_sensor_token"] not in front:
            continue
        if entry["sample_token"] not in by_sample:
            problem = f"{entry['filename']}: its sample {entry['sample_token']} is not in sample.json"
            failures.append(Failure(entry["token"], "", "source", problem))
            continue
        scene, _ = by_sample[entry["sample_token"]]
        if scene is None:
            continue
        if not isinstance(entry["filename"], str) or not isinstance(entry["timestamp"], int | float):
            problem = f"filename {entry['filename']!r}, timestamp {entry['timestamp']!r}; expected a path and µs"
            failures.append(Failure(entry["token"], scene.name, "source", problem))
            continue
        if not entry["is_key_frame"]:
            scene.sweeps.append(entry)
        elif entry["sample_token"] in scene.key_frames:
            problem = f"has two key frames of {CHANNEL}; the first counts"
            failures.append(Failure(entry["sample_token"], scene.name, "source", problem))
        else:
            scene.key_frames[entry["sample_token"]] = entry


def _broken_links(scene: _Scene) -> Iterator[str]:
    samples = {s["token"]: s for s in scene.samples}
    if len(samples) != scene.entry["nbr_samples"]:
        yield f"has {len(samples)} samples; scene.json says {scene.entry['nbr_samples']}"
    for end, link in (("first_sample_token", "prev"), ("last_sample_token", "next")):
        token = scene.entry[end]
        if token not in samples:
            yield f"its {end} {token!r} is no sample of the scene"
        elif samples[token][link]:
            yield f"its {end} {token!r} has a {link}; expected none"
    for sample in samples.values():
        after = sample["next"]
        if after and (after not in samples or samples[after]["prev"] != sample["token"]):
            yield f"sample {sample['token']}: its next {after!r} does not name it as prev, or is of another scene"
    if samples and len(_chain(scene.entry["first_sample_token"], samples)) != len(samples):
        yield "following next from the first sample does not reach every sample"


def _chain(first: str, samples: Mapping[str, Entry]) -> list[str]:
    walked: dict[str, None] = {}
    while first in samples and first not in walked:
        walked.setdefault(first)
        first = samples[first]["next"]
    return list(walked)


def _scene_shots(root: Path, scene: _Scene) -> tuple[list[Shot], tuple[FilmFrame, ...], list[Failure]]:
    pictures = sorted([*scene.key_frames.values(), *scene.sweeps], key=lambda p: p["timestamp"])
    lacking = [s["token"] for s in scene.samples if s["token"] not in scene.key_frames]
    failures = [Failure(t, scene.name, "source", f"the sample has no key frame of {CHANNEL}") for t in lacking]
    swept_away: list[str] = []
    film: list[FilmFrame] = []
    shots: list[Shot] = []
    for entry in pictures:
        key, path = bool(entry["is_key_frame"]), root / entry["filename"]
        seconds = entry["timestamp"] / MICROSECONDS
        if path.is_file():
            film.append(FilmFrame(path, seconds, key))
        elif key:
            gone = f"{entry['filename']} is not there"
            failures.append(Failure(entry["sample_token"], scene.name, "source", gone))
        else:
            swept_away.append(entry["filename"])
        if key and path.is_file():
            shots.append(Shot(entry["sample_token"], scene.name, path, seconds, meta=_meta(scene, path)))
    if swept_away:
        problem = f"{len(swept_away)} of {len(scene.sweeps)} sweeps are not there, such as {swept_away[0]}"
        failures.append(Failure("", scene.name, "source", problem))
    return shots, tuple(film), failures


def _meta(scene: _Scene, path: Path) -> dict[str, Any]:
    return ({"location": scene.location} if scene.location else {}) | named_time(path.name)
