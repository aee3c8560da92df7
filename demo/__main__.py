"""`python -m demo` starts the app; `python -m demo space OUT` assembles a Hugging Face Space."""

import argparse
import logging
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tqdm import tqdm

ROOT = Path(__file__).resolve().parent.parent


def main(arguments: list[str] | None = None) -> int:
    """Runs one command. Exit code 0, or 2 with one sentence on stderr."""
    # before the imports that read them
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    from runtime.errors import KgerError

    given = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    try:
        if given.command == "space":
            from .space import assemble

            assemble(given.out, given.bundle)
            print(f"{given.out} is ready: `cd {given.out} && python app.py`, or push it as a Space")
            return 0
        return _serve(given)
    except (KgerError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nstopped; the same command continues where this one ended", file=sys.stderr)
        return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m demo", description=__doc__)
    add = parser.add_argument
    add("--bundle", type=Path, default=ROOT / "assets" / "bundles" / "kger", help="bundle (default: the shipped one)")
    add("--gallery", type=Path, help="an existing gallery, or where --data is indexed to")
    add("--data", type=Path, help="your own ENTRep folder, table or folder of images, instead of phantoms")
    add("--cache", type=Path, default=ROOT / ".cache" / "demo", help="where phantoms and galleries are kept")
    add("--carim", type=Path, help="folder with rows.jsonl for the panel of driving scenes, instead of a drawn drive")
    add("--record", type=Path, help="file of Gemini's replies: written by Gemini, read by replay")
    add("--host", default="127.0.0.1", help="address to listen on (default: 127.0.0.1, this machine only)")
    add("--port", type=int, default=7860)
    add("--share", action="store_true", help="a public link through Gradio's servers (off by default)")
    add("--auth", metavar="USER:PASSWORD", type=_auth, help="ask visitors for a name and a password")
    commands = parser.add_subparsers(dest="command", metavar="{space}")
    space = commands.add_parser("space", help="assemble a folder that runs as a Hugging Face Space")
    # the same option, accepted after the command's name too
    space.add_argument("--bundle", type=Path, default=argparse.SUPPRESS, help="bundle to ship")
    space.add_argument("out", type=Path, metavar="OUT", help="new or empty folder")
    return parser


def _auth(text: str) -> tuple[str, str]:
    user, colon, password = text.partition(":")
    if not (user and colon and password):
        raise argparse.ArgumentTypeError("expected USER:PASSWORD")
    return user, password


def _serve(given: argparse.Namespace) -> int:
    from runtime.encoder import open_encoder
    from runtime.gallery import Gallery

    from .first_start import Places, Preparation

    # what is missing from the start is best read in the terminal
    encoder = open_encoder(given.bundle)
    if given.gallery is not None and given.data is None:
        Gallery.open(given.gallery, fingerprint=encoder.fingerprint).close()
    if given.carim is not None:
        from runtime.carim.rows import read_rows

        read_rows(given.carim)
    from .app import build, launch

    bar = _TerminalProgress()
    preparation = Preparation(encoder, Places(given.cache, given.data, given.gallery), report=bar)
    page = build(preparation, given.record, given.cache / "nodule", given.cache / "carim", given.carim)
    try:
        launch(
            page,
            host=given.host,
            port=given.port,
            share=given.share,
            auth=given.auth,
            served=preparation.start,
        )
    finally:
        preparation.stop()
    return 0


class _TerminalProgress:
    """One progress bar a stage."""

    def __init__(self) -> None:
        self._stage = ""
        self._bar: tqdm[None] | None = None

    def __call__(self, stage: str, done: int, total: int) -> None:
        from tqdm import tqdm

        if stage != self._stage:
            self._stage = stage
            if self._bar is not None:
                self._bar.close()
            self._bar = tqdm(total=total, desc=stage, unit="img") if total else None
        if self._bar is not None:
            self._bar.update(done - self._bar.n)


if __name__ == "__main__":
    sys.exit(main())
