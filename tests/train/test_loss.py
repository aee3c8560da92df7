"""The losses against the published formula, and what makes them different from it."""

import pytest

torch = pytest.importorskip("torch")

from train.loss import multi_positive_info_nce, rank_penalty, soft_rank_penalty  # noqa: E402  after the skip

pytestmark = pytest.mark.torch
B, TEMPERATURE = 12, 0.05


def similarities(seed: int = 0) -> "torch.Tensor":
    generator = torch.Generator().manual_seed(seed)
    text, image = (torch.nn.functional.normalize(torch.randn(B, 16, generator=generator)) for _ in range(2))
    return (text @ image.T).requires_grad_()


def published_info_nce(s: "torch.Tensor", temperature: float) -> "torch.Tensor":
    """Row by row: minus the logarithm of the own pair's share, over images and over texts."""
    e = torch.exp(s / temperature)
    rows = [-torch.log(e[i, i] / e[i, :].sum()) for i in range(B)]
    columns = [-torch.log(e[i, i] / e[:, i].sum()) for i in range(B)]
    return (sum(rows) / B + sum(columns) / B) / 2


def test_where_each_row_has_one_positive_it_is_the_published_loss_with_its_gradient():
    s = similarities()
    ours = multi_positive_info_nce(s, torch.eye(B, dtype=torch.bool), TEMPERATURE)
    theirs = published_info_nce(s, TEMPERATURE)
    torch.testing.assert_close(ours, theirs)
    (ours_grad,), (theirs_grad,) = (torch.autograd.grad(loss, s) for loss in (ours, theirs))
    torch.testing.assert_close(ours_grad, theirs_grad, rtol=1e-4, atol=1e-6)


def test_equal_captions_are_pulled_together_where_the_published_loss_pushes_them_apart():
    s = similarities()
    own = torch.eye(B, dtype=torch.bool)
    equal = own.clone()
    equal[0, 1] = equal[1, 0] = True
    push = torch.autograd.grad(multi_positive_info_nce(s, own, TEMPERATURE), s)[0][0, 1]
    pull = torch.autograd.grad(multi_positive_info_nce(s, equal, TEMPERATURE), s)[0][0, 1]
    assert push > 0 > pull, "gradient descent lowers what has a positive gradient"


def test_two_positives_share_the_target_equally():
    s = torch.tensor([[0.2, 0.1], [0.3, 0.4]])
    all_positive = torch.ones(2, 2, dtype=torch.bool)
    log_rows, log_columns = s.log_softmax(1), s.log_softmax(0)
    expected = (-log_rows.mean(1).mean() - log_columns.mean(0).mean()) / 2
    torch.testing.assert_close(multi_positive_info_nce(s, all_positive, 1.0), expected)


def test_the_published_penalty_is_the_share_of_rows_below_rank_five():
    s = torch.zeros(8, 8)
    s[0, 1:6] = 1  # five images before its own: rank 6
    s[1, 2:6] = 1  # four: rank 5
    assert rank_penalty(s).item() == pytest.approx(1 / 8)
    assert rank_penalty(s, k=4).item() == pytest.approx(2 / 8)
    assert not rank_penalty(similarities()).requires_grad, "a count has no gradient"


def test_the_soft_penalty_has_a_gradient_that_raises_the_own_pair():
    s = similarities()
    gradient = torch.autograd.grad(soft_rank_penalty(s, TEMPERATURE), s)[0]
    assert torch.isfinite(gradient).all()
    assert (gradient.diagonal() < 0).all()
    others = gradient[~torch.eye(B, dtype=torch.bool)]
    assert (others >= 0).all()
    assert others.any()


def test_the_soft_penalty_tends_to_the_count():
    # ranks far from the limit, so that the outer sigmoid is at its end
    s = torch.full((40, 40), -0.5)
    s.fill_diagonal_(0.5)
    s[:10] = 0.6
    s[:10].fill_diagonal_(0.0)
    assert rank_penalty(s).item() == pytest.approx(10 / 40)
    assert soft_rank_penalty(s, 1e-3).item() == pytest.approx(10 / 40, abs=0.01)
