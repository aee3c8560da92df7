import math

import numpy as np
import pytest

from runtime.errors import InvalidInputError
from runtime.fusion import Calibration


def test_platt_is_the_sigmoid_of_a_line():
    calibration = Calibration("platt", slope=4.0, intercept=-1.0)
    expected = [1 / (1 + math.exp(-(4.0 * s - 1.0))) for s in (-0.5, 0.0, 0.3)]
    assert calibration([-0.5, 0.0, 0.3]).tolist() == pytest.approx(expected)


def test_platt_stays_between_zero_and_one_however_steep():
    low, high = Calibration("platt", slope=1e9)([-1.0, 1.0])
    assert 0 < low < 1e-9
    assert 1 - 1e-9 < high < 1


def test_isotonic_is_a_line_between_its_points_and_flat_outside_them():
    calibration = Calibration("isotonic", x=(0.2, 0.4, 0.8), y=(0.1, 0.5, 0.9))
    expected = [0.1, 0.1, (0.1 + 0.5) / 2, 0.5, 0.5 + (0.9 - 0.5) * (0.5 - 0.4) / (0.8 - 0.4), 0.9, 0.9]
    assert calibration([-1.0, 0.2, 0.3, 0.4, 0.5, 0.8, 3.0]).tolist() == pytest.approx(expected)


def test_isotonic_of_one_point_is_a_constant():
    assert Calibration("isotonic", x=(0.5,), y=(0.3,))([0.0, 1.0]).tolist() == [0.3, 0.3]


def test_identity_is_the_score_clipped_to_a_probability():
    assert Calibration()([-0.2, 0.4, 1.7]).tolist() == [0.0, 0.4, 1.0]


@pytest.mark.parametrize(
    "calibration", [Calibration(), Calibration("platt"), Calibration("isotonic", x=(0.0, 1.0), y=(0.0, 1.0))]
)
def test_every_kind_keeps_the_shape_and_gives_float64(calibration):
    given = np.random.default_rng(0).normal(size=(3, 4)).astype(np.float32)
    probabilities = calibration(given)
    assert probabilities.shape == (3, 4)
    assert probabilities.dtype == np.float64
    assert ((probabilities >= 0) & (probabilities <= 1)).all()


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"kind": "beta"}, "platt, isotonic, identity"),
        ({"kind": "platt", "slope": float("nan")}, "must be finite"),
        ({"kind": "isotonic"}, "at least one"),
        ({"kind": "isotonic", "x": (0.1, 0.2), "y": (0.5,)}, "2 x and 1 y"),
        ({"kind": "isotonic", "x": (0.2, 0.2), "y": (0.1, 0.5)}, "must rise"),
        ({"kind": "isotonic", "x": (0.1, 0.2), "y": (0.5, 0.1)}, "must not fall"),
        ({"kind": "isotonic", "x": (0.1,), "y": (1.5,)}, "0 to 1"),
    ],
)
def test_numbers_that_make_no_calibration_are_refused(given, says):
    with pytest.raises(InvalidInputError, match=says):
        Calibration(**given)
