"""Judges by the command line: end to end over the loopback, errors in one sentence each, and no key anywhere."""

import json
import logging
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from runtime.bundle import Bundle
from runtime.cli import main
from runtime.confidence import ConfidenceModel
from runtime.fusion import PosFuseSettings
from runtime.fusion.tuned import Tuned, write_tuned
from runtime.images import decode_image

from .judge.loopback import Loopback, Reply, completed, completion, entries, failed, scored

ROOT = Path(__file__).resolve().parents[2]
TEXT = "right nasal cavity with mucus"
LOCAL = "local caption judge with ENT knowledge"
VARIABLES = ("OPENAI_API_KEY", "GEMINI_API_KEY", "GOOGLE_API_KEY")


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch, tmp_path):
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", *VARIABLES):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def places(bundle_folder: Path, small_gallery: Path) -> list[str]:
    return ["--bundle", str(bundle_folder), "--gallery", str(small_gallery), "--threads", "2"]


@pytest.fixture
def sentence(places, capsys):
    """Runs a search that must fail, and returns its only line on stderr."""

    def run(*options: object) -> str:
        assert main(["search", TEXT, *places, *map(str, options)]) == 2
        captured = capsys.readouterr()
        assert captured.err.startswith("error: ")
        assert captured.err.count("\n") == 1
        assert captured.out == ""
        return captured.err

    return run


def tuned_file(path: Path, bundle: Path, fingerprint: str = "") -> Path:
    tuned = Tuned(
        name="made up",
        data={"name": "made up", "fingerprint": "0" * 64, "kind": "synthetic", "queries": 1},
        bundle=fingerprint or Bundle.open(bundle).manifest.fingerprint,
        judge=LOCAL,
        fusion=PosFuseSettings(),
        confidence=ConfidenceModel(("similarity",), (0.5,), (0.1,), (1.0,), 0.0),
    )
    write_tuned(path, tuned)
    return path


def judge_options(server: Loopback, record: Path, *more: object) -> list[str]:
    where = ["--judge", "openai", "--judge-model", "loopback-vl", "--judge-url", f"{server.url}/v1"]
    return [*where, "--record", str(record), *map(str, more)]


def by_brightness(n, request):
    """Likes bright pictures, in each mode."""
    bright = [round(decode_image(image).mean() / 255, 4) for image in request.images]
    if request.texts[-1].startswith("Candidate image"):
        return completed(bright[-1])
    if "better" in json.dumps(request.body["response_format"]):
        return completion(json.dumps({"rationale": "", "better": "A" if bright[0] >= bright[1] else "B"}))
    return completion(entries(dict(zip("ABCDE", bright, strict=False))))


@pytest.mark.parametrize("mode", ["pointwise", "listwise"])
def test_an_openai_compatible_judge_end_to_end_and_its_replay(places, tmp_path, capsys, mode):
    record = tmp_path / "r.sqlite"
    with Loopback(by_brightness) as server:
        options = judge_options(server, record, "--judge-mode", mode, "--tie-margin", 0.5, "--json")
        assert main(["search", TEXT, *places, *options]) == 0
    live = json.loads(capsys.readouterr().out)
    assert live["judge"] == "loopback-vl at 127.0.0.1 (not OpenAI's service)"
    bright = {c["item_id"]: decode_image(Path(c["path"]).read_bytes()).mean() / 255 for c in live["candidates"]}
    assert all(j["score"] == pytest.approx(bright[j["item_id"]], abs=0.02) for j in live["judgements"])
    calls = {"pointwise": 5, "listwise": 3}[mode]
    assert live["cost"]["judge_calls"] == len(server.requests) > calls, "tie-breaks are counted"
    assert any(place["tie_break"] for place in live["ranking"])

    for file in (record, tmp_path / "exported.jsonl"):
        if file != record:
            assert main(["record", str(record), "--out", str(file), "--redact"]) == 0
            assert capsys.readouterr().out == f"{file}: {len(server.requests)} replies, without words\n"
        replay = ["--judge", "replay", "--record", str(file), "--tie-margin", "0.5", "--json"]
        assert main(["search", TEXT, *places, *replay]) == 0
        replayed = json.loads(capsys.readouterr().out)
        assert replayed["judge"] == f"replay of {live['judge']}"
        assert replayed["ranking"] == live["ranking"]
        assert [j["score"] for j in replayed["judgements"]] == [j["score"] for j in live["judgements"]]
        assert (replayed["cost"]["judge_calls"], replayed["cost"]["usd"]) == (0, 0)


