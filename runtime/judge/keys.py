"""API keys: from the environment, or a .env file; never from a command line, never in a message."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from ..errors import JudgeNotEnabledError

ENV_FILE = Path(".env")
GEMINI_VARIABLES = ("GEMINI_API_KEY", "GOOGLE_API_KEY")
OPENAI_VARIABLES = ("OPENAI_API_KEY",)


def find_key(variables: Sequence[str], environ: Mapping[str, str] | None = None, env_file: Path = ENV_FILE) -> str:
    """The first of `variables` that is set in `environ`, else in `env_file`; "" where none is.

    Raises JudgeNotEnabledError, without quoting it, for a key with characters that no key has.
    """
    given = os.environ if environ is None else environ
    key = _first(variables, given)
    if not key and environ is None and env_file.is_file():
        from dotenv import dotenv_values  # noqa: PLC0415 - only where there is such a file

        try:  # not load_dotenv: the key must not reach the environment of programs started from here
            values = dotenv_values(env_file, interpolate=False)
        except (OSError, UnicodeDecodeError):  # from None: the error holds the file's bytes
            raise JudgeNotEnabledError(
                f"{env_file} cannot be read as a UTF-8 text file; write it anew, or set the key in the environment"
            ) from None
        key = _first(variables, {name: value for name, value in values.items() if value})
    if key and not (key.isascii() and key.isprintable() and " " not in key):
        # the transport's own error would quote the key
        raise JudgeNotEnabledError(
            "the API key in the environment or in .env has characters that no key has (spaces, control or non-ASCII "
            "characters); copy it again"
        )
    return key


def _first(variables: Sequence[str], values: Mapping[str, str]) -> str:
    return next((values[name].strip() for name in variables if values.get(name, "").strip()), "")
