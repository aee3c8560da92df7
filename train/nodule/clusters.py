"""Which annotations are of one nodule: up to four readers, merged with their spread."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .lidc import Annotation, Contour, Scan

READERS = 4
SHRINK = 0.9  # of the distance that joins two annotations, while a cluster has more than four


@dataclass(frozen=True, eq=False)
class Nodule:
    """One nodule as its readers saw it; `annotations` are ordered by diameter, at most four."""

    annotations: tuple[Annotation, ...]

    @property
    def scan(self) -> Scan:
        """The scan that shows it."""
        return self.annotations[0].scan

    @property
    def diameters_mm(self) -> tuple[float, ...]:
        """Each reader's diameter, ascending."""
        return tuple(a.diameter_mm for a in self.annotations)

    @property
    def diameter_mm(self) -> float:
        """The diameter that stands for the nodule: that of the reader in the middle (the lower of two)."""
        return self.typical.diameter_mm

    @property
    def spread_mm(self) -> float:
        """Largest minus smallest reader's diameter."""
        return self.diameters_mm[-1] - self.diameters_mm[0]

    @property
    def typical(self) -> Annotation:
        """The reader in the middle, whose largest outline names the slice."""
        return self.annotations[(len(self.annotations) - 1) // 2]

    def outlines(self, z_mm: float) -> list[Contour]:
        """Every reader's outlines on the slice at `z_mm`."""
        return [c for a in self.annotations for c in a.contours if abs(c.z_mm - z_mm) < 1e-3]


def merge_readers(annotations: Sequence[Annotation]) -> list[Nodule]:
    """Nodules by scan: annotations whose outlines come nearer than a slice's thickness are of one nodule.

    Where more than four hang together, the distance shrinks until none does; four of one reader cannot be told
    apart from four readers, as the database does not name them. Source: pylidc's cluster_annotations.
    """
    by_scan: dict[int, list[Annotation]] = defaultdict(list)
    for annotation in annotations:
        by_scan[annotation.scan.id].append(annotation)
    return [
        Nodule(tuple(sorted((members[i] for i in group), key=lambda a: (a.diameter_mm, a.id))))
        for members in by_scan.values()
        for group in _clusters(members)
    ]


def _clusters(members: Sequence[Annotation]) -> list[list[int]]:
    distances = _distances(members)
    reach = members[0].scan.thickness_mm
    groups = _connected(distances <= reach)
    while max(map(len, groups)) > READERS and reach > 1e-3:
        reach *= SHRINK
        groups = _connected(distances <= reach)
    # annotations that touch cannot be parted by distance
    return [group[i : i + READERS] for group in groups for i in range(0, len(group), READERS)]


def _distances(members: Sequence[Annotation]) -> NDArray[np.float64]:
    """(A, A) mm: least distance between two annotations' points; infinite where their boxes are far apart."""
    clouds = [_cloud(annotation) for annotation in members]
    far = members[0].scan.thickness_mm
    distances = np.full((len(members), len(members)), np.inf)
    np.fill_diagonal(distances, 0.0)
    for i, a in enumerate(clouds):
        for j in range(i):
            b = clouds[j]
            gap = np.maximum(np.maximum(a.min(0) - b.max(0), b.min(0) - a.max(0)), 0)
            if np.sqrt((gap**2).sum()) <= far:
                squared = ((a[:, None] - b[None]) ** 2).sum(-1)
                distances[i, j] = distances[j, i] = float(np.sqrt(squared.min()))
    return distances


def _cloud(annotation: Annotation) -> NDArray[np.float32]:
    # every second point: outlines are chains of neighbouring pixels
    spacing = annotation.scan.spacing_mm
    parts = [
        np.column_stack([c.points[::2] * spacing, np.full(len(c.points[::2]), c.z_mm)]) for c in annotation.contours
    ]
    return np.concatenate(parts).astype(np.float32)


def _connected(near: NDArray[np.bool_]) -> list[list[int]]:
    groups, left = [], set(range(len(near)))
    while left:
        group, front = [], [min(left)]
        left.discard(front[0])
        while front:
            i = front.pop()
            group.append(i)
            more = [j for j in np.flatnonzero(near[i]).tolist() if j in left]
            left.difference_update(more)
            front += more
        groups.append(sorted(group))
    return groups