def test_a_tuned_fusion_tells_how_sure_it_is_and_what_captions_say(places, bundle_folder, tmp_path, capsys):
    file = tuned_file(tmp_path / "tuned.json", bundle_folder)
    options = ["--judge", "local", "--fusion", str(file), "--min-confidence", "1", "--explain", "--expand"]
    assert main(["search", TEXT, *places, *options, "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert 0 < result["confidence"] < 1
    assert result["no_match"] is True
    assert result["knowledge"]
    assert main(["search", TEXT, *places, *options]) == 0
    out = capsys.readouterr().out
    assert "no good match" in out
    assert "Region agrees: nose." in out


def test_options_that_do_not_fit_together_are_one_sentence_each(sentence, bundle_folder, tmp_path):
    fusion = sentence("--fusion", "corected")
    assert "--fusion corected: expected corrected, published, or the file of a tuned fusion (.json)" in fusion
    assert "no tuned fusion at" in sentence("--fusion", tmp_path / "none.json")
    (tmp_path / "bad.json").write_text("{}")
    assert "this runtime reads 1" in sentence("--fusion", tmp_path / "bad.json")
    tuned = tuned_file(tmp_path / "tuned.json", bundle_folder)
    assert f"tuned with the {LOCAL}, asked was no judge" in sentence("--fusion", tuned)
    other = tuned_file(tmp_path / "other.json", bundle_folder, fingerprint="0" * 64)
    assert "tuned with the bundle 000000000000" in sentence("--fusion", other, "--judge", "local")
    assert "a least confidence needs a calibration" in sentence("--min-confidence", 0.5)
    assert "expected a probability, 0 to 1" in sentence("--fusion", tuned, "--judge", "local", "--min-confidence", 2)
    assert "not by no judge; leave --tie-margin out" in sentence("--tie-margin", 0.1)
    assert f"not by {LOCAL}; leave --tie-margin out" in sentence("--tie-margin", 0.1, "--judge", "local")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--judge-model", "m", "--max-cost", 1), "--max-cost needs the price of m, which assets/prices.json does"),
        (("--judge-model", "m", "--max-calls", -1), "--max-calls is -1; expected at least 0"),
        (("--judge-model", "m", "--tie-margin", -1), "the tie margin is -1.0; expected a difference of fused scores"),
        (("--judge-model", "m", "--runs", 0), "the judge's runs is 0; expected at least 1"),
        (("--judge-model", "m", "--judge-mode", "listwise", "--runs", 2), "listwise takes --shuffles"),
        (("--judge-model", "m", "--prompt", "none"), "no prompt 'none'; choose one of kger_listwise_v1"),
        (("--judge-model", "m", "--judge-url", "127.0.0.1:80"), "expected http(s)://HOST[:PORT]"),
        (("--judge-model", "m", "--judge-url", "http://192.0.2.1/v1"), "medical images leave this machine"),
        ((), "needs the name of the model that is served: --judge-model NAME"),
    ],
)  # fmt: skip
def test_what_a_service_cannot_be_asked_is_one_sentence_before_anything_is_sent(sentence, tmp_path, options, says):
    with Loopback(lambda n, request: completed(0.5)) as server:
        where = ("--judge", "openai", "--judge-url", server.url, "--record", tmp_path / "r.sqlite")
        assert says in sentence(*where, *options)
    assert server.requests == []


def test_a_judge_that_is_refused_leaves_no_file(sentence, tmp_path):
    record = tmp_path / "sub" / "r.sqlite"
    assert "--allow-upload" in sentence("--judge", "gemini", "--record", record)
    assert "neither GEMINI_API_KEY nor GOOGLE_API_KEY" in sentence(
        "--judge", "gemini", "--record", record, "--allow-upload"
    )
    assert not record.parent.exists()


def test_a_record_that_cannot_be_used_is_one_sentence(sentence, tmp_path, capsys):
    (tmp_path / "notes.txt").write_text("no record")
    assert "not JSON" in sentence("--judge", "replay", "--record", tmp_path / "notes.txt")
    assert "no record of replies at" in sentence("--judge", "replay", "--record", tmp_path / "none")
    with Loopback(lambda n, request: completed(0.5)) as server:
        for record in (tmp_path / "notes.txt", tmp_path / "notes.txt" / "below", tmp_path):
            assert "cannot be used" in sentence(*judge_options(server, record))
    for record, says in ((tmp_path / "none", "no record of replies"), (tmp_path / "notes.txt", "cannot be used")):
        assert main(["record", str(record), "--out", str(tmp_path / "out.jsonl")]) == 2
        assert says in capsys.readouterr().err
    assert not (tmp_path / "out.jsonl").exists()


