"""manage.py warehouse, as its user runs it."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def manage(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", "warehouse", *arguments],
        cwd=ROOT,
        env={**os.environ, "DICOMHUB_HOME": str(home)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_warehouse_is_made_repaired_and_compacted(tmp_path):
    missing = manage(tmp_path, "status")
    assert missing.returncode != 0
    assert missing.stderr.splitlines() == [
        "CommandError: there is no table dicom_state_meta: run `manage.py warehouse init`"
    ]
    assert manage(tmp_path, "init").returncode == 0
    (tmp_path / "warehouse/wado_access_log/loads/spoilt.parquet").write_bytes(b"PAR1")
    assert manage(tmp_path, "repair").stdout.endswith("wado_access_log/damaged/spoilt.parquet\n")
    compacted = manage(tmp_path, "compact")
    assert compacted.returncode == 0
    assert "wado_access_log" in compacted.stdout
