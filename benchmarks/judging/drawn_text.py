"""Text drawn into a picture, and found there again by looking: neither side is told where the other put it."""

import textwrap
from collections.abc import Mapping

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
LETTERS_A_LINE = 30
LINE_PX, MARGIN_PX, LETTER_PX = 24, 8, 11
_FONT, _SIZE, _WEIGHT = cv2.FONT_HERSHEY_SIMPLEX, 0.6, 1
# sent at 384 px, phantoms without text stay below .4 and every text that was drawn comes out above .7
FOUND_FROM = 0.55


def text_block(text: str) -> Picture:
    """`text`, wrapped, white on black as cv2.putText draws it: (h, w, 3) uint8. It knows ASCII only."""
    lines = textwrap.wrap(text, LETTERS_A_LINE)
    width = max(cv2.getTextSize(line, _FONT, _SIZE, _WEIGHT)[0][0] for line in lines)
    block = np.zeros((LINE_PX * len(lines) + MARGIN_PX, width + 2 * MARGIN_PX, 3), np.uint8)
    for row, line in enumerate(lines, start=1):
        at = (MARGIN_PX, row * LINE_PX - MARGIN_PX + 2)
        cv2.putText(block, line, at, _FONT, _SIZE, (255, 255, 255), _WEIGHT, cv2.LINE_AA)
    return block


def draw_text(picture: Picture, text: str, seed: int) -> Picture:
    """A copy of `picture` (H, W, 3) uint8 with `text` in it, at a place drawn from `seed`."""
    block = text_block(text)
    (height, width), (h, w) = picture.shape[:2], block.shape[:2]
    rng = np.random.default_rng(seed)
    x, y = int(rng.integers(0, width - w + 1)), int(rng.integers(0, height - h + 1))
    drawn = picture.copy()
    drawn[y : y + h, x : x + w] = block
    return drawn


class TextFinder:
    """Finds which of some texts stands in a picture, at whatever scale it was sent, by template matching."""

    def __init__(self, texts: Mapping[str, str], drawn_width: int) -> None:
        """`texts` by name; `drawn_width`: the pictures' width in pixels when the text was drawn."""
        self._blocks = {name: text_block(text)[:, :, 0] for name, text in texts.items()}
        self._drawn_width = drawn_width

    def likeness(self, encoded: bytes) -> dict[str, float]:
        """By name, the highest normalised correlation of the rendered text with any place of the picture."""
        grey = cv2.imdecode(np.frombuffer(encoded, np.uint8), cv2.IMREAD_GRAYSCALE)
        scale = grey.shape[1] / self._drawn_width
        found = {}
        for name, block in self._blocks.items():
            size = (max(1, round(block.shape[1] * scale)), max(1, round(block.shape[0] * scale)))
            small = cv2.resize(block, size, interpolation=cv2.INTER_AREA)
            if small.shape[0] <= grey.shape[0] and small.shape[1] <= grey.shape[1]:
                found[name] = float(cv2.matchTemplate(grey, small, cv2.TM_CCOEFF_NORMED).max())
        return found

    def find(self, encoded: bytes) -> str | None:
        """The name of the text that stands in an encoded picture, None where none does."""
        found = self.likeness(encoded)
        best = max(found, key=lambda name: found[name], default=None)
        return best if best is not None and found[best] >= FOUND_FROM else None
