import math

import pytest

from runtime.fusion import DECAYS, position_probabilities


def test_exponential_decay_of_five_ranks_is_the_published_row():
    total = 1 + 0.8 + 0.8**2 + 0.8**3 + 0.8**4
    expected = [0.8**i / total for i in range(5)]
    assert position_probabilities(5).tolist() == pytest.approx(expected)
    assert [round(p, 5) for p in position_probabilities(5).tolist()] == [
        0.29748,
        0.23798,
        0.19039,
        0.15231,
        0.12185,
    ]


@pytest.mark.parametrize(
    ("decay", "mass"),
    [
        ("exponential", [1, 0.5, 0.25]),
        ("linear", [3 / 3, 2 / 3, 1 / 3]),
        ("logarithmic", [1 / math.log(2), 1 / math.log(3), 1 / math.log(4)]),
        ("reciprocal", [1, 1 / 2, 1 / 3]),
    ],
)
def test_every_decay_is_its_formula_normalised(decay, mass):
    expected = [m / sum(mass) for m in mass]
    assert position_probabilities(3, decay, rate=0.5).tolist() == pytest.approx(expected)


@pytest.mark.parametrize("decay", DECAYS)
@pytest.mark.parametrize("n", [1, 2, 7, 100])
def test_every_decay_sums_to_one_and_falls(decay, n):
    p = position_probabilities(n, decay)
    assert p.sum() == pytest.approx(1)
    assert (p[1:] < p[:-1]).all()


@pytest.mark.parametrize("decay", DECAYS)
def test_an_empty_list_has_no_mass(decay):
    assert position_probabilities(0, decay).shape == (0,)


def test_an_unknown_decay_is_refused():
    with pytest.raises(KeyError):
        position_probabilities(3, "cubic")
