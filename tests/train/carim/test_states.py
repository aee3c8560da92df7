"""Backbones and their cached states: special tokens, padding, order, and a cache that mends itself."""

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from runtime.errors import BundleNotFoundError, DatasetError  # noqa: E402  after the skip
from train.carim.backbones import MiniLmBackbone, Qwen2Backbone, open_backbone  # noqa: E402
from train.carim.recipe import CarimRecipe  # noqa: E402
from train.carim.states import SHARD, cached_states, encode_by_length  # noqa: E402
from train.minilm import MiniLm, package_folder  # noqa: E402

pytestmark = pytest.mark.torch
TEXTS = ["rain", "a red car crosses the junction at night in heavy rain", "fog", "two cyclists"]


@pytest.fixture(scope="module")
def minilm() -> MiniLmBackbone:
    return MiniLmBackbone()


@pytest.fixture(scope="module")
def tiny_qwen(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random Qwen2 of two layers, 32 wide, and a tokenizer of letters, as transformers saves them."""
    from tokenizers import Tokenizer, models, pre_tokenizers

    folder = tmp_path_factory.mktemp("qwen")
    letters = {letter: i for i, letter in enumerate(["<pad>", "<unk>", *"abcdefghijklmnopqrstuvwxyz"])}
    tokenizer = Tokenizer(models.WordLevel(letters, unk_token="<unk>"))  # noqa: S106  no password
    split = pre_tokenizers.Split("", "isolated")
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), split])
    transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="<pad>",  # noqa: S106
        unk_token="<unk>",  # noqa: S106
    ).save_pretrained(folder)
    torch.manual_seed(0)
    config = transformers.Qwen2Config(
        vocab_size=len(letters),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=128,
    )
    transformers.Qwen2Model(config).save_pretrained(folder)
    return folder


def test_minilm_states_are_its_last_layer_without_cls_and_sep(minilm: MiniLmBackbone):
    tokenizer = transformers.AutoTokenizer.from_pretrained(str(package_folder()))
    model = MiniLm.load(package_folder())  # tests/train/test_minilm.py: the numbers of transformers' BertModel
    inputs = tokenizer(TEXTS[1], return_tensors="pt")
    with torch.no_grad():
        theirs = model(inputs["input_ids"], inputs["attention_mask"])[0, 1:-1]
    ours = minilm.states(TEXTS, 512)[1]
    assert ours.shape == theirs.shape
    cosines = torch.nn.functional.cosine_similarity(ours, theirs, dim=-1)
    assert cosines.min() > 0.995, "the weights are rounded as the shipped tower stores them"
    assert not torch.equal(ours, theirs)


def test_padding_and_order_change_no_state_and_long_texts_are_cut(minilm: MiniLmBackbone):
    together = encode_by_length(minilm, TEXTS, 512)
    for i, text in enumerate(TEXTS):
        alone = minilm.states([text], 512)[0]
        values, lengths = together.of(np.array([i]))
        assert lengths.tolist() == [len(alone)]
        assert torch.allclose(values, alone, atol=2e-3), "kept as float16"
    values, lengths = together.of(np.array([3, 0]))
    assert torch.equal(values[: int(lengths[0])], together.of(np.array([3]))[0])
    assert len(minilm.states(["car " * 100], 64)[0]) == 62, "64 with the two special tokens"


def test_qwen2_gives_its_last_states_without_padding_and_says_what_is_missing(tiny_qwen: Path, tmp_path: Path):
    backbone = open_backbone(CarimRecipe(backbone="qwen2", weights=str(tiny_qwen)))
    assert isinstance(backbone, Qwen2Backbone)
    assert backbone.width == 32
    states = backbone.states(["abc", "a longer text"], 128)
    assert [part.shape for part in states] == [(3, 32), (11, 32)]
    assert torch.allclose(states[0], backbone.states(["abc"], 128)[0], atol=1e-5)
    model = transformers.AutoModel.from_pretrained(str(tiny_qwen))
    with torch.no_grad():
        theirs = model(input_ids=torch.tensor([[2, 3, 4]])).last_hidden_state[0]
    assert torch.allclose(states[0], theirs, atol=1e-5)
    assert len(backbone.states(["abcdefgh"], 5)[0]) == 5
    with pytest.raises(BundleNotFoundError, match="--weights FOLDER"):
        Qwen2Backbone(str(tmp_path / "nothing"))


def test_states_are_computed_once_and_a_damaged_shard_is_made_again(minilm: MiniLmBackbone, tmp_path: Path):
    texts = [f"car {i}" for i in range(5)]
    first = cached_states(minilm, texts, 64, tmp_path)
    (shard,) = tmp_path.glob("carim-*/00000.npz")
    stamp = shard.stat().st_mtime_ns
    again = cached_states(minilm, texts, 64, tmp_path)
    assert shard.stat().st_mtime_ns == stamp
    assert torch.equal(first.values, again.values)
    shard.write_bytes(shard.read_bytes()[:200])
    assert torch.equal(cached_states(minilm, texts, 64, tmp_path).values, first.values)
    assert shard.stat().st_mtime_ns != stamp
    assert cached_states(minilm, texts[:2], 64, tmp_path).values.shape[0] < first.values.shape[0]
    assert len(texts) <= SHARD


def test_a_text_without_a_token_is_named(minilm: MiniLmBackbone):
    with pytest.raises(DatasetError, match=r"'\\u200b' has no token"):
        encode_by_length(minilm, ["car", "\u200b"], 64)
