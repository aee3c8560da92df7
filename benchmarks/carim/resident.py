"""What of a process stands in memory: its own pages, and pages of files that it has mapped."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Resident:
    """10⁶ bytes: `own_mb` are the process's; `mapped_mb` the system may take back, since a file holds them."""

    own_mb: float
    mapped_mb: float

    def __sub__(self, other: "Resident") -> "Resident":
        return Resident(self.own_mb - other.own_mb, self.mapped_mb - other.mapped_mb)


def resident() -> Resident | None:
    """Of this process, now; None where the system is not Linux."""
    rollup = Path("/proc/self/smaps_rollup")
    if not rollup.is_file():
        return None
    lines = [line.split() for line in rollup.read_text("utf-8").splitlines()[1:]]
    kib = {line[0].rstrip(":"): int(line[1]) for line in lines if len(line) == 3}
    own = kib["Anonymous"]
    return Resident(own * 1024 / 1e6, (kib["Rss"] - own) * 1024 / 1e6)
