"""Read-out folds against a plain transcription: one private token, shared keys and values, merged weights."""

import math

import pytest

torch = pytest.importorskip("torch")

from torch import Tensor, nn  # noqa: E402  after the skip
from torch.nn.functional import gelu, layer_norm, linear  # noqa: E402

from runtime.tokenizer import TextTokenizer  # noqa: E402
from train.fold_layers import stack_folds  # noqa: E402
from train.minilm import MiniLm, package_folder  # noqa: E402
from train.text_tower import TextFolds, frozen_stream  # noqa: E402

pytestmark = pytest.mark.torch
TEXTS = ["ear", "a left tympanic membrane with a central perforation", "mũi phải có dịch mủ"]
K = 3


@pytest.fixture(scope="module")
def tokens() -> tuple[Tensor, Tensor]:
    tokenizer = TextTokenizer(package_folder() / "tokenizer.json")
    ids, mask = tokenizer(TEXTS)
    return torch.from_numpy(ids), torch.from_numpy(mask)


def text_folds(trunk: MiniLm, readout: int, *, folds: int = K) -> TextFolds:
    return TextFolds(trunk, folds, readout=readout, rank=4, hidden=32, dims=16, dropout=0.3).eval()


def with_deltas(folds: TextFolds) -> TextFolds:
    """Deltas as training might leave them: the second factor starts at zero."""
    for name, parameter in folds.named_parameters():
        if name.endswith(".up") or ".up." in name:
            nn.init.normal_(parameter, std=0.02)
    return folds


def plain_readout(trunk: MiniLm, folds: TextFolds, k: int, ids: Tensor, mask: Tensor) -> Tensor:
    """Fold k's vectors before the head, one text, one head and one layer at a time, no batching and no padding."""
    rows = []
    for row_ids, row_mask in zip(ids, mask, strict=True):
        length = int(row_mask.sum())
        x = trunk.norm(
            trunk.words.weight[row_ids[:length]] + trunk.places.weight[:length] + trunk.segments.weight[0]
        )  # (T, D)
        first = len(trunk.layers) - len(folds.readout)
        r = None
        for i, layer in enumerate(trunk.layers):
            if i == first:
                r = x.mean(0)
            if r is not None:
                delta = folds.readout[i - first]

                def merged(name: str, shared: nn.Linear, delta: nn.Module = delta) -> Tensor:
                    low_rank = getattr(delta, name)
                    return shared.weight + (low_rank.down[k] @ low_rank.up[k]).T

                q = linear(r, merged("query", layer.query), layer.query.bias)
                keys, values = layer.key(x), layer.value(x)
                size = len(r) // layer.heads
                context = []
                for h in range(layer.heads):
                    part = slice(h * size, (h + 1) * size)
                    weights = (keys[:, part] @ q[part] / math.sqrt(size)).softmax(0)
                    context.append(weights @ values[:, part])
                attended = linear(torch.cat(context), merged("output", layer.attention_out), layer.attention_out.bias)
                norm = layer.attention_norm
                r = layer_norm(r + attended, r.shape, norm.weight, norm.bias, norm.eps)
                hidden = gelu(linear(r, merged("up", layer.up), layer.up.bias))
                r = layer.norm(r + linear(hidden, merged("down", layer.down), layer.down.bias))
            x = layer(x[None], torch.zeros(1, 1, 1, length))[0]
        pooled = x.mean(0)
        rows.append(pooled if r is None else torch.cat([r, pooled]))
    return torch.stack(rows)


@pytest.mark.parametrize("trained", [False, True])
@pytest.mark.parametrize("readout", [0, 1, 2])
def test_every_fold_is_the_plain_transcription(minilm, tokens, readout, trained):
    torch.manual_seed(readout)
    folds = text_folds(minilm, readout)
    if trained:
        with_deltas(folds)
    with torch.inference_mode():
        out = folds(frozen_stream(minilm, *tokens, readout))
        assert out.shape == (K, len(TEXTS), 16)
        for k in range(K):
            expected = folds.head(plain_readout(minilm, folds, k, *tokens)[None])[k]
            torch.testing.assert_close(out[k], expected, rtol=0, atol=1e-5)


def test_untrained_deltas_change_nothing_and_trained_ones_do(minilm, tokens):
    torch.manual_seed(5)
    folds = text_folds(minilm, 2)
    stream = frozen_stream(minilm, *tokens, 2)
    attended = (folds.shared[0], stream.keys[0], stream.values[0], stream.bias)
    with torch.inference_mode():
        before = folds.readout[0](stream.start[None], *attended)
        torch.testing.assert_close(before[0], before[1], rtol=0, atol=0)
        with_deltas(folds)
        after = folds.readout[0](stream.start[None], *attended)
    assert (after[0] - after[1]).abs().max() > 1e-3


def test_stacked_folds_are_the_single_folds(minilm, tokens):
    torch.manual_seed(1)
    singles = [with_deltas(text_folds(minilm, 2, folds=1)) for _ in range(K)]
    stacked = text_folds(minilm, 2)
    stacked.load_state_dict(stack_folds([single.state_dict() for single in singles]))
    stream = frozen_stream(minilm, *tokens, 2)
    with torch.inference_mode():
        for k, single in enumerate(singles):
            torch.testing.assert_close(stacked(stream)[k], single(stream)[0], rtol=0, atol=1e-5)


def test_a_stream_of_some_texts_is_those_rows(minilm, tokens):
    stream = frozen_stream(minilm, *tokens, 2)
    index = torch.tensor([2, 0])
    folds = text_folds(minilm, 2)
    with torch.inference_mode():
        torch.testing.assert_close(folds(stream.rows(index)), folds(stream)[:, index], rtol=0, atol=1e-6)


def test_only_the_folds_learn_and_the_trunk_is_no_part_of_their_state(minilm, tokens):
    torch.manual_seed(2)
    folds = with_deltas(text_folds(minilm, 2)).train()
    assert not any("shared" in name for name in folds.state_dict())
    before = {name: tensor.clone() for name, tensor in minilm.state_dict().items()}
    optimiser = torch.optim.AdamW(folds.parameters(), lr=0.1)
    folds(frozen_stream(minilm, *tokens, 2)).sum().backward()
    assert all(parameter.grad is not None and parameter.grad.any() for parameter in folds.parameters())
    optimiser.step()
    assert all(torch.equal(tensor, before[name]) for name, tensor in minilm.state_dict().items())
