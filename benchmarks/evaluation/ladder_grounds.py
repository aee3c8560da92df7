"""The two data sets that the ladder stands on: trials, a judge's scores, and what may be said of them."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from runtime.bundle import Bundle
from runtime.dataset import Dataset, Record, caption_key, read_dataset
from runtime.encoder import DualEncoder, open_encoder
from runtime.judge import LocalCaptionJudge

from ..judging.fresh_phantoms import (
    GALLERIES,
    fresh_phantoms,
    fresh_trials,
    kept_phantom_trials,
    kept_trials,
    only_queries,
)
from ..judging.simulated import SimulatedJudge, simulated_scores
from ..pipeline import train_and_export
from ..quality import made, phantoms_task
from ..tuxpaint import COLUMNS, Pictures
from .leakage import check_split, without_copies
from .trials import Trials
from .tune_data import caption_trials, judge_scores, remembered

Scores = NDArray[np.float64]
K = 5  # what the judge is shown
SEEDS = range(5)
QUALITY, TUXPAINT_RUNS = Path("runs/quality"), Path("runs/tuxpaint")


@dataclass(frozen=True, eq=False)
class Ground:
    """One data set of the ladder.

    `scores`: the judge's (Q, k) per trial set. `soup`: the same queries by one model, None where there is none.
    `facts`: sentences that belong beside every figure from here; `judge`: what the judge is.
    """

    name: str
    trials: list[Trials]
    scores: list[Scores]
    judge: str
    soup: list[Trials] | None = None
    facts: list[str] = field(default_factory=list)

    @property
    def groups(self) -> list[str]:
        """(Q,) over all trial sets, one after the other."""
        return [group for one in self.trials for group in one.groups]


def phantoms_ground(work: Path, threads: int, quality: Path = QUALITY) -> Ground:
    """Synthetic phantoms of fresh patients with the simulated judge; bundles are `benchmarks quality`'s.

    Raises LeakageError where a fresh phantom looks like one that the bundle was trained on.
    """
    trials = fresh_trials(work, threads)
    task = phantoms_task(quality / "phantoms")
    one_model = made("soup", task, quality, threads)
    soup = kept_phantom_trials(work / "trials", one_model, fresh_phantoms(work)).over_galleries(GALLERIES)
    held_out = set(task.hold_out)
    train = [record for record in read_dataset(task.data).records if record.file not in held_out]
    # captions are templates, and patients are named by number in either set: only pictures can tell them apart
    checked = check_split(train, trials.items, ["images"])
    settings = SimulatedJudge.from_file()
    patients = len({item.group for item in trials.items})
    return Ground(
        "phantoms",
        [trials],
        [simulated_scores(trials, K, settings)],
        f"simulated judge (it knows the truth; accuracy {settings.accuracy}, order bias {settings.order_bias}, some "
        "answers missing): it compares methods and says nothing of any real judge",
        [soup],
        [
            f"phantoms are synthetic, drawn by a program: {len(trials.items)} pictures of {patients} new patients",
            f"phantoms: {GALLERIES} galleries, each with patients of its own; a caption is asked of all that answer it",
            f"phantoms: {checked}; equal captions are allowed, they are templates",
        ],
    )


def tuxpaint_ground(root: Path, work: Path, threads: int, runs: Path = TUXPAINT_RUNS) -> Ground:
    """Real pictures on the caption-grouped splits, each caption asked once, with the local judge.

    The judge reads the folder words of a picture's name and never its caption, which the query is. Raises
    LeakageError where a split leaks although the pictures that look like training pictures were left out.
    """
    pictures = Pictures.read(root)
    # neither training nor any query here is Vietnamese
    records = [replace(r, captions_vi=()) for r in read_dataset(root, caption_column="en").records]
    by_file = {record.file: record for record in records}
    asked: set[str] = set()
    trials, scores, facts, left_out = [], [], [], set[str]()
    for seed in SEEDS:
        files = [pictures.files[i] for i in pictures.held_out("grouped", seed)]
        bundle = train_and_export(
            root,
            runs / f"grouped-en-{seed}",
            hold_out=files,
            options=[*COLUMNS, "--languages", "en", "--threads", threads],
        )
        train = [record for record in records if record.file not in set(files)]
        test, copies = without_copies(train, [by_file[file] for file in files])
        checked = check_split(train, test)
        left_out |= set(copies)
        one = asked_once(bundle, root, test, asked, work / "trials", f"tuxpaint seed {seed}")
        facts.append(f"tuxpaint, seed {seed}: {checked}")
        trials.append(one)
        scores.append(local_scores(one, open_encoder(bundle), [folder_words(item.file) for item in test]))
    queries = sum(len(one.texts) for one in trials)
    facts.insert(0, f"tuxpaint is real: {queries} captions, each asked in the first of five seeds that holds it out")
    if left_out:
        facts.append(f"tuxpaint: left out of the tests, as they look like training pictures: {', '.join(left_out)}")
    facts.append("tuxpaint has no soup: its folds did not begin alike, so their weights have no mean worth asking")
    judge = (
        "local judge (text tower): it reads the folder words of a picture's file name (animals birds), never the "
        "caption, which the query is, nor the last part of the name, which nearly repeats it"
    )
    return Ground("tuxpaint", trials, scores, judge, None, facts)


def asked_once(bundle: Path, root: Path, items: Sequence[Record], asked: set[str], folder: Path, name: str) -> Trials:
    """Each English caption of `items` that is not in `asked` as a query over all of them; adds it there.

    Relevant is what bears an equal caption; `items` have English captions only. The cosines are kept in `folder`.
    """
    key = {
        "trials": name,
        "bundle": Bundle.open(bundle).manifest.fingerprint,
        "data": Dataset(root, tuple(items)).fingerprint,
    }
    whole = kept_trials(folder, key, items, lambda: caption_trials(bundle, Dataset(root, tuple(items)), name))
    new = [row for row, text in enumerate(whole.texts) if caption_key(text) not in asked]
    asked |= {caption_key(whole.texts[row]) for row in new}
    chosen = only_queries(whole, np.array(new, np.int64))
    category = [str(items[int(row.argmax())].metadata.get("category", "")) for row in chosen.grades]
    return replace(chosen, strata={**chosen.strata, "category": category})


def folder_words(file: str) -> str:
    """The folder words in a tuxpaint file's name: "animals__birds__adelaide-rosella.jpg" → "animals birds"."""
    return " ".join(file.split("__")[:-1]).replace("_", " ")


def local_scores(trials: Trials, encoder: DualEncoder, words: Sequence[str], k: int = K) -> Scores:
    """(Q, k) float64, NaN unjudged: the local judge on `words` (N,), all that it may read of each item."""
    items = [replace(item, captions=(text,), captions_vi=()) for item, text in zip(trials.items, words, strict=True)]
    return judge_scores(replace(trials, items=items), LocalCaptionJudge(remembered(encoder.encode_texts)), k)
