"""The same graphs on a CUDA device, batch 1 to 256, beside torch in bfloat16 and what the device does at best."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from runtime.bundle import IMAGE_MODEL, TEXT_MODEL
from runtime.sessions import open_session

from .cost_graphs import FOLDS, Graphs
from .cost_rows import times
from .graph_work import Feeds, graph_work
from .timing import paired, summary
from .upstream import minilm_folder

BATCHES = (1, 4, 16, 64, 256)
TOKENS, SIDE = 17, 224
MATMUL_SIDE, COPY_MB = 8192, 1024
ROUNDS = 20


def gpu_rows(graphs: Graphs) -> dict[str, Any]:
    """{"device", "rates", "rows", "absent"}: rows for what this machine has, a reason for what it lacks."""
    import onnxruntime as ort  # noqa: PLC0415
    import torch  # noqa: PLC0415  imported late: the runtime has none

    absent: dict[str, str] = {}
    rows: list[dict[str, Any]] = []
    if not torch.cuda.is_available():
        absent["torch bfloat16"] = "this torch sees no CUDA device"
    if "CUDAExecutionProvider" not in ort.get_available_providers():
        absent["ONNX Runtime CUDA"] = f"this onnxruntime ({ort.__version__}) has no CUDA provider"
    rates = {} if "torch bfloat16" in absent else cuda_rates()
    for tower, name in (("text", TEXT_MODEL), ("image", IMAGE_MODEL)):
        for batch in BATCHES:
            feeds = feeds_of(tower, batch)
            variants: dict[str, Callable[[], object]] = {}
            if "torch bfloat16" not in absent:
                variants |= _torch_variants(tower, feeds)
            if "ONNX Runtime CUDA" not in absent:
                for folds in (1, FOLDS):
                    path = graphs.path("readout", name, "fp32", folds)
                    variants[f"ONNX Runtime CUDA, read-out, {folds}"] = _bound(path, feeds)
            if variants:
                rows += _timed(tower, batch, variants, graphs.path("readout", name), feeds, rates)
    device = "" if "torch bfloat16" in absent else torch.cuda.get_device_name()
    return {"device": device, "rates": rates, "rows": rows, "absent": absent}


def feeds_of(tower: str, batch: int) -> Feeds:
    """Inputs of a tower: seeded ids of 17 tokens a text, or seeded noise for pixels."""
    rng = np.random.default_rng(0)
    if tower == "text":
        ids = rng.integers(1000, 20_000, (batch, TOKENS))
        return {"input_ids": ids, "attention_mask": np.ones_like(ids)}
    return {"pixel_values": rng.standard_normal((batch, 3, SIDE, SIDE), dtype=np.float32)}


def cuda_rates() -> dict[str, float]:
    """{"bf16_tflops", "fp32_tflops", "copy_gbs"} of the device: large products and a large copy, best of several."""
    import torch  # noqa: PLC0415

    rates = {}
    for name, dtype in (("bf16_tflops", torch.bfloat16), ("fp32_tflops", torch.float32)):
        a = torch.randn(MATMUL_SIDE, MATMUL_SIDE, device="cuda", dtype=dtype)
        rates[name] = 2 * MATMUL_SIDE**3 / min(_cuda_seconds(lambda a=a: a @ a)) / 1e12
    source = torch.ones(COPY_MB * 1_000_000, dtype=torch.uint8, device="cuda")
    target = torch.empty_like(source)
    rates["copy_gbs"] = 2 * source.numel() / min(_cuda_seconds(lambda: target.copy_(source))) / 1e9
    return rates


def _cuda_seconds(call: Callable[[], object]) -> list[float]:
    import torch  # noqa: PLC0415

    def whole() -> None:
        call()
        torch.cuda.synchronize()

    return paired({"": whole}, rounds=7, warmup=2)[""]


def _torch_variants(tower: str, feeds: Feeds) -> dict[str, Callable[[], object]]:
    """One model and ten, bfloat16, inputs already on the device; each call waits for the device."""
    import torch  # noqa: PLC0415

    given = {name: torch.from_numpy(value).cuda() for name, value in feeds.items()}
    if tower == "text":
        from transformers import AutoModel  # noqa: PLC0415

        model = AutoModel.from_pretrained(str(minilm_folder())).eval().to("cuda", torch.bfloat16)
    else:
        import timm  # noqa: PLC0415

        model = timm.create_model("vit_small_patch14_dinov2", pretrained=False, img_size=SIDE, num_classes=0)
        model = model.eval().to("cuda", torch.bfloat16)
        given = {"x": given["pixel_values"].to(torch.bfloat16)}

    def run(models: int) -> None:
        with torch.inference_mode():
            for _ in range(models):  # the same weights ten times: each pass reads them from the device's memory
                model(**given)
        torch.cuda.synchronize()

    return {f"torch bfloat16, {n} model{'s' if n > 1 else ''}": lambda n=n: run(n) for n in (1, FOLDS)}


def _bound(path: Path, feeds: Feeds) -> Callable[[], object]:
    """A pass with inputs and outputs bound to the device; the call waits for it."""
    import onnxruntime as ort  # noqa: PLC0415

    session = open_session(path, provider="cuda")
    binding = session.io_binding()
    for name, value in feeds.items():
        binding.bind_ortvalue_input(name, ort.OrtValue.ortvalue_from_numpy(value, "cuda", 0))
    binding.bind_output("embeddings", "cuda")

    def run() -> None:
        session.run_with_iobinding(binding)
        binding.synchronize_outputs()

    return run


def _timed(
    tower: str,
    batch: int,
    variants: dict[str, Callable[[], object]],
    path: Path,
    feeds: Feeds,
    rates: dict[str, float],
) -> list[dict[str, Any]]:
    """A row a variant; the floor is that of the ten-fold graph's float operations at the bfloat16 and float32 rates."""
    one = {name: value[:1] for name, value in feeds.items()}
    work = times(graph_work(path, one), batch)  # per image or text; counted once, on the processor
    seconds = paired(variants, rounds=ROUNDS)
    rows = []
    for name, values in seconds.items():
        row = {"tower": tower, "batch": batch, "name": name, **summary(values), "items_per_s": batch / min(values)}
        if rates:
            row["floor_ms_fp32"] = work.float_operations / rates["fp32_tflops"] / 1e9
            row["floor_ms_bf16"] = work.float_operations / rates["bf16_tflops"] / 1e9
        rows.append(row)
    return rows
