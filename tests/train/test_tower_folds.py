"""Folds of a tower against plain transcriptions: one private token over shared keys, or K whole models."""

import math

import pytest

torch = pytest.importorskip("torch")

from torch import Tensor  # noqa: E402  after the skip
from torch.nn.functional import gelu, layer_norm, linear  # noqa: E402

from train.adapt import Adapt  # noqa: E402
from train.fold_block import FoldBlock  # noqa: E402
from train.fold_layers import load_stacked, stack_folds  # noqa: E402
from train.minilm import MiniLm, mask_bias, mean_pool  # noqa: E402
from train.stream import Stream  # noqa: E402
from train.tower_folds import TowerFolds  # noqa: E402
from train.vit import Vit  # noqa: E402

from .tiny_trunks import (  # noqa: E402
    ADAPTS,
    DEPTH,
    fold_of_norm,
    merged,
    merged_trunk,
    restless,
    tiny_bert,
    tiny_vit,
    tower,
)

pytestmark = pytest.mark.torch
B, K = 3, 3
READOUTS = [Adapt("readout", blocks, rank) for blocks, rank in ((1, 3), (2, 3), (2, 0), (DEPTH, 3))]
LENGTHS = (7, 4, 2)  # tokens of each text, the rest is padding


@pytest.fixture(scope="module", params=["bert", "vit"])
def trunk(request) -> MiniLm | Vit:
    """Post-norm with padding, or pre-norm with a final norm."""
    return tiny_bert() if request.param == "bert" else tiny_vit()


def inputs(trunk: MiniLm | Vit) -> tuple[Tensor, ...]:
    generator = torch.Generator().manual_seed(5)
    if isinstance(trunk, Vit):
        return (torch.randn(B, 3, 32, 32, generator=generator),)
    ids = torch.randint(1, 5000, (B, max(LENGTHS)), generator=generator)
    mask = torch.arange(max(LENGTHS)) < torch.tensor(LENGTHS)[:, None]
    return ids * mask, mask.long()


def stream_of(trunk: MiniLm | Vit, adapt: Adapt) -> Stream:
    with torch.inference_mode():
        return trunk.stream(*inputs(trunk), adapt)


def plain_tokens(trunk: MiniLm | Vit, i: int) -> Tensor:
    """Input i alone and without padding, (T, D) before the first block."""
    if isinstance(trunk, Vit):
        return trunk.embed(inputs(trunk)[0][i : i + 1])[0]
    ids = inputs(trunk)[0][i, : LENGTHS[i]]
    return trunk.norm(trunk.words.weight[ids] + trunk.places.weight[: len(ids)] + trunk.segments.weight[0])


def plain_block(x: Tensor, seen: Tensor | None, block: FoldBlock, k: int) -> Tensor:
    """One vector (D,) through fold k's block, one head at a time; `seen` (T, D) are the shared tokens."""
    shared, own = block.shared[0], dict(block.named_children())

    def norm(name: str, y: Tensor) -> Tensor:
        gain, offset, epsilon = fold_of_norm(getattr(shared, name), own.get(name), k)
        return layer_norm(y, y.shape[-1:], gain, offset, epsilon)

    def mapped(name: str, y: Tensor) -> Tensor:
        return linear(y, *merged(getattr(shared, name), own.get(name), k))

    a = norm("attention_norm", x) if shared.pre_norm else x
    others = shared.attention_norm(seen) if shared.pre_norm else seen
    keys, values = shared.key(others), shared.value(others)
    if block.own_key:
        keys, values = torch.cat([keys, mapped("key", a)[None]]), torch.cat([values, mapped("value", a)[None]])
    q, size = mapped("query", a), len(x) // shared.heads
    context = []
    for h in range(shared.heads):
        part = slice(h * size, (h + 1) * size)
        weights = (keys[:, part] @ q[part] / math.sqrt(size)).softmax(0)
        context.append(weights @ values[:, part])
    x = x + mapped("output", torch.cat(context))
    if shared.pre_norm:
        return x + mapped("down", gelu(mapped("up", norm("norm", x))))
    x = norm("attention_norm", x)
    return norm("norm", x + mapped("down", gelu(mapped("up", x))))


