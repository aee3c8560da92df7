"""The score and the loss: against the runtime's reference, and by arithmetic."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from runtime.carim.maxsim import maxsim as reference  # noqa: E402  after the skip
from train.carim.loss import equally_good, negative_penalty, positive_penalty, retrieval_loss  # noqa: E402
from train.carim.model import TokenHead, element_vectors, maxsim, own_maxsim  # noqa: E402
from train.carim.recipe import CarimRecipe  # noqa: E402

pytestmark = pytest.mark.torch


def unit(rows: int, seed: int, dims: int = 8) -> "torch.Tensor":
    values = torch.randn(rows, dims, generator=torch.Generator().manual_seed(seed))
    return torch.nn.functional.normalize(values, dim=-1)


@pytest.fixture
def batch():
    """Three queries of 2, 5 and 1 tokens, three scenes of 3, 1 and 2 elements."""
    counts, lengths = [3, 1, 2], torch.tensor([2, 5, 1])
    elements = unit(6, 1)
    scenes = torch.nn.utils.rnn.pad_sequence(list(elements.split(counts)), batch_first=True)
    present = torch.arange(3) < torch.tensor(counts)[:, None]
    return unit(8, 2), lengths, elements, counts, scenes, present


def test_the_score_is_the_runtimes_maxsim_and_a_pair_alone_is_its_diagonal(batch):
    tokens, lengths, elements, counts, scenes, present = batch
    scores, picked = maxsim(tokens, lengths, scenes, present)
    offsets = np.cumsum([0, *counts])
    for query, row in zip(tokens.split(lengths.tolist()), scores, strict=True):
        assert np.allclose(row.numpy(), reference(query.numpy(), elements.numpy(), offsets), atol=1e-6)
    assert torch.allclose(own_maxsim(tokens, lengths, scenes, present), scores.diagonal(), atol=1e-6)
    assert (picked < torch.tensor(counts)).all(), "no token picks an element that a scene does not have"


def test_an_element_is_the_mean_of_its_tokens_and_a_unit_vector_only_when_corrected():
    tokens, lengths = unit(5, 3), torch.tensor([1, 4])
    plain, corrected = (element_vectors(tokens, lengths, unit=flag) for flag in (False, True))
    assert torch.allclose(plain[1], tokens[1:].mean(0))
    assert plain[1].norm() < 0.9, "the mean of different unit vectors is shorter"
    assert torch.allclose(corrected.norm(dim=1), torch.ones(2))
    assert torch.allclose(corrected[1] * plain[1].norm(), plain[1])


def test_a_new_head_keeps_directions_apart_and_gives_unit_vectors():
    head = TokenHead(384, CarimRecipe())
    states = torch.randn(7, 384)
    assert torch.allclose(head(states).norm(dim=1), torch.ones(7), atol=1e-6)
    identity = head.project.weight @ head.project.weight.T
    assert torch.allclose(identity, torch.eye(256), atol=1e-5)
    assert float(head.scale.detach()) == pytest.approx(1 / 0.07)


def test_the_loss_is_the_mean_of_both_directions_and_leaves_out_what_is_marked():
    scores = torch.tensor([[0.9, 0.5], [0.2, 0.8]])
    by_query = [np.log(1 + np.exp(10 * (0.5 - 0.9))), np.log(1 + np.exp(10 * (0.2 - 0.8)))]
    by_scene = [np.log(1 + np.exp(10 * (0.2 - 0.9))), np.log(1 + np.exp(10 * (0.5 - 0.8)))]
    expected = (np.mean(by_query) + np.mean(by_scene)) / 2
    assert float(retrieval_loss(scores, torch.tensor(10.0))) == pytest.approx(expected, rel=1e-4)
    left_out = torch.tensor([[False, True], [False, False]])
    expected = (by_query[1] / 2 + by_scene[0] / 2) / 2
    assert float(retrieval_loss(scores, torch.tensor(10.0), left_out)) == pytest.approx(expected, rel=1e-4)


def test_injected_queries_are_pulled_to_zero_and_one_and_none_at_all_costs_nothing():
    scores = torch.tensor([0.5, 0.0])
    assert float(negative_penalty(scores)) == 0.125
    assert float(positive_penalty(scores)) == 0.625
    assert float(negative_penalty(scores[:0])) == 0.0


def test_a_scene_that_has_all_that_a_query_picks_scores_no_less_and_is_left_out(batch):
    tokens, lengths, *_ = batch
    pool = unit(5, 4)
    ids = torch.tensor([[0, 1, -1], [1, 0, 2], [3, 4, -1]])  # the second scene has all that the first has
    present = ids >= 0
    scenes = pool[ids.clamp(min=0)]
    scores, picked = maxsim(tokens, lengths, scenes, present)
    own = torch.repeat_interleave(torch.arange(3), lengths)
    left_out = equally_good(picked[torch.arange(len(own)), own], lengths, ids, present)
    assert left_out[0, 1]
    assert not left_out.diagonal().any()
    assert not left_out[:, 2].any(), "it shares no element with any other scene"
    assert (scores[left_out] >= scores.diagonal()[:, None].expand(3, 3)[left_out] - 1e-6).all()
