"""Whole files under their names, and on the disk where that is asked for.

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
