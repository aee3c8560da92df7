"""Sessions run where they were asked to run and as the settings say, or say why not."""

from pathlib import Path

import onnxruntime
import pytest

from runtime.bundle import TEXT_MODEL, Bundle
from runtime.cli import main
from runtime.errors import BundleError, InvalidInputError, ProviderError
from runtime.sessions import PROVIDER_CHOICES, PROVIDERS, SessionSettings, open_session


@pytest.fixture(scope="module")
def model(bundle_folder: Path) -> Path:
    return Bundle.open(bundle_folder).path(TEXT_MODEL)


def test_a_session_has_the_settings_and_the_provider_that_were_asked_for(model):
    settings = SessionSettings(threads=2, spinning=True, arena=False, graph_level="basic")
    session = open_session(model, settings, provider="cpu")
    assert session.get_providers() == ["CPUExecutionProvider"]
    options = session.get_session_options()
    assert options.intra_op_num_threads == 2
    assert options.get_session_config_entry("session.intra_op.allow_spinning") == "1"
    assert options.enable_cpu_mem_arena is False
    assert options.graph_optimization_level == onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC


def test_without_settings_the_measured_defaults_hold_and_threads_stand_above_them(model):
    options = open_session(model, threads=1).get_session_options()
    assert options.intra_op_num_threads == 1
    assert options.get_session_config_entry("session.intra_op.allow_spinning") == "0"
    assert options.enable_cpu_mem_arena is True
    assert options.graph_optimization_level == onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL


@pytest.mark.parametrize(
    ("provider", "mend"),
    [
        ("cuda", "requirements-runtime-gpu.txt"),
        ("tensorrt", "TensorRT's libraries"),
        ("openvino", "onnxruntime-openvino"),
    ],
)
def test_a_provider_that_is_not_there_is_an_error_and_not_a_silent_cpu(model, provider, mend):
    if PROVIDERS[provider][0] in onnxruntime.get_available_providers():
        pytest.skip(f"this onnxruntime has {PROVIDERS[provider][0]}")
    with pytest.raises(ProviderError, match=rf"asked for {provider}.*{mend}.*--provider cpu"):
        open_session(model, provider=provider)


def test_a_provider_that_onnxruntime_leaves_out_is_noticed_after_the_session_is_made(model, monkeypatch):
    # as on a machine with the CUDA wheel and no GPU: listed as available, absent from the session
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CUDAExecutionProvider"])
    monkeypatch.setattr(onnxruntime, "preload_dlls", lambda: None)
    with (
        pytest.warns(UserWarning, match="not in available provider names"),
        pytest.raises(ProviderError) as refused,
    ):
        open_session(model, provider="cuda")
    refused.match("would run on CPUExecutionProvider.*requirements-runtime-gpu.txt")


def test_auto_runs_on_the_cpu_where_cuda_does_not_start_and_says_so(model, monkeypatch, caplog):
    both = ["CUDAExecutionProvider", "CPUExecutionProvider"]
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: both)
    monkeypatch.setattr(onnxruntime, "preload_dlls", lambda: None)
    with pytest.warns(UserWarning, match="not in available provider names"):
        session = open_session(model, provider="auto")
    assert session.get_providers() == ["CPUExecutionProvider"]
    assert "Runs on the CPU" in caplog.text


def test_unknown_settings_are_refused(tmp_path):
    with pytest.raises(InvalidInputError, match=r"'tpu'.*auto, cpu, cuda, tensorrt or openvino"):
        open_session(tmp_path / "any", provider="tpu")
    for threads in (0, -2):
        with pytest.raises(InvalidInputError, match=f"threads = {threads}"):
            open_session(tmp_path / "any", threads=threads)
    with pytest.raises(InvalidInputError, match="'most'; expected off, basic, extended or all"):
        SessionSettings(graph_level="most")


def test_a_file_that_is_no_graph_is_one_sentence(tmp_path):
    (tmp_path / "text.onnx").write_bytes(b"not a graph")
    with pytest.raises(BundleError, match=r"text\.onnx: onnxruntime .* cannot open it"):
        open_session(tmp_path / "text.onnx")


def test_the_command_line_offers_every_provider(capsys):
    with pytest.raises(SystemExit):
        main(["search", "--help"])
    assert f"--provider {{{','.join(PROVIDER_CHOICES)}}}" in "".join(capsys.readouterr().out.split("\n"))
