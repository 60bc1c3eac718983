"""Locks on files and directories, which end with whoever holds them."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def try_lock(descriptor: int) -> bool:
    """Take the one lock on an open file, until it is closed. False when another has it."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def open_locked(directory: Path | str, how: int) -> int:
    """Open a directory and lock it, LOCK_SH or LOCK_EX, until the descriptor is closed.

    Raises FileNotFoundError.
    """
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, how)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


@contextmanager
def directory_lock(directory: Path, how: int) -> Iterator[int]:
    """Hold the lock on a directory and have its descriptor. Raises FileNotFoundError."""
    descriptor = open_locked(directory, how)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
