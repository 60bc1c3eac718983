"""Locks on directories, which end with whoever holds them."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def directory_lock(directory: Path, how: int) -> Iterator[int]:
    """Hold the lock on a directory, LOCK_SH or LOCK_EX, and have its descriptor. Raises FileNotFoundError."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, how)
        yield descriptor
    finally:
        os.close(descriptor)
