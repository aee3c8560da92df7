"""Qwen on this machine: the real loading and generating code, on tiny models with random weights."""

import json
from pathlib import Path

import pytest

pytest.importorskip("torch")

import torch
import transformers
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

from runtime.carim.rows import read_rows
from runtime.errors import JudgeError
from runtime.images import encode_image
from runtime.judge.prompt import load_prompt
from runtime.judge.reply import read_openai
from runtime.judge.request import Picture, Request
from train import torchvision_ops  # noqa: F401  must precede what transformers loads late
from train.carim.build.qwen import QwenClient, in_form, model_name
from train.carim.build.services import Choice, Terms, Writers

from .building import build, failures, manifest
from .drives import picture, write_jsonl, write_picture

SPECIAL = tuple(
    f"<|{name}|>"
    for name in ("endoftext", "im_start", "im_end", "vision_start", "vision_end", "image_pad", "video_pad")
)
CHAT = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{% if m.content is string %}{{ m.content }}{% else %}"
    "{% for c in m.content %}{% if c.type == 'image' %}<|vision_start|><|image_pad|><|vision_end|>"
    "{% else %}{{ c.text }}{% endif %}{% endfor %}{% endif %}<|im_end|>\n{% endfor %}<|im_start|>assistant\n"
)


def tokenizer():
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {token: i for i, token in enumerate([*letters, *SPECIAL])}
    made = Tokenizer(models.BPE(vocabulary, []))
    made.pre_tokenizer, made.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    fast = transformers.Qwen2TokenizerFast if hasattr(transformers, "Qwen2TokenizerFast") else None
    kind = fast or transformers.PreTrainedTokenizerFast
    return kind(
        tokenizer_object=made, vocab=vocabulary, merges=[], eos_token="<|im_end|>", pad_token="<|endoftext|>",  # noqa: S106
        additional_special_tokens=list(SPECIAL), chat_template=CHAT,
    )  # fmt: skip


