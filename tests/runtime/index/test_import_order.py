"""usearch and onnxruntime in one process: which of them is imported first decides whether it lives."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
PROGRAM = """
from pathlib import Path
import numpy as np
from runtime.gallery.matrix import Matrix
from runtime.index.choose import index_over
from runtime.sessions import open_session

rows = np.eye(40, dtype=np.float32)
index_over(Matrix(1, "stamp", np.arange(40), rows), Path({folder!r}), folds=1, backend="hnsw")
open_session(Path("assets/bundles/kger/image.onnx"), provider="cpu")
print("alive")
"""


def test_a_graph_opened_before_any_model_does_not_crash_the_first_session(tmp_path):
    program = PROGRAM.format(folder=str(tmp_path))
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, "alive"), done.stderr
