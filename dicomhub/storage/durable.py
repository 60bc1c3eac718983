"""Whole files under their names, in one step, and on the disk where that is asked for.

is_power_safe: what was done outlives the machine when the function returns, not only our process.
"""

import os
from pathlib import Path

from dicomhub.storage.incoming import IncomingFile


def put(incoming: IncomingFile, target: Path, *, is_power_safe: bool) -> None:
    """Give a whole incoming file its place, in one step, over what has the name. Raises OSError."""
    if is_power_safe:
        os.fdatasync(incoming.fileno())
    make_directories(target.parent, is_power_safe=is_power_safe)
    incoming.path.replace(target)
    if is_power_safe:
        sync_directory(target.parent)


def make_directories(directory: Path, *, is_power_safe: bool) -> None:
    """Make a directory and those above it, each made durable in its parent."""
    if directory.is_dir():
        return
    make_directories(directory.parent, is_power_safe=is_power_safe)
    directory.mkdir(exist_ok=True)
    if is_power_safe:
        sync_directory(directory.parent)


def sync_directory(directory: Path) -> None:
    """Make the names in a directory durable."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def replace_small(path: Path, content: bytes, *, mode: int = 0o644) -> None:
    """Write a file that is made anew at each start: whole or not at all, and not synced. Raises OSError.

    Only one process may write it. One name for what is not whole yet, so that a kill leaves one file.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.new")
    try:
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, mode)
        with open(descriptor, "wb") as file:  # noqa: PTH123 - of a descriptor
            file.write(content)
        fresh.replace(path)
    except OSError:
        fresh.unlink(missing_ok=True)
        raise
