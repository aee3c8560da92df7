"""Circle crop: an endoscope's round field of view without its black surround."""

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from .images import RgbImage

Box = tuple[int, int, int, int]
_Circle = tuple[float, float, float]  # centre x, y and radius in pixels
_Grey = NDArray[np.uint8]

_WORKING_SIDE = 640  # pixels; the published kernel and thresholds are made for 640×480
_SMALLEST_SIDE = 32  # pixels; below it eight tiles and a 31×31 kernel mean nothing
_SURROUND = 10  # grey level; what is not brighter is surround
_PADDING = 0.1  # of the radius
_SMALLEST_BOX = 0.25  # of the area searched: a smaller one is a highlight, not the field of view
_SMALLEST_REGION = 0.005  # of the area searched: a smaller one is noise or an overlay's letter
_INSIDE = 0.98  # of what is lit lies in the true circle; a drum or a polyp makes a rounder one that holds less


@dataclass(frozen=True, eq=False)
class CircleCrop:
    """`image` (h, w, 3) uint8 RGB is the input within `box` (x0, y0, x1, y1), x1 and y1 exclusive.

    `method` says what was found: "circle" a Hough circle, tightened to what is lit in it; "contour"
    no such circle, but lit regions on a dark surround; "whole" neither: the whole image, unchanged.
    """

    image: RgbImage
    box: Box
    method: Literal["circle", "contour", "whole"]


def circle_crop(image: RgbImage, *, published: bool = False) -> CircleCrop:
    """Crops (H, W, 3) uint8 RGB to its field of view; never fails on a picture, however small or dark.

    The steps of the published system (hein-nkhh/ENTRep-ACMMM25-TRACK-3): grey, CLAHE, equalise,
    Gaussian 31×31, Hough circles, crop with 10 % padding, bounding box of the largest contour above
    grey 10. Its Hough threshold is so low that a frame without any surround has a circle too, and
    the largest contour of a nose is one side of its dark meatus. So, by default, a circle is looked
    for only where three corners are dark, it must hold 98 % of what is lit, and the box goes round
    every lit region. `published=True` leaves these three out (and still returns the whole image
    where the original has no answer). Pictures over 640 px are searched at 640 px.
    """
    height, width = image.shape[:2]
    if min(height, width) < _SMALLEST_SIDE:
        return _whole(image)
    scale = min(1.0, _WORKING_SIDE / max(height, width))
    size = (max(_SMALLEST_SIDE, round(width * scale)), max(_SMALLEST_SIDE, round(height * scale)))
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    if scale < 1.0:
        grey = cv2.resize(grey, size, interpolation=cv2.INTER_AREA)
    if not published and not _has_surround(grey):
        return _whole(image)
    circle = _find_circle(grey)
    if circle is not None and (published or _holds_what_is_lit(grey, circle)):
        around = _around(circle, grey)
        return _cut(image, grey, _lit_box(grey, around, every=not published) or around, "circle")
    lit = _lit_box(grey, (0, 0, grey.shape[1], grey.shape[0]), every=not published)
    return _whole(image) if lit is None else _cut(image, grey, lit, "contour")


def _whole(image: RgbImage) -> CircleCrop:
    return CircleCrop(image, (0, 0, image.shape[1], image.shape[0]), "whole")


def _cut(image: RgbImage, grey: _Grey, box: Box, method: Literal["circle", "contour"]) -> CircleCrop:
    # from the searched picture's pixels to the image's, outwards
    height, width = image.shape[:2]
    right, down = width / grey.shape[1], height / grey.shape[0]
    x0, y0 = int(box[0] * right), int(box[1] * down)
    x1, y1 = min(width, int(np.ceil(box[2] * right))), min(height, int(np.ceil(box[3] * down)))
    if method == "contour" and (x0, y0, x1, y1) == (0, 0, width, height):
        return _whole(image)
    return CircleCrop(np.ascontiguousarray(image[y0:y1, x0:x1]), (x0, y0, x1, y1), method)


def _has_surround(grey: _Grey) -> bool:
    # three of four: the fourth may hold an overlay
    h, w = max(2, grey.shape[0] // 20), max(2, grey.shape[1] // 20)
    corners = (grey[:h, :w], grey[:h, -w:], grey[-h:, :w], grey[-h:, -w:])
    return sum(float(np.median(corner)) <= _SURROUND for corner in corners) >= 3


def _find_circle(grey: _Grey) -> _Circle | None:
    flat = cv2.equalizeHist(cv2.createCLAHE(clipLimit=2.0, tileGridSize=(8, 8)).apply(grey))
    smooth = cv2.GaussianBlur(flat, (31, 31), 0)
    across = grey.shape[1]
    circles = cv2.HoughCircles(
        smooth,
        cv2.HOUGH_GRADIENT,
        dp=1.2,
        minDist=0.5 * across,
        param1=80,
        param2=10,
        minRadius=int(0.25 * across),
        maxRadius=int(0.5 * across),
    )
    if circles is None or np.size(circles) == 0:
        return None
    x, y, radius = (float(value) for value in np.asarray(circles)[0, 0, :3])  # the strongest comes first
    return x, y, radius


def _holds_what_is_lit(grey: _Grey, circle: _Circle) -> bool:
    x, y, radius = circle
    lit = _lit(grey)
    disc = np.zeros_like(lit)
    cv2.circle(disc, (round(x), round(y)), round(radius * (1 + _PADDING)), 255, cv2.FILLED)
    return cv2.countNonZero(lit & disc) >= _INSIDE * max(1, cv2.countNonZero(lit))


def _around(circle: _Circle, grey: _Grey) -> Box:
    x, y, radius = circle
    reach = radius * (1 + _PADDING)
    x1, y1 = min(grey.shape[1], int(np.ceil(x + reach))), min(grey.shape[0], int(np.ceil(y + reach)))
    return (max(0, int(x - reach)), max(0, int(y - reach)), x1, y1)


def _lit(grey: _Grey) -> _Grey:
    _, lit = cv2.threshold(grey, _SURROUND, 255, cv2.THRESH_BINARY)
    return np.asarray(lit, np.uint8)


def _lit_box(grey: _Grey, box: Box, *, every: bool) -> Box | None:
    # bounding box of every lit region in `box`, or of the largest; None where it is too small to be the field
    x0, y0, x1, y1 = box
    area = (x1 - x0) * (y1 - y0)
    contours, _ = cv2.findContours(_lit(grey[y0:y1, x0:x1]), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    if not contours:
        return None
    if every:
        regions = [contour for contour in contours if cv2.contourArea(contour) >= _SMALLEST_REGION * area]
    else:
        regions = [max(contours, key=cv2.contourArea)]
    if not regions:
        return None
    left, top, width, height = cv2.boundingRect(np.concatenate(regions))
    if width * height < _SMALLEST_BOX * area:
        return None
    return (x0 + left, y0 + top, x0 + left + width, y0 + top + height)
