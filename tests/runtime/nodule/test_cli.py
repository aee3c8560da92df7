"""The nodule commands as a user types them, on the phantom CT that the repo ships."""

import argparse
import json
from pathlib import Path

import pytest

from runtime.errors import InvalidInputError
from runtime.nodule.cli import BUNDLE, add_arguments

DATA = BUNDLE.parents[1] / "nodule" / "phantoms"


def command(*words: object) -> int:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    args = parser.parse_args([str(word) for word in words])
    code: int = args.command(args)
    return code


@pytest.fixture(scope="module")
def gallery(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cli") / "gallery"
    assert command("index", DATA, "--gallery", folder, "--threads", 1, "--strict") == 0
    return folder


def test_a_bad_row_is_skipped_and_strict_tells_by_the_exit_code(
    gallery: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "roi_with_diam.csv").write_text("dicom_path,patient,box\nnone.dcm,P1,1 1 5 5\n")
    assert command("index", tmp_path, "--gallery", tmp_path / "g") == 0
    assert command("index", tmp_path, "--gallery", tmp_path / "g", "--strict") == 1
    printed = capsys.readouterr()
    assert "0 added, 0 unchanged, 1 skipped; 0 in the gallery" in printed.out
    assert "none.dcm: cannot be read" in printed.err


def test_search_prints_what_was_understood_and_writes_topk(
    gallery: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command("search", "nốt từ 6 đến 10 mm", "-k", 4, "--gallery", gallery, "--out", tmp_path) == 0
    printed = capsys.readouterr().out.splitlines()
    assert printed[0].startswith("understood “từ 6 đến 10 mm” as [6, 10] mm")
    assert len(printed) == 5
    lines = (tmp_path / "topk.csv").read_text().splitlines()
    assert len(lines) == 5
    assert all(6 <= float(line.split(",")[1]) <= 10 for line in lines[1:])


def test_json_holds_every_source_of_the_score(gallery: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command("search", "> 10 mm", "--json", "--alpha", 0.3, "--gallery", gallery) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["interval"]["high_mm"] is None
    assert len(result["hits"]) == 10
    for hit in result["hits"]:
        assert hit["score"] == pytest.approx(0.3 * hit["cosine"] + 0.7 * hit["rule"])
    with pytest.raises(InvalidInputError, match="no size understood"):
        command("search", "spiculated", "--gallery", gallery)


def test_the_published_files_have_a_row_a_crop(gallery: Path, tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    assert command("files", "--gallery", gallery, "--out", tmp_path) == 0
    assert parquet.read_table(tmp_path / "meta.parquet").column_names == ["path", "diameter_mm", "patient"]
    assert parquet.read_table(tmp_path / "meta.parquet").num_rows == 48
