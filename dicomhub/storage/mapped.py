"""Archived files as memory: pages come in as they are looked at, so size costs nothing."""

import mmap
import os


def map_data_set(descriptor: int, data_set_offset: int) -> memoryview:
    """What lies behind the header of an open Part 10 file, read-only.

    Unmapped when the last view of it is gone, and not before: what has raised out of the middle of a data set
    still holds views. The descriptor may be closed at once.
    """
    size_bytes = os.fstat(descriptor).st_size
    return memoryview(mmap.mmap(descriptor, size_bytes, access=mmap.ACCESS_READ))[data_set_offset:]
