"""`python -m train …`."""

import argparse
import importlib
import logging
import sys

from runtime.entry import quiet_threads, run_command

COMMANDS = {
    "prepare": "read, check, group and split a data set; write its tables and a report",
    "fetch": "download and safely unpack an archive of test images",
    "kger": "train the folds of the text and image encoder",
}


def main() -> int:
    """Runs one command; 2 after an error of ours, whose sentence goes to stderr."""
    quiet_threads()
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    parser = argparse.ArgumentParser(prog="python -m train", description="Data preparation and training.")
    commands = parser.add_subparsers(dest="command", required=True)
    chosen = sys.argv[1] if len(sys.argv) > 1 else ""
    for name, text in COMMANDS.items():
        sub = commands.add_parser(name, help=text)
        if name == chosen:  # torch is imported only by the commands that need it
            importlib.import_module(f".{name}", __package__).add_arguments(sub)
    args = parser.parse_args()
    return run_command(lambda: importlib.import_module(f".{args.command}", __package__).run(args))


if __name__ == "__main__":
    sys.exit(main())
