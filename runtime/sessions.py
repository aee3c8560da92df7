"""onnxruntime sessions as the project wants them: measured settings, and no silent fallback to another provider."""

import contextlib
import io
import logging
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from .errors import BundleError, InvalidInputError, ProviderError
from .wheels import GPU_REQUIREMENTS, load_onnxruntime, wheel_fault

if TYPE_CHECKING:
    from onnxruntime import InferenceSession, SessionOptions

log = logging.getLogger(__name__)

# name → providers in order of precedence: the first must run, what it cannot take goes to the next, then to the CPU
PROVIDERS = {
    "cpu": ("CPUExecutionProvider",),
    "cuda": ("CUDAExecutionProvider",),
    "tensorrt": ("TensorrtExecutionProvider", "CUDAExecutionProvider"),
    "openvino": ("OpenVINOExecutionProvider",),
}
PROVIDER_CHOICES = ("auto", *PROVIDERS)
# onnxruntime 1.31's CPU kernel of this fused node takes longer than the two nodes it replaces: 30 µs for 17 tokens,
# a fifth of an int8 text query
SLOW_ON_CPU = ["SkipLayerNormFusion"]
GRAPH_LEVELS = {
    "off": "ORT_DISABLE_ALL",
    "basic": "ORT_ENABLE_BASIC",
    "extended": "ORT_ENABLE_EXTENDED",
    "all": "ORT_ENABLE_ALL",
}
_IN_ITS_OWN = f"in an environment of its own run `python -m pip install -r {GPU_REQUIREMENTS}`"
_MENDS = {
    "cpu": "mend the installation of onnxruntime",
    "cuda": _IN_ITS_OWN,
    "tensorrt": f"{_IN_ITS_OWN} and put TensorRT's libraries on the library path",
    "openvino": "in an environment of its own install onnxruntime-openvino instead of onnxruntime",
}


@dataclass(frozen=True)
class SessionSettings:
    """How a graph is run on the CPU. `python -m benchmarks sessions` measures every default against its neighbours.

    `threads` None: one a physical core. `spinning`: whether idle threads of the pool wait busily for work. `arena`:
    whether freed memory is kept for the next run. `graph_level`: how far the graph is rewritten, see GRAPH_LEVELS.
    """

    threads: int | None = None
    spinning: bool = False
    arena: bool = True
    graph_level: str = "all"

    def __post_init__(self) -> None:
        if self.threads is not None and self.threads < 1:  # onnxruntime takes any number and does as it likes
            raise InvalidInputError(f"threads = {self.threads}; expected 1 or more, or nothing for all cores")
        if self.graph_level not in GRAPH_LEVELS:
            raise InvalidInputError(f"graph level {self.graph_level!r}; expected {_listed(GRAPH_LEVELS)}")


# What `python -m benchmarks sessions` decides by; figures of two cores. Common to both towers: all cores (a second
# thread pays from a few ms of work on), the arena (never slower), the graph level "all": an image takes 2.5 times as
# long below it (without onnxruntime's blocked convolutions), a text the same, and opening a graph no less.
# Spinning takes a third off a lone text query (5.7 → 3.9 ms): without it the second thread wakes too late to help.
# Beside an image session it costs neither of them anything, as a query is short; where six times as many threads as
# cores compete it costs the query a few per cent.
FOR_QUERIES = SessionSettings(spinning=True)
# An image session that spins is as much faster alone, but two callers at once, as in bulk encoding, are 10 % slower,
# and images beside queries lose 9 %: the idle thread holds the core that work waits for.
FOR_IMAGES = SessionSettings(spinning=False)


