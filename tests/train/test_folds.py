"""The folds: who stays together, who is balanced, what the published split leaks, what the file refuses."""

import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="the training environment")

from runtime.dataset import Dataset, Record, caption_key, read_dataset
from runtime.errors import DatasetError, InvalidInputError
from train.folds import caption_rows, load_folds, make_folds, save_folds

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data"


def dataset_of(count: int, *, patients: int, phrases: int, seed: int = 0) -> Dataset:
    rng = np.random.default_rng(seed)
    records = tuple(
        Record(
            f"{i:03d}.png",
            Path(f"{i:03d}.png"),
            (f"Finding {rng.integers(phrases)}.",),
            group=f"p{rng.integers(patients)}",
        )
        for i in range(count)
    )
    return Dataset(Path(), records)


def groups_of(dataset: Dataset) -> list[str]:
    return [record.group or record.file for record in dataset.records]


def test_every_image_is_held_out_exactly_once_and_no_patient_twice():
    dataset = dataset_of(500, patients=60, phrases=40)
    folds = make_folds(dataset, groups=groups_of(dataset))
    held = [file for fold in folds.files for file in fold]
    assert sorted(held) == [record.file for record in dataset.records]
    fold_of = {file: k for k, fold in enumerate(folds.files) for file in fold}
    for patient in set(groups_of(dataset)):
        assert len({fold_of[r.file] for r in dataset.records if r.group == patient}) == 1


def test_folds_of_groups_are_of_about_one_size():
    dataset = dataset_of(500, patients=60, phrases=40)
    sizes = [len(fold) for fold in make_folds(dataset, groups=groups_of(dataset)).files]
    assert max(sizes) - min(sizes) <= 5


def test_captioned_images_are_balanced_before_the_rest():
    records = tuple(Record(f"{i}.png", Path("x"), ("a",) if i < 20 else ()) for i in range(100))
    folds = make_folds(Dataset(Path(), records), groups=[r.file for r in records])
    assert [sum(int(f.split(".")[0]) < 20 for f in fold) for fold in folds.files] == [2] * 10
    assert [len(fold) for fold in folds.files] == [10] * 10


def test_the_seed_decides_and_only_the_seed():
    dataset = dataset_of(200, patients=50, phrases=40)
    groups = groups_of(dataset)
    assert make_folds(dataset, groups=groups) == make_folds(dataset, groups=groups)
    assert make_folds(dataset, groups=groups).files != make_folds(dataset, groups=groups, seed=43).files


def test_a_held_out_phrase_is_new_with_group_and_phrase():
    dataset = dataset_of(120, patients=400, phrases=60)
    folds = make_folds(dataset, by="group+phrase", folds=5, groups=groups_of(dataset))
    fold_of = {file: k for k, fold in enumerate(folds.files) for file in fold}
    by_caption: dict[str, set[int]] = {}
    by_patient: dict[str, set[int]] = {}
    for record in dataset.records:
        by_caption.setdefault(caption_key(record.captions[0]), set()).add(fold_of[record.file])
        by_patient.setdefault(record.group or "", set()).add(fold_of[record.file])
    assert all(len(folds_seen) == 1 for folds_seen in [*by_caption.values(), *by_patient.values()])


def test_phrases_that_join_everything_are_refused_with_the_number_of_groups():
    dataset = dataset_of(200, patients=50, phrases=3)
    with pytest.raises(DatasetError, match=r"1 group \(200 of 200 images.*use --split group"):
        make_folds(dataset, by="group+phrase", groups=groups_of(dataset))


def test_fewer_groups_than_folds_name_the_number_that_works():
    dataset = dataset_of(100, patients=8, phrases=50)
    with pytest.raises(DatasetError, match=r"8 groups.*--folds 8"):
        make_folds(dataset, groups=groups_of(dataset))
    assert len(make_folds(dataset, folds=8, groups=groups_of(dataset))) == 8


def test_a_data_set_without_captions_is_refused():
    records = tuple(Record(f"{i}.png", Path("x")) for i in range(20))
    with pytest.raises(DatasetError, match="no image has a caption"):
        make_folds(Dataset(Path(), records), groups=[r.file for r in records])


