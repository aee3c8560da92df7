"""Pictures as they are sent: small JPEG files."""

import cv2

from ..images import RgbImage, encode_image


def shrink_to_jpeg(image: RgbImage, max_px: int) -> bytes:
    """`image` (H, W, 3) uint8 RGB as JPEG, its longer side at most `max_px`; never enlarged."""
    height, width = image.shape[:2]
    scale = max_px / max(height, width)
    if scale < 1:
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    return encode_image(image, ".jpg")
