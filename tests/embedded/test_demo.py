"""`make demo`, as a user starts it."""

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.support.stack import processes_of


def test_the_demo_stores_finds_retrieves_and_leaves_nothing(tmp_path: Path) -> None:
    # A run that is told of someone's archive uses a home of its own all the same.
    ended = subprocess.run(
        (sys.executable, "-m", "dicomhub.embedded", "demo"),
        env={**os.environ, "TMPDIR": str(tmp_path), "DATABASE_URL": "postgresql://nobody@192.0.2.1/none"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    stored, found, retrieved = re.search(  # type: ignore[union-attr]
        r"^ +All +(\d+) .* (\d+) +[\d.]+ +(\d+) +[\d.]+ *$", ended.stdout, re.MULTILINE
    ).groups()
    assert int(stored) > 100
    assert stored == found == retrieved
    assert "StudyInstanceUID is missing: JPEGLSNearLossless_08.dcm" in ended.stdout
    assert list(tmp_path.iterdir()) == []
    assert processes_of(tmp_path) == set()
