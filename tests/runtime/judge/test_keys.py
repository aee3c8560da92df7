"""Keys come from the environment or a .env file, go nowhere else, and stand in no message."""

import os
import traceback

import pytest

from runtime.errors import JudgeNotEnabledError
from runtime.judge.keys import find_key

NAMES = ("FIRST_API_KEY", "SECOND_API_KEY")
KEY = "sk-made-up-0123456789"


@pytest.fixture
def env_file(tmp_path, monkeypatch):
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    return tmp_path / ".env"


def test_a_key_is_read_from_the_file_and_does_not_enter_the_environment(env_file):
    env_file.write_text(f"# ours\nexport FIRST_API_KEY = '{KEY}'\n")
    before = dict(os.environ)
    assert find_key(NAMES, env_file=env_file) == KEY
    assert dict(os.environ) == before


def test_the_environment_wins_over_the_file(env_file, monkeypatch):
    env_file.write_text("FIRST_API_KEY=of-the-file\nSECOND_API_KEY=of-the-file\n")
    monkeypatch.setenv("SECOND_API_KEY", "of-the-environment")
    assert find_key(NAMES, env_file=env_file) == "of-the-environment"


def test_the_first_name_that_is_set_wins_and_a_blank_one_is_not_set(env_file):
    assert find_key(NAMES, {"FIRST_API_KEY": " one\n", "SECOND_API_KEY": "two"}) == "one"
    assert find_key(NAMES, {"FIRST_API_KEY": "  ", "SECOND_API_KEY": "two"}) == "two"
    env_file.write_text("FIRST_API_KEY=\nFIRST_API_KEY\nSECOND_API_KEY=two\n")
    assert find_key(NAMES, env_file=env_file) == "two"


def test_nothing_is_found_where_there_is_nothing(env_file):
    assert find_key(NAMES, env_file=env_file) == ""
    env_file.mkdir()
    assert find_key(NAMES, env_file=env_file) == ""


def test_a_given_environment_is_the_only_one(env_file):
    env_file.write_text(f"FIRST_API_KEY={KEY}\n")
    assert find_key(NAMES, {}, env_file) == ""


def test_a_key_is_taken_as_it_stands_without_replacing_variables(env_file, monkeypatch):
    monkeypatch.setenv("HOME_OF_KEYS", "replaced")
    env_file.write_text("FIRST_API_KEY=a${HOME_OF_KEYS}b\n")
    assert find_key(NAMES, env_file=env_file) == "a${HOME_OF_KEYS}b"


@pytest.mark.parametrize("key", [f"{KEY} x", f"{KEY}\x07", f"{KEY}á"])
def test_a_key_that_no_service_takes_is_refused_without_being_quoted(env_file, key):
    env_file.write_text(f"FIRST_API_KEY={key}\n", "utf-8")
    with pytest.raises(
        JudgeNotEnabledError, match=r"in the environment or in \.env has characters that no key has"
    ) as caught:
        find_key(NAMES, env_file=env_file)
    assert KEY not in "".join(traceback.format_exception(caught.value))


def test_a_file_that_is_no_text_is_one_sentence_without_its_bytes(env_file):
    env_file.write_bytes(b"FIRST_API_KEY=" + KEY.encode() + b"\xff\xfe\n")
    with pytest.raises(JudgeNotEnabledError, match="cannot be read as a UTF-8 text file") as caught:
        find_key(NAMES, env_file=env_file)
    assert KEY not in "".join(traceback.format_exception(caught.value))
    assert caught.value.__suppress_context__
