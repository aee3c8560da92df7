"""What a long step cost, measured once and kept beside what it made."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from runtime.files import write_json


@contextmanager
def kept_cost(path: Path) -> Iterator[dict[str, float]]:
    """Fills {index_s, index_cpu_s, peak_rss_mb} of the block, or what an earlier run has written to `path`.

    The block is run in both cases and finds its own work done in the second.
    """
    record: dict[str, float] = {}
    _forget_peak()
    wall, processor = time.perf_counter(), time.process_time()
    yield record
    if path.is_file():
        record |= json.loads(path.read_text("utf-8"))
        return
    record |= {"index_s": time.perf_counter() - wall, "index_cpu_s": time.process_time() - processor}
    if (peak := _peak_mb()) is not None:
        record["peak_rss_mb"] = peak
    write_json(path, record)


def _forget_peak() -> None:
    marker = Path("/proc/self/clear_refs")  # Linux forgets the peak of resident memory when asked
    if marker.exists():
        marker.write_text("5")


def _peak_mb() -> float | None:
    """Peak resident memory since it was forgotten, mapped pages of the matrix included, 10⁶ bytes; Linux only."""
    status = Path("/proc/self/status")
    lines = status.read_text("utf-8").splitlines() if status.is_file() else []
    return next((int(line.split()[1]) * 1024 / 1e6 for line in lines if line.startswith("VmHWM")), None)
