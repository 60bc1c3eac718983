"""Data sets that could not be archived, each with its reason, for someone to look at.

The sender was told of the failure and still has its copy, so this is a help and no promise: when the
quarantine is full, nothing more is added.
"""

import json
import os
import secrets
from datetime import UTC, datetime
from pathlib import Path

from dicomhub.storage.incoming import IncomingFile


class Quarantine:
    def __init__(self, directory: Path, *, max_bytes: int) -> None:
        self._directory = directory
        self._max_bytes = max_bytes

    def keep(self, incoming: IncomingFile, *, reason: dict[str, str]) -> Path | None:
        """Move an incoming file here, beside a JSON file with the reason. None when there is no room."""
        self._directory.mkdir(parents=True, exist_ok=True)
        if self._size_bytes() + incoming.size_bytes > self._max_bytes:
            return None
        path = self._directory / f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(6)}.dcm"
        described = path.with_suffix(".json")
        try:
            described.write_text(json.dumps(reason, indent=1), "utf-8")
            incoming.path.rename(path)
        except OSError:
            described.unlink(missing_ok=True)
            raise
        return path

    def _size_bytes(self) -> int:
        with os.scandir(self._directory) as entries:
            return sum(entry.stat().st_size for entry in entries)
