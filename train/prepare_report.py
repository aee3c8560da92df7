"""What `prepare` found: counts, what was left out, what is shared, and what the split would leak."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from runtime.dataset import Dataset, Signatures, caption_key, duplicate_labels
from runtime.errors import DatasetError

from .folds import Folds, caption_rows, make_folds

SCHEMA_VERSION = 1


def describe(
    read: Dataset,
    dataset: Dataset,
    *,
    signatures: Signatures,
    groups: Sequence[str],
    folds: Folds | None,
    impossible: DatasetError | None,
) -> dict[str, Any]:
    """The report as JSON-ready values.

    `read` is the data set as read, with its `signatures`; `dataset` and `groups` are without the
    images that cannot be decoded; `folds` is None where the split was `impossible`.
    """
    return {
        "schema_version": SCHEMA_VERSION,
        "data": str(read.root),
        "dataset_sha256": dataset.fingerprint,
        "images": len(dataset.records),
        "bad_images": signatures.bad,
        "problems": list(read.problems),
        "captions": _captions(dataset),
        "groups": {"own": len({r.group for r in dataset.records} - {None}), "with_duplicates": len(set(groups))},
        "duplicates": _duplicates(read, signatures),
        "sizes": _sizes(signatures),
        "classes": dict(Counter(str(r.metadata.get("class", "none")) for r in dataset.records).most_common()),
        "queries": {"text": len(dataset.text_queries), "image": len(dataset.image_queries)},
        "split": _split(dataset, groups, folds, impossible),
        "row_split_leaks": _row_split_leaks(dataset, groups, folds),
    }


def _captions(dataset: Dataset) -> dict[str, int]:
    images = Counter(key for r in dataset.records for key in {caption_key(c) for c in r.captions})
    return {
        "rows": len(caption_rows(dataset)),
        "distinct": len(images),
        "shared_by_several_images": sum(count > 1 for count in images.values()),
        "images_without": sum(not r.captions for r in dataset.records),
        "images_with_several": sum(len(r.captions) > 1 for r in dataset.records),
        "vietnamese": sum(len(r.captions_vi) for r in dataset.records),
        "images_without_vietnamese": sum(not r.captions_vi for r in dataset.records),
    }


def _duplicates(dataset: Dataset, signatures: Signatures) -> dict[str, Any]:
    contents = Counter(digest for digest in signatures.sha256 if digest)
    members: dict[int, list[str]] = {}
    for label, record in zip(duplicate_labels(signatures), dataset.records, strict=True):
        members.setdefault(label, []).append(record.file)
    sets = [files for files in members.values() if len(files) > 1]
    return {"same_content": sum(n - 1 for n in contents.values()), "look_alike_sets": sets}


def _sizes(signatures: Signatures) -> dict[str, int]:
    sizes = Counter(f"{width}x{height}" for width, height in signatures.sizes.tolist() if width)
    return dict(sizes.most_common(10))


def _split(
    dataset: Dataset, groups: Sequence[str], folds: Folds | None, impossible: DatasetError | None
) -> dict[str, Any]:
    if folds is None:
        return {"error": str(impossible)}
    rows = caption_rows(dataset)
    return {
        "by": folds.by,
        "seed": folds.seed,
        "images_per_fold": [len(files) for files in folds.files],
        "rows_per_fold": [len(folds.held_out(rows, k)) for k in range(len(folds))],
        "leaks": leaks(dataset, groups, folds),
    }


def _row_split_leaks(dataset: Dataset, groups: Sequence[str], folds: Folds | None) -> dict[str, int] | None:
    count = len(folds) if folds else 10
    if len(caption_rows(dataset)) < count:
        return None
    return leaks(dataset, groups, make_folds(dataset, folds=count, by="row"))


def leaks(dataset: Dataset, groups: Sequence[str], folds: Folds) -> dict[str, int]:
    """Held-out rows, over all folds, whose image, group or caption also stands on the training side."""
    rows = caption_rows(dataset)
    group_of = {record.file: group for record, group in zip(dataset.records, groups, strict=True)}
    keys = {
        "image": [file for file, _ in rows],
        "group": [group_of[file] for file, _ in rows],
        "caption": [caption_key(caption) for _, caption in rows],
    }
    counts = dict.fromkeys(keys, 0)
    for k in range(len(folds)):
        out = set(folds.held_out(rows, k))
        for name, values in keys.items():
            trained = {value for i, value in enumerate(values) if i not in out}
            counts[name] += sum(values[i] in trained for i in out)
    return {"rows": len(rows)} | counts


def to_markdown(report: dict[str, Any], *, most: int = 50) -> str:
    """The report to read; at most `most` lines of each list, the rest is in report.json."""
    captions, groups, duplicates = report["captions"], report["groups"], report["duplicates"]
    look_alikes = duplicates["look_alike_sets"]
    facts = {
        "images": f"{report['images']} readable, {len(report['bad_images'])} not",
        "captions": f"{captions['rows']}, distinct {captions['distinct']}",
        "captions that several images share": captions["shared_by_several_images"],
        "images without a caption": captions["images_without"],
        "images with several captions": captions["images_with_several"],
        "Vietnamese captions": captions["vietnamese"],
        "images without a Vietnamese caption": captions["images_without_vietnamese"],
        "groups named by the data set": groups["own"],
        "groups with duplicates joined (an image alone is one)": groups["with_duplicates"],
        "files that repeat another's content": duplicates["same_content"],
        "sets of look-alikes": len(look_alikes),
        "classes": _counts(report["classes"]),
        "sizes": _counts(report["sizes"]),
        "queries": f"{report['queries']['text']} phrases, {report['queries']['image']} images",
    }
    lines = [
        f"# {report['data']}",
        "",
        *(f"- {name}: {value}" for name, value in facts.items()),
        "",
        *_split_lines(report),
        *_listed("Images that cannot be read", [f"{f}: {why}" for f, why in report["bad_images"].items()], most),
        *_listed("Rows with a problem", report["problems"], most),
        *_listed("Look-alikes, kept together", [", ".join(files) for files in look_alikes], most),
    ]
    return "\n".join(lines).rstrip() + "\n"


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items()) or "none"


def _split_lines(report: dict[str, Any]) -> list[str]:
    split = report["split"]
    if "error" in split:
        return ["## Split", "", f"none was made: {split['error']}", ""]
    lines = [
        f"## Split by {split['by']}, seed {split['seed']}",
        "",
        f"- images per fold: {', '.join(map(str, split['images_per_fold']))}",
        f"- captions per fold: {', '.join(map(str, split['rows_per_fold']))}",
        f"- held-out captions that training sees too: {_leak_words(split['leaks'])}",
    ]
    if split["by"] != "row" and (leak := report["row_split_leaks"]):
        lines.append(f"- the published row split would leak: {_leak_words(leak)}")
    elif split["by"] == "row":
        lines.append("- WARNING: a row split measures recall of what was trained on; use --split group")
    return [*lines, ""]


def _leak_words(leak: dict[str, int]) -> str:
    return f"by image {leak['image']}, by group {leak['group']}, by caption text {leak['caption']} of {leak['rows']}"


def _listed(title: str, items: Sequence[str], most: int) -> list[str]:
    if not items:
        return []
    rest = [f"- … and {len(items) - most} more in report.json"] if len(items) > most else []
    return [f"## {title}: {len(items)}", "", *(f"- {item}" for item in items[:most]), *rest, ""]
