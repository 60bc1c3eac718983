"""Files that are damaged as a disk does it."""

import os
from pathlib import Path


def damaged_unseen(path: Path) -> None:
    """Size and time stay those that the manifest has."""
    status = path.stat()
    path.write_bytes(bytes(status.st_size))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
