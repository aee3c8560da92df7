"""`python -m export kger RUN --out BUNDLE`: graphs, certificate, precision, bundle."""

import argparse
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from runtime.bundle import IMAGE_MODEL, TEXT_MODEL, TOKENIZER, Bundle, Manifest
from runtime.dataset import Dataset, read_dataset
from runtime.dataset.records import captions_of
from runtime.errors import InvalidInputError, KgerError
from runtime.images import RgbImage, read_image
from runtime.sessions import open_session
from runtime.tokenizer import TextTokenizer
from train.runs import Run

from .certificate import Towers, certify_fp32, certify_tokens
from .compact import compact_parts
from .gate import Queries
from .graphs import write_image_graph, write_text_graph
from .parts import Parts, original_ids
from .precision import PROBE_IMAGES, PROBE_TEXTS, Export, GateSettings, gate_queries, lower_precision, print_int8
from .precision import add_arguments as add_precision

FP32_TEXTS, FP32_IMAGES = 16, 8


@dataclass(frozen=True, eq=False)
class Probe:
    """Real inputs for the certificate: texts in every language of the data set, and its images."""

    texts: list[str]
    images: list[RgbImage]

    @classmethod
    def draw(cls, dataset: Dataset, texts: int, images: int, seed: int = 0) -> "Probe":
        """A seeded sample; unreadable images are passed over."""
        rng = np.random.default_rng(seed)
        captions = sorted({c for r in dataset.records for lang in ("en", "vi") for c in captions_of(r, lang)})
        chosen = [captions[i] for i in rng.permutation(len(captions))[:texts]]
        pictures: list[RgbImage] = []
        for i in rng.permutation(len(dataset.records)):
            if len(pictures) == images:
                break
            try:
                pictures.append(read_image(dataset.records[i].path))
            except KgerError:
                continue
        if not chosen or not pictures:
            raise InvalidInputError(f"{dataset.root}: the certificate needs captions and readable images")
        return cls(chosen, pictures)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("run", type=Path, help="folder that `python -m train kger` wrote")
    parser.add_argument("--out", type=Path, required=True, help="where the bundle goes")
    add_precision(parser)
    parser.add_argument("--folds", type=int, help="the run's first N folds only (default: all)")
    parser.add_argument("--soup", action="store_true", help="one model: the mean of the folds' weights")
    parser.add_argument("--data", type=Path, help="data set for the certificate (default: the run's own)")


def run(args: argparse.Namespace) -> int:
    """Exports; prints the certificate's figures."""
    bundle = export_kger(
        Run(args.run),
        args.out,
        precision=args.precision,
        data=args.data,
        folds=args.folds,
        soup=args.soup,
        gate=GateSettings(args.gate, args.gate_queries),
    )
    print_report(bundle)
    return 0


def print_report(bundle: Bundle) -> None:
    """The certificate's figures and the bundle's size."""
    report = bundle.manifest.certificate
    fp32 = report["fp32"]
    worst = max(*fp32["text_max_abs_difference"], *fp32["image_max_abs_difference"])
    print(f"fp32: largest difference to torch {worst:.1e} over {bundle.manifest.folds} folds and both towers")  # noqa: T201  the CLI's report
    if "int8" in report:
        print_int8(report["int8"])
    size = sum(entry.size_bytes for entry in bundle.manifest.files.values())
    print(f"{bundle.folder}: {size / 1e6:.1f} MB, fingerprint {bundle.manifest.fingerprint[:12]}")  # noqa: T201


def export_kger(
    run: Run,
    out: Path,
    *,
    precision: str = "fp32",
    data: Path | None = None,
    folds: int | None = None,
    soup: bool = False,
    gate: GateSettings | None = None,
) -> Bundle:
    """Writes the bundle of a finished run to `out`; raises BundleError where the certificate or int8's gate fails."""
    settings = run.settings()
    trained = settings["recipe"]["folds"]
    if folds is not None and not 1 <= folds <= trained:
        raise InvalidInputError(f"--folds {folds}; the run has {trained} folds")
    parts = _parts(run, settings["recipe"]["name"], folds, soup)
    dataset = read_dataset(data or Path(settings["data"]["path"]), **settings["data"]["columns"])
    made = {"folds_of_run": trained} | ({"soup_of": folds or trained} if soup else {})
    return export_parts(run, parts, dataset, out, precision, made, gate)


