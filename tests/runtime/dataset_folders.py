"""Data folders made for the tests of the reader."""

import json
from pathlib import Path

import numpy as np

from runtime.images import encode_image

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data"
PIXEL = encode_image(np.zeros((2, 2, 3), np.uint8))


def folder(root: Path, files: dict[str, object]) -> Path:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            text = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)
            path.write_text(text, "utf-8")
    return root


def images(*names: str) -> dict[str, object]:
    return dict.fromkeys(names, PIXEL)


def by_file(dataset):
    return {record.file: record for record in dataset.records}