def test_a_record_is_not_overwritten_by_its_own_export(places, tmp_path, capsys):
    record = tmp_path / "r.sqlite"
    with Loopback(lambda n, request: completed(0.5)) as server:
        assert main(["search", TEXT, *places, *judge_options(server, record, "-k", 1)]) == 0
    before = record.read_bytes()
    capsys.readouterr()
    assert main(["record", str(record), "--out", str(record)]) == 2
    assert "is the record itself; name another file" in capsys.readouterr().err
    assert record.read_bytes() == before
    assert main(["record", str(record), "--out", str(tmp_path / "r.jsonl")]) == 0
    assert capsys.readouterr().out == f"{tmp_path / 'r.jsonl'}: 1 replies\n"


OPENAI_KEY, GEMINI_KEY = "sk-made-up-openai-0123456789abcdef", "AIza-made-up-gemini-0123456789abcdef"


def quoting(n, request):
    """Answers, and now and then an error that quotes the key, once across the place where errors are cut."""
    if n % 4 == 2:
        return failed(401, f"the key {request.key} is wrong")
    if n % 4 == 3:
        return Reply(b"<html>" + b"x" * (265 + n) + (request.key or "").encode(), 403)
    return completed(0.5) if "messages" in request.body else scored(0.5)


def test_no_key_stands_in_anything_that_a_whole_run_wrote(
    bundle_folder, small_gallery, tmp_path, monkeypatch, capsys, caplog
):
    """One key in the environment, one in .env: records, exports, results, tables, logs and errors are all searched."""
    shutil.copytree(small_gallery, tmp_path / "gallery")
    (tmp_path / ".env").write_text(f"GEMINI_API_KEY={GEMINI_KEY}\n")
    (tmp_path / "t2i.csv").write_text("left ear\npolyp\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OPENAI_API_KEY", OPENAI_KEY)
    caplog.set_level(logging.DEBUG)
    places = ["--bundle", str(bundle_folder), "--gallery", "gallery", "--threads", "2"]
    codes = []
    with Loopback(quoting) as server:
        for judge, url in (("openai", f"{server.url}/v1"), ("gemini", server.url)):
            asked = ["--judge", judge, "--judge-url", url, "--judge-model", "loopback", "--allow-upload"]
            codes.append(main(["search", TEXT, *places, *asked, "--json"]))
            codes.append(main(["batch", "--queries", "t2i.csv", "--out", judge, *places, *asked]))
            # as a user starts it, with what the program's end and its libraries print
            command = [sys.executable, "-m", "runtime", "search", "pus", *places, *asked]
            environ = os.environ | {"PYTHONPATH": str(ROOT)}
            done = subprocess.run(command, env=environ, capture_output=True, check=False)
            codes.append(done.returncode)
            (tmp_path / f"{judge}.out").write_bytes(done.stdout + done.stderr)
    assert {request.key for request in server.requests} == {f"Bearer {OPENAI_KEY}", GEMINI_KEY}, "both were in use"
    codes += [main(["record", "gallery/replies.sqlite", "--out", name, *more])
              for name, more in (("all.jsonl", ()), ("redacted.jsonl", ("--redact",)))]  # fmt: skip
    codes.append(
        main(["search", TEXT, *places, "--judge", "replay", "--judge-model", "loopback", "--record", "all.jsonl"])
    )
    assert codes == [0] * 9
    for wrong in (["--judge", "gemini"], ["--judge", "openai", "--judge-model", "m", "--judge-url", "http://[::1"]):
        assert main(["search", TEXT, *places, *wrong]) == 2

    said = capsys.readouterr()
    everything = {
        str(path): path.read_bytes() for path in tmp_path.rglob("*") if path.is_file() and path.name != ".env"
    }
    everything |= {"output": (said.out + said.err).encode(), "log": caplog.text.encode()}
    assert {"replies.sqlite", "all.jsonl", "redacted.jsonl", "judge_scores.json"} <= {
        Path(name).name for name in everything
    }
    assert b"[key]" in everything["output"], "an error did quote the key"
    for key in (OPENAI_KEY, GEMINI_KEY):
        for part in (key, key[:12], key[-12:]):
            assert [name for name, content in everything.items() if part.encode() in content] == []
    assert not [name for name, content in everything.items() if b"Traceback" in content]
