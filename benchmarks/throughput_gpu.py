"""The image tower on a GPU by batch: ONNX Runtime's CUDA provider, torch in bfloat16; absent where they are."""

import importlib
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np

from runtime.bulk import Prepared, encode_in_bulk, open_for_bulk
from runtime.encoder import open_encoder
from runtime.errors import ProviderError
from runtime.images import read_image

from .timing import paired

BATCHES = (1, 2, 4, 8, 16, 32, 64, 128, 256)
ROUNDS = 15
TRUNKS = {260: "lite2", 224: "lite0"}  # by input size, as the shipped bundles have them


def gpu_figures(bundle: Path, paths: Sequence[Path]) -> dict[str, Any]:
    """{"onnxruntime CUDA", "torch bf16"}: rows by batch, or {"absent": why}."""
    size = open_encoder(bundle, provider="cpu").preprocess.size
    return {"onnxruntime CUDA": _onnxruntime(bundle, paths, size), "torch bf16": _torch(size)}


def _onnxruntime(bundle: Path, paths: Sequence[Path], size: int) -> dict[str, Any]:
    encoder = open_encoder(bundle, provider="cuda")
    try:
        encoder.image_tower.session()
    except ProviderError as error:
        return {"absent": str(error)}
    rng = np.random.default_rng(0)
    pixels = rng.standard_normal((max(BATCHES), 3, size, size), dtype=np.float32)
    rows = _by_batch({n: lambda n=n: encoder.encode_pixels(pixels[:n]) for n in BATCHES})
    return {"precision": encoder.bundle.manifest.precision, "rows": rows, "from_files": _from_files(bundle, paths)}


def _from_files(bundle: Path, paths: Sequence[Path]) -> dict[str, float]:
    """Images a second from files to vectors, batches of 64: here the preparing threads are the limit."""
    encoder, plan = open_for_bulk(bundle, batch=64, provider="cuda")
    preprocess, many = encoder.preprocess, [*paths] * 8

    def encode() -> int:
        prepare = lambda path: Prepared(path, preprocess.one(read_image(path)))  # noqa: E731
        with closing(encode_in_bulk(many, prepare, encoder.encode_pixels, batch=64, plan=plan)) as batches:
            return sum(len(part.rows) for part in batches)

    seconds = paired({"from files": encode}, rounds=3, warmup=1)["from files"]
    return {"preparing": plan.preparing, "images_per_s": len(many) / float(np.median(seconds))}


def _torch(size: int) -> dict[str, Any]:
    try:
        import torch  # noqa: PLC0415  the runtime has none
    except ImportError:
        return {"absent": "torch is not installed"}
    if not torch.cuda.is_available():
        return {"absent": f"torch {torch.__version__} sees no CUDA device"}
    name = f"efficientnet-{TRUNKS[size]}" if size in TRUNKS else None
    try:
        network = importlib.import_module("efficientnet_lite_pytorch").EfficientNet.from_name(name)
    except (ImportError, KeyError, AssertionError, TypeError) as error:
        return {"absent": f"no torch model of the trunk for {size} px ({error!r})"}
    model = network.eval().to("cuda", torch.bfloat16, memory_format=torch.channels_last)
    rng = np.random.default_rng(0)
    pixels = torch.from_numpy(rng.standard_normal((max(BATCHES), 3, size, size), dtype=np.float32))

    @torch.inference_mode()
    def run(count: int) -> object:  # from and to the host, as the other row
        batch = pixels[:count].to("cuda", torch.bfloat16, memory_format=torch.channels_last)
        return model.extract_features(batch).mean((2, 3)).float().cpu()

    rows = _by_batch({n: lambda n=n: run(n) for n in BATCHES})
    return {"model": f"{name}, random weights, trunk without heads", "rows": rows,
            "device": torch.cuda.get_device_name()}  # fmt: skip


def _by_batch(variants: dict[int, Callable[[], object]]) -> list[dict[str, Any]]:
    times = paired({str(n): call for n, call in variants.items()}, rounds=ROUNDS)
    return [
        {"batch": n, "median_ms": float(np.median(times[str(n)])) * 1000,
         "images_per_s": n / float(np.median(times[str(n)]))}
        for n in variants
    ]  # fmt: skip
