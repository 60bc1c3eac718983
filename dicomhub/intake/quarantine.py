"""Data sets that could not be archived, each with its reason, for someone to look at.

The sender was told of the failure and still has its copy, so this is a help and no promise: when the
quarantine is full, nothing more is added.
"""

import json
import os
import secrets
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from dicomhub.storage.incoming import IncomingFile

# Two for each data set. More than this nobody looks at, and a folder of millions is slow for everybody.
_MAX_FILES: Final = 20_000
_FILES_OF_EACH: Final = 2
# Other processes add to it, and people take from it: it is counted again after this time, and after this part
# of what it may hold has been added from here.
_COUNT_SECONDS: Final = 60.0
_COUNT_PART: Final = 64
_BLOCK_BYTES: Final = 512  # of st_blocks, whatever the file system's are


class Quarantine:
    """One process's view of it."""

    def __init__(
        self,
        directory: Path,
        *,
        max_bytes: int,
        max_files: int = _MAX_FILES,
        count_seconds: float = _COUNT_SECONDS,
    ) -> None:
        self._directory = directory
        self._max_bytes = max_bytes
        self._max_files = max_files
        self._count_seconds = count_seconds
        self._bytes = self._files = 0
        # When to count again, by each of the three.
        self._at = 0.0
        self._at_bytes = self._at_files = 0

    def keep(self, incoming: IncomingFile, *, reason: dict[str, str]) -> Path | None:
        """Move an incoming file here, beside a JSON file with the reason. None when there is no room."""
        self._directory.mkdir(parents=True, exist_ok=True)
        if not self._has_room(_occupied_bytes(os.fstat(incoming.fileno()))):
            return None
        path = self._directory / f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(6)}.dcm"
        described = path.with_suffix(".json")
        try:
            described.write_text(json.dumps(reason, indent=1), "utf-8")
            incoming.path.rename(path)
        except OSError:
            described.unlink(missing_ok=True)
            raise
        self._files += _FILES_OF_EACH
        self._bytes += _occupied_bytes(path.stat()) + _occupied_bytes(described.stat())
        return path

    def _has_room(self, more_bytes: int) -> bool:
        if time.monotonic() >= self._at or self._bytes > self._at_bytes or self._files > self._at_files:
            self._count()
        has_files = self._files + _FILES_OF_EACH <= self._max_files
        return has_files and self._bytes + more_bytes <= self._max_bytes

    def _count(self) -> None:
        self._bytes = self._files = 0
        with os.scandir(self._directory) as entries:
            for entry in entries:
                self._files += 1
                with suppress(FileNotFoundError):  # somebody has just taken it
                    self._bytes += _occupied_bytes(entry.stat())
        self._at = time.monotonic() + self._count_seconds
        self._at_bytes = self._bytes + self._max_bytes // _COUNT_PART
        self._at_files = self._files + self._max_files // _COUNT_PART


def _occupied_bytes(status: os.stat_result) -> int:
    """What a file takes of the disk: a reason of 300 bytes takes a whole block."""
    return max(status.st_size, status.st_blocks * _BLOCK_BYTES)
