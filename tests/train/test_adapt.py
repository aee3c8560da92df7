"""What a fold owns, read from a word; a mistake is answered with what was expected."""

import pytest

from runtime.errors import InvalidInputError
from train.adapt import LORA_BLOCKS, Adapt


@pytest.mark.parametrize(
    ("text", "kind", "blocks", "rank"),
    [
        ("heads", "heads", 0, 0),
        ("readout:2", "readout", 2, 8),
        ("readout:12", "readout", 12, 8),
        ("lora:16", "lora", LORA_BLOCKS, 16),
        ("unfreeze:4", "unfreeze", 4, 0),
    ],
)
def test_a_word_and_a_number_say_what_a_fold_owns(text, kind, blocks, rank):
    assert Adapt.parse(text) == Adapt(kind, blocks, rank)


@pytest.mark.parametrize("rank", [0, 3])
def test_the_rank_given_is_that_of_read_out_maps_alone(rank):
    assert Adapt.parse("readout:1", rank=rank).rank == rank
    assert Adapt.parse("lora:5", rank=rank).rank == 5
    assert Adapt.parse("unfreeze:1", rank=rank).rank == 0
    assert Adapt.parse("heads", rank=rank).rank == 0


@pytest.mark.parametrize(
    "text", ["", "readout", "readout:", "readout:0", "readout:-1", "readout:x", "readout:1.5", "heads:1", "lora",
             "unfreeze:0", "adapter:2", "Readout:2", " readout:2", "readout:2:3"],
)  # fmt: skip
def test_anything_else_is_answered_with_what_was_expected(text):
    with pytest.raises(InvalidInputError) as error:
        Adapt.parse(text)
    assert str(error.value) == (f"adapt {text!r}; expected heads, readout:N, lora:R or unfreeze:N, such as readout:2")


def test_more_blocks_than_the_tower_has_are_refused_with_both_numbers():
    adapt = Adapt.parse("unfreeze:7")
    with pytest.raises(InvalidInputError, match="unfreeze wants the last 7 blocks, but the text tower has 6 blocks"):
        adapt.check(6, "text tower")
    assert adapt.check(7, "text tower") is adapt


def test_a_trunk_without_blocks_takes_heads_alone():
    expected = "readout wants the last 2 blocks, but the image tower is no transformer: only heads can be trained on it"
    with pytest.raises(InvalidInputError, match=expected):
        Adapt.parse("readout:2").check(0, "image tower")
    assert Adapt.parse("heads").check(0, "image tower").kind == "heads"
