"""Training augmentation of the published recipe; its mirror image, which turns left into right, only by name."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from runtime.circle_crop import circle_crop
from runtime.images import RgbImage
from runtime.preprocess import Preprocessing, resize_bicubic

from . import torchvision_ops  # noqa: F401  must precede torchvision

from torchvision.transforms import v2  # isort: skip

BEFORE_CROP = 256  # pixels

Augmentation = Callable[[Sequence[Tensor]], Tensor]


def training_picture(image: RgbImage, crop: str) -> Tensor:
    """(H, W, 3) uint8 → (3, 256, 256) uint8: the part of the augmentation that is not random, done once an image.

    Squeezed to a square like the validation's input.
    """
    if crop == "circle":
        image = circle_crop(image).image
    pixels = resize_bicubic(image, BEFORE_CROP).round().clip(0, 255).astype("uint8")
    return torch.from_numpy(pixels).permute(2, 0, 1).contiguous()


def augmentation(name: str, preprocessing: Preprocessing) -> Augmentation:
    """Pictures (3, 256, 256) uint8 → (N, 3, S, S) float32 normalised, each drawn anew from torch's global generator.

    "published": random resized crop (0.8–1), rotation ±10°, mirror image with p = 0.3, brightness and contrast
    ±10 %, random erasing with p = 0.3. "no-flip": without the mirror image. "none": resized only.
    """
    size = (preprocessing.size, preprocessing.size)
    bicubic = v2.InterpolationMode.BICUBIC
    ready = [v2.ToDtype(torch.float32, scale=True), v2.Normalize(list(preprocessing.mean), list(preprocessing.std))]
    if name == "none":
        steps = [v2.Resize(size, bicubic, antialias=True), *ready]
    else:
        steps = [
            v2.RandomResizedCrop(size, scale=(0.8, 1.0), interpolation=bicubic, antialias=True),
            v2.RandomRotation(10),
            *([v2.RandomHorizontalFlip(0.3)] if name == "published" else []),
            v2.ColorJitter(brightness=0.1, contrast=0.1),
            *ready,
            v2.RandomErasing(p=0.3),
        ]
    transform = v2.Compose(steps)
    return lambda pictures: torch.stack([transform(picture) for picture in pictures])
