"""The README's figures, written from the results files: `python -m benchmarks figures` puts them in place."""

import argparse
import json
from pathlib import Path
from typing import Any

from runtime.errors import InvalidInputError
from runtime.files import write_text

from .carim.section import SECTIONS as CARIM_SECTIONS
from .cost_section import cost_section
from .ent.section import SECTIONS as ENT_SECTIONS
from .evaluation.ladder_section import ladder_section
from .headline import headline
from .judging.faults_section import judge_faults_section, judge_injection_section
from .judging.judges_section import fusion_missing_section, judge_order_section, judge_sweep_section
from .markdown import table as _table
from .nodule.section import nodule_section
from .pipeline import ROOT
from .quality_section import quality_section, training_section
from .results import FOLDER

START, END = "<!-- figures -->", "<!-- end of figures -->"
HEAD_START, HEAD_END = "<!-- headline -->", "<!-- end of headline -->"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("--readme", type=Path, default=ROOT / "README.md")


def run(args: argparse.Namespace) -> int:
    """Replaces what stands between the marks of the README."""
    text = args.readme.read_text("utf-8")
    for start, end, written in ((HEAD_START, HEAD_END, headline()), (START, END, figures())):
        if start not in text or end not in text:
            raise InvalidInputError(f"{args.readme}: expected the marks {start} and {end}")
        before, rest = text.split(start, 1)
        text = f"{before}{start}\n{written}\n{end}{rest.split(end, 1)[1]}"
    write_text(args.readme, text)
    return 0


def figures(folder: Path = FOLDER) -> str:
    """All sections whose results file is there, as Markdown."""
    sections = []
    for name, write in SECTIONS.items():
        path = folder / f"{name}.json"
        if path.is_file():
            result = json.loads(path.read_text("utf-8"))
            made = f"`{result['command']}` → [`{name}.json`](benchmarks/results/{name}.json), {result['date']}"
            sections.append(f"{write(result['figures'])}\n\n{made}")
    return "\n\n".join(sections)


def _tuxpaint(f: dict[str, Any]) -> str:
    heading = (
        "**Real pictures** (tuxpaint, 150 held out of 700, five seeds, relevance by caption text). Row level: "
        f"{_known(f)} of the held-out captions also stand in training. Grouped by caption: none does.\n"
    )
    rows = [
        [s["split"], s["trained_on"], s["language"], s["system"], *(f"{s[k]:.3f}" for k in ("r1", "r5", "r10", "mrr"))]
        for s in f["summary"]
    ]
    return heading + "\n" + _table(["split", "trained on", "queries", "system", "R@1", "R@5", "R@10", "MRR"], rows)


def _known(f: dict[str, Any]) -> str:
    counts = [row["captions_also_in_training"] for row in f["rows"] if row["split"] == "row"]
    return f"{min(counts)} to {max(counts)}"


def _phantoms(f: dict[str, Any]) -> str:
    heading = (
        f"**Synthetic phantoms**, {f['test_images']} images of {f['test_patients']} held-out patients, the shipped "
        "bundle's int8 weights, relevance by what was drawn (region, side, finding):\n"
    )
    rows = [
        [r["language"], r["region"], r["system"], str(r["queries"]), *(f"{r[k]:.3f}" for k in ("r1", "r5", "mrr"))]
        for r in f["rows"]
    ]
    t = f["side_table"]
    sides = [[f"asked {side}", *(str(t[side][c]) for c in ("left", "right", "another region"))] for side in t]
    return (
        f"{heading}\n{_table(['queries', 'region', 'system', 'n', 'R@1', 'R@5', 'MRR'], rows)}\n\n"
        f"First hits of queries about a side (wrong side in {f['side_confusion']:.1%}):\n\n"
        + _table(["", "left", "right", "another region"], sides)
        + "\n\n"
        + _gate(f["int8_gate"])
    )


def _gate(g: dict[str, Any]) -> str:
    changes = {
        name: g[key]
        for name, key in (
            ("R@1", "first_relevant_r1"),
            ("MRR", "first_relevant_mrr"),
            ("own image's MRR", "own_image_mrr"),
        )
    }
    said = "; ".join(f"{n} {c['fp32']:.4f} → {c['int8']:.4f} ({c['difference']:+.4f})" for n, c in changes.items())
    return (
        f"The gate of `--precision int8` on the same run: {g['gate']['queries']:,} queries over "
        f"{g['gate']['gallery']:,} phantoms of other patients; {said}; mean top-5 overlap "
        f"{g['top5_overlap']:.3f}. Passed: {g['passed']} "
        f"(text: {g['text']}; image: {g['image']})."
    )


