"""Images and texts a second of bulk encoding: by threads, against plain loops, and on a GPU where there is one.

All variants of a table run in one process in turn. Processor milliseconds an image stand beside the rates: they
say how much work a variant is, also on a machine that others use. Without the folder of real pictures
(`--data`), phantoms (synthetic) are the only material; the rows name what was encoded.
"""

import argparse
import os
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from runtime.dataset import read_dataset
from runtime.encoder import DualEncoder, open_encoder
from runtime.options import DEFAULT_BUNDLE

from .pipeline import ROOT
from .results import command_line, print_table, save_result
from .throughput_gpu import gpu_figures
from .throughput_images import image_figures
from .throughput_pictures import Material, large_jpeg_rows, make_material, preparation_rows
from .timing import paired, ratio, summary

TOKENS, BATCH = 128, 64  # the published padding; texts a batch


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("--bundle", type=Path, default=DEFAULT_BUNDLE)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data", help="folder of real data sets")
    parser.add_argument("--images", type=int, default=96, help="pictures encoded a round")
    parser.add_argument("--texts", type=int, default=512, help="texts encoded a round")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1, help="cores to use (default: all)")


def run(args: argparse.Namespace) -> int:
    """Times every table and writes `throughput.json`."""
    with tempfile.TemporaryDirectory() as name:
        material = make_material(Path(name), args.data, images=args.images)
        encoder = open_encoder(args.bundle, threads=args.threads, provider="cpu")
        figures: dict[str, Any] = {
            "precision": encoder.bundle.manifest.precision,
            "folds": encoder.folds,
            "cores_used": args.threads,
            "pictures": material.counts,
            **image_figures(args.bundle, material.paths, cores=args.threads, rounds=args.rounds),
            "texts": text_figures(encoder, _texts(material, args.texts), rounds=args.rounds),
            "preparation": preparation_rows(material, encoder.preprocess, rounds=args.rounds),
            "large_jpeg": large_jpeg_rows(material, encoder),
            "gpu": gpu_figures(args.bundle, material.paths),
        }
    for table in ("threads", "preparation", "large_jpeg"):
        print_table(figures[table])
    print_table(figures["texts"]["rows"])
    save_result("throughput", command_line(), figures)
    return 0


def _texts(material: Material, count: int) -> list[str]:
    captions = [text for record in read_dataset(material.phantoms).records for text in record.captions]
    captions = [text for text in (*captions, *material.captions) if text.strip()]
    order = np.random.default_rng(0).permutation(max(count, len(captions)))[:count]
    return [captions[i % len(captions)] for i in order]


def text_figures(encoder: DualEncoder, texts: Sequence[str], *, rounds: int) -> dict[str, Any]:
    """Texts a second with batches of alike length, batches as they come, and batches padded to 128 tokens."""
    parts = [texts[first : first + BATCH] for first in range(0, len(texts), BATCH)]
    variants: dict[str, Callable[[], object]] = {
        "length buckets (ours)": lambda: encoder.encode_texts(texts, batch=BATCH),
        "batches as they come": lambda: [encoder.encode_texts(part, batch=BATCH) for part in parts],
        f"padded to {TOKENS}": lambda: [_padded(encoder, part) for part in parts],
    }
    cpu: dict[str, list[float]] = {}
    times = paired(variants, rounds=rounds, warmup=1, cpu=cpu)
    ours = times["length buckets (ours)"]
    lengths = encoder.tokenizer.lengths(texts)
    return {
        "texts": len(texts),
        "batch": BATCH,
        "tokens_median": float(np.median(lengths)),
        "tokens_longest": int(np.max(lengths)),
        "rows": [
            {
                "variant": name,
                "texts_per_s": len(texts) / float(np.median(seconds)),
                "cpu_ms_a_text": float(np.median(cpu[name])) * 1000 / len(texts),
                "median_ms": summary(seconds)["median_ms"],
            }
            for name, seconds in times.items()
        ],
        "unsorted_over_ours": ratio(times["batches as they come"], ours),
        "padded_over_ours": ratio(times[f"padded to {TOKENS}"], ours),
    }


def _padded(encoder: DualEncoder, texts: Sequence[str]) -> object:
    feeds = dict(zip(("input_ids", "attention_mask"), encoder.tokenizer(texts), strict=True))
    more = ((0, 0), (0, TOKENS - feeds["input_ids"].shape[1]))
    return encoder.text_tower({name: np.pad(values, more) for name, values in feeds.items()})


def plot(figures: dict[str, Any], folder: Path) -> list[Path]:
    """Images a second by threads; on a GPU also by batch."""
    from .plots import figure  # noqa: PLC0415  matplotlib

    paths = []
    rows = figures["threads"]
    with figure(folder, "throughput_threads", "Bulk encoding of images, ten folds") as (axes, path):
        colours = ["tab:blue" if row["ours"] else "tab:gray" for row in rows]
        axes.barh([row["variant"] for row in rows], [row["images_per_s"] for row in rows], color=colours)
        axes.invert_yaxis()
        axes.set_xlabel("images/s (blue: the index command)")
        paths.append(path)
    curves = {name: part["rows"] for name, part in figures["gpu"].items() if part.get("rows")}
    if curves:
        with figure(folder, "throughput_gpu", "Images a second on the GPU, by batch") as (axes, path):
            for name, part in curves.items():
                axes.plot([r["batch"] for r in part], [r["images_per_s"] for r in part], "o-", label=name)
            axes.set_xscale("log", base=2)
            axes.set_xlabel("batch")
            axes.set_ylabel("images/s")
            axes.legend()
            paths.append(path)
    return paths
