"""From a run to a student's bundle, by the command."""

import pytest

torch = pytest.importorskip("torch")

from export.distil import distil  # noqa: E402  after the skip
from runtime.bundle import Bundle  # noqa: E402
from runtime.dataset import read_dataset  # noqa: E402
from runtime.encoder import open_encoder  # noqa: E402
from runtime.ensemble import stack_folds  # noqa: E402
from runtime.errors import InvalidInputError  # noqa: E402
from train.paper_recipe import PaperRecipe  # noqa: E402
from train.runs import Run  # noqa: E402

from ..conftest import run_module  # noqa: E402

pytestmark = pytest.mark.torch


@pytest.mark.slow
def test_the_student_is_one_fold_as_wide_as_its_ensemble_and_points_where_it_points(
    phantoms, tiny_run, tiny_bundle, tmp_path
):
    done = run_module("export", "distil", tiny_run, "--out", tmp_path / "student")
    assert done.returncode == 0, done.stderr
    assert "fp32: largest difference" in done.stdout
    manifest = Bundle.open(tmp_path / "student").manifest
    assert (manifest.folds, manifest.dims) == (1, 3 * 64)
    assert manifest.training["student_of"] == 3
    assert manifest.certificate["shared"]["text"]["bytes_of_each_fold"] > 0
    student, ensemble = (open_encoder(folder) for folder in (tmp_path / "student", tiny_bundle))
    texts = sorted({caption for record in read_dataset(phantoms).records for caption in record.captions})
    ours, theirs = stack_folds(student.encode_texts(texts)), stack_folds(ensemble.encode_texts(texts))
    # an untrained student stands at 0; the ensemble of two epochs hardly tells its captions apart, so no ranks here
    assert (ours * theirs).sum(1).min() > 0.4
    assert (ours * theirs).sum(1).mean() > 0.6


def test_a_paper_run_has_no_student(tmp_path):
    run = Run.start(tmp_path / "run", {"recipe": PaperRecipe().to_json(), "split": "group", "data": {}})
    with pytest.raises(InvalidInputError, match="students are made of compact runs"):
        distil(run, tmp_path / "out")
