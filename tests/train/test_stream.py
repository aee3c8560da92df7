"""A stream cut, padded, picked from or joined gives the folds the same numbers."""

import pytest

torch = pytest.importorskip("torch")

from train.stream import MASKED, Stream, join  # noqa: E402  after the skip

from .tiny_trunks import ADAPTS, DEPTH, HEADS, WIDTH, restless, tiny_bert, tiny_vit, tower  # noqa: E402

pytestmark = pytest.mark.torch
TOKENISED = sorted(set(ADAPTS) - {"heads"})
LENGTHS = (3, 6, 2)


@pytest.fixture(scope="module")
def trunk():
    return tiny_bert()


def text_stream(trunk, kind: str, lengths: tuple[int, ...] = LENGTHS, places: int | None = None) -> Stream:
    """Texts of the given lengths, padded to `places`; text i has the same tokens whatever stands beside it."""
    generator = torch.Generator().manual_seed(0)
    words = {length: torch.randint(1, 5000, (length,), generator=generator) for length in sorted(LENGTHS)}
    ids = torch.zeros(len(lengths), places or max(lengths), dtype=torch.int64)
    for row, length in zip(ids, lengths, strict=True):
        row[:length] = words[length]
    with torch.inference_mode():
        return trunk.stream(ids, (ids > 0).long(), ADAPTS[kind])


def vectors(trunk, kind: str, stream: Stream) -> torch.Tensor:
    with torch.inference_mode():
        return restless(tower(trunk, ADAPTS[kind], 2), 1)(stream)


@pytest.mark.parametrize("kind", ADAPTS)
def test_a_stream_holds_what_its_folds_need_and_no_more(trunk, kind):
    stream, blocks = text_stream(trunk, kind), ADAPTS[kind].blocks
    assert len(stream) == 3
    held = {name for name, tensor in vars(stream).items() if tensor is not None}
    private = {"start", "keys", "values", "bias"} if ADAPTS[kind].kind == "readout" else {"tokens", "bias"}
    assert held == {"pooled"} | (private if blocks else set())
    if "keys" in held:
        assert stream.keys.shape == stream.values.shape == (3, blocks, HEADS, 6, WIDTH // HEADS)
        assert blocks < DEPTH
    if "tokens" in held:
        assert stream.tokens.shape == (3, 6, WIDTH)


@pytest.mark.parametrize("kind", ADAPTS)
def test_padding_changes_nothing(trunk, kind):
    expected = vectors(trunk, kind, text_stream(trunk, kind))
    for padded in (text_stream(trunk, kind, places=11), text_stream(trunk, kind).padded(11)):
        torch.testing.assert_close(vectors(trunk, kind, padded), expected, rtol=0, atol=1e-6)
    for i, length in enumerate(LENGTHS):
        alone = vectors(trunk, kind, text_stream(trunk, kind, (length,)))
        torch.testing.assert_close(alone[:, 0], expected[:, i], rtol=0, atol=1e-5)


@pytest.mark.parametrize("kind", TOKENISED)
def test_padded_places_are_masked_and_cutting_takes_them_away(trunk, kind):
    stream = text_stream(trunk, kind)
    padded = stream.padded(9)
    assert padded.bias.shape == (3, 1, 1, 9)
    assert (padded.bias[..., 6:] == MASKED).all()
    back = padded.cut(6)
    for name, tensor in vars(stream).items():
        assert tensor is None or torch.equal(getattr(back, name), tensor), name
    assert stream.cut(None) is stream


@pytest.mark.parametrize("kind", ADAPTS)
@pytest.mark.parametrize(("index", "longest"), [((2, 0), 3), ((1,), 6), ((0, 0, 2), 3)])
def test_rows_are_those_inputs_no_longer_than_the_longest_of_them(trunk, kind, index, longest):
    stream, index = text_stream(trunk, kind), torch.tensor(index)
    rows = stream.rows(index)
    assert len(rows) == len(index)
    if stream.bias is not None:
        assert rows.bias.shape[-1] == longest
    expected = vectors(trunk, kind, stream)[:, index]
    torch.testing.assert_close(vectors(trunk, kind, rows), expected, rtol=0, atol=1e-6)


def test_rows_of_a_stream_kept_in_half_precision_are_float32():
    trunk, pixels = tiny_vit(), torch.randn(3, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        stream = trunk.stream(pixels, ADAPTS["readout"])
    half = stream.map(lambda tensor: tensor.half())
    rows = half.rows(torch.tensor([2, 1]))
    assert {tensor.dtype for tensor in vars(rows).values() if tensor is not None} == {torch.float32}
    assert rows.bias is None, "images are never padded"
    assert rows.keys.shape[-2] == 17
    expected = vectors(trunk, "readout", stream)[:, [2, 1]]
    torch.testing.assert_close(vectors(trunk, "readout", rows), expected, rtol=0, atol=5e-3)


@pytest.mark.parametrize("kind", ADAPTS)
def test_streams_of_other_lengths_are_joined_to_the_stream_of_all(trunk, kind):
    parts = [text_stream(trunk, kind, lengths) for lengths in ((3,), (6, 2))]
    joined = join(parts)
    assert len(joined) == 3
    torch.testing.assert_close(
        vectors(trunk, kind, joined), vectors(trunk, kind, text_stream(trunk, kind)), rtol=0, atol=1e-5
    )


@pytest.mark.parametrize("kind", ["readout", "unfreeze"])
def test_images_are_joined_without_padding(kind):
    trunk, pixels = tiny_vit(), torch.randn(3, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        whole, parts = trunk.stream(pixels, ADAPTS[kind]), [trunk.stream(p, ADAPTS[kind]) for p in pixels.split(2)]
    joined = join(parts)
    assert joined.bias is None
    torch.testing.assert_close(vectors(trunk, kind, joined), vectors(trunk, kind, whole), rtol=0, atol=1e-5)
