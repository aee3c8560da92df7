"""Elements: one form, only what is present."""

import pytest

from runtime.carim.elements import LONGEST_ELEMENT, MOST_ELEMENTS, clean_elements, split_elements


def test_elements_are_normalised_named_once_and_at_most_so_many() -> None:
    assert clean_elements([" - Red  Car.", "2) red car", "", "x" * (LONGEST_ELEMENT + 1), "Bus"]) == ("red car", "bus")
    assert len(clean_elements(f"car {number}" for number in range(50))) == MOST_ELEMENTS
    assert split_elements("red car, bus\n3. fog; no rain") == ("red car", "bus", "fog")


@pytest.mark.parametrize(
    "element",
    ["no pedestrians", "not moving", "without lights", "the road isn’t wet", "no stop sign", "no parking cars"],
)
def test_what_is_said_to_be_absent_is_dropped(element: str) -> None:
    assert clean_elements([element]) == ()


@pytest.mark.parametrize("element", ["no entry sign", "no-parking zone", "no left turn sign", "no turn on red sign"])
def test_a_sign_that_forbids_is_itself_present(element: str) -> None:
    assert clean_elements([element]) == (element,)
