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
    "ent": "train the vector field of image-to-image retrieval",
    "nodule-data": "LIDC-IDRI's annotations over real or phantom CT, as a table of regions",
    "nodule": "train the encoder of lung nodules by size",
    "carim-build": "driving scenes from nuScenes, pictures, videos or JSON lines, with captions and elements",
    "carim-merge": "the shards of carim-build as one data folder, after every one was checked",
    "carim": "train the late interaction of driving scenes by text",
}
MODULES = {  # where the file has another name
    "nodule-data": "nodule.data_command",
    "nodule": "nodule.command",
    "carim-build": "carim.build.command",
    "carim-merge": "carim.build.merge_command",
    "carim": "carim.command",
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
            importlib.import_module(f".{MODULES.get(name, name)}", __package__).add_arguments(sub)
    args = parser.parse_args()
    module = MODULES.get(args.command, args.command)
    return run_command(lambda: importlib.import_module(f".{module}", __package__).run(args))


if __name__ == "__main__":
    sys.exit(main())
