"""Our MiniLM is the public one: the same numbers as transformers' BertModel on the real weights."""

import pytest

torch = pytest.importorskip("torch")

from train.minilm import MiniLm, checkpoint_names, mean_pool, package_folder  # noqa: E402  after the skip

pytestmark = pytest.mark.torch
TEXTS = ["ear", "a left tympanic membrane with a central perforation, and wax", "mũi phải có dịch mủ 🙂", "x " * 300]


@pytest.fixture(scope="module")
def original() -> "torch.nn.Module":
    from train.torchvision_ops import define_missing_ops

    define_missing_ops()  # transformers imports torchvision
    from transformers import BertModel

    return BertModel.from_pretrained(str(package_folder()), attn_implementation="eager").eval()


@pytest.fixture(scope="module")
def tokens() -> dict[str, "torch.Tensor"]:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(str(package_folder()))
    return tokenizer(TEXTS, padding=True, truncation=True, max_length=128, return_tensors="pt")


def test_every_token_vector_is_the_public_models_padding_included(minilm, original, tokens):
    ids, mask = tokens["input_ids"], tokens["attention_mask"]
    with torch.inference_mode():
        theirs = original(ids, attention_mask=mask).last_hidden_state
        ours = minilm(ids, mask)
    assert ours.shape == (4, 128, 384)
    real = mask.bool()
    assert not real.all(), "nothing is padded: the test would not see a wrong mask"
    torch.testing.assert_close(ours[real], theirs[real], rtol=0, atol=1e-5)


def test_padding_changes_no_token_vector(minilm, tokens):
    ids, mask = tokens["input_ids"][1:2], tokens["attention_mask"][1:2]
    length = int(mask.sum())
    with torch.inference_mode():
        padded, alone = minilm(ids, mask)[:, :length], minilm(ids[:, :length], mask[:, :length])
    torch.testing.assert_close(padded, alone, rtol=0, atol=1e-5)


def test_the_mean_leaves_padding_out():
    x = torch.tensor([[[1.0], [3.0], [100.0]]])
    assert mean_pool(x, torch.tensor([[1, 1, 0]])).tolist() == [[2.0]]


def test_every_weight_of_the_public_checkpoint_is_used_but_the_pooler(minilm, original):
    names = checkpoint_names(minilm.shape.layers)
    assert set(names) == set(minilm.state_dict())
    unused = set(original.state_dict()) - set(names.values())
    assert {name.split(".")[0] for name in unused} <= {"pooler"}
    assert len(set(names.values())) == len(names)


def test_the_trunk_is_frozen_and_in_eval_mode(minilm):
    assert not minilm.training
    assert not any(parameter.requires_grad for parameter in minilm.parameters())


def test_loading_twice_gives_the_same_bits(minilm):
    again = MiniLm.load(package_folder()).state_dict()
    assert all(torch.equal(tensor, again[name]) for name, tensor in minilm.state_dict().items())
