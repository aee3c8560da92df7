"""Findings that several regions share: reddening, pallor, pus, mucus, blood."""

import numpy as np

from .scene import Scene
from .shapes import Field, noise
from .tissue import vessels

PUS = (0.86, 0.78, 0.44)
WHITE_MUCUS = (0.90, 0.89, 0.83)
CLEAR = (0.86, 0.82, 0.80)


def redden(scene: Scene, mask: Field, amount: float) -> None:
    """Erythema: a deep red stain in uneven patches, with engorged vessels."""
    rng = scene.eye("redden")
    patches = np.clip(0.85 + 0.18 * noise(rng, 5, 2), 0.4, 1.15)
    strength = mask * patches * np.float32(amount)
    scene.surface.tint(strength, (0.95, 0.50, 0.49))
    net = vessels(rng, 16, width=2.2)
    scene.surface.paint(mask * net, (0.50, 0.05, 0.07), 0.75 * amount)


def whiten(scene: Scene, mask: Field, amount: float) -> None:
    """Pallor: a grey, bluish, boggy mucosa that hides its vessels."""
    rng = scene.eye("whiten")
    patches = np.clip(0.9 + 0.12 * noise(rng, 5, 2), 0.5, 1.1)
    scene.surface.paint(mask * patches, (0.80, 0.75, 0.78), 0.82 * amount)
    scene.surface.gloss += mask * np.float32(0.15)


def pus(scene: Scene, d: Field, *, fill: float = 0.0) -> Field:
    """Thick yellow-green discharge inside d < 0; returns its mask."""
    rng = scene.eye("pus")
    mask = scene.surface.film(d, PUS, opacity=0.95, rise=0.04, gloss=0.8, lift=0.7, fill=fill)
    scene.surface.tint(mask * np.clip(0.4 + 0.3 * noise(rng, 6, 2), 0, 1), (0.90, 0.88, 0.70))
    return mask


def white_mucus(scene: Scene, d: Field) -> Field:
    """Sticky opaque white mucus inside d < 0; returns its mask."""
    mask = scene.surface.film(d, WHITE_MUCUS, opacity=0.92, rise=0.045, gloss=0.8, lift=0.85)
    scene.surface.tint(mask * np.clip(0.4 * noise(scene.eye("mucus"), 10, 2), 0, 1), (0.84, 0.82, 0.80))
    return mask


def clear_mucus(scene: Scene, d: Field) -> Field:
    """Thin clear secretion inside d < 0: little colour, strong shine; returns its mask."""
    return scene.surface.film(d, CLEAR, opacity=0.30, rise=0.035, edge=0.04, gloss=1.0)


def blood(scene: Scene, d: Field) -> Field:
    """Fresh blood inside d < 0; returns its mask."""
    mask = scene.surface.film(d, (0.46, 0.02, 0.03), opacity=0.95, rise=0.03, gloss=0.75)
    scene.surface.tint(mask * np.clip(0.5 * noise(scene.eye("blood"), 7, 2), 0, 1), (0.55, 0.5, 0.5))
    return mask