def plain_readout(trunk: MiniLm | Vit, folds: TowerFolds, k: int, i: int) -> Tensor:
    """What fold k's head sees of input i: the private vector, then the trunk's own where it is shown."""
    x, r, first = plain_tokens(trunk, i), None, len(trunk.layers) - len(folds.blocks)
    for n, layer in enumerate(trunk.layers):
        if n == first:
            r = x[0] if isinstance(trunk, Vit) else x.mean(0)
        if r is not None:
            r = plain_block(r, x, folds.blocks[n - first], k)
        x = layer(x[None])[0]
    if isinstance(trunk, Vit):
        r, pooled = trunk.norm(r), trunk.norm(x[0])
    else:
        pooled = x.mean(0)
    return torch.cat([r, pooled]) if folds.skip else r


@pytest.mark.parametrize("own_key", [False, True])
@pytest.mark.parametrize("adapt", READOUTS, ids=str)
def test_every_read_out_fold_is_the_plain_transcription(trunk, adapt, own_key):
    folds = restless(tower(trunk, adapt, K, own_key=own_key), 1)
    with torch.inference_mode():
        out = folds(trunk.stream(*inputs(trunk), adapt))
        assert out.shape == (K, B, 8)
        for k in range(K):
            rows = torch.stack([plain_readout(trunk, folds, k, i) for i in range(B)])
            torch.testing.assert_close(out[k], folds.head(rows[None])[k], rtol=0, atol=1e-5)
    assert (out[0] - out[1]).abs().max() > 0.05, "folds that do not differ would prove little"
    assert (out[:, 0] - out[:, 1]).abs().max() > 0.01


@pytest.mark.parametrize("skip", [True, False])
@pytest.mark.parametrize("kind", ["readout", "lora"])
def test_the_head_sees_the_trunks_vector_only_where_it_is_shown(trunk, kind, skip):
    folds = tower(trunk, ADAPTS[kind], 1, skip=skip)
    assert folds.head.norm.weight.shape[-1] == trunk.width * (2 if skip else 1)
    stream = stream_of(trunk, ADAPTS[kind])
    moved = Stream(**{**vars(stream), "pooled": torch.flip(stream.pooled, (0,))})
    with torch.inference_mode():
        assert torch.equal(folds(stream), folds(moved)) is not skip


@pytest.mark.parametrize("kind", ["lora", "unfreeze"])
def test_private_tokens_are_whole_models_with_merged_weights(trunk, kind):
    """Trunks of their own run every token through every block; the folds compute the first of the last block alone."""
    folds = restless(tower(trunk, ADAPTS[kind], K), 2)
    frozen = stream_of(trunk, ADAPTS[kind]).pooled
    with torch.inference_mode():
        out = folds(trunk.stream(*inputs(trunk), ADAPTS[kind]))
        for k in range(K):
            own = merged_trunk(trunk, folds, k)
            if isinstance(own, Vit):
                x, bias = own.embed(*inputs(trunk)), None
            else:
                x, bias = own.embed(inputs(trunk)[0]), mask_bias(inputs(trunk)[1])
            for layer in own.layers:
                x = layer(x, bias)
            first = own.norm(x[:, 0]) if isinstance(own, Vit) else x[:, 0]
            expected = folds.head(torch.cat([first, frozen], dim=-1)[None])[k]
            torch.testing.assert_close(out[k], expected, rtol=0, atol=1e-5)
    assert (out[0] - out[1]).abs().max() > 0.05


@pytest.mark.parametrize("first_only", [False, True])
def test_the_last_blocks_first_token_is_that_of_the_whole_block(trunk, first_only):
    stream = stream_of(trunk, ADAPTS["unfreeze"])
    block = restless(tower(trunk, ADAPTS["unfreeze"], K).blocks[0], 3)
    with torch.inference_mode():
        whole = block.tokens(stream.tokens[None], stream.bias)
        out = block.tokens(stream.tokens[None], stream.bias, first_only=first_only)
    torch.testing.assert_close(out, whole[..., :1, :] if first_only else whole, rtol=0, atol=1e-5)


