"""Settings of the warehouse and of the codec processes."""

import os
import re
from dataclasses import dataclass
from pathlib import Path

from dicomhub.configuration.reader import SettingsReader

_LONGEST_INSTANCE_SECONDS = 2700.0


@dataclass(frozen=True, slots=True)
class WarehouseSettings:
    """url: parquet:///folder or doris://user:password@frontend:8030/database; docs/warehouse.md has the rest.

    memory_bytes and threads bound what a process spends on a query of Parquet files; a month of a log is
    dropped once log_retention_months have begun since its own.
    """

    url: str
    spool: Path
    load_max_rows: int
    load_max_bytes: int
    load_max_seconds: float
    memory_bytes: int
    threads: int
    log_retention_months: int


@dataclass(frozen=True, slots=True)
class CodecSettings:
    """The pool of codec processes that each worker and each web process may have.

    An order may take seconds, and seconds_per_mib for each MiB that is decoded. memory_bytes bounds what a
    codec process allocates; a file that it maps to read does not count. modules hold further decoders.
    """

    processes: int
    seconds: float
    seconds_per_mib: float
    memory_bytes: int
    orders_per_process: int
    modules: tuple[str, ...]


def read_warehouse(read: SettingsReader, home: Path) -> WarehouseSettings:
    settings = WarehouseSettings(
        url=read.url("WAREHOUSE_URL", f"parquet://{home}/warehouse", ("parquet", "doris")),
        spool=read.path("WAREHOUSE_SPOOL", home / "spool"),
        load_max_rows=read.integer("WAREHOUSE_LOAD_MAX_ROWS", 50_000, least=1, most=1_000_000),
        load_max_bytes=read.integer("WAREHOUSE_LOAD_MAX_BYTES", 64 * 1024**2, least=1024, most=1024**3),
        load_max_seconds=read.seconds("WAREHOUSE_LOAD_MAX_SECONDS", 10),
        memory_bytes=read.integer("WAREHOUSE_MEMORY_BYTES", 1024**3, least=128 * 1024**2),
        threads=read.integer("WAREHOUSE_THREADS", 2, least=1, most=256),
        log_retention_months=read.integer("WAREHOUSE_LOG_RETENTION_MONTHS", 24, least=1, most=1200),
    )
    # DuckDB takes these characters in a path for patterns.
    is_folder = re.fullmatch(r"parquet:///+[^/*?\[][^*?\[]*", settings.url)
    if settings.url.startswith("parquet:") and not is_folder:
        read.problems.append(
            "WAREHOUSE_URL=parquet://...: takes the whole path of a folder, parquet:///folder, without * ? ["
        )
    return settings


def read_codec(read: SettingsReader) -> CodecSettings:
    settings = CodecSettings(
        processes=read.integer("CODEC_PROCESSES", min(len(os.sched_getaffinity(0)), 4), least=1, most=256),
        seconds=read.seconds("CODEC_SECONDS", 30),
        seconds_per_mib=read.seconds("CODEC_SECONDS_PER_MIB", 0.2),
        memory_bytes=read.integer("CODEC_MEMORY_BYTES", 2 * 1024**3, least=256 * 1024**2),
        orders_per_process=read.integer("CODEC_ORDERS_PER_PROCESS", 1000, least=1, most=1_000_000),
        modules=read.modules("CODEC_MODULES"),
    )
    # The largest instance there can be, 4 GiB: made, waiting for another one's proof, and proved. A task must
    # end before its message comes again.
    longest_seconds = 3 * (settings.seconds + settings.seconds_per_mib * 4096)
    if longest_seconds > _LONGEST_INSTANCE_SECONDS:
        read.problems.append(
            f"3 * CODEC_SECONDS + 12288 * CODEC_SECONDS_PER_MIB is {longest_seconds:g}, "
            f"and must be at most {_LONGEST_INSTANCE_SECONDS:g}"
        )
    return settings
