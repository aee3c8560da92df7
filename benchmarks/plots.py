"""PNG plots of results; matplotlib is imported late and draws without a display."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from runtime.files import atomic_path

SIZE, DPI = (7.0, 4.2), 110


@contextmanager
def figure(folder: Path, name: str, title: str) -> Iterator[tuple[Any, Path]]:
    """Yields (axes, path) and writes `folder`/`name`.png afterwards."""
    import matplotlib as mpl  # noqa: PLC0415

    mpl.use("Agg")
    from matplotlib import pyplot  # noqa: PLC0415

    drawn, axes = pyplot.subplots(figsize=SIZE, layout="constrained")
    axes.set_title(title)
    axes.grid(visible=True, alpha=0.3)
    path = folder / f"{name}.png"
    yield axes, path
    with atomic_path(path) as part:
        drawn.savefig(part, dpi=DPI, format="png", metadata={"Software": None})
    pyplot.close(drawn)


def plot_frontier(rows: Sequence[dict[str, Any]], folder: Path, *, name: str = "frontier") -> Path:
    """Quality against time: `rows` of {"name", "r1", "ms"}. The line joins those that nothing faster beats."""
    with figure(folder, name, "R@1 against the time of a query") as (axes, path):
        best = frontier(rows)
        axes.plot([r["ms"] for r in best], [r["r1"] for r in best], color="tab:gray", drawstyle="steps-post", zorder=1)
        for row in rows:
            axes.scatter(row["ms"], row["r1"], color="tab:blue" if row in best else "tab:gray", zorder=2)
            axes.annotate(row["name"], (row["ms"], row["r1"]), xytext=(4, 4), textcoords="offset points", fontsize=8)
        axes.set_xscale("log")
        axes.set_xlabel("ms a query")
        axes.set_ylabel("R@1")
    return path


def frontier(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows that no faster (or equally fast) one equals in R@1, fastest first."""
    kept: list[dict[str, Any]] = []
    for row in sorted(rows, key=lambda r: (r["ms"], -r["r1"])):
        if not kept or row["r1"] > kept[-1]["r1"]:
            kept.append(row)
    return kept


def plot_stages(stages: Sequence[dict[str, Any]], folder: Path, *, name: str = "latency_stages") -> Path:
    """One bar of stacked medians: `stages` of {"stage", "median_ms"}."""
    with figure(folder, name, "One query, stage by stage") as (axes, path):
        left = 0.0
        for stage in stages:
            axes.barh(0, stage["median_ms"], left=left, label=f"{stage['stage']} {stage['median_ms']:.2f} ms")
            left += stage["median_ms"]
        axes.set_yticks([])
        axes.set_xlabel("ms, medians")
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.15), ncols=3, fontsize=8)
    return path


def plot_cost(figures: dict[str, Any], folder: Path) -> list[Path]:
    """Ensemble size against time for both towers, and the upstream loop's way down to ours."""
    first = [row for row in figures["rows"] if row["threads"] == figures["threads"]]
    paths = []
    for tower in ("text", "image"):
        rows = [row for row in first if row["group"] == f"{tower}, folds"]
        with figure(folder, f"ensemble_size_{tower}", f"Read-out folds in one graph: one {tower}") as (axes, path):
            for precision in dict.fromkeys(row["precision"] for row in rows):
                line = [row for row in rows if row["precision"] == precision]
                axes.plot([r["folds"] for r in line], [r["median_ms"] for r in line], marker="o", label=precision)
            axes.set_ylim(bottom=0)
            axes.set_xlabel("folds")
            axes.set_ylabel("ms, median")
            axes.legend()
        paths.append(path)
    rows = [row for row in first if row["group"].startswith("text, from")]
    with figure(folder, "ladder_text", "One query, from the upstream loop to ours") as (
        axes,
        path,
    ):
        axes.barh([row["name"] for row in reversed(rows)], [row["median_ms"] for row in reversed(rows)])
        axes.set_xscale("log")
        axes.set_xlabel("ms, median")
    return [*paths, path]
