"""`manage.py import_dicom`, run as its user runs it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from dicomhub.intake.segments import cut_segments
from tests.support.samples import sample

ROOT = Path(__file__).parents[2]


@pytest.fixture
def import_dicom(tmp_path):
    """Runs the command in a home of its own, where no broker has ever been; returns exit code and output."""

    def run(*arguments):
        environ = {
            name: value for name, value in os.environ.items() if name not in {"REDIS_URL", "DATABASE_URL"}
        }
        done = subprocess.run(
            [sys.executable, ROOT / "manage.py", "import_dicom", *map(str, arguments)],
            env=environ
            | {"DICOMHUB_HOME": str(tmp_path / "home"), "STORE_RESERVE_BYTES": "0", "COLUMNS": "200"},
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout + done.stderr

    return run


def test_files_are_archived_and_counted(import_dicom, tmp_path):
    code, output = import_dicom(sample("CT_small.dcm"), sample("MR_small.dcm"), sample("DICOMDIR"))
    assert code == 0, output
    assert "archived" in output
    assert "is a media directory" in output
    assert "1 batches wait in the journal" in output
    assert len(cut_segments(tmp_path / "home" / "store" / "journal")) == 1
    assert len(list((tmp_path / "home" / "store" / "default").rglob("*.dcm"))) == 2


def test_what_is_refused_is_named_with_its_reason_and_the_exit_code_says_so(import_dicom):
    path = sample("SC_rgb_jls_lossy_line.dcm")
    code, output = import_dicom(path, sample("CT_small.dcm"))
    assert code == 1
    assert f"{path}: StudyInstanceUID is missing" in output
    assert "Traceback" not in output


def test_an_unknown_tenant_is_one_line(import_dicom):
    code, output = import_dicom(sample("CT_small.dcm"), "--tenant", "nobody")
    assert code == 1
    assert output.strip() == "CommandError: there is no tenant 'nobody'; there are: default"
