"""The README quotes the results files, and nothing else."""

import argparse
import json

import pytest

from benchmarks.__main__ import COMMANDS
from benchmarks.figures import END, HEAD_END, HEAD_START, SECTIONS, START, figures, run
from benchmarks.headline import headline
from benchmarks.pipeline import ROOT
from benchmarks.results import FOLDER
from runtime.errors import InvalidInputError


def test_the_readme_holds_what_the_results_files_say():
    quoted = (ROOT / "README.md").read_text("utf-8").split(START, 1)[1].split(END, 1)[0]
    assert quoted.strip() == figures().strip()
    first = (ROOT / "README.md").read_text("utf-8").split(HEAD_START, 1)[1].split(HEAD_END, 1)[0]
    assert first.strip() == headline().strip()


@pytest.mark.parametrize("name", SECTIONS)
def test_every_section_has_its_results_file_with_command_machine_and_versions(name):
    result = json.loads((FOLDER / f"{name}.json").read_text("utf-8"))
    assert result["command"].startswith("python -m benchmarks ")
    assert result["command"].split()[3] in COMMANDS
    assert result["machine"]["cores"]
    assert result["versions"]["numpy"]
    assert result["figures"]


def test_every_results_file_is_quoted():
    assert {path.stem for path in FOLDER.glob("*.json")} == set(SECTIONS)


def test_a_changed_figure_changes_the_text(tmp_path):
    result = json.loads((FOLDER / "kger_footprint.json").read_text("utf-8"))
    result["figures"]["site_packages_mb"] = 12345.0
    (tmp_path / "kger_footprint.json").write_text(json.dumps(result), "utf-8")
    assert "12345 MB" in figures(tmp_path)


def test_a_readme_without_the_marks_is_left_alone(tmp_path):
    readme = tmp_path / "README.md"
    for text in ("no marks", f"{HEAD_START}{HEAD_END} and no more"):
        readme.write_text(text, "utf-8")
        with pytest.raises(InvalidInputError, match="expected the marks"):
            run(argparse.Namespace(readme=readme))
        assert readme.read_text("utf-8") == text
