"""A real disk that is small enough to fill: a tmpfs in a mount namespace that ends with its process.

As root or not: whoever may not mount gets a user namespace in which he may.
"""

import errno
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import pytest

_MOUNT = 'mount -t tmpfs -o "size=$1,nr_inodes=$2" tmpfs "$3" && echo mounted && exec cat'


@contextmanager
def full() -> Iterator[None]:
    """What is tried in here ends because there is no room."""
    with pytest.raises(OSError, match=os.strerror(errno.ENOSPC)):
        yield


class SmallDisk:
    def __init__(self, path: Path) -> None:
        self.path = path
        self._ballast = path / "ballast"

    def fill(self, *, leave_bytes: int = 0) -> None:
        """Fill it to the last byte but leave_bytes."""
        with self._ballast.open("ab", buffering=0) as ballast:
            with full():
                while True:
                    ballast.write(bytes(65536))
            ballast.truncate(max(0, ballast.tell() - leave_bytes))

    def use_up_names(self) -> None:
        """Leave no room for another file, folder or link, but for bytes in those that there are."""
        with full():
            for number in count():
                (self.path / f"name-{number}").touch(exist_ok=False)

    def empty(self) -> None:
        """Remove what fill and use_up_names have put there."""
        self._ballast.unlink(missing_ok=True)
        for path in self.path.glob("name-*"):
            path.unlink()

    @property
    def free_bytes(self) -> int:
        status = os.statvfs(self.path)
        return status.f_bavail * status.f_frsize


@contextmanager
def small_disk(directory: Path, *, size_bytes: int, names: int = 1000) -> Iterator[SmallDisk]:
    """A disk of its own, seen through the process that holds its namespace."""
    directory.mkdir()
    as_whom = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    command = ["unshare", *as_whom, "--mount", "sh", "-c", _MOUNT, "sh", size_bytes, names, directory]
    holder = subprocess.Popen(list(map(str, command)), stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert holder.stdin is not None
    assert holder.stdout is not None
    try:
        assert holder.stdout.readline() == b"mounted\n"
        yield SmallDisk(Path(f"/proc/{holder.pid}/root{directory.absolute()}"))
    finally:
        holder.stdin.close()
        holder.wait()
        holder.stdout.close()
