"""Texts and images to unit vectors, one per fold, by the bundle's two graphs."""

from collections.abc import Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .bundle import IMAGE_MODEL, TEXT_MODEL, TOKENIZER, Bundle
from .errors import BundleError, ProviderError
from .images import RgbImage
from .query_cache import SIZE, QueryCache
from .sessions import FOR_IMAGES, FOR_QUERIES, PROVIDERS, SessionSettings, open_session
from .tokenizer import TextTokenizer
from .tower import Tower

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

Floats = NDArray[np.float32]


class DualEncoder:
    """All folds of both towers. Each graph is opened when it is first used: a text query loads no image tower.

    `query_cache` is how many texts of `encode_text` are kept with their vectors.
    """

    def __init__(
        self,
        bundle: Bundle,
        *,
        threads: int | None = None,
        provider: str = "auto",
        text_settings: SessionSettings = FOR_QUERIES,
        image_settings: SessionSettings = FOR_IMAGES,
        query_cache: int = SIZE,
    ) -> None:
        self.bundle = bundle
        self.folds: int = bundle.manifest.folds
        self.dims: int = bundle.manifest.dims
        self.fingerprint: str = bundle.manifest.fingerprint
        self.preprocess = bundle.manifest.preprocessing
        provider = _provider_for(bundle, provider)
        self.text_tower, self.image_tower = (
            Tower(
                partial(self._open, name, settings, threads=threads, provider=provider),
                folds=self.folds,
                dims=self.dims,
            )
            for name, settings in ((TEXT_MODEL, text_settings), (IMAGE_MODEL, image_settings))
        )
        self._queries = QueryCache(self._encode_one, size=query_cache)

    @cached_property
    def tokenizer(self) -> TextTokenizer:
        """The bundle's tokenizer."""
        return TextTokenizer(self.bundle.path(TOKENIZER), max_tokens=self.bundle.manifest.max_tokens)

    def encode_text(self, text: str) -> Floats:
        """One query → (K, D) float32, read-only: kept for the next time, computed once where several ask at once.

        Raises InvalidInputError for an empty text.
        """
        return self._queries(text)

    def encode_texts(self, texts: Sequence[str], *, batch: int = 64) -> Floats:
        """N texts → (N, K, D) float32, unit vectors per fold, in the given order.

        Batches hold texts of alike length, so that little is padded. Raises InvalidInputError for an empty text.
        """
        out = np.empty((len(texts), self.folds, self.dims), np.float32)
        if len(texts) > batch:
            order = np.argsort(self.tokenizer.lengths(texts), kind="stable")
        else:
            order = np.arange(len(texts))
        for first in range(0, len(texts), batch):
            rows = order[first : first + batch]
            ids, mask = self.tokenizer([texts[i] for i in rows])
            out[rows] = self._run(self.text_tower, {"input_ids": ids, "attention_mask": mask})
        return out

    def encode_images(self, images: Sequence[RgbImage], *, batch: int = 16) -> Floats:
        """N images (H, W, 3) uint8 RGB of any sizes → (N, K, D) float32, unit vectors per fold."""
        out = np.empty((len(images), self.folds, self.dims), np.float32)
        for first in range(0, len(images), batch):
            out[first : first + batch] = self.encode_pixels(self.preprocess(images[first : first + batch]))
        return out

    def encode_pixels(self, pixels: Floats) -> Floats:
        """Preprocessed images (N, 3, S, S) float32 → (N, K, D) float32, unit vectors per fold, as one batch."""
        return self._run(self.image_tower, {"pixel_values": pixels})

    def _open(self, name: str, settings: SessionSettings, **options: Any) -> "InferenceSession":
        # only now: an ent bundle has no text tower, and nothing asks it for one
        return open_session(self.bundle.path(name), settings, **options)

    def _encode_one(self, text: str) -> Floats:
        vector: Floats = self.encode_texts([text])[0]
        return vector

    def _run(self, tower: Tower, feeds: dict[str, NDArray[Any]]) -> Floats:
        vectors = tower(feeds)
        if vectors.shape[1:] != (self.folds, self.dims) or not np.isfinite(vectors).all():
            raise BundleError(
                f"{self.bundle.folder}: a tower gave shape {vectors.shape} or values that are not finite; "
                f"expected (N, {self.folds}, {self.dims}). Check the bundle: python -m runtime verify"
            )
        return vectors


def _provider_for(bundle: Bundle, provider: str) -> str:
    if bundle.manifest.precision != "fp16" or provider in {"cuda", "tensorrt"}:
        return provider
    if provider == "auto":
        import onnxruntime as ort  # noqa: PLC0415  takes long to import, and no other bundle needs it so early

        if PROVIDERS["cuda"][0] in ort.get_available_providers():
            return "cuda"
    raise ProviderError(
        f"{bundle.folder}: an fp16 bundle runs on CUDA only, and {provider} means the CPU here; export the run again "
        "with --precision int8 or fp32, or ask for --provider cuda where onnxruntime-gpu is installed"
    )


def open_encoder(folder: Path, *, threads: int | None = None, provider: str = "auto") -> DualEncoder:
    """The encoder of the bundle in `folder`, its hashes checked."""
    return DualEncoder(Bundle.open(folder), threads=threads, provider=provider)
