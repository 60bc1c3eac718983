"""What a store has begun to write and not archived."""

from pathlib import Path

from dicomhub.storage.incoming import incoming_files
from dicomhub.storage.layout import INCOMING


def being_written(store_root: Path) -> list[Path]:
    return list(incoming_files(store_root / INCOMING))
