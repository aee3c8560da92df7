"""The student's loss by hand, mixtures that the ensemble answers, and a student that becomes its ensemble."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch.nn.functional import normalize  # noqa: E402  after the skip

from train.distil import fit_student, imitation, stacked, student_recipe, with_mixtures  # noqa: E402
from train.fit import CompactFolds, Features  # noqa: E402
from train.image_trunk import LiteTrunk  # noqa: E402
from train.minilm import MiniLm  # noqa: E402
from train.pairs import Pairs  # noqa: E402
from train.recipes import CompactRecipe  # noqa: E402
from train.stream import MASKED, Stream  # noqa: E402

pytestmark = pytest.mark.torch

RECIPE = CompactRecipe(text_adapt="heads", hidden=16, dims=8, folds=3, epochs=4, batch=16)


def unit(*shape: int, seed: int = 0) -> torch.Tensor:
    return normalize(torch.randn(*shape, generator=torch.Generator().manual_seed(seed)), dim=-1)


def test_the_loss_of_a_perfect_student_is_zero_and_of_another_what_its_definition_says():
    text, image = unit(5, 12), unit(5, 12, seed=1)
    loss, cosines = imitation((text, image), (text, image), 0.1)
    assert float(loss) == pytest.approx(0, abs=1e-5)
    assert cosines == pytest.approx((1, 1), abs=1e-6)

    other = unit(5, 12, seed=2)
    loss, cosines = imitation((other, image), (text, image), 0.1)
    ours, theirs = other @ image.T / 0.1, text @ image.T / 0.1
    expected = 1 - float((other * text).sum(1).mean())
    for s, t in ((ours, theirs), (ours.T, theirs.T)):
        p, q = t.softmax(1), s.softmax(1)
        expected += float((p * (p / q).log()).sum(1).mean())
    assert float(loss) == pytest.approx(expected, abs=1e-4)
    assert cosines[0] == pytest.approx(float((other * text).sum(1).mean()), abs=1e-6)


def test_a_student_is_as_wide_as_all_folds_together():
    assert student_recipe(RECIPE).dims == 3 * 8
    vectors = unit(3, 4, 8)
    np.testing.assert_allclose(
        stacked(vectors).numpy(), vectors.permute(1, 0, 2).reshape(4, 24).numpy() / 3**0.5, rtol=1e-6
    )


def test_mixtures_lie_between_two_inputs_and_see_the_places_of_both():
    bias = torch.tensor([[0.0, 0.0, MASKED], [0.0, MASKED, MASKED]]).view(2, 1, 1, 3)
    stream = Stream(pooled=torch.tensor([[0.0, 0.0], [1.0, 2.0]]), bias=bias)
    seen = set()
    for seed in range(8):
        mixed = with_mixtures(stream, np.random.default_rng(seed))
        assert len(mixed) == 4
        torch.testing.assert_close(mixed.pooled[:2], stream.pooled)
        assert bool(((mixed.pooled[2:] >= 0) & (mixed.pooled[2:] <= torch.tensor([1.0, 2.0]))).all())
        torch.testing.assert_close(mixed.pooled[2:, 1], 2 * mixed.pooled[2:, 0])  # on the line between them
        seen.add(float(mixed.pooled[2, 0]))
        if 0 < float(mixed.pooled[3, 0]) < 1:
            assert mixed.bias[3].flatten().tolist() == [0.0, 0.0, MASKED]
    assert len(seen) > 3


def test_a_student_comes_close_to_the_ensemble_that_it_imitates(minilm: MiniLm):
    rng = torch.Generator().manual_seed(4)
    n = 48
    lite = LiteTrunk(torch.nn.Identity(), sides=False)  # never run: its features are given
    meaning = torch.randn(n, 6, generator=rng)  # as real features do, these lie near a few directions
    features = Features(
        images=Stream(pooled=meaning @ torch.randn(6, 1280, generator=rng)),
        texts=Stream(pooled=meaning @ torch.randn(6, 384, generator=rng)),
        image_trunk=lite,
        text_trunk=minilm,
    )
    every = np.arange(n)
    pairs = Pairs(tuple(map(str, every)), ("en",) * n, every, every, every, every)
    torch.manual_seed(7)
    teacher = CompactFolds(minilm, lite, RECIPE, RECIPE.folds)
    recipe = student_recipe(RECIPE)
    *rows, weights = fit_student(features, pairs, teacher, recipe)
    assert len(rows) == recipe.epochs
    student = CompactFolds(minilm, lite, recipe).eval()
    student.load_state_dict(weights)
    for tower in ("text", "image"):
        assert rows[-1][f"{tower}_cosine"] > rows[0][f"{tower}_cosine"] + 0.3
        stream = getattr(features, f"{tower}s")
        with torch.no_grad():
            ours, theirs = (stacked(getattr(model, tower)(stream)) for model in (student, teacher))
        assert float((ours * theirs).sum(1).mean()) > 0.9, "on the inputs themselves, not their mixtures"
    assert weights["text.head.out.weight"].shape == (1, recipe.hidden, 24)
