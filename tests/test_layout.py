"""The rules of the house, read from the source: who may import whom, and what never stands in shipped code."""

import ast
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.__main__ import COMMANDS, MODULES

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("runtime", "train", "export", "demo", "benchmarks", "assets")
# folder → the project's folders that it may import, and what it may never import
MAY = {
    "runtime": set(),
    "train": {"runtime"},
    "export": {"train", "runtime"},
    "demo": {"runtime", "assets"},
    "benchmarks": {"runtime", "assets"},
    "assets": set(),
}
NEVER = {
    "runtime": {"torch", "torchvision", "transformers", "onnx", "gradio"},
    "demo": {"torch", "torchvision", "transformers", "onnx"},
}
ASSETS_MAY = set(sys.stdlib_module_names) | {"numpy", "cv2"}
GEMINI_CLIENT = ROOT / "runtime" / "judge" / "gemini_client.py"
LONGEST_FILE = 300
MACHINE_PATH = re.compile(r"(?<![\w.~-])/(?:work|root|home/\w+)(?![\w-])")


def sources(folder: str) -> list[Path]:
    return sorted((ROOT / folder).rglob("*.py"))


def imports(node: ast.AST) -> Iterator[str]:
    """The absolute modules that a tree imports; relative imports stay in their folder."""
    for child in ast.walk(node):
        if isinstance(child, ast.Import):
            yield from (alias.name for alias in child.names)
        elif isinstance(child, ast.ImportFrom) and not child.level and child.module:
            yield child.module


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"), str(path))


def top(module: str) -> str:
    return module.partition(".")[0]


def leaves_its_folder(path: Path, module: ast.Module) -> list[str]:
    """Relative imports that climb above the package's own folder, where they would escape the table."""
    depth = len(path.relative_to(ROOT).parts) - 1
    return [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for node in ast.walk(module)
        if isinstance(node, ast.ImportFrom) and node.level > depth
    ]


@pytest.mark.parametrize("folder", PACKAGES)
def test_a_folder_imports_only_what_the_table_allows(folder):
    assert sources(folder), f"{folder} holds no module"
    wrong = []
    for path in sources(folder):
        module = tree(path)
        wrong += leaves_its_folder(path, module)
        for name in imports(module):
            ours = top(name) in PACKAGES and top(name) not in MAY[folder] | {folder}
            tests = top(name) == "tests"
            if ours or tests or top(name) in NEVER.get(folder, ()):
                wrong.append(f"{path.relative_to(ROOT)} imports {name}")
    assert not wrong


def test_assets_import_numpy_cv2_and_the_standard_library_alone():
    foreign = {
        f"{path.relative_to(ROOT)} imports {name}"
        for path in sources("assets")
        for name in imports(tree(path))
        if top(name) not in ASSETS_MAY | {"assets"}
    }
    assert not foreign


def test_google_genai_stands_only_in_the_gemini_client_and_is_imported_late():
    for folder in PACKAGES:
        for path in sources(folder):
            module = tree(path)
            if path != GEMINI_CLIENT:
                assert not [name for name in imports(module) if name.startswith("google")], path
    late = {
        name for node in ast.walk(tree(GEMINI_CLIENT)) if isinstance(node, ast.FunctionDef) for name in imports(node)
    }
    assert any(name.startswith("google") for name in late), "the client is gone: this test looks in the wrong place"
    body = [node for node in tree(GEMINI_CLIENT).body if isinstance(node, ast.Import | ast.ImportFrom)]
    assert not [name for node in body for name in imports(node) if name.startswith("google")]


def imported_with_blocked(
    modules: list[str], blocked: set[str], *, late: set[str]
) -> "subprocess.CompletedProcess[str]":
    """A fresh interpreter that imports `modules`; `blocked` packages fail, `late` ones must not be loaded after."""
    program = f"""
import importlib, importlib.abc, sys

class Blocked(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {sorted(blocked)!r}:
            raise ImportError(name + " is blocked")

sys.meta_path.insert(0, Blocked())
for name in {modules!r}:
    importlib.import_module(name)
early = set({sorted(late)!r}) & set(sys.modules)
sys.exit(f"imported too early: {{early}}" if early else 0)
"""
    return subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)


def test_every_runtime_module_imports_with_torch_onnx_and_gradio_blocked():
    modules = [
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for path in sources("runtime")
        if path.name != "__main__.py"
    ]
    assert len(modules) > 30
    done = imported_with_blocked(modules, NEVER["runtime"], late={"google.genai"})
    assert done.returncode == 0, done.stderr


def test_every_benchmark_starts_without_torch():
    modules = [f"benchmarks.{MODULES.get(command, command)}" for command in COMMANDS]
    done = imported_with_blocked(
        modules, {*NEVER["runtime"], "sentence_transformers", "sklearn"}, late={"google.genai"}
    )
    assert done.returncode == 0, done.stderr


def test_runtime_neither_asserts_nor_prints():
    found = []
    for path in sources("runtime"):
        for node in ast.walk(tree(path)):
            printed = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
            if isinstance(node, ast.Assert) or (printed and path.name != "cli.py"):
                found.append(f"{path.relative_to(ROOT)}:{node.lineno}")
    assert not found


@pytest.mark.parametrize("folder", PACKAGES)
def test_a_file_stays_short_enough_to_read(folder):
    lengths = {str(path.relative_to(ROOT)): len(path.read_text("utf-8").splitlines()) for path in sources(folder)}
    assert {name: lines for name, lines in lengths.items() if lines > LONGEST_FILE} == {}


def test_no_pickle_is_loaded():
    for folder in PACKAGES:
        for path in sources(folder):
            module = tree(path)
            assert not {"pickle", "joblib", "dill"} & {top(name) for name in imports(module)}, path
            for node in ast.walk(module):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "load":
                    owner = node.func.value.id if isinstance(node.func.value, ast.Name) else ""
                    safe = {"np": ("allow_pickle", False), "torch": ("weights_only", True)}
                    if owner in safe:
                        name, value = safe[owner]
                        given = {k.arg: k.value.value for k in node.keywords if isinstance(k.value, ast.Constant)}
                        assert given.get(name) is value, f"{path}:{node.lineno}"


def test_no_tracked_file_names_a_machine_path():
    if not (ROOT / ".git").exists() or shutil.which("git") is None:
        pytest.skip("not a git checkout")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert MACHINE_PATH.search("cd " + "/".join(("", "work", "main")))
    assert MACHINE_PATH.search('"' + "/".join(("", "root")) + '"')
    found = []
    for name in filter(None, listed.split("\0")):
        path = ROOT / name
        if not path.is_file():
            continue
        content = path.read_bytes()
        text = content.decode("utf-8", "ignore") if b"\0" not in content[:4096] else content.decode("latin-1")
        found += [f"{name}: {match.group()}" for match in MACHINE_PATH.finditer(text)]
    assert not found
