"""onnxruntime sessions as the project wants them: chosen threads, no spinning, and no silent fallback."""

from pathlib import Path

import onnxruntime as ort

from .errors import BundleError, InvalidInputError, ProviderError

PROVIDERS = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}


def open_session(path: Path, *, threads: int | None = None, provider: str = "auto") -> ort.InferenceSession:
    """A session on `path`; `threads` None leaves the choice to onnxruntime (all physical cores).

    `provider` is auto (CUDA where this onnxruntime has it, else CPU), cpu or cuda. Raises ProviderError where
    cuda was asked for and the CPU would run: onnxruntime itself falls back silently; BundleError where `path`
    is not a graph that this onnxruntime can run.
    """
    if provider not in {"auto", *PROVIDERS}:
        raise InvalidInputError(f"provider {provider!r}; expected auto, cpu or cuda")
    if threads is not None and threads < 1:  # onnxruntime takes any number and does as it likes
        raise InvalidInputError(f"threads = {threads}; expected 1 or more, or nothing for all cores")
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.log_severity_level = 3
    if threads is not None:
        options.intra_op_num_threads = threads
    # a spinning pool starves the pool of the other tower, or of NumPy, on few cores
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    available = ort.get_available_providers()
    wanted = [PROVIDERS[provider]] if provider != "auto" else [p for p in PROVIDERS.values() if p in available]
    if provider == "cuda" and PROVIDERS["cuda"] not in available:
        raise ProviderError(_no_cuda("this onnxruntime has no CUDA provider"))
    try:
        session = ort.InferenceSession(str(path), options, providers=wanted)
    except Exception as error:  # the library's errors have no other common base
        raise BundleError(
            f"{path}: onnxruntime {ort.__version__} cannot open it ({error}); "
            "check the bundle: python -m runtime verify"
        ) from error
    if provider == "cuda" and PROVIDERS["cuda"] not in session.get_providers():
        raise ProviderError(_no_cuda("onnxruntime could not start CUDA and would run on the CPU"))
    return session


def _no_cuda(what: str) -> str:
    return (
        f"asked for cuda, but {what}; in an environment of its own run "
        "`pip install 'onnxruntime-gpu[cuda,cudnn]'` instead of onnxruntime, or ask for --provider cpu"
    )
