"""The towers, the split, and a small run from outlines to a certified bundle."""

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("pydicom")

import torch

from export.nodule import export_nodule
from runtime.errors import BundleError, DatasetError, InvalidInputError
from runtime.nodule.encoder import open_nodule_encoder
from runtime.nodule.prompts import prompts
from runtime.nodule.roi import RoiSettings
from runtime.nodule.table import NAME, Region, read_regions, write_regions
from runtime.tokenizer import TextTokenizer
from tests.train.nodule.test_lidc import SCAN, annotation
from train.minilm import package_folder
from train.nodule.clusters import merge_readers
from train.nodule.command import add_arguments, load_run, run, text_trunk
from train.nodule.data import read_crops, read_patients, split_patients, write_patients
from train.nodule.data_command import phantom_regions
from train.nodule.fit import augment
from train.nodule.recipe import NoduleRecipe
from train.nodule.towers import ImageTower
from train.shuffle_split import PARTS


def test_patients_are_parted_70_10_20_and_the_lists_come_back(tmp_path: Path) -> None:
    lists = split_patients([f"P{i}" for i in range(50)] * 3, seed=1)
    assert [len(lists[part]) for part in PARTS] == [35, 5, 10]
    assert len({p for part in PARTS for p in lists[part]}) == 50
    write_patients(tmp_path, lists)
    assert read_patients(tmp_path) == lists
    (tmp_path / "val_patients.txt").write_text(lists["test"][0])
    with pytest.raises(DatasetError, match="two lists"):
        read_patients(tmp_path)
    (tmp_path / "val_patients.txt").unlink()
    with pytest.raises(DatasetError, match="missing"):
        read_patients(tmp_path)


def test_augmentation_turns_and_shifts_but_never_scales() -> None:
    pixels = torch.zeros(4, 80, 80)
    pixels[:, 30:50, 35:45] = 0.5
    for seed in range(6):
        out = augment(pixels, np.random.default_rng(seed))
        assert out.shape == (4, 1, 80, 80)
        assert ((out > 0.3).sum((1, 2, 3)) == 200).all()


def test_padding_does_not_change_a_question_and_rare_words_share_a_vector() -> None:
    trunk = text_trunk(NoduleRecipe())
    tokenizer = TextTokenizer(package_folder() / "tokenizer.json", max_tokens=64)
    ids, mask = (torch.from_numpy(part) for part in tokenizer(["> 10 mm", "a lung nodule between 6 and 10 mm"]))
    alone, alone_mask = (torch.from_numpy(part) for part in tokenizer(["> 10 mm"]))
    assert torch.allclose(trunk(ids, mask)[0], trunk(alone, alone_mask)[0], atol=1e-5)
    assert len(trunk.words.weight) < 12_000
    assert int(trunk.rows[30_000]) == int(trunk.rows[100])
    assert sum(p.numel() for p in ImageTower(NoduleRecipe()).parameters()) < 1_500_000


def test_recipes_and_outlines_that_make_no_sense_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError):
        NoduleRecipe(roi="round")
    with pytest.raises(InvalidInputError):
        NoduleRecipe(prompts=3)
    with pytest.raises(DatasetError, match="no region"):
        read_crops([], RoiSettings())


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """24 phantoms of 12 invented patients, drawn around circles."""
    from dataclasses import replace

    folder, regions = tmp_path_factory.mktemp("nodule"), []
    for i in range(24):
        one = annotation(i, (40, 40), 4 + i)
        scan = replace(SCAN, id=i, patient=f"P{i % 12}")
        regions += phantom_regions(merge_readers([type(one)(i, scan, 5, one.contours)]), folder / str(i), seed=i)
    write_regions(folder / NAME, regions, root=folder)
    return folder


def arguments(data: Path, out: Path, *more: str):
    import argparse

    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return parser.parse_args(["--data", str(data), "--out", str(out), "--epochs", "2", "--prompts", "200", *more])


def test_a_run_becomes_a_certified_bundle_that_finds_its_patients_only_in_training(data: Path, tmp_path: Path) -> None:
    assert run(arguments(data, tmp_path / "run", "--batch", "8", "--threads", "1")) == 0
    stamp = (tmp_path / "run" / "figures.json").stat().st_mtime_ns
    assert run(arguments(data, tmp_path / "run", "--batch", "8", "--threads", "1")) == 0
    assert (tmp_path / "run" / "figures.json").stat().st_mtime_ns == stamp
    with pytest.raises(InvalidInputError, match="other settings"):
        run(arguments(data, tmp_path / "run", "--batch", "9"))

    bundle = export_nodule(tmp_path / "run", tmp_path / "bundle")
    stored = bundle.manifest.certificate["stored"]
    assert max(*stored["text_max_abs_difference"], *stored["image_max_abs_difference"]) <= 1e-5
    assert sum(entry.size_bytes for entry in bundle.manifest.files.values()) <= 12e6
    assert str(tmp_path) not in (bundle.folder / "manifest.json").read_text()

    recipe, _, image, trunk, head = load_run(tmp_path / "run")
    encoder = open_nodule_encoder(tmp_path / "bundle", threads=1)
    texts = [p.text for p in prompts(30, 5)]
    tokenizer = TextTokenizer(package_folder() / "tokenizer.json", max_tokens=recipe.max_tokens)
    ids, mask = (torch.from_numpy(part) for part in tokenizer(texts))
    crops = read_crops(read_regions(data).rows, recipe.roi_settings).pixels.astype(np.float32)
    with torch.inference_mode():
        asked, (seen, sizes) = head(trunk(ids, mask)), image(torch.from_numpy(crops)[:, None])
    assert np.abs(encoder.encode_texts(texts) - asked.numpy()).max() <= 1e-5
    vectors, diameters = encoder.encode_crops(crops)
    assert np.abs(vectors - seen.numpy()).max() <= 1e-5
    assert diameters == pytest.approx(sizes.numpy(), rel=1e-4)


def test_an_unfinished_run_is_not_exported(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="no finished run"):
        export_nodule(tmp_path, tmp_path / "bundle")


def test_a_drawn_outline_is_seen_and_a_missing_diameter_is_left_out(
    data: Path, caplog: pytest.LogCaptureFixture
) -> None:
    rows = read_regions(data).rows[:3]
    hidden, shown = (read_crops(rows, RoiSettings(), draw_contour=drawn).pixels for drawn in (False, True))
    assert (shown == 1).sum() > (hidden == 1).sum() + 20
    bare = Region(rows[0].path, "P", rows[0].box)
    assert len(read_crops([*rows, bare], RoiSettings()).regions) == 3
    assert "has no diameter" in caplog.text


def test_the_bundle_of_ears_is_no_nodule_bundle() -> None:
    from runtime.options import DEFAULT_BUNDLE

    with pytest.raises(BundleError):
        open_nodule_encoder(DEFAULT_BUNDLE)