def _vocalfolds(f: dict[str, Any]) -> str:
    return (
        f"**Real larynx frames** (vocalfolds): captions of held-out sequences over all {f['gallery']} frames, "
        f"each by the one fold that never saw the sequence: R@1 {f['r1']:.3f} (chance {f['chance_r1']:.3f}), R@10 "
        f"{f['r10']:.3f}, MRR {f['mrr']:.3f}; first hit in the right sequence {f['sequence_r1']:.3f}. Two patients and "
        "eight sequences are too few to learn larynges from, and it shows."
    )


def _latency(f: dict[str, Any]) -> str:
    heading = f"**One query** over {f['items']:,} items, encode + search, {f['threads']} threads, in one run:\n"
    first = f["rows"][0]["p50_ms"]
    rows = [[r["system"], f"{r['p50_ms']:.2f}", f"{r['p95_ms']:.2f}", f"{r['p50_ms'] / first:.0f}"] for r in f["rows"]]
    stages = ", ".join(f"{s['stage']} {s['median_ms']:.2f} ms" for s in f.get("stages", ()))
    ours = f"\n\nOurs by stage: {stages}." if stages else ""
    return f"{heading}\n" + _table(["system", "p50 ms", "p95 ms", "÷ ours"], rows) + ours


def _footprint(f: dict[str, Any]) -> str:
    size = f"{f['site_packages_mb']:.0f} MB, {f['core_mb']:.0f} MB without Gradio and google-genai"
    search = f"{f['search_wall_s']:.2f} s from start to answer on {f['gallery_items']} items"
    return (
        f"**Footprint**: the runtime environment takes {size}; the core imports in {f['import_s']:.2f} s; `search` "
        f"takes {search} and peaks at {f['search_peak_rss_mb']:.0f} MB."
    )


def _paper(f: dict[str, Any]) -> str:
    shared = f["certificate"]["shared"]
    once = f"{shared['image_blocks_shared']} image blocks and {shared['text_layers_shared']} text layers"
    return (
        f"**The paper recipe**, {f['folds']} folds from training to search on phantoms ({f['kind']}): largest "
        f"difference to torch {f['max_abs_difference']:.1e}; {once} stand once; "
        f"image graph {f['image_mb']:.0f} MB, text graph {f['text_mb']:.0f} MB."
    )


def _index(f: dict[str, Any]) -> str:
    """Of ours only what serves; the others stand in the results file."""
    others = ("ours exact", "ours folds", "ours graph")
    largest = max((r for r in f["rows"] if r["system"] == "ours auto"), key=lambda r: r["items"])
    heading = (
        f"**Search by size** ({f['data']}; queries of the same mixture, not among the rows; one thread): "
        f"{largest['items']:,} items in {largest['median_ms']:.2f} ms at recall@10 {largest['recall']:.3f}. Query time "
        f"grows with N^{f['query_exponent']:.2f}, building with N^{f['index_exponent']:.2f} "
        f"(N log N: N^{f['n_log_n_exponent']:.2f}).\n"
    )
    rows = [
        [
            f"{r['items']:,}",
            f"{r['system']} ({r['serves'].removeprefix('ours ')})" if "serves" in r else r["system"],
            *(f"{r['median_ms']:.2f}", f"{r['p95_ms']:.2f}", f"{r['recall']:.3f}", str(r.get("expansion", ""))),
            *(f"{r['index_cpu_s']:.1f}", f"{r['index_mb']:.0f}"),
        ]
        for r in f["rows"]
        if r["system"] not in others
    ]
    head = ["items", "system", "p50 ms", "p95 ms", "recall@10", "in view", "build, processor s", "MB"]
    return f"{heading}\n{_table(head, rows)}"


