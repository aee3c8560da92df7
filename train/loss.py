"""Contrastive losses over a batch of (text, image) pairs.

`similarities` is always (B, B) float32 cosines, row = text, column = image; `positives` is (B, B) bool, with
the diagonal set: equal captions, and images that are copies of one another, are positives, not negatives.
"""

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy


def contrastive_loss(name: str, similarities: Tensor, positives: Tensor, temperature: float) -> Tensor:
    """The loss `name` of a batch: "multi-positive", "soft-rank", or "published".

    Published: every other row is a negative, equal captions too, and the penalty has no gradient.
    """
    if name == "published":
        own = torch.eye(len(similarities), dtype=torch.bool, device=similarities.device)
        return multi_positive_info_nce(similarities, own, temperature) + rank_penalty(similarities)
    loss = multi_positive_info_nce(similarities, positives, temperature)
    return loss + soft_rank_penalty(similarities, temperature) if name == "soft-rank" else loss


def multi_positive_info_nce(similarities: Tensor, positives: Tensor, temperature: float) -> Tensor:
    """Symmetric InfoNCE with a uniform target over each row's (and column's) positives.

    Equals the published loss where each row's only positive is its own pair. Source: supervised contrastive
    learning's L_out (Khosla et al. 2020) between two modalities.
    """
    logits = similarities / temperature
    rows = positives.to(logits.dtype)
    by_text = cross_entropy(logits, rows / rows.sum(1, keepdim=True))
    by_image = cross_entropy(logits.T, rows.T / rows.T.sum(1, keepdim=True))
    return (by_text + by_image) / 2


def rank_penalty(similarities: Tensor, k: int = 5) -> Tensor:
    """The published penalty: share of texts whose own image ranks below `k`. A count: it has no gradient."""
    own = similarities.diagonal()[:, None]
    rank = (similarities > own).sum(1) + 1
    return (rank > k).to(similarities.dtype).mean()


def soft_rank_penalty(similarities: Tensor, temperature: float, k: int = 5) -> Tensor:
    """The same count with a gradient: mean of sigmoid(soft rank − k − ½), the soft rank a sum of sigmoids.

    With a falling temperature it tends to `rank_penalty`. Source: the sigmoid relaxation of the rank in
    SmoothAP (Brown et al. 2020).
    """
    own = similarities.diagonal()[:, None]
    beats = torch.sigmoid((similarities - own) / temperature)
    others = 1 - torch.eye(len(similarities), device=similarities.device, dtype=similarities.dtype)
    soft_rank = 1 + (beats * others).sum(1)
    return torch.sigmoid(soft_rank - k - 0.5).mean()
