"""A small real encoder for tests without a bundle: a picture's mean colour and brightness, by three folds."""

import numpy as np
from numpy.typing import NDArray

from runtime.images import RgbImage
from runtime.preprocess import Preprocessing


class ColourEncoder:
    folds, dims = 3, 8

    def __init__(self, fingerprint: str = "colours-1") -> None:
        self.fingerprint = fingerprint
        self.encoded = 0
        self._maps = np.random.default_rng(0).normal(size=(self.folds, 5, self.dims))

    preprocess = Preprocessing(8, (0.0, 0.0, 0.0), (1.0, 1.0, 1.0))

    def encode_images(self, images: list[RgbImage]) -> NDArray[np.float32]:
        return self.encode_pixels(self.preprocess(images))

    def encode_pixels(self, pixels: NDArray[np.float32]) -> NDArray[np.float32]:
        self.encoded += len(pixels)
        colours = np.array([[*image.mean((1, 2)), image.std(), 1] for image in pixels])
        return self._unit(np.einsum("nc,kcd->nkd", colours, self._maps))

    def encode_text(self, text: str) -> NDArray[np.float32]:
        return self.encode_texts([text])[0]

    def encode_texts(self, texts: list[str]) -> NDArray[np.float32]:
        counts = np.array([[text.count(letter) for letter in "aeiou"] for text in texts]) + 0.5
        return self._unit(np.einsum("nc,kcd->nkd", counts, self._maps))

    def _unit(self, vectors: NDArray[np.float64]) -> NDArray[np.float32]:
        return (vectors / np.linalg.norm(vectors, axis=2, keepdims=True)).astype(np.float32)