@pytest.fixture(scope="module")
def words_model(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("qwen") / "tiny-qwen2"
    made = tokenizer()
    torch.manual_seed(0)
    config = transformers.Qwen2Config(
        vocab_size=len(made), hidden_size=16, intermediate_size=16, num_hidden_layers=1, num_attention_heads=2,
        num_key_value_heads=1, eos_token_id=made.eos_token_id, pad_token_id=made.pad_token_id,
    )  # fmt: skip
    transformers.Qwen2ForCausalLM(config).save_pretrained(folder)
    made.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def seeing_model(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("qwen") / "tiny-qwen2-vl"
    made = tokenizer()
    torch.manual_seed(0)
    ids = {f"{name}_token_id": made.convert_tokens_to_ids(f"<|{word}|>") for name, word in (
        ("image", "image_pad"), ("video", "video_pad"), ("vision_start", "vision_start"), ("vision_end", "vision_end"),
    )}  # fmt: skip
    config = transformers.Qwen2VLConfig(
        text_config={
            "vocab_size": len(made), "hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1,
            "num_attention_heads": 2, "num_key_value_heads": 1, "eos_token_id": made.eos_token_id,
            "pad_token_id": made.pad_token_id, "bos_token_id": None,
            "rope_parameters": {"rope_type": "default", "rope_theta": 1e4, "mrope_section": [1, 1, 2]},
        },
        vision_config={"depth": 1, "embed_dim": 16, "hidden_size": 16, "num_heads": 2, "mlp_ratio": 1},
        **ids,
    )  # fmt: skip
    transformers.Qwen2VLForConditionalGeneration(config).save_pretrained(folder)
    transformers.Qwen2VLProcessor(
        image_processor=transformers.Qwen2VLImageProcessor(min_pixels=56 * 56, max_pixels=56 * 56),
        tokenizer=made,
        video_processor=transformers.Qwen2VLVideoProcessor(),
        chat_template=CHAT,
    ).save_pretrained(folder)
    return folder


def caption_request(seed: int) -> Request:
    return Request(
        "caption", load_prompt("carim_caption_v1", "carim"), None, None, (Picture("x", encode_image(picture(seed))),)
    )


def test_a_language_model_answers_in_the_form_asked_for(words_model: Path) -> None:
    client = QwenClient(str(words_model), "elements", most_new_tokens=12)
    request = Request("elements", load_prompt("carim_elements_v1", "carim"), "A red car waits.", None, ())
    first, second = client.send(request), client.send(request)
    assert first.body == second.body, "greedy: one caption, one list"
    said = read_openai(first.body)
    assert set(json.loads(said.text)) == {"elements"}
    assert said.output_tokens <= 12
    assert said.input_tokens > len(request.prompt.text) // 2, "the prompt stands in the conversation"
    longer = client.send(Request("elements", request.prompt, "A red car waits. It rains.", None, ()))
    assert read_openai(longer.body).input_tokens == said.input_tokens + len(" It rains.")


def test_a_vision_model_sees_the_picture(seeing_model: Path) -> None:
    client = QwenClient(str(seeing_model), "caption", most_new_tokens=8)
    inputs = []
    client._model.model.visual.register_forward_pre_hook(lambda _, args: inputs.append(args[0]))
    said = [read_openai(client.send(caption_request(seed)).body) for seed in (1, 2)]
    assert all(set(json.loads(s.text)) == {"caption"} for s in said)
    assert len(inputs) == 2, "each picture is encoded once"
    assert not torch.equal(*inputs)


def test_both_models_build_a_data_folder_and_the_record_is_kept(tmp_path: Path, words_model, seeing_model) -> None:
    write_picture(tmp_path / "drive" / "a" / "1.jpg", 1)
    write_jsonl(tmp_path / "drive" / "captions.jsonl", [{"token": "a/1.jpg", "elements": ["red car"]}])
    options = ["--captioner", "qwen-vl", "--captioner-model", seeing_model, "--extractor", "qwen"]
    given = [tmp_path / "drive", "--source", "folder", "--out", tmp_path / "out", *options]
    assert build(*given, "--extractor-model", words_model, "--strict") == 0, failures(tmp_path / "out")
    (row,) = read_rows(tmp_path / "out").rows
    assert row.caption
    assert row.elements == ("red car",)
    assert manifest(tmp_path / "out")["captioner"] == f"{model_name(str(seeing_model))} on this machine"
    replay = ["--captioner", "replay", "--record", tmp_path / "out" / "replies.sqlite"]
    assert build(*given[:3], "--out", tmp_path / "again", *replay, "--strict") == 0
    assert read_rows(tmp_path / "again").rows == read_rows(tmp_path / "out").rows


def test_a_folder_without_weights_is_refused_with_a_sentence(tmp_path: Path, words_model: Path) -> None:
    with pytest.raises(JudgeError, match="no model for elements can be loaded from it"):
        QwenClient(str(tmp_path), "elements")
    with pytest.raises(JudgeError, match="no model for caption can be loaded from it"):
        QwenClient(str(words_model), "caption")


def test_a_model_of_this_machine_needs_no_price_for_a_limit_of_dollars(tmp_path: Path) -> None:
    terms = Terms(tmp_path / "replies.sqlite", max_cost_usd=1.0)
    with pytest.raises(JudgeError, match="no model for elements can be loaded from it"):  # and no price is asked for
        Writers(Choice("given"), Choice("qwen", str(tmp_path)), terms)


@pytest.mark.parametrize(
    ("said", "mode", "form"),
    [
        ('{"caption": "A bus."}', "caption", {"caption": "A bus."}),
        ('```json\n{"elements": ["bus"]}\n```', "elements", {"elements": ["bus"]}),
        ("Red car, no people, rain", "elements", {"elements": ["red car", "rain"]}),
        ("A bus waits.", "caption", {"caption": "A bus waits."}),
        ('"A bus"', "caption", {"caption": '"A bus"'}),
    ],
)
def test_plain_words_are_put_into_the_form(said: str, mode: str, form: dict) -> None:
    assert json.loads(in_form(said, mode)) == form


def test_a_folder_is_named_by_what_lies_in_it_and_by_no_path(words_model: Path, tmp_path: Path) -> None:
    name = model_name(str(words_model))
    assert name.startswith("tiny-qwen2@")
    assert str(words_model.parent) not in name
    (tmp_path / "tiny-qwen2").mkdir()
    assert model_name(str(tmp_path / "tiny-qwen2")) != name
    assert model_name("Qwen/Qwen2-1.5B-Instruct") == "Qwen/Qwen2-1.5B-Instruct"


def test_two_trainings_of_one_size_have_different_names(tmp_path: Path) -> None:
    weights = tmp_path / "tuned" / "model.safetensors"
    weights.parent.mkdir()
    weights.write_bytes(bytes(200_000))
    first = model_name(str(weights.parent))
    weights.write_bytes(bytes(199_999) + b"1")
    assert model_name(str(weights.parent)) != first
