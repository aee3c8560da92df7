"""One onnxruntime wheel, the two requirement files in step, and a sentence for every broken mix."""

import importlib
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

from runtime.cli import main
from runtime.errors import ProviderError
from runtime.wheels import CPU_REQUIREMENTS, GPU_REQUIREMENTS, installed_wheels, load_onnxruntime, wheel_fault

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def site(tmp_path, monkeypatch) -> Path:
    """A folder that packages are looked up in before any other."""
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def install(site: Path, name: str, version: str) -> None:
    """What pip leaves of a distribution, as far as its name and version go."""
    folder = site / f"{name.replace('-', '_')}-{version}.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text(f"Metadata-Version: 2.4\nName: {name}\nVersion: {version}\n")


def pins(name: str) -> list[str]:
    lines = (ROOT / name).read_text("utf-8").splitlines()
    return [line for line in lines if line.strip() and not line.startswith("#")]


def test_both_requirement_files_differ_in_the_onnxruntime_wheel_alone():
    cpu, gpu = pins(CPU_REQUIREMENTS), pins(GPU_REQUIREMENTS)
    version = metadata.version("onnxruntime")
    assert f"onnxruntime=={version}" in cpu
    swapped = [line.replace("onnxruntime==", "onnxruntime-gpu[cuda,cudnn]==") for line in cpu]
    assert gpu == swapped
    assert not [line for line in gpu if line.startswith("onnxruntime==")]


def test_this_environment_has_one_wheel_and_it_works():
    assert list(installed_wheels()) == ["onnxruntime"]
    assert wheel_fault() is None
    assert load_onnxruntime().__version__ == metadata.version("onnxruntime")


def test_two_wheels_are_named_with_what_mends_them(site):
    install(site, "onnxruntime-gpu", "1.31.1")
    fault = wheel_fault()
    assert fault.startswith(f"onnxruntime {metadata.version('onnxruntime')} and onnxruntime-gpu 1.31.1 are installed")
    assert "pip uninstall -y onnxruntime onnxruntime-gpu" in fault
    assert GPU_REQUIREMENTS in fault


def test_a_wheel_whose_files_went_with_another_is_told_from_none_at_all(site, monkeypatch):
    (site / "onnxruntime").mkdir()  # what uninstalling one of two leaves: a folder without a module in it
    for name in [m for m in sys.modules if m.partition(".")[0] == "onnxruntime"]:
        monkeypatch.delitem(sys.modules, name)
    (site / "onnxruntime" / "__init__.py").write_text("")
    importlib.invalidate_caches()
    assert "is installed but cannot be imported" in wheel_fault()
    with pytest.raises(ProviderError, match="cannot be imported"):
        load_onnxruntime()


def test_without_onnxruntime_a_search_ends_in_one_sentence(bundle_folder, small_gallery):
    program = (
        "import sys; sys.modules['onnxruntime'] = None; from runtime.cli import main; "
        f"sys.exit(main(['search', 'ear', '--bundle', {str(bundle_folder)!r}, '--gallery', {str(small_gallery)!r}]))"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("error: onnxruntime ")
    assert done.stderr.count("\n") == 1
    assert f"pip install -r {CPU_REQUIREMENTS}" in done.stderr


def test_info_names_the_wheel_and_its_providers_or_the_broken_mix(bundle_folder, site, capsys):
    command = ["info", "--bundle", str(bundle_folder), "--gallery", str(site / "none")]
    assert main(command) == 0
    assert f"runs on    onnxruntime {metadata.version('onnxruntime')}: " in capsys.readouterr().out
    install(site, "onnxruntime-gpu", "1.31.1")
    assert main(command) == 0
    assert "are installed together and break each other" in capsys.readouterr().out
