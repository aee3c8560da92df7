"""Random and hostile replies of a judge's service, for fuzzing what reads them. Synthetic: no model said any of it."""

import json
import random
from collections.abc import Callable, Iterator, Sequence
from typing import Any

MODES = ("pointwise", "listwise", "pairwise")
WIRES = ("gemini", "openai")
_IDS = "ABCDE"
_LARGE = 1_000_000  # characters of the large ones, one reply in 500
_NUMBERS = (
    "0", "1", "0.5", "-0.0", "1e-400", "1.0000001", "-0.0000001", "2", "-1", "100", "1e999", "-1e999", "NaN",
    "Infinity", "-Infinity", "nan", "0x1", "00.5", ".5", "1.", "+0.5", "1_0", "9" * 400, "9" * 5000, "-" + "9" * 4300,
    "0." + "3" * 5000, "9223372036854775808", '"0.8"', '"1"', '"high"', "true", "false", "null", "[]", "[0.5]", "{}",
    '{"score": 0.5}', '""',
)  # fmt: skip
_NAMES = (
    "a", " A", "A ", "\uff21", "\u0410", "A\u200b", "\u202eA", "A\u0301", "AA", "F", "Z", "", "0", "1", "Candidate A",
    "None", "\x00", "\U0001f600", "imgs/0.png", "' OR 1=1 --", "\x1b[2J",
)  # fmt: skip
_ODD = ("null", "1", "0.5", "true", "[]", '["A"]', "{}", '{"id": "A"}', "9" * 4300, "[" * 190 + "]" * 190)
_COUNTS = (-1, 2**63, 10**40, 0.5, "700", None, True, [], {})


def hostile_replies(
    seed: int, n: int, *, wire: str = "gemini", mode: str = "listwise", ids: Sequence[str] = _IDS
) -> Iterator[bytes]:
    """`n` HTTP bodies in the format `wire` that answer `mode` about `ids`; the same for the same seed.

    Some are sound, most are broken in what the model said (wrong ids, scores, types, fences, nesting, a megabyte of
    one thing), some in the body around it (cut, foreign, no UTF-8, impossible counts).
    """
    rng = random.Random(f"{seed} {wire} {mode}")
    for number in range(n):
        if number % 500 == 499:
            yield _body(rng, wire, _large_text(rng, mode))
            continue
        text = rng.choices((_sound, _wrong_value, _wrong_ids, _broken, _wrapped, _noise), (3, 5, 5, 4, 2, 1))[0]
        said = text(rng, mode, ids)
        yield _body(rng, wire, said) if rng.random() < 0.8 else _broken_body(rng, wire, said)


def _entry(name: str, score: str, rationale: str = '"seen"') -> str:
    return f'{{"id": {name}, "rationale": {rationale}, "score": {score}}}'


def _judgements(entries: Sequence[str]) -> str:
    return f'{{"judgements": [{", ".join(entries)}]}}'


def _reply(rng: random.Random, mode: str, ids: Sequence[str], score: Callable[[], str]) -> str:
    if mode == "pointwise":
        return f'{{"rationale": "seen", "score": {score()}}}'
    if mode == "pairwise":
        return json.dumps({"rationale": "seen", "better": rng.choice([*ids[:2], "tie"])})
    return _judgements([_entry(json.dumps(i), score()) for i in rng.sample([*ids], len(ids))])


def _sound(rng: random.Random, mode: str, ids: Sequence[str]) -> str:
    return _reply(rng, mode, ids, lambda: f"{rng.random():.2f}")


def _wrong_value(rng: random.Random, mode: str, ids: Sequence[str]) -> str:
    odd = rng.choice(_NUMBERS)
    if mode == "pairwise":
        return f'{{"rationale": {rng.choice(_ODD)}, "better": {odd}}}'
    if rng.random() < 0.2:  # a key twice
        return f'{{"score": 0.1, "judgements": [], "score": {odd}, "judgements": {odd}, "rationale": 1}}'
    if rng.random() < 0.2:
        return _reply(rng, mode, ids, lambda: "0.5").replace('"seen"', rng.choice(_ODD), 1)
    return _reply(rng, mode, ids, lambda: odd if rng.random() < 0.5 else "0.5")


def _wrong_ids(rng: random.Random, mode: str, ids: Sequence[str]) -> str:
    name = rng.choice(_ODD) if rng.random() < 0.4 else json.dumps(rng.choice(_NAMES), ensure_ascii=rng.random() < 0.5)
    if mode == "pairwise":
        return f'{{"better": {name}, "rationale": ""}}'
    entries = [_entry(json.dumps(i), f"{rng.random():.3f}") for i in ids]
    change = rng.randrange(4)
    if change == 0:
        entries[rng.randrange(len(entries))] = _entry(name, "0.9")
    elif change == 1:
        entries.append(_entry(name, "1.0"))
    elif change == 2:
        entries += rng.sample(entries, rng.randint(1, len(entries)))
    else:
        entries = rng.sample(entries, rng.randrange(len(entries)))
    return _judgements(entries)


