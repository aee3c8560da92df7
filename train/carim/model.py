"""The trained part and its score: tokens (S, W) → unit vectors (S, D), elements as means of theirs, MaxSim."""

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from .recipe import CarimRecipe

NONE = -2.0  # below every cosine: the place of an element that a scene does not have


class TokenHead(nn.Module):
    """One linear map of the backbone's hidden states, and the learned logarithm of the scores' scale, τ."""

    def __init__(self, width: int, recipe: CarimRecipe) -> None:
        super().__init__()
        self.project = nn.Linear(width, recipe.dims)
        # orthogonal rows keep the backbone's cosines nearly as they are: training starts from MaxSim without training
        nn.init.orthogonal_(self.project.weight)
        nn.init.zeros_(self.project.bias)
        self.log_scale = nn.Parameter(torch.tensor(1.0 / recipe.temperature).log())

    def forward(self, states: Tensor) -> Tensor:
        """(S, W) → (S, D) unit vectors."""
        return normalize(self.project(states), dim=-1)

    @property
    def scale(self) -> Tensor:
        """exp(τ), at most 100 (as CLIP has it: above that a batch learns from its worst pair alone)."""
        return self.log_scale.exp().clamp(max=100.0)


def element_vectors(tokens: Tensor, lengths: Tensor, *, unit: bool) -> Tensor:
    """Token vectors (S, D) of E elements one after another → (E, D): each one's mean, a unit vector where `unit`."""
    means = torch.segment_reduce(tokens, "mean", lengths=lengths, axis=0)
    return normalize(means, dim=-1) if unit else means


def maxsim(tokens: Tensor, lengths: Tensor, scenes: Tensor, present: Tensor) -> tuple[Tensor, Tensor]:
    """Scores (Q, N) of Q queries with N scenes, and which element of each scene a token picks (S, N).

    `tokens` (S, D) are the queries' token vectors, `lengths` (Q,) of them each; `scenes` (N, M, D) hold the element
    vectors of each scene, `present` (N, M) bool says where there is one. The twin of runtime/carim/maxsim.py.
    """
    N, M, D = scenes.shape
    similarities = (tokens @ scenes.reshape(N * M, D).T).view(-1, N, M)
    best, picked = similarities.masked_fill(~present, NONE).max(2)
    return torch.segment_reduce(best, "mean", lengths=lengths, axis=0), picked


def own_maxsim(tokens: Tensor, lengths: Tensor, scenes: Tensor, present: Tensor) -> Tensor:
    """Scores (B,) of query i with scene i alone."""
    own = torch.repeat_interleave(torch.arange(len(lengths), device=lengths.device), lengths)
    similarities = torch.einsum("sd,smd->sm", tokens, scenes[own]).masked_fill(~present[own], NONE)
    return torch.segment_reduce(similarities.amax(1), "mean", lengths=lengths, axis=0)
