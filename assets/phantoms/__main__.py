"""`python -m assets.phantoms OUT --images 600 --seed 7`: writes a set of synthetic phantoms."""

import argparse
import sys
import time
from pathlib import Path

from .errors import PhantomError
from .layout import generate


def main(arguments: list[str] | None = None) -> int:
    """Runs the command line and returns its exit status: 0, or 2 with one sentence on stderr."""
    parser = argparse.ArgumentParser(prog="python -m assets.phantoms", description=__doc__)
    parser.add_argument("out", nargs="?", type=Path, help="folder to write; the same call again continues it")
    parser.add_argument("--images", type=int, default=600)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--workers", type=int, default=None, help="threads; the result does not depend on them")
    parser.add_argument("--force", action="store_true", help="replace another phantom set in OUT")
    parser.add_argument("--contact-sheet", type=Path, metavar="FILE", help="draw a labelled overview (.png or .jpg)")
    given = parser.parse_args(arguments)
    if given.out is None and given.contact_sheet is None:
        parser.error("give a folder OUT, or --contact-sheet FILE, or both")
    started = time.monotonic()
    try:
        if given.out is not None:
            generate(
                given.out,
                images=given.images,
                seed=given.seed,
                workers=given.workers,
                force=given.force,
                progress=_progress,
            )
            seconds = time.monotonic() - started
            print(f"\n{given.images} synthetic phantoms in {given.out}, {seconds:.1f} s")
        if given.contact_sheet is not None:
            from .sheet import save_contact_sheet

            save_contact_sheet(given.contact_sheet, given.seed)
            print(f"contact sheet: {given.contact_sheet}")
    except (PhantomError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\ninterrupted; the same command continues", file=sys.stderr)
        return 130
    return 0


def _progress(done: int, total: int) -> None:
    if done % 10 == 0 or done == total:
        print(f"\r{done}/{total} images", end="", flush=True)


if __name__ == "__main__":
    sys.exit(main())
