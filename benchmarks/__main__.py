"""`python -m benchmarks …`: every figure of the README has its command here."""

import argparse
import importlib
import sys

from runtime.entry import quiet_threads, run_command

COMMANDS = {
    "tuxpaint": "real pictures: single fold, ensemble, ridge (training environment)",
    "phantoms": "synthetic phantoms of held-out patients, by truth attributes (training environment)",
    "vocalfolds": "real larynx frames, leave one sequence out (training environment)",
    "latency": "one query over 10 000 items against ten torch models (training environment)",
    "footprint": "installed size, import time and memory of the runtime environment",
    "figures": "write the README's figures from the results files",
    "paper_path": "the paper recipe from training to search (training environment)",
}


def main() -> int:
    """Runs one benchmark; 2 after an error of ours, whose sentence goes to stderr."""
    quiet_threads()
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    chosen = sys.argv[1] if len(sys.argv) > 1 else ""
    for name, text in COMMANDS.items():
        sub = commands.add_parser(name, help=text)
        if name == chosen:  # some need torch, some must not
            importlib.import_module(f".{name}", __package__).add_arguments(sub)
    args = parser.parse_args()
    return run_command(lambda: importlib.import_module(f".{args.command}", __package__).run(args))


if __name__ == "__main__":
    sys.exit(main())