def test_heads_project_the_trunks_own_vector(trunk):
    folds = restless(tower(trunk, ADAPTS["heads"], K), 4)
    assert {name.split(".")[0] for name in folds.state_dict()} == {"head"}
    with torch.inference_mode():
        if isinstance(trunk, Vit):
            x = trunk.embed(*inputs(trunk))
            for layer in trunk.layers:
                x = layer(x)
            pooled = trunk.norm(x[:, 0])
        else:
            ids, mask = inputs(trunk)
            pooled = mean_pool(trunk(ids, mask), mask)
        out = folds(trunk.stream(*inputs(trunk), ADAPTS["heads"]))
        torch.testing.assert_close(out, folds.head(pooled[None]), rtol=0, atol=1e-6)


@pytest.mark.parametrize("kind", [kind for kind in ADAPTS if kind != "heads"])
def test_untrained_folds_are_the_trunk_itself_before_their_heads(trunk, kind):
    """Full weights begin as copies and low-rank ones as nothing, whatever a fold's random numbers were."""
    folds, stream = tower(trunk, ADAPTS[kind], K), stream_of(trunk, ADAPTS[kind])
    with torch.inference_mode():
        private = folds._readout(stream) if folds.adapt.kind == "readout" else folds._tokens(stream)
        for k in range(len(private)):
            torch.testing.assert_close(private[k], private[0], rtol=0, atol=1e-5)
        if isinstance(trunk, Vit) and kind in {"lora", "unfreeze"}:
            torch.testing.assert_close(folds._final(private)[0], stream.pooled, rtol=0, atol=1e-5)


@pytest.mark.parametrize("own_key", [False, True])
@pytest.mark.parametrize("kind", ADAPTS)
def test_stacked_folds_are_the_single_folds(trunk, kind, own_key):
    singles = [restless(tower(trunk, ADAPTS[kind], 1, own_key=own_key), seed) for seed in range(K)]
    stacked = tower(trunk, ADAPTS[kind], K, own_key=own_key)
    load_stacked(stacked, stack_folds([single.state_dict() for single in singles]))
    stream = stream_of(trunk, ADAPTS[kind])
    with torch.inference_mode():
        out = stacked(stream)
        for k, single in enumerate(singles):
            torch.testing.assert_close(out[k], single(stream)[0], rtol=0, atol=1e-5)


@pytest.mark.parametrize("own_key", [False, True])
@pytest.mark.parametrize("kind", ADAPTS)
@pytest.mark.parametrize("part", ["query", "key", "blocks.1", "head", "norm"])
def test_folds_that_share_some_weights_are_still_the_single_folds(trunk, kind, own_key, part):
    """What is identical stands once, with K = 1, beside what differs, wherever in the tower that is."""
    options = {"own_key": own_key}
    base = restless(tower(trunk, ADAPTS[kind], 1, **options), 9).state_dict()
    states = []
    for seed in range(K):
        other = restless(tower(trunk, ADAPTS[kind], 1, **options), seed).state_dict()
        states.append(base | {name: tensor for name, tensor in other.items() if part in name})
    stacked = load_stacked(tower(trunk, ADAPTS[kind], K, **options), stack_folds(states))
    stream = stream_of(trunk, ADAPTS[kind])
    with torch.inference_mode():
        out = stacked(stream)
        for k, state in enumerate(states):
            alone = tower(trunk, ADAPTS[kind], 1, **options)
            alone.load_state_dict(state)
            torch.testing.assert_close(out[min(k, len(out) - 1)], alone(stream)[0], rtol=0, atol=1e-5)


@pytest.mark.parametrize("kind", ADAPTS)
def test_only_the_folds_learn_and_the_trunk_is_no_part_of_their_state(trunk, kind):
    folds = restless(tower(trunk, ADAPTS[kind], K), 6).train()
    assert not any("shared" in name for name in folds.state_dict())
    before = {name: tensor.clone() for name, tensor in trunk.state_dict().items()}
    optimiser = torch.optim.AdamW(folds.parameters(), lr=0.1)
    (folds(trunk.stream(*inputs(trunk), ADAPTS[kind])) * torch.arange(8.0)).sum().backward()
    learns = {name: p.grad is not None and bool(p.grad.any()) for name, p in folds.named_parameters()}
    for name in [name for name in learns if name.endswith("key.bias")]:
        del learns[name]  # adds the same to every score of a row, which softmax does not see
    assert all(learns.values()), [name for name, moved in learns.items() if not moved]
    optimiser.step()
    assert all(torch.equal(tensor, before[name]) for name, tensor in trunk.state_dict().items())