def test_the_row_split_is_the_published_one():
    # KFold(10, shuffle, seed 42): NumPy's legacy shuffle, cut into ten runs, each in ascending order
    dataset = dataset_of(95, patients=5, phrases=90)
    rows = caption_rows(dataset)
    order = np.arange(95)
    np.random.RandomState(42).shuffle(order)
    expected = [sorted(part.tolist()) for part in np.array_split(order, 10)]
    folds = make_folds(dataset, by="row")
    assert [folds.held_out(rows, k) for k in range(10)] == expected


def test_held_out_rows_of_a_group_fold_are_all_rows_of_its_files():
    records = (Record("a.png", Path("a"), ("one", "two")), Record("b.png", Path("b"), ("three",)))
    dataset = Dataset(Path(), records)
    folds = make_folds(dataset, folds=2, groups=["x", "y"])
    rows = caption_rows(dataset)
    fold = next(k for k in range(2) if "a.png" in folds.files[k])
    assert folds.held_out(rows, fold) == [0, 1]
    assert folds.held_out(rows, 1 - fold) == [2]


@pytest.mark.parametrize("settings", [{"folds": 1}, {"by": "patient"}, {"seed": -1}, {"groups": ["only one"]}])
def test_settings_that_mean_nothing_are_refused(settings):
    dataset = dataset_of(10, patients=10, phrases=10)
    with pytest.raises(InvalidInputError):
        make_folds(dataset, **settings)


@pytest.mark.parametrize("by", ["group", "row"])
def test_the_file_gives_back_what_was_saved(tmp_path, by):
    dataset = dataset_of(60, patients=20, phrases=30)
    folds = make_folds(dataset, by=by, groups=groups_of(dataset))
    save_folds(tmp_path / "folds.json", folds)
    assert load_folds(tmp_path / "folds.json", dataset) == folds


def test_a_file_for_other_data_is_refused(tmp_path):
    dataset = dataset_of(60, patients=20, phrases=30)
    save_folds(tmp_path / "folds.json", make_folds(dataset, groups=groups_of(dataset)))
    with pytest.raises(DatasetError, match="made for other images"):
        load_folds(tmp_path / "folds.json", dataset_of(60, patients=20, phrases=30, seed=1))


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (lambda c: c["folds"][0]["files"].pop(), "SHA-256"),
        (lambda c: c.update(schema_version=99), "schema version 99"),
        (lambda c: c.pop("folds"), "SHA-256"),
        (lambda c: c.pop("sha256"), "not a folds file"),
    ],
)
def test_a_damaged_file_is_refused(tmp_path, damage, sentence):
    dataset = dataset_of(60, patients=20, phrases=30)
    path = tmp_path / "folds.json"
    save_folds(path, make_folds(dataset, groups=groups_of(dataset)))
    content = json.loads(path.read_text())
    damage(content)
    path.write_text(json.dumps(content))
    with pytest.raises(DatasetError, match=sentence):
        load_folds(path)


@pytest.mark.parametrize("text", ["", "[]", "3", "{", '{"schema_version": 1}'])
def test_a_file_that_is_something_else_is_refused(tmp_path, text):
    (tmp_path / "folds.json").write_text(text)
    with pytest.raises(DatasetError, match="not a folds file"):
        load_folds(tmp_path / "folds.json")


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(DatasetError, match="cannot be read"):
        load_folds(tmp_path / "folds.json")


@pytest.mark.skipif(not DATA.is_dir(), reason="needs the real frames of shared/data/vocalfolds")
def test_eight_real_sequences_make_eight_folds_of_one_sequence_each():
    dataset = read_dataset(DATA / "vocalfolds", group_column="sequence")
    folds = make_folds(dataset, folds=8)
    sequence = {record.file: record.group for record in dataset.records}
    held = {frozenset(sequence[f] for f in fold) for fold in folds.files}
    assert held == {frozenset([f"seq{i}"]) for i in range(1, 9)}
