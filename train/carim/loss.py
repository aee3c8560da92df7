"""The loss of a batch: symmetric cross-entropy over scores, and the two penalties of injected queries."""

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy


def retrieval_loss(scores: Tensor, scale: Tensor, left_out: Tensor | None = None) -> Tensor:
    """Symmetric cross-entropy on exp(τ)·S: `scores` (B, B), row = query, column = scene, the diagonal is right.

    `left_out` (B, B) bool marks scenes that are no negatives of a query, since they answer it as well.
    """
    logits = scale * scores
    if left_out is not None:
        logits = logits.masked_fill(left_out, float("-inf"))
    right = torch.arange(len(scores), device=scores.device)
    return (cross_entropy(logits, right) + cross_entropy(logits.T, right)) / 2


def negative_penalty(scores: Tensor) -> Tensor:
    """Mean S(q_neg)² of scores (B,)."""
    return scores.square().mean() if len(scores) else scores.sum()


def positive_penalty(scores: Tensor) -> Tensor:
    """Mean (1 − S(q_pos))² of scores (B,)."""
    return (1 - scores).square().mean() if len(scores) else scores.sum()


def equally_good(picked: Tensor, lengths: Tensor, ids: Tensor, present: Tensor) -> Tensor:
    """(B, B) bool, False on the diagonal: scene j has every element that a token of query i picks in scene i.

    MaxSim gives such a scene at least the score of the query's own, whatever the weights: as a negative it would
    teach that two equal things differ. `picked` (S,) int64 is each token's place among its own scene's elements,
    `ids` (B, M) int64 names the elements, `present` (B, M) bool says where there is one.
    """
    B = len(lengths)
    own = torch.repeat_interleave(torch.arange(B, device=ids.device), lengths)
    wanted = ids[own, picked]  # (S,)
    has = ((ids[None] == wanted[:, None, None]) & present[None]).any(2)  # (S, B)
    every = torch.segment_reduce(has.float(), "min", lengths=lengths, axis=0) > 0
    return every & ~torch.eye(B, dtype=torch.bool, device=ids.device)
