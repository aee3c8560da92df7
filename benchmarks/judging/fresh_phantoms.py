"""Held-out queries in number: an ensemble trained on some synthetic phantoms asked for those of new patients.

Every comparison of judges and fusions on phantoms stands on the same trials; their cosines are computed once.
"""

import hashlib
import json
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from runtime.bundle import Bundle
from runtime.dataset import Record, read_dataset
from runtime.files import atomic_path

from ..evaluation.trials import Trials, phantom_trials
from ..pipeline import run_module
from ..quality import made, phantoms_task

IMAGES, SEED = 3000, 99  # the training set is drawn with seed 7
GALLERIES = 3
SYSTEM = "readout"
QUALITY = Path("runs/quality")
SCHEMA = 1  # of the stored trials; raise it where what `phantom_trials` makes of a data set changes
_ARRAYS = ("cosines", "grades", "texts", "groups")
_STRATUM = "stratum "


def fresh_trials(work: Path, threads: int, *, images: int = IMAGES, quality: Path = QUALITY) -> Trials:
    """Both languages' captions of `images` fresh phantoms as queries over three galleries of them, by the read-out
    ensemble.

    The phantoms are drawn into `work`/phantoms-`images`, the trials kept in `work`/trials; the ensemble is that of
    `python -m benchmarks quality`, trained into `quality` where it is not there yet, on `threads` threads.
    """
    bundle = made(SYSTEM, phantoms_task(quality / "phantoms"), quality, threads)
    return kept_phantom_trials(work / "trials", bundle, fresh_phantoms(work, images)).over_galleries(GALLERIES)


def fresh_phantoms(work: Path, images: int = IMAGES) -> Path:
    """The folder of the drawn phantoms."""
    data = work / f"phantoms-{images}"
    run_module("assets.phantoms", data, "--images", images, "--seed", SEED)
    return data


def kept_phantom_trials(folder: Path, bundle: Path, data: Path) -> Trials:
    """`phantom_trials(bundle, data)`, computed once for a bundle and a data set and kept in `folder`."""
    dataset = read_dataset(data)
    key = {
        "trials": "phantoms",
        "bundle": Bundle.open(bundle).manifest.fingerprint,
        "data": dataset.fingerprint,
        "truth": _truth_sha256(dataset.records),
    }
    return kept_trials(folder, key, dataset.records, lambda: phantom_trials(bundle, data))


def kept_trials(folder: Path, key: dict[str, str], items: Sequence[Record], make: Callable[[], Trials]) -> Trials:
    """What `make` returns, or what an earlier call with the same `key` has kept in `folder` as .npz.

    `items` are the gallery, which is not kept. A file that is damaged or of another key is made again.
    """
    stated = json.dumps({"schema": SCHEMA, **key}, sort_keys=True)
    path = folder / f"{hashlib.sha256(stated.encode()).hexdigest()[:16]}.npz"
    kept = _read(path, stated, items)
    if kept is not None:
        return kept
    trials = make()
    arrays: dict[str, Any] = {name: np.asarray(getattr(trials, name)) for name in _ARRAYS}
    arrays |= {_STRATUM + name: np.array(labels) for name, labels in trials.strata.items()}
    arrays |= {"name": np.array(trials.name), "key": np.array(stated)}
    with atomic_path(path) as part, part.open("wb") as stream:
        np.savez(stream, **arrays)
    return trials


def some_queries(trials: Trials, count: int, seed: int = 0) -> Trials:
    """A seeded choice of `count` queries, in their order, over the whole gallery; all where there are no more."""
    asked = len(trials.texts)
    if count >= asked:
        return trials
    return only_queries(trials, np.sort(np.random.default_rng(seed).permutation(asked)[:count]))


def only_queries(trials: Trials, rows: NDArray[np.integer[Any]]) -> Trials:
    """The trials with the queries `rows` alone, in that order."""
    return replace(
        trials,
        texts=[trials.texts[i] for i in rows],
        groups=[trials.groups[i] for i in rows],
        strata={name: [labels[i] for i in rows] for name, labels in trials.strata.items()},
        cosines=trials.cosines[rows],
        grades=trials.grades[rows],
    )


def _read(path: Path, stated: str, items: Sequence[Record]) -> Trials | None:
    if not path.is_file():
        return None
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as stored:
            if str(stored["key"]) != stated:
                return None
            strata = {
                name.removeprefix(_STRATUM): stored[name].tolist() for name in stored if name.startswith(_STRATUM)
            }
            arrays = {name: stored[name] for name in _ARRAYS}
            name = str(stored["name"])
    except (ValueError, KeyError, OSError, EOFError, zipfile.BadZipFile):
        return None
    lists = {name: arrays.pop(name).tolist() for name in ("texts", "groups")}
    return Trials(name=name, strata=strata, items=list(items), **lists, **arrays)


def _truth_sha256(records: Sequence[Record]) -> str:
    # a data set's fingerprint holds names, captions and groups, not what was drawn
    rows = [[record.file, record.metadata] for record in records]
    return hashlib.sha256(json.dumps(rows, sort_keys=True, ensure_ascii=False).encode()).hexdigest()
