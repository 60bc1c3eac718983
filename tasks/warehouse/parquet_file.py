"""Write Parquet files that are there whole or not at all."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO
from uuid import uuid4

import pyarrow as pa
import pyarrow.parquet as pq

from dicomhub.storage.durable import sync_directory
from dicomhub.storage.lock import try_lock
from tasks.warehouse.arrow_rows import KEY_HASH
from tasks.warehouse.tables import ColumnType, Table

# Large enough for DuckDB's vectors, small enough that a row group of headers is held in memory twice.
ROW_GROUP_ROWS = 16_384
# Level 3 takes half as long again, 6 three times as long, and neither makes headers smaller.
_ZSTD_LEVEL = 1
# Values that hardly ever come twice: a dictionary of them is as large as they are, and has to be read first.
_UNIQUE = frozenset({"sop_instance_uid", "event_id", "digest", "path", "request_id", KEY_HASH})
_DURATIONS = frozenset({"milliseconds", "seconds"})


class FileVanished(Exception):
    """The temporary file was taken for one that a killed process has left."""


def parquet_writer(table: Table, file: IO[bytes], schema: pa.Schema) -> pq.ParquetWriter:
    texts = {column.name for column in table.columns if column.type is ColumnType.JSON}
    times = {column.name for column in table.columns if column.type is ColumnType.DATETIME}
    encodings = dict.fromkeys(times, "DELTA_BINARY_PACKED")
    encodings |= dict.fromkeys(_DURATIONS & {*schema.names}, "BYTE_STREAM_SPLIT")
    plain = texts | _UNIQUE | encodings.keys()
    return pq.ParquetWriter(
        file,
        schema,
        compression="zstd",
        compression_level=_ZSTD_LEVEL,
        use_dictionary=[name for name in schema.names if name not in plain],
        column_encoding=encodings,
        write_statistics=[name for name in schema.names if name not in texts],
    )


@contextmanager
def new_file(temporary: Path, target: Path) -> Iterator[IO[bytes]]:
    """A file to be written, that has its name once the block has ended well, and is on the disk then.

    Raises FileExistsError when the name is taken, FileVanished, OSError.
    """
    path = temporary / uuid4().hex
    try:
        with path.open("xb") as file:
            try_lock(file.fileno())
            yield file
            file.flush()
            os.fsync(file.fileno())
            try:
                os.link(path, target)
            except FileNotFoundError:
                raise FileVanished("a compaction took the file for one that was left behind") from None
        sync_directory(target.parent)
    finally:
        path.unlink(missing_ok=True)


def remove_abandoned(temporary: Path) -> None:
    """Remove the temporary files that no living process writes."""
    for path in temporary.iterdir():
        with suppress(FileNotFoundError), path.open("rb") as file:
            if try_lock(file.fileno()):
                path.unlink(missing_ok=True)
