"""Bulk encoding of images from files to vectors: the pipeline by threads, and the plain loops it replaces."""

from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from runtime.bulk import BulkPlan, Prepared, encode_in_bulk, open_for_bulk
from runtime.bundle import IMAGE_MODEL
from runtime.encoder import DualEncoder, open_encoder
from runtime.images import read_image

from .timing import paired, ratio

Floats = NDArray[np.float32]
BATCH = 16
OURS, ONE_AFTER_ANOTHER, PLAIN = "ours: the index command", "one after another, batches of 16", "Pillow + onnxruntime"


def image_figures(bundle: Path, paths: Sequence[Path], *, cores: int, rounds: int) -> dict[str, Any]:
    """Images a second of every variant on all of `paths`, and the ratios between what the README tells."""
    encoders = {n: open_encoder(bundle, threads=n, provider="cpu") for n in sorted({1, cores})}
    single, plan = open_for_bulk(bundle, batch=BATCH, threads=cores, provider="cpu")
    settings: dict[str, tuple[DualEncoder, int, BulkPlan]] = {
        OURS: (single, 1, plan),
        ONE_AFTER_ANOTHER: (encoders[cores], cores, BulkPlan(0, 0, BATCH)),
    }
    for session, encoder in encoders.items():
        for preparing in range(4):
            name = f"{preparing} preparing, session of {session}"
            settings[name] = (encoder, session, BulkPlan(preparing, min(preparing, 1), at_once=4))
    for preparing in range(1, 4):
        settings[f"{preparing} preparing, {cores} runners of 1"] = (single, 1, BulkPlan(preparing, cores, at_once=1))
    variants: dict[str, Callable[[], Floats]] = {
        name: _in_bulk(encoder, paths, chosen) for name, (encoder, _, chosen) in settings.items()
    }
    variants |= _plain(encoders[cores], paths)
    agreement = _mean_cosines(variants)
    cpu: dict[str, list[float]] = {}
    times = paired(variants, rounds=rounds, warmup=1, cpu=cpu)
    rows = []
    for name, seconds in times.items():
        _, session, chosen = settings.get(name, (None, None, None))
        rows.append(
            {
                "variant": name,
                "ours": name == OURS,
                "preparing": chosen.preparing if chosen else 0,
                "runners": chosen.runners if chosen else 0,
                "session_threads": session or cores,
                "images_per_s": len(paths) / float(np.median(seconds)),
                "cpu_ms_an_image": float(np.median(cpu[name])) * 1000 / len(paths),
                "mean_cosine_to_ours": agreement[name],
            }
        )
    return {
        "images_per_s": rows[0]["images_per_s"],
        "threads": rows,
        "unpipelined_over_ours": ratio(times[ONE_AFTER_ANOTHER], times[OURS]),
        **({"plain_over_ours": ratio(times[PLAIN], times[OURS])} if PLAIN in times else {}),
        "cpu_unpipelined_over_ours": ratio(cpu[ONE_AFTER_ANOTHER], cpu[OURS]),
    }


def _in_bulk(encoder: DualEncoder, paths: Sequence[Path], plan: BulkPlan) -> Callable[[], Floats]:
    preprocess = encoder.preprocess

    def prepare(path: Path) -> Prepared[Path]:
        return Prepared(path, preprocess.one(read_image(path, at_least=preprocess.decode_at_least)))

    def encode() -> Floats:
        with closing(encode_in_bulk(paths, prepare, encoder.encode_pixels, batch=BATCH, plan=plan)) as batches:
            return np.concatenate([part.vectors for part in batches])

    return encode


def _plain(encoder: DualEncoder, paths: Sequence[Path]) -> dict[str, Callable[[], Floats]]:
    """The loop one writes with Pillow, NumPy and a session of default options; nothing where Pillow is missing."""
    try:
        from PIL import Image  # noqa: PLC0415  Gradio brings it; the core does without
    except ImportError:
        return {}
    import onnxruntime as ort  # noqa: PLC0415

    session = ort.InferenceSession(str(encoder.bundle.path(IMAGE_MODEL)), providers=["CPUExecutionProvider"])
    settings = encoder.preprocess
    side = (settings.size, settings.size)
    mean, std = np.array(settings.mean, np.float32), np.array(settings.std, np.float32)

    def pixels(path: Path) -> Floats:
        image = np.asarray(Image.open(path).convert("RGB").resize(side, Image.Resampling.BICUBIC), np.float32) / 255
        return ((image - mean) / std).transpose(2, 0, 1)

    def encode() -> Floats:
        parts = [paths[first : first + BATCH] for first in range(0, len(paths), BATCH)]
        feeds = ({"pixel_values": np.stack([pixels(path) for path in part])} for part in parts)
        return np.concatenate([session.run(None, feed)[0] for feed in feeds])

    return {PLAIN: encode}


def _mean_cosines(variants: dict[str, Callable[[], Floats]]) -> dict[str, float]:
    # every variant must give our vectors, or its time says nothing
    ours = variants[OURS]()
    return {name: float((encode() * ours).sum(axis=2).mean()) for name, encode in variants.items()}
