"""`python -m export …`."""

import argparse
import sys

from runtime.errors import KgerError

from . import kger


def main() -> int:
    """Runs the chosen export; 2 after an error of ours, whose sentence goes to stderr."""
    parser = argparse.ArgumentParser(prog="python -m export", description="Trained folds to an ONNX bundle.")
    commands = parser.add_subparsers(dest="command", required=True)
    kger.add_arguments(commands.add_parser("kger", help="text and image to image, ten folds"))
    args = parser.parse_args()
    try:
        return kger.run(args)
    except KgerError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
