"""Qwen on this machine as a client like the services': a vision model for captions, a language model for elements.

Its bodies are written as chat completions, so that one record, one reader and one replay serve every captioner.
"""

import hashlib
import json
import threading
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from runtime.carim.elements import split_elements
from runtime.errors import JudgeError
from runtime.judge.client import Delivered
from runtime.judge.request import Request

from .replies import unfenced
from .writer import HERE

DEFAULT_MODELS = {"caption": "Qwen/Qwen2-VL-2B-Instruct", "elements": "Qwen/Qwen2-1.5B-Instruct"}
MOST_NEW_TOKENS = {"caption": 512, "elements": 400}
TAIL = 65_536  # bytes of each file of a model's folder that its name in a record depends on


class QwenClient:
    """One model by transformers, on the GPU where there is one; greedy, so that a picture has one caption."""

    wire = "openai"
    endpoint = HERE

    def __init__(self, source: str, mode: str, *, most_new_tokens: int | None = None) -> None:
        """`source`: a folder with the weights, or a name on the hub. Raises JudgeError where it cannot be loaded."""
        self._mode = mode
        self._most = most_new_tokens or MOST_NEW_TOKENS[mode]
        self._lock = threading.Lock()
        try:
            import torch  # noqa: PLC0415 - seconds, and only this client needs them

            from train import torchvision_ops  # noqa: F401, PLC0415 - must precede transformers

            import transformers  # noqa: PLC0415  # isort: skip

            self._torch = torch
            self._device = "cuda" if torch.cuda.is_available() else "cpu"
            kind = torch.bfloat16 if self._device == "cuda" else torch.float32
            seen = mode == "caption"
            reader = transformers.AutoProcessor if seen else transformers.AutoTokenizer
            model = transformers.AutoModelForImageTextToText if seen else transformers.AutoModelForCausalLM
            self._reader = reader.from_pretrained(source)
            self._model = model.from_pretrained(source, dtype=kind).to(self._device).eval()
        except (ImportError, OSError, ValueError, KeyError, RuntimeError) as error:
            raise JudgeError(
                f"{source}: no model for {mode} can be loaded from it ({' '.join(str(error).split())[:300]}); give a "
                "folder with the weights or a hub name that can be reached, in an environment with "
                "requirements-train.txt"
            ) from error

    def send(self, request: Request) -> Delivered:
        """The reply as a chat completion's body; raises ImageDecodeError for a broken picture."""
        content: list[dict[str, Any]] = []
        pictures = []
        for part in request.parts():
            if isinstance(part, str):
                content.append({"type": "text", "text": part})
            else:
                content.append({"type": "image"})
                pictures.append(cv2.cvtColor(cv2.imdecode(np.frombuffer(part, np.uint8), 1), cv2.COLOR_BGR2RGB))
        with self._lock:
            started = time.perf_counter()
            text, tokens = self._generate(request.prompt.text, content, pictures)
            spent_ms = (time.perf_counter() - started) * 1000
        message = {"role": "assistant", "content": in_form(text, self._mode)}
        usage = {"prompt_tokens": tokens[0], "completion_tokens": tokens[1]}
        body = {"choices": [{"index": 0, "message": message, "finish_reason": "stop"}], "usage": usage}
        return Delivered(json.dumps(body, ensure_ascii=False).encode(), 1, spent_ms)

    def _generate(self, prompt: str, content: list[dict[str, Any]], pictures: list[Any]) -> tuple[str, tuple[int, int]]:
        if pictures:
            messages = [{"role": "system", "content": [{"type": "text", "text": prompt}]}]
            messages.append({"role": "user", "content": content})
            asked = self._reader.apply_chat_template(messages, add_generation_prompt=True, tokenize=False)
            inputs = self._reader(text=[asked], images=pictures, return_tensors="pt").to(self._device)
        else:
            words = "\n".join(part["text"] for part in content)
            messages = [{"role": "system", "content": prompt}, {"role": "user", "content": words}]
            asked = self._reader.apply_chat_template(messages, add_generation_prompt=True, tokenize=False)
            inputs = self._reader(asked, return_tensors="pt").to(self._device)
        with self._torch.inference_mode():
            made = self._model.generate(**inputs, max_new_tokens=self._most, do_sample=False)
        asked_tokens = inputs["input_ids"].shape[1]
        new = made[0, asked_tokens:]
        decoded = self._reader.decode(new, skip_special_tokens=True)
        return str(decoded), (int(asked_tokens), len(new))

    def close(self) -> None:
        """Nothing is open."""


def in_form(text: str, mode: str) -> str:
    """The JSON asked for: as the model wrote it, or made of the plain words that a small model writes instead."""
    plain = unfenced(text)
    try:
        if isinstance(json.loads(plain), dict):
            return plain
    except ValueError:
        pass
    value = split_elements(plain) if mode == "elements" else plain
    return json.dumps({mode: value}, ensure_ascii=False)


def model_name(source: str) -> str:
    """What a record calls the model: a hub name as it is; a folder by its own name and what lies in it."""
    folder = Path(source)
    if not folder.is_dir():
        return source
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.iterdir() if path.is_file()):
        digest.update(json.dumps([path.name, path.stat().st_size]).encode())
        with path.open("rb") as stream:  # the end of gigabytes of weights tells two trainings of one size apart
            stream.seek(max(0, path.stat().st_size - TAIL))
            digest.update(stream.read())
    return f"{folder.resolve().name}@{digest.hexdigest()[:12]}"
