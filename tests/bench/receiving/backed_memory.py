"""Free memory that the machine below has really given.

A virtual machine gets a page from its host when it touches it first, and may give it back when it is free for
a while. Whoever is the first to fill it with received files pays for that: 1.5 to 3 CPU-s a GB were seen, where
a page that was in use a moment ago costs 0.3.
"""

import mmap

_ENOUGH_BYTES = 3 << 30  # more than any measurement sends


def touch_free_memory(size_bytes: int = _ENOUGH_BYTES) -> None:
    """Take memory and give it back, so that what is written next finds pages that were in use just now."""
    mmap.mmap(-1, size_bytes, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | mmap.MAP_POPULATE).close()
