"""`python -m export …`."""

import argparse
import sys

from runtime.entry import quiet_threads, run_command

quiet_threads()
from . import carim, distil, ent, kger, nodule  # noqa: E402  they import torch


def main() -> int:
    """Runs the chosen export; 2 after an error of ours, whose sentence goes to stderr."""
    parser = argparse.ArgumentParser(prog="python -m export", description="Trained folds to an ONNX bundle.")
    commands = parser.add_subparsers(dest="command", required=True)
    kger.add_arguments(commands.add_parser("kger", help="text and image to image, ten folds"))
    distil.add_arguments(commands.add_parser("distil", help="one student of all folds"))
    ent.add_arguments(commands.add_parser("ent", help="image to image: a vector field on an image tower"))
    nodule.add_arguments(commands.add_parser("nodule", help="questions about size to lung nodules"))
    carim.add_arguments(commands.add_parser("carim", help="text to driving scenes, on another bundle's text tower"))
    args = parser.parse_args()
    modules = {"kger": kger, "distil": distil, "ent": ent, "nodule": nodule, "carim": carim}
    return run_command(lambda: modules[args.command].run(args))


if __name__ == "__main__":
    sys.exit(main())
