import subprocess
import sys
from pathlib import Path

LOAD = "from photo.adapters.imaging.ocr import models; models()"


def test_loading_the_models_leaves_no_trace_at_home(tmp_path: Path) -> None:
    """onnxruntime's telemetry begins with a device id in the home folder."""
    env = {"HOME": str(tmp_path), "PATH": ""}
    subprocess.run([sys.executable, "-B", "-c", LOAD], env=env, check=True)
    assert [*tmp_path.rglob("*")] == []
