"""`python -m benchmarks …`: every figure of the README has its command here."""

import argparse
import importlib
import json
import sys
from pathlib import Path
from types import ModuleType

from runtime.entry import quiet_threads, run_command

COMMANDS = {
    "tuxpaint": "real pictures: single fold, ensemble, ridge (training environment)",
    "phantoms": "synthetic phantoms of held-out patients, by truth attributes (training environment)",
    "vocalfolds": "real larynx frames, leave one sequence out (training environment)",
    "ent": "image to image by the vector field: phantoms, real frames, time (training environment)",
    "latency": "one query over 10 000 items, stage by stage, against ten torch models (training environment)",
    "cost": "ten folds against one, ten sessions, torch and peers, with floors (training environment)",
    "training": "what ten folds cost to train beside one (training environment)",
    "quality": "heads, read-out, LoRA, unfrozen blocks, soup and student on the same splits (training environment)",
    "evaluate": "a ladder of systems, a folder of your own, or TREC files: measures, intervals, tests, a report "
    "(training environment)",
    "tune": "a fusion and its confidence, tuned out of fold on a folder's own captions (training environment)",
    "judges": "simulated judge on synthetic phantoms: shuffles, missing answers, where it helps or harms "
    "(training environment)",
    "faults": "hostile replies through the parser; a judged batch killed and continued (loopback judge)",
    "injection": "instructions hidden in pictures, queries and captions, against a loopback judge that obeys",
    "throughput": "bulk encoding: images/s by threads against plain loops, texts/s by batching; a GPU's rows",
    "index": "search from 1k to 1M vectors, beside faiss, hnswlib and numpy (training environment)",
    "footprint": "installed size, import time and memory of the runtime environment",
    "coldstart": "process start to first hit, gallery of 10 000, against `import torch` alone (both environments)",
    "sessions": "session settings: threads, spinning, arena, graph level; alone and beside a busy neighbour",
    "nodule": "lung nodules by size: phantom CT of held-out patients (training environment)",
    "carim": "driving scenes by text: the phantom drive against no training, and what a query costs "
    "(training environment)",
    "figures": "write the README's figures from the results files",
    "paper_path": "the paper recipe from training to search (training environment)",
    "all": "every benchmark in order, each in a process of its own",
}
MODULES = {  # where the file has another name
    "cost": "ensemble_cost",
    "ent": "ent.command",
    "all": "every",
    "evaluate": "evaluation.evaluate",
    "tune": "evaluation.tune",
    "judges": "judging.judges",
    "faults": "judging.judge_faults",
    "injection": "judging.judge_injection",
    "nodule": "nodule.retrieval",
    "carim": "carim.command",
}
PLOTS = Path(__file__).parent / "plots"


def main() -> int:
    """Runs one benchmark; 2 after an error of ours, whose sentence goes to stderr."""
    quiet_threads()
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    chosen = sys.argv[1] if len(sys.argv) > 1 else ""
    for name, text in COMMANDS.items():
        sub = commands.add_parser(name, help=text)
        if name == chosen:  # some need torch, some must not
            _module(name).add_arguments(sub)
            _add_outputs(sub)
    args = parser.parse_args()
    return run_command(lambda: _run(_module(args.command), args))


def _module(command: str) -> ModuleType:
    return importlib.import_module(f".{MODULES.get(command, command)}", __package__)


def _add_outputs(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", type=Path, help="write what stands in the results file here, too")
    parser.add_argument("--plot", type=Path, nargs="?", const=PLOTS, help=f"draw PNGs (default: {PLOTS.name}/)")


def _run(module: ModuleType, args: argparse.Namespace) -> int:
    code: int = module.run(args)
    from .results import SAVED

    for path in SAVED:
        if args.json:
            from runtime.files import write_text

            write_text(args.json, path.read_text("utf-8"))
        if args.plot and hasattr(module, "plot"):
            for picture in module.plot(json.loads(path.read_text("utf-8"))["figures"], args.plot):
                print(picture)
    return code


if __name__ == "__main__":
    sys.exit(main())
