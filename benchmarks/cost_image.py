"""What an image costs (ViT-S/14 at 224 pixels), alone and in bulk: folds, precision, ten sessions."""

from collections.abc import Mapping

import numpy as np

from runtime.bundle import IMAGE_MODEL

from .cost_graphs import FOLDS, Graphs
from .cost_rows import Timed, Variant, time_group, times
from .cost_text import recipe_variants, size_variants
from .graph_work import Feeds, graph_work
from .ten_sessions import Opener, many_sessions, one_graph

SIDE = 224


def pixels(batch: int) -> Feeds:
    """Prepared pixels of `batch` images, seeded noise: time does not depend on what they show."""
    return {"pixel_values": np.random.default_rng(0).standard_normal((batch, 3, SIDE, SIDE), dtype=np.float32)}


def time_sizes(
    graphs: Graphs, opener: Opener, rates: Mapping[str, float], rounds: int, precisions: tuple[str, ...]
) -> Timed:
    """Read-out folds K = 1, 2, 5, 10; the graph alone, one image."""
    variants = size_variants(IMAGE_MODEL, pixels(1), graphs, opener, precisions)
    return time_group("image, folds", variants, rates, rounds=rounds, prime=1)


def time_recipe(
    graphs: Graphs, opener: Opener, rates: Mapping[str, float], rounds: int, *, counted: bool = True
) -> Timed:
    """The published recipe: one exact fused graph, ten sessions of one fold each, one such session."""
    variants = recipe_variants(IMAGE_MODEL, pixels(1), graphs, opener, counted=counted)
    return time_group("image, published recipe", variants, rates, rounds=rounds, prime=1)


def time_bulk(graphs: Graphs, opener: Opener, rates: Mapping[str, float], rounds: int, batch: int) -> Timed:
    """A batch of prepared images: one graph of ten folds, and ten sessions of one fold over the same pixels."""
    feeds, variants = pixels(batch), {}
    for recipe in ("paper", "readout"):
        one, fused = (graphs.path(recipe, IMAGE_MODEL, "fp32", folds) for folds in (1, FOLDS))
        theirs, ours = bulk_names(recipe)
        work = times(graph_work(one, feeds), FOLDS)
        variants[theirs] = Variant(many_sessions(opener, one, feeds, FOLDS), work)
        variants[ours] = Variant(one_graph(opener, fused, feeds), graph_work(fused, feeds))
    return time_group(f"image, batches of {batch}", variants, rates, rounds=rounds, warmup=1, prime=0)


def bulk_names(recipe: str) -> tuple[str, str]:
    """Row names of ten sessions and of one graph."""
    called = {"paper": "published recipe", "readout": "read-out folds"}[recipe]
    return f"ten sessions, {called}", f"one graph, {called}"