def _throughput(f: dict[str, Any]) -> str:
    pictures = ", ".join(f"{count} {name}" for name, count in f["pictures"].items())
    ratios = {"one after another": f["unpipelined_over_ours"], "Pillow + onnxruntime": f.get("plain_over_ours")}
    slower = ", ".join(f"{name} {r['ratio']:.2f} × as long" for name, r in ratios.items() if r)
    heading = (
        f"**Bulk encoding**, {f['folds']} folds, {f['precision']}, {f['cores_used']} cores, files to vectors "
        f"({pictures}): {slower}; one after another takes {f['cpu_unpipelined_over_ours']['ratio']:.2f} × the "
        "processor time.\n"
    )
    names = ("ours", "one after another", "Pillow")
    rows = [
        [r["variant"], f"{r['images_per_s']:.1f}", f"{r['cpu_ms_an_image']:.1f}"]
        for r in f["threads"]
        if r["variant"].startswith(names)
    ]
    t = f["texts"]
    texts = [[r["variant"], f"{r['texts_per_s']:.0f}", f"{r['cpu_ms_a_text']:.2f}"] for r in t["rows"]]
    jpegs = [
        [r["pictures"], f"{r['whole_over_reduced']:.1f}", f"{r['mean_cosine']:.5f}", f"{r['min_cosine']:.5f}"]
        for r in f["large_jpeg"]
    ]
    fastest = {name: max(r["images_per_s"] for r in part["rows"]) for name, part in f["gpu"].items() if "rows" in part}
    gpu = ", ".join(f"{name} {rate:,.0f} images/s" for name, rate in fastest.items()) or "none in this run"
    return (
        f"{heading}\n{_table(['images', 'images/s', 'processor ms an image'], rows)}\n\n"
        + _table(["texts, batches of 64", "texts/s", "processor ms a text"], texts)
        + "\n\nJPEGs of 12 megapixels, whole decoding ÷ reduced, and the cosine between their vectors:\n\n"
        + _table(["pictures", "time ÷", "mean", "least"], jpegs)
        + f"\n\nGPU: {gpu}."
    )


def _coldstart(f: dict[str, Any]) -> str:
    """The search beside `import torch`, then where a start goes."""
    low, high = f["over_import_torch_interval"]
    heading = (
        f"**Cold start**: `python -m runtime search` prints the first hit of {f['items']:,} items (random vectors) "
        f"{f['first_hit_s']:.2f} s after the process begins (p95 {f['first_hit_p95_s']:.2f}), "
        f"{f['over_import_torch']:.2f} [{low:.2f}, {high:.2f}] of what `import torch` takes "
        f"({f['import_torch_s']:.2f} s). Stage by stage:\n"
    )
    rows = [[r["stage"], f"{r['median_ms']:.0f}", f"{r['p95_ms']:.0f}"] for r in f["stages"]]
    return f"{heading}\n{_table(['stage', 'p50 ms', 'p95 ms'], rows)}"


def _session_options(f: dict[str, Any]) -> str:
    """Times over the defaults', a row a setting and a column a scenario."""
    scenarios = list(dict.fromkeys(r["scenario"] for r in f["rows"]))
    settings = list(dict.fromkeys(r["setting"] for r in f["rows"]))
    found = {(r["setting"], r["scenario"]): r for r in f["rows"]}
    rows = [[s, *(f"{found[s, c]['over_defaults']:.2f}" for c in scenarios)] for s in settings]
    pace = [str(round(found[s, scenarios[-1]]["neighbour_per_s"])) for s in settings]
    heading = "**Session settings**: time over the defaults' (text: spins, image: does not), each changed alone:\n"
    opening = ", ".join(f"{r['opening']} {r['median_ms']:.0f} ms ({r['file_mb']:.0f} MB)" for r in f["opening"])
    table = _table(["setting", *scenarios, "images/s there"], [[*row, n] for row, n in zip(rows, pace, strict=True)])
    return f"{heading}\n{table}\n\nOpening the text graph: {opening}."


SECTIONS = {
    "kger_tuxpaint": _tuxpaint,
    "kger_phantoms": _phantoms,
    "kger_vocalfolds": _vocalfolds,
    "nodule_retrieval": nodule_section,
    **ENT_SECTIONS,
    **CARIM_SECTIONS,
    "ensemble_cost": cost_section,
    "adapt_quality": quality_section,
    "training_cost": training_section,
    "fusion_ladder": ladder_section,
    "judge_order": judge_order_section,
    "fusion_missing": fusion_missing_section,
    "judge_sweep": judge_sweep_section,
    "judge_faults": judge_faults_section,
    "judge_injection": judge_injection_section,
    "kger_latency": _latency,
    "kger_footprint": _footprint,
    "kger_paper_path": _paper,
    "index_scale": _index,
    "throughput": _throughput,
    "coldstart": _coldstart,
    "session_options": _session_options,
}
