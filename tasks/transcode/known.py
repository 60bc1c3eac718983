"""What was found out about the files that were looked at last.

Who reads one frame reads the next, and past the descriptions of thousands of frames the way is long.
"""

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")
FileKey = tuple[str, str]
"""A path, and the storage.instance_file.file_version() of what is there."""


class Known(Generic[T]):
    """Of `most` files at a time; threads share it. It holds no view of a file, which would keep it mapped."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._known: dict[FileKey, T] = {}
        self._lock = threading.Lock()

    def of(self, key: FileKey, find_out: Callable[[], T]) -> T:
        """Raises what find_out raises, and then knows nothing."""
        known = self._known.get(key)
        if known is not None:
            return known
        found = find_out()
        with self._lock:
            if len(self._known) >= self._most:
                del self._known[next(iter(self._known))]
            self._known[key] = found
        return found