def export_parts(
    run: Run,
    parts: Parts,
    dataset: Dataset,
    out: Path,
    precision: str,
    made: dict[str, int],
    gate: GateSettings | None = None,
) -> Bundle:
    """Writes graphs, certificate and bundle; `made` says in the manifest what the parts were made of."""
    queries = gate_queries(precision, gate or GateSettings(), run.settings())
    with tempfile.TemporaryDirectory() as folder:
        text, image, certificate = _certified(parts, dataset, precision, queries, Path(folder))
        manifest = _manifest(run.settings(), parts, precision, made, certificate)
        sources = {TEXT_MODEL: text, IMAGE_MODEL: image, TOKENIZER: parts.tokenizer_folder / TOKENIZER}
        return Bundle.write(out, manifest, sources)


def _parts(run: Run, recipe: str, folds: int | None, soup: bool) -> Parts:
    if recipe == "paper":
        if soup:
            raise InvalidInputError("--soup is for runs of the compact recipe, trained with --start shared")
        from .paper import paper_parts  # noqa: PLC0415  open_clip takes seconds to import; compact does without

        return paper_parts(run, folds=folds)
    return compact_parts(run, folds=folds, soup=soup)


def _certified(
    parts: Parts, dataset: Dataset, precision: str, queries: Queries | None, work: Path
) -> tuple[Path, Path, dict[str, Any]]:
    """The text and image graph in `precision`, in the folder `work`, and their certificate."""
    text, image = work / TEXT_MODEL, work / IMAGE_MODEL
    write_text_graph(parts.text_graph, text)
    write_image_graph(parts.image_graph, parts.preprocessing.size, image)
    tokenizer = TextTokenizer(parts.tokenizer_folder / "tokenizer.json", max_tokens=parts.max_tokens)

    def open_towers(text: Path, image: Path) -> Towers:
        return _onnx_towers(text, image, tokenizer, parts)

    exact = open_towers(text, image)
    probe = Probe.draw(dataset, FP32_TEXTS, FP32_IMAGES)
    certificate: dict[str, Any] = {
        "tokens_compared": certify_tokens(
            tokenizer, original_ids(parts.tokenizer_folder, parts.max_tokens), probe.texts
        ),
        "fp32": certify_fp32(exact, parts.references, probe.texts, probe.images),
        "shared": dict(parts.shared),
    }
    text, image, entries = lower_precision(
        precision,
        Export(text, image, exact, open_towers, tokenizer, parts.preprocessing),
        queries,
        lambda: Probe.draw(dataset, PROBE_TEXTS, PROBE_IMAGES),
        work,
    )
    return text, image, certificate | entries


def _manifest(
    settings: dict[str, Any], parts: Parts, precision: str, made: dict[str, int], certificate: dict[str, Any]
) -> Manifest:
    K, D, S = len(parts.references), parts.dims, parts.preprocessing.size
    return Manifest(
        system="kger",
        recipe=settings["recipe"]["name"],
        precision=precision,
        folds=K,
        dims=D,
        max_tokens=parts.max_tokens,
        preprocessing=parts.preprocessing,
        inputs={
            TEXT_MODEL: {"input_ids": ["N", "T"], "attention_mask": ["N", "T"], "dtype": "int64"},
            IMAGE_MODEL: {"pixel_values": ["N", 3, S, S], "dtype": "float32"},
        },
        outputs={"embeddings": ["N", K, D], "dtype": "float32"},
        certificate=certificate,
        training={
            "recipe": without_folders(settings["recipe"]),
            "data_fingerprint": settings["data"]["fingerprint"],
            **made,
        },
        licences=dict(parts.licences),
    )


def without_folders(recipe: dict[str, Any]) -> dict[str, Any]:
    """The recipe as a bundle states it: of weights that lie on the training machine the file's name, not its folder."""
    files = {key: Path(recipe[key]) for key in ("image_weights", "text_weights") if key in recipe}
    return recipe | {key: path.name for key, path in files.items() if path.is_absolute() or path.exists()}


def _onnx_towers(text: Path, image: Path, tokenizer: TextTokenizer, parts: Parts) -> Towers:
    texts, images = open_session(text, provider="cpu"), open_session(image, provider="cpu")

    def encode_texts(batch: list[str]) -> np.ndarray:
        ids, mask = tokenizer(batch)
        return texts.run(["embeddings"], {"input_ids": ids, "attention_mask": mask})[0]

    def encode_images(batch: list[RgbImage]) -> np.ndarray:
        rows = [
            images.run(["embeddings"], {"pixel_values": parts.preprocessing(batch[i : i + 16])})[0]
            for i in range(0, len(batch), 16)
        ]
        return np.concatenate(rows)

    return Towers(encode_texts, encode_images)
