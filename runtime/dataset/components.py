"""Connected components by union-find: who must stay together."""

from collections.abc import Hashable, Iterable


class Components:
    """`size` items, each alone at first; `join` puts two together, `labels` names each one's component."""

    def __init__(self, size: int) -> None:
        self._parent = list(range(size))

    def root(self, item: int) -> int:
        """The smallest item of the component that holds `item`."""
        while self._parent[item] != item:
            self._parent[item] = self._parent[self._parent[item]]
            item = self._parent[item]
        return item

    def join(self, a: int, b: int) -> None:
        """Makes one component of those of `a` and `b`."""
        low, high = sorted((self.root(a), self.root(b)))
        self._parent[high] = low

    def join_equal(self, keys: Iterable[tuple[int, Hashable]]) -> None:
        """Joins all items that share a key; an item may have several keys, or none."""
        first: dict[Hashable, int] = {}
        for item, key in keys:
            self.join(first.setdefault(key, item), item)

    def labels(self) -> list[int]:
        """For each item the smallest member of its component."""
        return [self.root(item) for item in range(len(self._parent))]
