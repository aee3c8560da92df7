"""What a text query costs: folds, precision, ten sessions, the upstream loop step by step, peers."""

from collections.abc import Callable, Mapping
from typing import Any

from runtime.bundle import TEXT_MODEL
from runtime.encoder import DualEncoder

from .cost_graphs import FOLDS, Graphs
from .cost_rows import Timed, Variant, time_group, times
from .graph_work import Feeds, graph_work
from .peers import open_peers
from .ten_sessions import Opener, many_sessions, one_graph
from .timing import summary
from .upstream import TorchLoop

QUERY = "normal right tympanic membrane with a visible cone of light and malleus handle"
SIZES = (1, 2, 5, FOLDS)
STEPS = (  # from one to the next one thing changes, so that nobody takes the total for one trick
    "torch, ten models, padded to 128",
    "torch, ten models, no padding",
    "ten sessions, published recipe",
    "one graph, published recipe",
    "one graph, ten read-out folds, fp32",
    "one graph, ten read-out folds, int8",
)
CHANGED = (
    "no padding",
    "ONNX Runtime instead of torch",
    "what is identical stands once (exact)",
    "folds read out of one stream (another ensemble)",
    "int8",
)


def readout(folds: int, precision: str) -> str:
    """The row's name."""
    return f"read-out, {folds} {'fold' if folds == 1 else 'folds'}, {precision}"


def feeds_of(graphs: Graphs) -> Feeds:
    """The query's ids and mask, by the runtime's tokenizer."""
    ids, mask = DualEncoder(graphs.bundle("readout")).tokenizer([QUERY])
    return {"input_ids": ids, "attention_mask": mask}


def time_sizes(graphs: Graphs, opener: Opener, rates: Mapping[str, float], rounds: int) -> Timed:
    """Read-out folds K = 1, 2, 5, 10 at fp32 and int8; the graph alone, one query."""
    variants = size_variants(TEXT_MODEL, feeds_of(graphs), graphs, opener, ("fp32", "int8"))
    return time_group("text, folds", variants, rates, rounds=rounds, prime=2)


def size_variants(
    name: str, feeds: Feeds, graphs: Graphs, opener: Opener, precisions: tuple[str, ...]
) -> dict[str, Variant]:
    """Read-out folds of every size and precision, for either tower."""
    variants = {}
    for precision in precisions:
        for folds in SIZES:
            path = graphs.path("readout", name, precision, folds)
            call = one_graph(opener, path, feeds)
            variants[readout(folds, precision)] = Variant(call, graph_work(path, feeds), folds, precision)
    return variants


def time_recipe(
    graphs: Graphs, opener: Opener, rates: Mapping[str, float], rounds: int, *, counted: bool = True
) -> Timed:
    """The published recipe: one exact fused graph, ten sessions of one fold each, one such session.

    Ten times the one session says whether the ten got in each other's way.
    """
    variants = recipe_variants(TEXT_MODEL, feeds_of(graphs), graphs, opener, counted=counted)
    return time_group("text, published recipe", variants, rates, rounds=rounds, prime=1)


def recipe_variants(name: str, feeds: Feeds, graphs: Graphs, opener: Opener, *, counted: bool) -> dict[str, Variant]:
    """Those three for either tower; with `counted`, beside their work."""
    one, fused = (graphs.path("paper", name, "fp32", folds) for folds in (1, FOLDS))
    single = graph_work(one, feeds) if counted else None
    return {
        "one session, published recipe": Variant(one_graph(opener, one, feeds), single, 1),
        "ten sessions, published recipe": Variant(
            many_sessions(opener, one, feeds, FOLDS), times(single, FOLDS) if single else None
        ),
        "one graph, published recipe": Variant(
            one_graph(opener, fused, feeds), graph_work(fused, feeds) if counted else None
        ),
    }


def time_ladder(
    graphs: Graphs, opener: Opener, rates: Mapping[str, float], rounds: int, threads: int
) -> tuple[Timed, dict[str, Any]]:
    """The upstream loop to ours, one change at a time, all with tokenisation; peers in turn with them.

    Also returns {"versions", "absent"} of the peers, which encode with ONE model.
    """
    import torch  # noqa: PLC0415  imported late: the runtime has none

    loop = TorchLoop(FOLDS)
    torch.set_num_threads(threads)
    variants = {
        STEPS[0]: Variant(lambda: loop.encode(QUERY)),
        STEPS[1]: Variant(lambda: loop.encode(QUERY, None)),
        STEPS[2]: Variant(_tokenising(graphs, opener, 1, FOLDS)),
        STEPS[3]: Variant(_tokenising(graphs, opener, FOLDS, 1)),
    }
    for name, precision in zip(STEPS[4:], ("fp32", "int8"), strict=True):
        encoder = DualEncoder(graphs.bundle("readout", precision), threads=threads, provider="cpu")
        variants[name] = Variant(lambda encoder=encoder: encoder.encode_texts([QUERY]), precision=precision)
    with open_peers(threads, graphs.work / "sentence-transformers-onnx") as (peers, absent):
        for peer in peers:
            variants[f"{peer.kind}, one model"] = Variant(lambda peer=peer: peer.encode([QUERY]), folds=1)
        timed = time_group("text, from the upstream loop to ours", variants, rates, rounds=rounds, warmup=3, prime=2)
        for row in timed.rows[len(STEPS) :]:  # theirs by their own clock: no pipe, and processor time is not ours
            peer = next(peer for peer in peers if row["name"].startswith(peer.kind))
            row |= {**summary(peer.seconds[3:][2::3]), "cpu_ms": None}
        versions = {peer.kind: peer.version for peer in peers}
    return timed, {"versions": versions, "absent": absent}


def _tokenising(graphs: Graphs, opener: Opener, folds: int, sessions: int) -> Callable[[], list[Any]]:
    bundle = graphs.bundle("paper", "fp32", folds)
    tokenizer = DualEncoder(bundle).tokenizer
    opened = [opener(bundle.path(TEXT_MODEL)) for _ in range(sessions)]

    def encode() -> list[Any]:
        ids, mask = tokenizer([QUERY])
        feeds = {"input_ids": ids, "attention_mask": mask}
        return [session.run(["embeddings"], feeds)[0] for session in opened]

    return encode