def open_session(
    path: Path,
    settings: SessionSettings | None = None,
    *,
    threads: int | None = None,
    provider: str = "auto",
    continuation: Path | None = None,
) -> "InferenceSession":
    """A session on the graph at `path`; `threads`, where given, stands above the settings'.

    With `continuation` the graph is what both files hold together: nodes, weights and outputs of the second may use
    every value of the first, so that bundles share a tower and each adds only its own last layers.
    `provider` is one of PROVIDER_CHOICES; auto takes CUDA where this onnxruntime has it and the CPU otherwise.
    Raises ProviderError where another provider than the one asked for would run (onnxruntime falls back silently)
    or onnxruntime itself is missing or broken; BundleError where `path` is not a graph that it can run.
    """
    graph: Path | bytes = path
    if continuation is not None:
        # protobuf's wire format: messages one after the other are one message, its repeated fields appended and its
        # sub-messages merged, so that these bytes are a whole ModelProto
        graph = path.read_bytes() + continuation.read_bytes()
    named = str(path) if continuation is None else f"{path} continued by {continuation}"
    return open_graph(graph, named, settings, threads=threads, provider=provider)


def open_graph(
    graph: Path | bytes,
    named: str,
    settings: SessionSettings | None = None,
    *,
    threads: int | None = None,
    provider: str = "auto",
) -> "InferenceSession":
    """As `open_session`, on a file or on a serialised ModelProto that errors call `named`."""
    if provider not in PROVIDER_CHOICES:
        raise InvalidInputError(f"provider {provider!r}; expected {_listed(PROVIDER_CHOICES)}")
    settings = settings or SessionSettings()
    if threads is not None:
        settings = replace(settings, threads=threads)
    ort = load_onnxruntime()
    if provider != "auto":
        return _open_strictly(ort, graph, named, settings, provider)
    if PROVIDERS["cuda"][0] in ort.get_available_providers():
        try:
            return _open_strictly(ort, graph, named, settings, "cuda")
        except ProviderError as error:  # a CUDA wheel on a machine without a GPU
            log.warning("%s. Runs on the CPU.", error)
    return _open_strictly(ort, graph, named, settings, "cpu")


def _open_strictly(
    ort: ModuleType, graph: Path | bytes, named: str, settings: SessionSettings, provider: str
) -> "InferenceSession":
    wanted = PROVIDERS[provider]
    if wanted[0] not in ort.get_available_providers():
        raise ProviderError(_refusal(provider, f"this onnxruntime ({ort.__version__}) is built without it"))
    if PROVIDERS["cuda"][0] in wanted:
        with contextlib.redirect_stdout(io.StringIO()):  # it prints what it does not find; the check below tells
            ort.preload_dlls()  # CUDA and cuDNN from the wheels that the extras brought
    options = _options(ort, settings)
    try:
        session = ort.InferenceSession(
            graph if isinstance(graph, bytes) else str(graph),
            options,
            providers=list(wanted),
            enable_fallback=0,
            disabled_optimizers=SLOW_ON_CPU if provider == "cpu" else [],
        )
    except Exception as error:  # the library's errors have no other common base
        if provider != "cpu":
            # a graph that the CPU cannot open either is the bundle's fault
            _open_strictly(ort, graph, named, settings, "cpu")
            raise ProviderError(_refusal(provider, f"onnxruntime could not start it ({error})")) from error
        raise BundleError(
            f"{named}: onnxruntime {ort.__version__} cannot open it ({error}); "
            "check the bundle: python -m runtime verify"
        ) from error
    if session.get_providers()[0] != wanted[0]:
        runs = ", ".join(session.get_providers())
        raise ProviderError(_refusal(provider, f"onnxruntime could not start it and would run on {runs}"))
    return session


def _options(ort: ModuleType, settings: SessionSettings) -> "SessionOptions":
    options = ort.SessionOptions()
    options.log_severity_level = 3
    options.graph_optimization_level = getattr(ort.GraphOptimizationLevel, GRAPH_LEVELS[settings.graph_level])
    options.enable_cpu_mem_arena = settings.arena
    if settings.threads is not None:
        options.intra_op_num_threads = settings.threads
    options.add_session_config_entry("session.intra_op.allow_spinning", str(int(settings.spinning)))
    return options


def _refusal(provider: str, what: str) -> str:
    # a mix of wheels is the likeliest reason, and its mend is another
    mend = wheel_fault() or f"{_MENDS[provider]}, or ask for --provider cpu"
    return f"asked for {provider}, but {what}; {mend}"


def _listed(names: Iterable[str]) -> str:
    *most, last = names
    return f"{', '.join(most)} or {last}"
