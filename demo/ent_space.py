"""A gallery along the flow, for the ENT panel: every item's vector by the tower and at t = 0, 0.1 … 1."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from runtime.bundle import Bundle
from runtime.dataset import Record, duplicate_labels, read_signatures
from runtime.encoder import DualEncoder
from runtime.ensemble import stack_folds
from runtime.ent.flow import FlowGraph
from runtime.errors import GalleryError
from runtime.gallery import Gallery, Item
from runtime.images import read_image

Floats = NDArray[np.float32]
MOST = 1000  # a larger gallery is not moved whole for a slider: eleven vectors an item are kept
LOOKED_AT = 20  # the nearest by the tower, among which near-duplicates of the query are looked for


@dataclass(frozen=True, eq=False)
class Asked:
    """A query: its file, its item where it is one of the gallery, its row (D,) by the tower and (11, D) along the flow.

    `copies` are the positions in the gallery of its own picture and of near-duplicates of it: they never answer.
    """

    path: Path
    item_id: int | None
    raw: Floats
    moved: Floats
    copies: frozenset[int]


@dataclass(frozen=True)
class Near:
    """One neighbour: its position among the rows, its cosine, and its place by the tower alone."""

    position: int
    cosine: float
    tower_place: int


class EntSpace:
    """The first 1000 items of a gallery as rows (N, D) of the tower and (N, 11, D) along the flow."""

    def __init__(self, flow: FlowGraph, gallery: Gallery) -> None:
        """Moves the whole gallery; raises GalleryError where it holds fewer than two items."""
        ids, rows = gallery.matrix()
        if len(ids) < 2:
            raise GalleryError(f"{gallery.folder}: {len(ids)} items; neighbours need two or more")
        self.ids = [int(i) for i in ids[:MOST]]
        self.raw: Floats = np.array(rows[:MOST])
        items = gallery.items(self.ids)
        self.paths = [Path(item.path) for item in items]
        self.classes = [named(item) for item in items]
        self.moved = flow.path(self.raw)
        self._flow = flow

    def item(self, item_id: int) -> Asked:
        """An item of the gallery as the query."""
        i = self.ids.index(item_id)
        return Asked(self.paths[i], item_id, self.raw[i], self.moved[i], self._copies(self.paths[i], self.raw[i]))

    def file(self, path: Path, encoder: DualEncoder) -> Asked:
        """A picture of one's own as the query; raises ImageDecodeError where it cannot be read."""
        raw = stack_folds(encoder.encode_images([read_image(path)]))
        return Asked(path, None, raw[0], self._flow.path(raw)[0], self._copies(path, raw[0]))

    def nearest(self, asked: Asked, t: float | None, k: int) -> list[Near]:
        """The k nearest at time t of the flow, to the next tenth, or by the tower alone where t is None."""
        tower = self._order(self.raw @ asked.raw, asked.copies)
        places = {position: place for place, position in enumerate(tower, start=1)}
        step = None if t is None else round(10 * t)
        cosines = self.raw @ asked.raw if step is None else self.moved[:, step] @ asked.moved[step]
        return [Near(i, float(cosines[i]), places[i]) for i in self._order(cosines, asked.copies)[:k]]

    def right(self, t: float | None, k: int) -> NDArray[np.int64]:
        """(N,) how many of each item's k nearest share its class, itself left out; t as in `nearest`."""
        rows = self.raw if t is None else self.moved[:, round(10 * t)]
        cosines = rows @ rows.T
        np.fill_diagonal(cosines, -2)
        names = np.array([str(name) for name in self.classes])
        near = np.argsort(-cosines, axis=1, kind="stable")[:, : min(k, len(names) - 1)]
        counts: NDArray[np.int64] = (names[near] == names[:, None]).sum(1)
        return counts

    def _order(self, cosines: Floats, left_out: frozenset[int]) -> list[int]:
        order = np.lexsort((np.arange(len(cosines)), -cosines)).tolist()
        return [i for i in order if i not in left_out]

    def _copies(self, path: Path, raw: Floats) -> frozenset[int]:
        near = self._order(self.raw @ raw, frozenset())[:LOOKED_AT]
        files = [path, *(self.paths[i] for i in near)]
        labels = duplicate_labels(read_signatures([Record(str(i), file) for i, file in enumerate(files)]))
        own = {i for i, known in enumerate(self.paths) if known == path}
        return frozenset(own | {i for i, label in zip(near, labels[1:], strict=True) if label == 0})


@lru_cache(maxsize=2)
def open_space(bundle: Path, folder: Path, generation: int) -> EntSpace:
    """The gallery in `folder` along the flow of the ent bundle; `generation` is the gallery's, so that it is current.

    Raises GalleryError where another image tower made the gallery.
    """
    opened = Bundle.open(bundle)
    own = {opened.manifest.fingerprint, opened.manifest.training.get("tower", {}).get("fingerprint")}
    with Gallery.open(folder) as gallery:
        if gallery.info.fingerprint not in own:
            raise GalleryError(
                f"The gallery {folder} was made by another image tower than that of {bundle}; "
                "start the app with the bundle whose tower the field was trained on."
            )
        return EntSpace(FlowGraph.of(opened, provider="cpu"), gallery)


def named(item: Item) -> str | None:
    """The item's class, None where the gallery names none."""
    kind = item.metadata.get("class")
    return None if kind is None else str(kind)
