"""A file that the disk has spoilt: no question to its table is answered while it is there."""

from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from dicomhub.log import logger
from dicomhub.storage.durable import sync_directory
from tasks.warehouse.manifest import TableFolder


def set_damaged_aside(folder: TableFolder) -> list[Path]:
    """Move the files that cannot be read whole to the table's folder damaged/, without their rows it goes on.

    Returns where they are now. Waits for a compaction that is under way. Raises TableMissing, SchemaOlder,
    ManifestDamaged, OSError.
    """
    with folder.compaction_lock(wait=True), folder.snapshot() as snapshot:
        damaged = [path for path in (*snapshot.compacted, *snapshot.loads) if not _is_whole(path)]
        if not damaged:
            return []
        files = tuple(file for file in snapshot.manifest.files if folder.path / file.path not in damaged)
        # The manifest first: one that names a file that has gone would be worse.
        if files != snapshot.manifest.files:
            folder.replace_manifest(replace(snapshot.manifest, files=files))
        folder.damaged.mkdir(exist_ok=True)
        aside = [path.rename(folder.damaged / path.name) for path in damaged if path.exists()]
        for parent in (folder.damaged, *{path.parent for path in damaged}):
            sync_directory(parent)
    for path in aside:
        logger().error("warehouse_file_set_aside", file=str(path))
    return aside


def _is_whole(path: Path) -> bool:
    try:
        with pq.ParquetFile(path) as file:
            for group in range(file.num_row_groups):
                file.read_row_group(group)
    except (OSError, pa.ArrowException):
        return False
    return True
