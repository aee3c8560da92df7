"""`python -m assets.drive OUT --scenes 60 --text-scenes 2000 --seed 7`: writes the synthetic phantom drive."""

import argparse
import sys
import time
from pathlib import Path

from ..phantoms.errors import PhantomError
from .layout import generate


def main(arguments: list[str] | None = None) -> int:
    """Runs the command line and returns its exit status: 0, or 2 with one sentence on stderr."""
    parser = argparse.ArgumentParser(prog="python -m assets.drive", description=__doc__)
    parser.add_argument("out", type=Path, help="folder to write; the same call again continues it")
    parser.add_argument("--scenes", type=int, default=60, help="drawn scenes (drawn/)")
    parser.add_argument("--text-scenes", type=int, default=2000, help="scenes as text only (text/)")
    parser.add_argument("--seconds", type=float, default=20.0, help="length of a drawn scene")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--only", choices=("text", "drawn"), help="write one of the two parts")
    parser.add_argument("--ready", action="store_true", help="add rows.jsonl and frames/ to the drawn part")
    given = parser.parse_args(arguments)
    started = time.monotonic()
    try:
        done = generate(
            given.out,
            scenes=given.scenes,
            text_scenes=given.text_scenes,
            seconds=given.seconds,
            seed=given.seed,
            only=given.only,
            ready=given.ready,
            progress=_progress,
        )
    except (PhantomError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\ninterrupted; the same command continues", file=sys.stderr)
        return 130
    for part, counts in done.items():
        told = ", ".join(f"{number} {name}" for name, number in counts.items())
        print(f"{given.out / part} (synthetic): {told}")
    print(f"{time.monotonic() - started:.1f} s")
    return 0


def _progress(done: int, total: int) -> None:
    print(f"\r{done}/{total} scenes drawn", end="" if done < total else "\n", flush=True)


if __name__ == "__main__":
    sys.exit(main())
