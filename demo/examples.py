"""Examples and filters that the page offers, taken from the gallery itself."""

from collections.abc import Sequence
from dataclasses import dataclass

from runtime.gallery import Gallery, Item

from .pictures import picture

TEXTS, PICTURES = 8, 6
SAMPLE = 2000  # items looked at in a large gallery
FACETS = 12  # a key with more values than this is no list to choose from


@dataclass(frozen=True)
class Examples:
    """Query texts, items whose pictures serve as queries, and the filters as `key=value`."""

    texts: tuple[str, ...]
    pictures: tuple[Item, ...]
    filters: tuple[str, ...]


def choose_examples(gallery: Gallery) -> Examples:
    """Captions and pictures spread over the gallery's classes; the same gallery gives the same ones."""
    ids, _ = gallery.matrix()
    items = gallery.items([int(i) for i in ids[:: max(1, len(ids) // SAMPLE)]])
    kinds = spread(items, max(TEXTS, PICTURES))
    captions = [item.captions for item in kinds if item.captions][:TEXTS]
    # the last two in the last language of the item, which is Vietnamese where the data set has it
    texts = [c[0] for c in captions[: TEXTS - 2]] + [c[-1] for c in captions[TEXTS - 2 :]]
    pictures = [item for item in kinds if picture(item.path).source is not None]
    return Examples(tuple(dict.fromkeys(texts)), tuple(pictures[:PICTURES]), facets(gallery))


def spread(items: Sequence[Item], count: int) -> list[Item]:
    """`count` items, one of each class in turn, other findings than before first; plain order without classes."""
    chosen: list[Item] = []
    left = list(items)
    while left and len(chosen) < count:
        classes = [_of(item, "class") for item in chosen]
        types = {_of(item, "type") for item in chosen}
        best = min(left, key=lambda item: (classes.count(_of(item, "class")), _of(item, "type") in types))
        chosen.append(best)
        left.remove(best)
    return chosen


def facets(gallery: Gallery) -> tuple[str, ...]:
    """Filters `key=value` for every metadata key with two to `FACETS` values, the most frequent value first."""
    found: list[str] = []
    for key in gallery.metadata_keys():
        values = gallery.distinct_values(key, limit=FACETS + 1)
        if 2 <= len(values) <= FACETS:
            found += [f"{key}={value}" for value in values]
    return tuple(found)


def where(chosen: Sequence[str]) -> list[str]:
    """Filters for a search: several values of one key are alternatives, several keys must all hold.

    >>> where(["class=ear-left", "class=ear-right", "side=left"])
    ['class=ear-left|ear-right', 'side=left']
    """
    values: dict[str, list[str]] = {}
    for text in chosen:
        key, _, value = text.partition("=")
        values.setdefault(key, []).append(value.replace("|", "\\|"))
    return [f"{key}={'|'.join(alternatives)}" for key, alternatives in values.items()]


def _of(item: Item, key: str) -> str:
    return str(item.metadata.get(key, ""))
