"""Sessions run where they were asked to run, or say why not."""

from pathlib import Path

import onnxruntime
import pytest

from runtime.bundle import TEXT_MODEL, Bundle
from runtime.errors import BundleError, InvalidInputError, ProviderError
from runtime.sessions import open_session


@pytest.fixture(scope="module")
def model(bundle_folder: Path) -> Path:
    return Bundle.open(bundle_folder).path(TEXT_MODEL)


def test_a_session_has_the_threads_and_the_provider_that_were_asked_for(model):
    session = open_session(model, threads=1, provider="cpu")
    assert session.get_providers() == ["CPUExecutionProvider"]
    options = session.get_session_options()
    assert options.intra_op_num_threads == 1
    assert options.get_session_config_entry("session.intra_op.allow_spinning") == "0"


def test_cuda_without_a_gpu_is_an_error_and_not_a_silent_cpu(model):
    if "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        pytest.skip("this onnxruntime has a CUDA provider")
    with pytest.raises(ProviderError, match=r"onnxruntime-gpu.*--provider cpu"):
        open_session(model, provider="cuda")


def test_unknown_providers_and_thread_counts_are_refused(tmp_path):
    with pytest.raises(InvalidInputError, match=r"'tpu'.*auto, cpu or cuda"):
        open_session(tmp_path / "any", provider="tpu")
    for threads in (0, -2):
        with pytest.raises(InvalidInputError, match=f"threads = {threads}"):
            open_session(tmp_path / "any", threads=threads)


def test_a_file_that_is_no_graph_is_one_sentence(tmp_path):
    (tmp_path / "text.onnx").write_bytes(b"not a graph")
    with pytest.raises(BundleError, match=r"text\.onnx: onnxruntime .* cannot open it"):
        open_session(tmp_path / "text.onnx")
