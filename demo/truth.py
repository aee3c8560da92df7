"""What the gallery itself knows of the right answer: the frames around relevant pictures."""

from collections import defaultdict
from collections.abc import Iterable

from runtime.dataset import caption_key
from runtime.gallery import Gallery, Item

ATTRIBUTES = ("class", "type")  # what the ENTRep layout says of an image: its region, and its finding


class Truth:
    """Relevance by caption and, where every item says it, by class and finding; read-only once made."""

    def __init__(self, items: Iterable[Item]) -> None:
        by_caption: dict[str, set[int]] = defaultdict(set)
        by_attributes: dict[tuple[str, ...], set[int]] = defaultdict(set)
        self._attributes: dict[int, tuple[str, ...]] = {}
        for item in items:
            for caption in item.captions:
                by_caption[caption_key(caption)].add(item.id)
            if all(item.metadata.get(name) for name in ATTRIBUTES):
                self._attributes[item.id] = tuple(str(item.metadata[name]) for name in ATTRIBUTES)
                by_attributes[self._attributes[item.id]].add(item.id)
        self._by_caption = dict(by_caption)
        self._by_attributes = dict(by_attributes)

    def of_text(self, text: str) -> frozenset[int] | None:
        """The items that bear this caption and those of the same class and finding; None where none bears it."""
        named = self._by_caption.get(caption_key(text))
        return self._with_peers(named) if named else None

    def of_item(self, item_id: int) -> frozenset[int]:
        """The item itself and those of the same class and finding."""
        return self._with_peers({item_id})

    def _with_peers(self, ids: set[int]) -> frozenset[int]:
        kinds = {self._attributes[i] for i in ids if i in self._attributes}
        return frozenset(ids.union(*(self._by_attributes[kind] for kind in kinds)))


def read_truth(gallery: Gallery) -> Truth:
    """The truth of every item in the gallery."""
    ids, _ = gallery.matrix()
    return Truth(gallery.items([int(i) for i in ids]))
