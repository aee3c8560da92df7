"""Attacks put where they stand: galleries of synthetic phantoms with attacked pictures or captions, and who asks."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from runtime.dataset import Dataset, Record, read_dataset
from runtime.encoder import DualEncoder
from runtime.files import write_bytes
from runtime.gallery import Gallery
from runtime.images import encode_image, read_image
from runtime.indexing import index_dataset
from runtime.results import Candidate, Query
from runtime.systems.kger import KgerSystem

from .injections import Attack, read_attacks
from .loopback_answers import Shows, Truth, shows

K = 5


@dataclass(frozen=True)
class Case:
    """One attacked search. `plain` is the query without its attack; `victim` the attacked file, "" in a query."""

    attack: Attack
    place: str
    query: str
    plain: str
    victim: str = ""


@dataclass(frozen=True, eq=False)
class Ground:
    """A gallery, of which some items may be attacked, and its pictures' records.

    `victims` is file → attack, at most one an item and one an attack.
    """

    system: KgerSystem
    records: Sequence[Record]
    victims: dict[str, Attack]


def attacked_pictures(work: Path, data: Path, encoder: DualEncoder, seed: int) -> Ground:
    """Every attack drawn into one phantom, a new file, encoded as it is then; the other phantoms as they were."""
    dataset = read_dataset(data)
    victims = drawn_victims(dataset.records, read_attacks(place="picture"), seed)
    records = []
    for number, record in enumerate(dataset.records):
        if record.file in victims:
            drawn = victims[record.file].into_picture(read_image(record.path), seed + number)
            path = work / "drawn" / Path(record.file).name
            write_bytes(path, encode_image(drawn))
            record = replace(record, path=path)  # noqa: PLW2901
        records.append(record)
    return Ground(indexed(work / "gallery-pictures", dataset, records, encoder), records, victims)


def plain_pictures(work: Path, data: Path, encoder: DualEncoder, seed: int) -> Ground:
    """No picture is attacked; `victims` names those whose captions shall be."""
    dataset = read_dataset(data)
    victims = drawn_victims(dataset.records, read_attacks(place="caption"), seed)
    return Ground(indexed(work / "gallery-plain", dataset, dataset.records, encoder), dataset.records, victims)


def drawn_victims(records: Sequence[Record], attacks: Sequence[Attack], seed: int) -> dict[str, Attack]:
    """An item for each attack, drawn by lot."""
    chosen = np.random.default_rng(seed).permutation(len(records))[: len(attacks)]
    return {records[row].file: attack for row, attack in zip(chosen, attacks, strict=True)}


def indexed(folder: Path, dataset: Dataset, records: Sequence[Record], encoder: DualEncoder) -> KgerSystem:
    """The system on a gallery of `records`, made or continued in `folder`."""
    settings = {"fingerprint": encoder.fingerprint, "folds": encoder.folds, "dims": encoder.dims}
    gallery = Gallery.create(folder, **settings, precision=encoder.bundle.manifest.precision)
    index_dataset(replace(dataset, records=tuple(records)), gallery, encoder)
    return KgerSystem(encoder, gallery)


def victim_cases(ground: Ground, place: str, phrases: dict[str, Shows], an_attack: int) -> Iterator[Case]:
    """For each attack up to `an_attack` queries that retrieve its item among the k, not first and not relevant.

    No other attacked item is among those k. Queries that retrieve it last come first, since there a judge can lift
    it furthest.
    """
    known = {record.file: shows(record) for record in ground.records}
    places: dict[str, list[tuple[int, str]]] = {file: [] for file in ground.victims}
    for text, truth in phrases.items():
        candidates = ground.system.search(Query(text), k=K).candidates
        attacked = [candidate for candidate in candidates if file_of(candidate) in places]
        if len(attacked) == 1 and attacked[0].rank > 1 and known[file_of(attacked[0])] != truth:
            places[file_of(attacked[0])].append((-attacked[0].rank, text))
    for file, found in places.items():
        for _, text in sorted(found, key=lambda pair: pair[0])[:an_attack]:
            yield Case(ground.victims[file], place, text, text, file)


def query_cases(phrases: dict[str, Shows], an_attack: int, seed: int) -> Iterator[Case]:
    """Each attack behind `an_attack` queries drawn by lot."""
    texts, rng = list(phrases), np.random.default_rng(seed)
    for attack in read_attacks(place="query"):
        for row in rng.choice(len(texts), an_attack, replace=False):
            yield Case(attack, "query", attack.into_query(texts[row]), texts[row])


def truth_of(grounds: Sequence[Ground], phrases: dict[str, Shows]) -> Truth:
    """What every picture of the galleries shows, attacked or not."""
    return Truth.of([record for ground in grounds for record in ground.records], phrases)


def file_of(candidate: Candidate) -> str:
    """The name of a candidate's file in its data set."""
    return Path(candidate.path).name
