"""Rows become a gallery: whole batches, each element once, continued after a kill, every skipped row named."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from runtime.carim.indexing import index_rows
from runtime.carim.rows import read_rows
from runtime.gallery import Gallery

from .fakes import DIMS, SCENES, WordEncoder, write_scenes

ROOT = Path(__file__).resolve().parents[3]


class Counting(WordEncoder):
    def __init__(self) -> None:
        self.encoded: list[str] = []

    def encode_elements(self, texts):
        self.encoded += texts
        return super().encode_elements(texts)


def opened(folder: Path) -> Gallery:
    return Gallery.create(folder, fingerprint=WordEncoder.fingerprint, folds=1, dims=DIMS)


def test_every_element_is_encoded_once_and_a_second_run_adds_nothing(tmp_path: Path) -> None:
    data, encoder = write_scenes(tmp_path / "data"), Counting()
    with opened(tmp_path / "g") as gallery:
        report = index_rows(read_rows(data), gallery, encoder, batch=3)
        assert (report.added, report.unchanged, report.skipped) == (8, 0, [])
        assert len(encoder.encoded) == len(set(encoder.encoded)) == len({e for s in SCENES for e in s[3]})
        assert index_rows(read_rows(data), gallery, encoder).unchanged == 8
        assert gallery.verify() == []
        ids, vectors = gallery.matrix()
        item = gallery.item(int(ids[0]))
        assert item.metadata["elements"] == list(SCENES[0][3])
        mean = encoder.encode_elements(SCENES[0][3]).mean(axis=0)
        np.testing.assert_allclose(vectors[0], mean / np.linalg.norm(mean), atol=1e-6)


def test_a_row_that_changed_is_stored_again_under_its_id(tmp_path: Path) -> None:
    data = write_scenes(tmp_path / "data", frames=1)
    with opened(tmp_path / "g") as gallery:
        index_rows(read_rows(data), gallery, WordEncoder())
        before = gallery.terms().arrays.items
        data.write_text(data.read_text().replace("wet road", "dry road"))
        report = index_rows(read_rows(data), gallery, WordEncoder())
        assert (report.added, report.unchanged) == (2, 2)
        np.testing.assert_array_equal(gallery.terms().arrays.items, before)
        texts = gallery.term_texts(gallery.terms().arrays.ids.tolist())
        assert "dry road" in texts
        assert "wet road" not in texts


def test_bad_rows_are_skipped_and_named_and_the_others_stored(tmp_path: Path) -> None:
    data = write_scenes(tmp_path / "data", frames=1)
    (tmp_path / "data" / "a.jpg").write_bytes(b"one")
    whole = {"scene": "s", "timestamp": 0, "caption": "", "elements": ["rain"], "meta": {"frames": "frames/s.json"}}
    more = [
        whole | {"id": "gone", "image": "none.jpg"},
        whole | {"id": "first", "image": "a.jpg"},
        whole | {"id": "second", "image": "a.jpg"},
        whole | {"id": "silent", "image": None, "elements": ["\u200b\u2060"]},
        {"id": "nothing"},
        whole | {"id": "unsaid", "image": None, "meta": {"speed": float("nan")}},
    ]
    data.write_text(data.read_text() + "".join(json.dumps(row) + "\n" for row in more))
    with opened(tmp_path / "g") as gallery:
        report = index_rows(read_rows(data), gallery, WordEncoder())
        assert report.added == 5
        said = "\n".join(report.skipped)
        assert "none.jpg is missing" in said
        assert "second: its picture a.jpg is already that of first" in said
        assert "silent: the element" in said
        assert "rows.jsonl:9" in said
        assert "rows.jsonl:10: it cannot be stored" in said
        assert gallery.verify() == []
        pictured = gallery.items(gallery.allowed_ids(["frame_id=first"]).tolist())[0]
        assert pictured.path == str((tmp_path / "data" / "a.jpg").resolve())
        assert pictured.metadata["frames"] == str((tmp_path / "data" / "frames" / "s.json").resolve())
        (tmp_path / "data" / "a.jpg").unlink()
        assert [line for line in gallery.verify() if "is gone" in line], "a picture that went away is a fault"


@pytest.mark.parametrize("rows", [1, 4])
def test_a_killed_run_leaves_whole_rows_and_is_continued(tmp_path: Path, rows: int) -> None:
    data = write_scenes(tmp_path / "data", frames=20)
    command = [sys.executable, "-m", "tests.runtime.carim.indexer", str(data), str(tmp_path / "g")]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as process:
        assert process.stdout
        for _ in range(rows):
            assert process.stdout.readline()
        process.kill()
    with opened(tmp_path / "g") as gallery:
        assert gallery.verify() == []
        stored = len(gallery)
        assert rows <= stored < 80, "it ended by itself: the test killed nothing"
        assert len(gallery.terms().arrays.items) == stored
        report = index_rows(read_rows(data), gallery, WordEncoder())
        assert (report.added, report.unchanged) == (80 - stored, stored)
        assert gallery.verify() == []
