"""One of the rounds of `python -m tests.breaking.deletion_rounds`."""

import os
import subprocess
import sys
from pathlib import Path


def test_kill_9_of_who_deletes_leaves_nothing_half_done():
    environ = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    command = [sys.executable, "-m", "tests.breaking.deletion_rounds", "--rounds", "1", "--seed", "5"]
    done = subprocess.run(
        command, cwd=Path(__file__).parents[2], env=environ, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
