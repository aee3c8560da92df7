"""One picture from its description."""

import numpy as np
from numpy.typing import NDArray

from . import ear, larynx, nose, throat
from .camera import photograph, pose
from .findings import class_named
from .scene import AMOUNT, Scene
from .tissue import lit, mottle


def render(
    seed: int, *, patient: int, view: int, classification: str, finding: str, severity: str = "none"
) -> NDArray[np.uint8]:
    """The (480, 640, 3) uint8 RGB phantom of one view.

    Anatomy depends on `seed`, `patient` and the region's side, pose on `view` too; neither depends on the
    finding: two calls that differ in `finding` alone show one place without and with it.
    """
    kind = class_named(classification)
    # the larynx has one anatomy for both states; only an ear or a nose has sides
    mirror = -1 if kind.side == "left" else 1
    scene = Scene(seed, patient, view, kind.region, mirror, finding, AMOUNT[severity])
    if kind.region == "larynx":
        larynx.paint(scene, closed=kind.state == "closed")
    else:
        {"ear": ear, "nose": nose, "throat": throat}[kind.region].paint(scene)
    mottle(scene.surface, scene.body("mottle"))
    at = pose(seed, patient, view)
    return photograph(lit(scene.surface, at.lamp, scene.eye("micro")), at, scene.eye("sensor"))
