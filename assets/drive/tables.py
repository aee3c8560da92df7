"""The drawn scenes as nuScenes keeps them: thirteen JSON tables whose records point to each other by token.

The keys are nuScenes' own. Nothing is annotated, so that `instance` and `sample_annotation` are empty; `category`,
`attribute` and `visibility` hold what such annotations would point to.
"""

import datetime
import hashlib
from dataclasses import dataclass
from typing import Any

from .canvas import CENTRE_X, FOCAL, HEIGHT, HORIZON, WIDTH
from .facts import elements_of
from .plan import Plan
from .truth import Scene

VERSION = "v1.0-phantom"
KEYS_PER_SECOND, FRAMES_PER_SECOND = 2, 10
_KEY_EVERY = FRAMES_PER_SECOND // KEYS_PER_SECOND
VEHICLE = "p001"
_ZONE = datetime.timezone(datetime.timedelta(hours=8))
_FIRST_DAY = datetime.datetime(2024, 3, 4, tzinfo=_ZONE)
# hours of a day by FACTS' rule: 5-12 morning, 12-17 daytime, 17-20 evening, else night
_HOURS = {"morning": (7, 8, 9, 10), "daytime": (12, 13, 14, 15), "evening": (17, 18, 19), "night": (21, 22, 23, 1)}

TABLES = (
    "scene",
    "sample",
    "sample_data",
    "calibrated_sensor",
    "ego_pose",
    "sensor",
    "log",
    "map",
    "attribute",
    "category",
    "instance",
    "sample_annotation",
    "visibility",
)

Record = dict[str, Any]
Tables = dict[str, list[Record]]


@dataclass(frozen=True)
class Shot:
    """One frame of a scene: seconds from its start, the time stamp in microseconds, and its file."""

    seconds: float
    timestamp: int
    file: str
    key: bool


def token(*words: object) -> str:
    """32 hexadecimal digits that belong to these words."""
    return hashlib.md5("/".join(map(str, words)).encode(), usedforsecurity=False).hexdigest()


