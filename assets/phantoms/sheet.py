"""The contact sheet: one row a class, every finding once, so that a person can judge the phantoms."""

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from .camera import HEIGHT, pose
from .errors import PhantomError
from .findings import CLASSES, FINDINGS, NORMAL, View
from .render import render

_TILE, _LABEL, _TITLE, _ROW = 96, 13, 26, 18
_FONT = cv2.FONT_HERSHEY_SIMPLEX


def contact_sheet(seed: int) -> NDArray[np.uint8]:
    """A labelled RGB picture, about 1200 px wide: rows are classes, columns normal and each finding."""
    columns = 1 + max(len(found) for found in FINDINGS.values())
    rows = [_row(kind, seed, columns) for kind in CLASSES]
    sheet = np.vstack([np.zeros((_TITLE, rows[0].shape[1], 3), np.uint8), *rows])
    _write(
        sheet,
        f"ENT endoscopy, synthetic phantom (drawn by a program, not clinical), seed {seed}",
        (6, 18),
        0.5,
    )
    return sheet


def save_contact_sheet(path: Path, seed: int) -> None:
    """Writes the contact sheet as PNG or JPEG, by the name's ending."""
    if path.suffix.lower() not in {".png", ".jpg", ".jpeg"}:
        raise PhantomError(f"--contact-sheet {path}: the name must end in .png, .jpg or .jpeg")
    path.parent.mkdir(parents=True, exist_ok=True)
    options = [cv2.IMWRITE_PNG_COMPRESSION, 9] if path.suffix.lower() == ".png" else [cv2.IMWRITE_JPEG_QUALITY, 88]
    sheet = cv2.cvtColor(contact_sheet(seed), cv2.COLOR_RGB2BGR)
    path.write_bytes(cv2.imencode(path.suffix, sheet, options)[1].tobytes())


def _row(kind: View, seed: int, columns: int) -> NDArray[np.uint8]:
    row = np.zeros((_ROW + _TILE + _LABEL, columns * _TILE, 3), np.uint8)
    _write(row, kind.name, (4, 13), 0.42, (255, 220, 150))
    for column, finding in enumerate([NORMAL, *FINDINGS[kind.region]]):
        graded = FINDINGS[kind.region].get(finding, False)
        patient = kind.number * 3 + column % 3
        picture = render(
            seed,
            patient=patient,
            view=column,
            classification=kind.name,
            finding=finding,
            severity="moderate" if graded else "none",
        )
        left = round(pose(seed, patient, column).centre[0]) - HEIGHT // 2
        tile = cv2.resize(picture[:, left : left + HEIGHT], (_TILE, _TILE), interpolation=cv2.INTER_AREA)
        row[_ROW : _ROW + _TILE, column * _TILE : (column + 1) * _TILE] = tile
        _write(row, finding, (column * _TILE + 3, _ROW + _TILE + 10), 0.28)
    return row


def _write(
    picture: NDArray[np.uint8],
    text: str,
    at: tuple[int, int],
    scale: float,
    colour: tuple[int, int, int] = (235, 235, 235),
) -> None:
    cv2.putText(picture, text, at, _FONT, scale, colour, 1, cv2.LINE_AA)
