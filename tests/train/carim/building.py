"""Runs carim-build and carim-merge as their command lines do, and makes up what a captioning model says."""

import argparse
import json
from pathlib import Path
from typing import Any

from tests.runtime.judge.loopback import Reply, Request, body, completion
from train.carim.build import command, merge_command


def build(*given: object) -> int:
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    return command.run(parser.parse_args([str(part) for part in given]))


def merge(*given: object) -> int:
    parser = argparse.ArgumentParser()
    merge_command.add_arguments(parser)
    return merge_command.run(parser.parse_args([str(part) for part in given]))


def manifest(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "carim.json").read_text("utf-8"))


def failures(folder: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in (folder / "failures.jsonl").read_text("utf-8").splitlines()]


def mode_of(request: Request) -> str:
    """caption or elements, as the schema asked for says."""
    if "contents" in request.body:
        asked = request.body["generationConfig"]["responseSchema"]["properties"]
        return next(iter(asked))
    return request.body["response_format"]["json_schema"]["name"]


def words(request: Request, number: int = 0) -> str:
    """A made-up caption that `number` tells apart, or made-up elements with what cleaning has to mend."""
    if mode_of(request) == "caption":
        return json.dumps({"caption": f"A white van\n waits at light {number} in the rain."})
    return json.dumps({"elements": ["White van waiting.", "no pedestrians", "rain", "Rain"]})


def told(request: Request, number: int = 0) -> Reply:
    text = words(request, number)
    return Reply(body(text)) if "contents" in request.body else completion(text)
