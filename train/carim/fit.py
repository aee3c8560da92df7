"""One head: learn on frozen states with injected negatives, keep the weights of the best validation MRR."""

import copy
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from ..fit import FoldResult, warmup_cosine
from .backbones import Backbone
from .batches import injected_queries, injected_states, queries_of, scenes_of
from .data import Ints
from .loss import equally_good, negative_penalty, positive_penalty, retrieval_loss
from .material import Material
from .measure import all_elements, retrieval
from .model import TokenHead, maxsim, own_maxsim
from .negatives import Pool
from .recipe import CarimRecipe


def new_head(width: int, recipe: CarimRecipe) -> TokenHead:
    """An untrained head, the same for the same seed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        return TokenHead(width, recipe)


def fit(
    material: Material, backbone: Backbone, train: Ints, val: Ints, recipe: CarimRecipe, device: str = "cpu"
) -> Iterator[dict[str, float] | FoldResult]:
    """Trains on the rows `train`, validates on the rows `val`.

    Yields a row {epoch, loss, negatives, r1, r5, r10, mrr, learning_rate} an epoch and the FoldResult last.
    """
    torch.manual_seed(recipe.seed)
    rng = np.random.default_rng(recipe.seed)
    head = new_head(backbone.width, recipe).to(device)
    steps = -(-len(one_row_a_scene(material, train, rng)) // recipe.batch)
    optimiser = torch.optim.Adam(head.parameters(), lr=recipe.learning_rate)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: warmup_cosine(step, recipe.epochs * steps))
    best: FoldResult | None = None
    pool: Pool | None = None
    curve: list[dict[str, float]] = []
    for epoch in range(1, recipe.epochs + 1):
        if pool is None or (epoch - 1) % recipe.pool_every == 0:
            pool = current_pool(head, material, recipe)
        losses, counts = [], []
        for rows in np.array_split(one_row_a_scene(material, train, rng), steps):
            loss, injected = batch_loss(head, material, backbone, pool, rows, recipe, rng)
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            optimiser.step()
            schedule.step()
            losses.append(float(loss.detach()))
            counts.append(injected / len(rows))
        if not np.isfinite(losses).all():
            raise FloatingPointError("the loss is not finite; lower --learning-rate")
        figures = retrieval(head, material, val, recipe)["pairs"]
        shown = {"epoch": float(epoch), "loss": float(np.mean(losses)), "negatives": float(np.mean(counts))}
        curve.append(shown | figures | {"learning_rate": schedule.get_last_lr()[0]})
        if best is None or figures["mrr"] > best.figures["mrr"]:
            weights = {name: value.cpu() for name, value in copy.deepcopy(head.state_dict()).items()}
            best = FoldResult(weights, {"epoch": float(epoch), **figures}, curve)
        yield curve[-1]
    if best is not None:
        yield best


def one_row_a_scene(material: Material, train: Ints, rng: np.random.Generator) -> Ints:
    """An epoch: every training scene once, in random order, by one of its frames: frames of one scene are no
    negatives of one another.
    """
    order = rng.permutation(train)
    _, first = np.unique([material.corpus.scenes[i] for i in order], return_index=True)
    return order[rng.permutation(first)]


def current_pool(head: TokenHead, material: Material, recipe: CarimRecipe) -> Pool:
    """The training elements as unit vectors of the head as it is now."""
    vectors = all_elements(head, material.elements, recipe)[: material.corpus.pool].cpu().numpy()
    return Pool(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))


def batch_loss(
    head: TokenHead,
    material: Material,
    backbone: Backbone,
    pool: Pool,
    rows: Ints,
    recipe: CarimRecipe,
    rng: np.random.Generator,
) -> tuple[Tensor, int]:
    """The loss of the rows, and how many of them got an injected query."""
    device = head.project.weight.device
    scenes = scenes_of(head, material, rows, recipe)
    values, lengths = (part.to(device) for part in queries_of(material, rows, recipe, rng))
    scores, picked = maxsim(head(values), lengths, scenes.vectors, scenes.present)
    left_out = None
    if recipe.leave_out_false_negatives:
        own = torch.repeat_interleave(torch.arange(len(rows), device=device), lengths)
        picked = picked[torch.arange(len(own), device=device), own]
        left_out = equally_good(picked, lengths, scenes.ids, scenes.present)
    loss = retrieval_loss(scores, head.scale, left_out)
    asked, places, negatives = injected_queries(material, pool, rows, scenes, recipe, rng)
    values, lengths = (part.to(device) for part in injected_states(material, backbone, asked, recipe))
    places = places.to(device)
    own_scores = own_maxsim(head(values), lengths, scenes.vectors[places], scenes.present[places])
    loss = loss + recipe.negative_weight * negative_penalty(own_scores[:negatives])
    return loss + recipe.positive_weight * positive_penalty(own_scores[negatives:]), negatives
