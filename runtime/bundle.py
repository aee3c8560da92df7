"""The bundle: the folder that export writes and the runtime reads. This file alone knows its layout.

manifest.json and the system's files (FILES_OF). Every file stands in the manifest with its SHA-256 and
size; a tower that another bundle already stores is pointed to by a relative path and the same hash.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from .errors import BundleError, BundleNotFoundError
from .files import atomic_path, sha256_file, write_json
from .preprocess import Preprocessing

SCHEMA_VERSION = 1
MANIFEST = "manifest.json"
IMAGE_MODEL, TEXT_MODEL, TOKENIZER = "image.onnx", "text.onnx", "tokenizer.json"
FIELD_MODEL = "field.onnx"
TOKENS_MODEL = "tokens.onnx"  # continues another bundle's text.onnx: their bytes one after the other are one graph
FILES = (IMAGE_MODEL, TEXT_MODEL, TOKENIZER)
FILES_OF = {
    "kger": FILES,
    "ent": (IMAGE_MODEL, FIELD_MODEL),
    "carim": (TEXT_MODEL, TOKENIZER, TOKENS_MODEL),
}  # system → what its bundle must hold
EXPORT_COMMAND = "python -m export kger RUN --out BUNDLE"


@dataclass(frozen=True)
class StoredFile:
    """A file of the bundle: SHA-256, size in bytes, and its path relative to the bundle's folder."""

    sha256: str
    size_bytes: int
    path: str


@dataclass(frozen=True)
class Manifest:
    """What a bundle says of itself. `certificate` is the parity report of export; `training` its provenance."""

    system: str
    recipe: str
    precision: str
    folds: int
    dims: int
    max_tokens: int
    preprocessing: Preprocessing
    files: Mapping[str, StoredFile] = field(default_factory=dict)
    inputs: Mapping[str, Any] = field(default_factory=dict)
    outputs: Mapping[str, Any] = field(default_factory=dict)
    certificate: Mapping[str, Any] = field(default_factory=dict)
    training: Mapping[str, Any] = field(default_factory=dict)
    licences: Mapping[str, str] = field(default_factory=dict)
    schema_version: int = SCHEMA_VERSION

    @property
    def fingerprint(self) -> str:
        """SHA-256 over all that decides a vector's value: models, tokenizer, preprocessing, token limit."""
        deciding = {
            "files": {name: entry.sha256 for name, entry in sorted(self.files.items())},
            "preprocessing": self.preprocessing.to_json(),
            "max_tokens": self.max_tokens,
        }
        return hashlib.sha256(json.dumps(deciding, sort_keys=True).encode()).hexdigest()

    @classmethod
    def from_json(cls, value: dict[str, Any], where: Path) -> "Manifest":
        """From a parsed manifest.json; raises BundleError for an unknown schema version or a missing key."""
        version = value.get("schema_version")
        if version != SCHEMA_VERSION:
            raise BundleError(
                f"{where}: schema version {version!r}, this runtime reads {SCHEMA_VERSION}; "
                f"export the run again: {EXPORT_COMMAND}"
            )
        try:
            known = {name: value[name] for name in cls.__dataclass_fields__}
            known["preprocessing"] = Preprocessing.from_json(value["preprocessing"])
            known["files"] = {name: StoredFile(**entry) for name, entry in value["files"].items()}
            return cls(**known)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise BundleError(f"{where}: incomplete manifest ({error}); export again: {EXPORT_COMMAND}") from error


class Bundle:
    """A bundle on disk whose files have been checked against the manifest."""

    def __init__(self, folder: Path, manifest: Manifest) -> None:
        self.folder = folder
        self.manifest = manifest

    @classmethod
    def open(cls, folder: Path) -> "Bundle":
        """Reads the manifest and checks every file's size and SHA-256 before anything is loaded.

        Raises BundleNotFoundError without a manifest, BundleError for a damaged or foreign one.
        """
        where = folder / MANIFEST
        if not where.is_file():
            raise BundleNotFoundError(
                f"{folder}: no bundle here (no {MANIFEST}); give a folder that `{EXPORT_COMMAND}` wrote"
            )
        try:
            value = json.loads(where.read_text("utf-8"))
        except (ValueError, OSError) as error:
            raise BundleError(f"{where}: not readable as JSON ({error}); export again: {EXPORT_COMMAND}") from error
        if not isinstance(value, dict):
            raise BundleError(f"{where}: expected a JSON object; export again: {EXPORT_COMMAND}")
        bundle = cls(folder, Manifest.from_json(value, where))
        problems = bundle.problems()
        if problems:
            raise BundleError(f"{problems[0]}; export again: {EXPORT_COMMAND}")
        return bundle

    @classmethod
    def write(
        cls, folder: Path, manifest: Manifest, sources: Mapping[str, Path], shared: Mapping[str, Path] | None = None
    ) -> "Bundle":
        """Copies `sources` (name → file) into `folder`, hashes them, writes the manifest last.

        `shared` are files of another bundle: pointed to where that lies beside `folder`, copied where it does not.
        """
        stored, sources = {}, dict(sources)
        for name, source in (shared or {}).items():
            if source.resolve().is_relative_to(folder.resolve().parent):
                where = Path(os.path.relpath(source.resolve(), folder.resolve())).as_posix()
                stored[name] = StoredFile(sha256_file(source), source.stat().st_size, where)
            else:
                sources[name] = source
        for name, source in sources.items():
            with atomic_path(folder / name) as part:
                shutil.copyfile(source, part)
            target = folder / name
            stored[name] = StoredFile(sha256_file(target), target.stat().st_size, name)
        complete = Manifest(**{**vars(manifest), "files": stored})
        write_json(folder / MANIFEST, asdict(complete))
        return cls(folder, complete)

    def path(self, name: str) -> Path:
        """Where the file `name` lies: in the bundle, or in a neighbour of it that shares the tower."""
        entry = self.manifest.files.get(name)
        if entry is None:
            raise BundleError(f"{self.folder}: the manifest lists no {name}; export again: {EXPORT_COMMAND}")
        target = (self.folder / entry.path).resolve()
        if not target.is_relative_to(self.folder.resolve().parent):
            raise BundleError(
                f"{self.folder}: {name} points outside the folder of bundles ({entry.path}); "
                f"export again: {EXPORT_COMMAND}"
            )
        return target

    def problems(self) -> list[str]:
        """A sentence for every file that is missing, of another size, or of another content than stated."""
        found = []
        for name in FILES_OF.get(self.manifest.system, FILES):
            path = self.path(name)
            entry = self.manifest.files[name]
            if not path.is_file():
                found.append(f"{path}: missing")
            elif path.stat().st_size != entry.size_bytes:
                found.append(f"{path}: {path.stat().st_size} bytes, the manifest says {entry.size_bytes}")
            elif sha256_file(path) != entry.sha256:
                found.append(f"{path}: its SHA-256 is not the manifest's; the file was damaged or changed")
        return found