def shots_of(scene: Scene, number: int, seconds: float) -> list[Shot]:
    """A scene's frames, ten a second; every fifth is a key frame and lies in samples/, the others in sweeps/."""
    start = _start(scene, number)
    log = log_name(scene, number)
    shots = []
    for i in range(round(seconds * FRAMES_PER_SECOND)):
        stamp = int(start.timestamp()) * 1_000_000 + i * (1_000_000 // FRAMES_PER_SECOND)
        key = i % _KEY_EVERY == 0
        folder = "samples" if key else "sweeps"
        shots.append(Shot(i / FRAMES_PER_SECOND, stamp, f"{folder}/CAM_FRONT/{log}__CAM_FRONT__{stamp}.jpg", key))
    return shots


def log_name(scene: Scene, number: int) -> str:
    """`p001-2024-03-05-09-07-00+0800`: vehicle and local time, as nuScenes names its logs."""
    return f"{VEHICLE}-{_start(scene, number):%Y-%m-%d-%H-%M-%S}+0800"


def _start(scene: Scene, number: int) -> datetime.datetime:
    hours = _HOURS[scene.time]
    return _FIRST_DAY + datetime.timedelta(days=number, hours=hours[number % len(hours)], minutes=7 * number % 50)


def tables_of(scenes: list[Scene], seconds: float) -> Tables:
    """Table name → records of all scenes."""
    tables: Tables = {name: [] for name in TABLES}
    camera = token("sensor", "CAM_FRONT")
    tables["sensor"].append({"token": camera, "channel": "CAM_FRONT", "modality": "camera"})
    _static(tables)
    for number, scene in enumerate(scenes):
        _add_scene(tables, scene, number, seconds, camera)
    tables["map"].append(
        {
            "token": token("map"),
            "log_tokens": [log["token"] for log in tables["log"]],
            "category": "semantic_prior",
            "filename": "maps/phantom.png",
        }
    )
    return tables


def _add_scene(tables: Tables, scene: Scene, number: int, seconds: float, camera: str) -> None:
    shots = shots_of(scene, number, seconds)
    samples = [token("sample", scene.name, shot.timestamp) for shot in shots if shot.key]
    log, logfile = token("log", scene.name), log_name(scene, number)
    date = logfile[len(VEHICLE) + 1 :][:10]
    tables["log"].append(
        {"token": log, "logfile": logfile, "vehicle": VEHICLE, "date_captured": date, "location": scene.location}
    )
    tables["scene"].append(
        {
            "token": token("scene", scene.name),
            "log_token": log,
            "nbr_samples": len(samples),
            "first_sample_token": samples[0],
            "last_sample_token": samples[-1],
            "name": scene.name,
            "description": "Synthetic phantom drive: " + ", ".join(elements_of(scene)),
        }
    )
    tables["calibrated_sensor"].append(_calibrated(scene, camera))
    tables["sample"] += _samples(scene, shots, samples)
    tables["sample_data"] += _pictures(scene, shots, samples)
    tables["ego_pose"] += _ego_poses(Plan(scene, seconds), shots)


def _samples(scene: Scene, shots: list[Shot], samples: list[str]) -> list[Record]:
    return [
        {
            "token": samples[i],
            "timestamp": shot.timestamp,
            "prev": samples[i - 1] if i else "",
            "next": samples[i + 1] if i + 1 < len(samples) else "",
            "scene_token": token("scene", scene.name),
        }
        for i, shot in enumerate(shot for shot in shots if shot.key)
    ]


def _pictures(scene: Scene, shots: list[Shot], samples: list[str]) -> list[Record]:
    data = [token("sample_data", shot.file) for shot in shots]
    return [
        {
            "token": data[i],
            # a sweep belongs to the key frame nearest to it
            "sample_token": samples[min(round(i / _KEY_EVERY), len(samples) - 1)],
            "ego_pose_token": data[i],
            "calibrated_sensor_token": token("calibrated", scene.name),
            "timestamp": shot.timestamp,
            "fileformat": "jpg",
            "is_key_frame": shot.key,
            "height": HEIGHT,
            "width": WIDTH,
            "filename": shot.file,
            "prev": data[i - 1] if i else "",
            "next": data[i + 1] if i + 1 < len(data) else "",
        }
        for i, shot in enumerate(shots)
    ]


def _ego_poses(plan: Plan, shots: list[Shot]) -> list[Record]:
    """One a picture, with the picture's token, as nuScenes has it."""
    return [
        {
            "token": token("sample_data", shot.file),
            "timestamp": shot.timestamp,
            "rotation": [1.0, 0.0, 0.0, 0.0],
            "translation": [round(plan.ego(shot.seconds / plan.seconds), 3), 0.0, 0.0],
        }
        for shot in shots
    ]


def _calibrated(scene: Scene, camera: str) -> Record:
    return {
        "token": token("calibrated", scene.name),
        "sensor_token": camera,
        "translation": [0.0, 0.0, 1.5],
        # the camera looks along the vehicle's x: its z is ahead, its x to the right, its y down
        "rotation": [0.5, -0.5, 0.5, -0.5],
        "camera_intrinsic": [[FOCAL, 0.0, CENTRE_X], [0.0, FOCAL, HORIZON], [0.0, 0.0, 1.0]],
    }


def _static(tables: Tables) -> None:
    for name in ("human.pedestrian.adult", "vehicle.bicycle", "vehicle.bus.rigid", "vehicle.car", "vehicle.truck"):
        tables["category"].append({"token": token("category", name), "name": name, "description": name})
    for name in ("vehicle.moving", "vehicle.parked", "pedestrian.moving", "pedestrian.standing"):
        tables["attribute"].append({"token": token("attribute", name), "name": name, "description": name})
    for number, level in enumerate(("v0-40", "v40-60", "v60-80", "v80-100"), start=1):
        described = f"visibility of whole object is between {level[1:].replace('-', ' and ')}%"
        tables["visibility"].append({"token": str(number), "level": level, "description": described})