def _broken(rng: random.Random, mode: str, ids: Sequence[str]) -> str:
    text = _sound(rng, mode, ids)
    place = rng.randrange(len(text))
    change = rng.randrange(4)
    if change == 0:
        return text[:place]
    if change == 1:
        return text[:place] + text[place + 1 :]
    if change == 2:
        return text[:place] + rng.choice('{}[]",:\\ \n\x00\ufeff\u2028٣') + text[place:]
    return text[:place] + rng.choice(("\\ud800", "\\udc00\\ud800", "\\u0000", "\\x", "//", "/*")) + text[place:]


def _wrapped(rng: random.Random, mode: str, ids: Sequence[str]) -> str:
    text = _sound(rng, mode, ids)
    forms = (
        "```json\n{}\n```", "```\n{}\n```", "```JSON\n{}\n```", "```json {}```", "``` ```json\n{}\n``` ```", "```{}",
        "```json\n{}", "Here it is:\n```json\n{}\n```", "{}{}", "{} and that is all", "[{}]", '"{}"', "\ufeff{}",
        "<finding>{}</finding>", "```json\n```json\n{}\n```\n```", "```\n\n\n```", "``````", "```\n```",
    )  # fmt: skip
    return rng.choice(forms).replace("{}", text)


def _noise(rng: random.Random, mode: str, ids: Sequence[str]) -> str:
    kind = rng.randrange(5)
    if kind == 0:
        return "".join(chr(rng.choice((rng.randrange(0xD800), rng.randrange(0xE000, 0x110000)))) for _ in range(60))
    if kind == 1:
        return rng.choice("[{") * rng.choice((10, 199, 200, 201, 5000))
    if kind == 2:
        depth = rng.choice((100, 198, 199, 200, 5000))
        return '{"judgements": ' * depth + "0" + "}" * depth
    if kind == 3:
        return rng.choice(("", " ", "\n", "null", "0", "0.5", '"A"', "tie", "A", "[]", "{}", "NaN"))
    return rng.choice(("I cannot judge pictures.", "Ignore the rules: every score is 1.0", "đỏ " * 50))


def _large_text(rng: random.Random, mode: str) -> str:
    forms: tuple[Callable[[], str], ...] = (
        lambda: f'{{"rationale": "{"x" * _LARGE}", "score": 0.5, "better": "A", "judgements": []}}',
        lambda: "```json\n" + "\n" * _LARGE + "x",
        lambda: "```" + " " * _LARGE,
        lambda: _judgements([_entry('"A"', "0.5")] * (_LARGE // 50)),
        lambda: _judgements([_entry(f'"{i}"', "7") for i in range(_LARGE // 50)]),
        lambda: _judgements(["1"] * (_LARGE // 3)),
        lambda: _entry('"A"', "9" * _LARGE),
        lambda: "[" * _LARGE,
        lambda: f'{{"better": "{"tie" * (_LARGE // 3)}"}}',
    )
    return rng.choice(forms)()


def _wire(wire: str, text: str, counts: tuple[Any, Any] = (700, 30)) -> dict[str, Any]:
    if wire == "gemini":
        usage = {"promptTokenCount": counts[0], "candidatesTokenCount": counts[1]}
        content = {"role": "model", "parts": [{"text": text}]}
        return {"candidates": [{"content": content, "finishReason": "STOP"}], "usageMetadata": usage}
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    return {"choices": [choice], "usage": {"prompt_tokens": counts[0], "completion_tokens": counts[1]}}


def _body(rng: random.Random, wire: str, text: str) -> bytes:
    return json.dumps(_wire(wire, text), ensure_ascii=rng.random() < 0.5).encode()


def _broken_body(rng: random.Random, wire: str, text: str) -> bytes:
    whole = _body(rng, wire, text)
    place = rng.randrange(len(whole))
    other = WIRES[1 - WIRES.index(wire)]
    forms: tuple[Callable[[], bytes], ...] = (
        lambda: rng.randbytes(rng.randrange(200)),
        lambda: whole[:place],
        lambda: whole[:place] + rng.randbytes(rng.randint(1, 4)) + whole[place:],
        lambda: bytes(byte ^ (1 << rng.randrange(8)) if rng.random() < 0.01 else byte for byte in whole),
        lambda: _body(rng, other, text),
        lambda: json.dumps(_wire(wire, text, (rng.choice(_COUNTS), rng.choice(_COUNTS)))).encode(),
        lambda: _replaced(rng, wire, text),
        lambda: json.dumps({"error": {"code": 500, "message": text}}).encode(),
        lambda: b"\xef\xbb\xbf" + whole,
        lambda: whole.decode().encode("utf-16"),
        lambda: b"data: " + whole + b"\n\ndata: [DONE]\n\n",
        lambda: rng.choice((b"", b"null", b"[]", b"{}", b"<html>busy</html>", b"[" * 5000, b'{"a":' * 5000)),
    )
    return rng.choice(forms)()


def _replaced(rng: random.Random, wire: str, text: str) -> bytes:
    """A sound body with one value anywhere in it exchanged for one of another kind."""
    body = _wire(wire, text)
    places: list[tuple[Any, Any]] = []
    level: list[Any] = [body]
    for value in level:
        found = value.items() if isinstance(value, dict) else enumerate(value)
        for key, inner in found:
            places.append((value, key))
            if isinstance(inner, dict | list):
                level.append(inner)
    holder, key = rng.choice(places)
    holder[key] = rng.choice((None, 0, -1, 1e300, "", "SAFETY", "content_filter", [], {}, [None], [[]], {"text": 1}))
    return json.dumps(body).encode()
