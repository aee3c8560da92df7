"""Tiny made-up driving scenes in every form that carim-build reads: tables, pictures, videos, JSON lines."""

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from runtime.images import encode_image

VERSION = "v1.0-made-up"
KEY_US, SWEEP_US = 500_000, 100_000
START_US = 1_532_402_927_600_000


def picture(seed: int, height: int = 27, width: int = 48) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def write_picture(path: Path, seed: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encode_image(picture(seed), ".jpg"))


def write_jsonl(path: Path, values: list[dict[str, Any]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(value, ensure_ascii=False) + "\n" for value in values), "utf-8")
    return path


def rows(scenes: int, each: int = 2) -> list[dict[str, Any]]:
    """Text scenes with captions and elements."""
    return [
        {
            "id": f"s{s}-{i}", "scene": f"scene-{s}", "image": None, "timestamp": 0.5 * i,
            "caption": f"A red car number {s} in heavy rain.", "elements": [f"red car {s}", f"lane {i}", "rain"],
            "meta": {"location": "made-up"},
        }
        for s in range(scenes) for i in range(each)
    ]  # fmt: skip


def tables(root: Path, scenes: int = 2, samples: int = 3, hour: int = 11) -> dict[str, list[dict[str, Any]]]:
    """nuScenes' tables and pictures; returns the tables, which `write_tables` writes again after a change."""
    made: dict[str, list[dict[str, Any]]] = {name: [] for name in ("scene", "sample", "sample_data")}
    made["log"] = [{"token": "log-0", "logfile": "made-up", "location": "made-up-harbour"}]
    made["sensor"] = [{"token": "front", "channel": "CAM_FRONT"}, {"token": "back", "channel": "CAM_BACK"}]
    made["calibrated_sensor"] = [{"token": f"on-{s}", "sensor_token": s} for s in ("front", "back")]
    for s in range(scenes):
        tokens = [f"sample-{s}-{i}" for i in range(samples)]
        ends = {"first_sample_token": tokens[0], "last_sample_token": tokens[-1]}
        made["scene"].append(
            {
                "token": f"scene-token-{s}",
                "log_token": "log-0",
                "nbr_samples": samples,
                "name": f"scene-{s:04d}",
                **ends,
            }
        )
        for i, token in enumerate(tokens):
            at = START_US + s * 60_000_000 + i * KEY_US
            before, after = tokens[i - 1] if i else "", tokens[i + 1] if i + 1 < samples else ""
            made["sample"].append(
                {"token": token, "timestamp": at, "prev": before, "next": after, "scene_token": f"scene-token-{s}"}
            )
            for step in range(5 if i + 1 < samples else 1):
                made["sample_data"].append(_data(token, at + step * SWEEP_US, step == 0, hour))
    made["sample_data"].append({**made["sample_data"][0], "token": "back-0", "calibrated_sensor_token": "on-back"})
    for number, entry in enumerate(made["sample_data"][:-1]):
        write_picture(root / entry["filename"], number)
    write_tables(root, made)
    return made


def _data(sample: str, at: int, key: bool, hour: int) -> dict[str, Any]:
    folder = "samples" if key else "sweeps"
    name = f"{folder}/CAM_FRONT/n000-2018-07-24-{hour:02d}-22-45+0800__CAM_FRONT__{at}.jpg"
    return {
        "token": f"data-{at}", "sample_token": sample, "calibrated_sensor_token": "on-front", "timestamp": at,
        "filename": name, "is_key_frame": key,
    }  # fmt: skip


def write_tables(root: Path, made: dict[str, list[dict[str, Any]]]) -> None:
    for name, entries in made.items():
        (root / VERSION).mkdir(parents=True, exist_ok=True)
        (root / VERSION / f"{name}.json").write_text(json.dumps(entries, indent=0), "utf-8")


def captions(made: dict[str, list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """Given captions of every sample."""
    return [
        {"token": s["token"], "caption": f"A blue bus, {s['token']}, in fog.", "elements": ["blue bus", s["token"]]}
        for s in made["sample"]
    ]


def write_video(path: Path, frames: int, fps: float = 20.0) -> None:
    """Frames whose brightness says which they are: 3 for each number."""
    path.parent.mkdir(parents=True, exist_ok=True)
    codec = cv2.VideoWriter_fourcc(*("mp4v" if path.suffix == ".mp4" else "MJPG"))
    writer = cv2.VideoWriter(str(path), codec, fps, (64, 48))
    assert writer.isOpened()
    for number in range(frames):
        writer.write(np.full((48, 64, 3), 3 * number, np.uint8))
    writer.release()
