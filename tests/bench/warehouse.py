"""The embedded warehouse: how fast a million image rows go in, and how fast questions to them are answered.

Run with: python -m tests.bench.warehouse [rows]

Loading has one core. A row carries a real CT header (CT_small.dcm of pydicom, without private attributes) whose
values change from instance to instance. The lines are made beforehand, load by load, and not measured.
"""

import os
import statistics
import sys
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import orjson
import xxhash

from dicomhub.environment import read_environment
from dicomhub.standard.dicom_json import data_set_to_model
from tasks.warehouse.header_match import HeaderMatch, MatchKind
from tasks.warehouse.open import open_warehouse
from tasks.warehouse.port import Warehouse
from tasks.warehouse.queries import QueryName
from tasks.warehouse.tables import ACCESS_LOG, IMAGE_META, RECEIVE_LOG, STATE_META, TRANSCODE_LOG, Table
from tests.bench.report.table import Table as PrintedTable
from tests.bench.report.table import number as printed
from tests.standard.reading import data_set_of
from tests.support.samples import sample
from tests.warehouse.making import (
    access_row,
    image_row,
    ndjson,
    receive_row,
    state_row,
    transcode_row,
)

ROWS = 1_000_000
ROWS_A_LOAD = 20_000  # what 64 MiB hold of such rows
INSTANCES_A_SERIES = 200
SERIES_A_STUDY = 4
# Reads every header: it has no bound.
SCAN = "by header, everywhere"
ROUNDS = 20
ROUNDS_OF_A_SCAN = 3
PERIOD = timedelta(days=60)
SINCE = datetime(2026, 9, 1)
UNTIL = SINCE + PERIOD
MODALITIES = ("CT", "MR", "US", "DX")


def ct_header() -> dict[str, Any]:
    data_set, syntax = data_set_of(sample("CT_small.dcm"))
    model = data_set_to_model(data_set, syntax, bulk_data_uri="http://archive/bulkdata")
    return {tag: element for tag, element in model.items() if int(tag[:4], 16) % 2 == 0}


class Images:
    """The image rows, number by number: the parts of a line that are the same are encoded once a series."""

    def __init__(self) -> None:
        self._header = ct_header()

    def loads(self, rows: int) -> Iterator[tuple[str, bytes]]:
        for first in range(0, rows, ROWS_A_LOAD):
            numbers = range(first, min(first + ROWS_A_LOAD, rows))
            yield f"load-{first}", b"".join(map(self._line, numbers))

    def _line(self, number: int) -> bytes:
        series, instance = divmod(number, INSTANCES_A_SERIES)
        study = series // SERIES_A_STUDY
        at = SINCE.replace(tzinfo=UTC) + PERIOD * (number / ROWS)
        row = image_row(study, series, instance, at=at, modality=MODALITIES[study % 4])
        # Real ones do not compress.
        digest = xxhash.xxh3_128_hexdigest(row["sop_instance_uid"].encode())
        row["digest"] = f"xxh3-128:{digest}"
        row["sop_instance_uid"] = f"1.2.826.0.1.3680043.8.498.{int(digest[:28], 16)}"
        header = self._header
        header["00080018"] = {"vr": "UI", "Value": [row["sop_instance_uid"]]}
        header["0020000D"] = {"vr": "UI", "Value": [row["study_instance_uid"]]}
        header["0020000E"] = {"vr": "UI", "Value": [row["series_instance_uid"]]}
        header["00080033"] = {"vr": "TM", "Value": [f"{number % 86400:06}"]}
        header["00100020"] = {"vr": "LO", "Value": [row["patient_id"]]}
        header["00200013"] = {"vr": "IS", "Value": [instance]}
        header["00200032"] = {"vr": "DS", "Value": [-158.135803, -179.035797, -1.5 * instance]}
        header["00201041"] = {"vr": "DS", "Value": [-1.5 * instance]}
        header["00281050"] = {"vr": "DS", "Value": [40.0 + study % 7]}
        return orjson.dumps({**row, "header": header}) + b"\n"


def load_images(warehouse: Warehouse, rows: int) -> tuple[float, float, int]:
    """Seconds by the clock and of the processor that the loads took, and the bytes that they were given."""
    elapsed = used = 0.0
    size = 0
    for label, lines in Images().loads(rows):
        clock, cpu = time.perf_counter(), time.process_time()
        outcome = warehouse.load(IMAGE_META, label, lines)
        elapsed, used = elapsed + time.perf_counter() - clock, used + time.process_time() - cpu
        assert outcome.is_in, outcome
        size += len(lines)
    return elapsed, used, size


def load_others(warehouse: Warehouse, rows: int) -> None:
    """The other tables, as large as they would be beside so many images."""
    for first in range(0, rows, 50_000):
        numbers = range(first, min(first + 50_000, rows))
        times = [SINCE.replace(tzinfo=UTC) + PERIOD * (number / rows) for number in numbers]
        images = (
            image_row(number // 800, number // 200, number % 200, at=at)
            for number, at in zip(numbers, times, strict=True)
        )
        tables: dict[Table, bytes] = {
            RECEIVE_LOG: ndjson(map(receive_row, images)),
            ACCESS_LOG: ndjson(
                access_row(number, happened_at=f"{at:%Y-%m-%d %H:%M:%S.%f}", user_name=f"user{number % 50}")
                for number, at in zip(numbers, times, strict=True)
            ),
            TRANSCODE_LOG: ndjson(
                transcode_row(number, happened_at=f"{at:%Y-%m-%d %H:%M:%S.%f}")
                for number, at in list(zip(numbers, times, strict=True))[::10]
            ),
            STATE_META: ndjson(
                state_row(number // 800, number // 200, instances=200) for number in numbers[::200]
            ),
        }
        for table, lines in tables.items():
            outcome = warehouse.load(table, f"load-{first}", lines)
            assert outcome.is_in, outcome


def questions() -> dict[str, tuple[QueryName, Mapping[str, Any]]]:
    over_time = {"tenant": None, "since": SINCE, "until": UNTIL}
    study = image_row(1, 4, 1)["study_instance_uid"]
    asked: dict[str, tuple[QueryName, Mapping[str, Any]]] = {
        name.value: (name, over_time)
        for name in QueryName
        if name not in {QueryName.INSTANCES_BY_HEADER, QueryName.COUNT_BY_HEADER, QueryName.ROWS}
    }
    asked["rows"] = (QueryName.ROWS, {"tenant": None})
    asked["largest_studies"] = (QueryName.LARGEST_STUDIES, {"tenant": None, "limit": 20})
    asked["transfer_syntaxes"] = (QueryName.TRANSFER_SYNTAXES, {"tenant": None})
    kvp = HeaderMatch(("00180060",), MatchKind.NUMBER, (120,))
    by_header = {"tenant": "default", "series_instance_uids": None, "limit": 100, "offset": 0}
    asked["by header, in a study"] = (
        QueryName.INSTANCES_BY_HEADER,
        {**by_header, "study_instance_uid": study, "matches": (kvp,)},
    )
    patient = HeaderMatch(("00100020",), MatchKind.EQUAL, ("P1",))
    asked[SCAN] = (
        QueryName.INSTANCES_BY_HEADER,
        {**by_header, "study_instance_uid": None, "matches": (patient,)},
    )
    return asked


def milliseconds(
    warehouse: Warehouse, name: QueryName, parameters: Mapping[str, Any], *, rounds: int
) -> tuple[float, float]:
    """The 95th percentile by the clock, and the median of what the processors spent, whatever else they did."""
    taken, used = [], []
    for _ in range(rounds):
        before, cpu = time.perf_counter(), time.process_time()
        assert warehouse.query(name, parameters).rows
        taken.append((time.perf_counter() - before) * 1000)
        used.append((time.process_time() - cpu) * 1000)
    return statistics.quantiles(taken, n=20)[-1], statistics.median(used)


def measure_questions(warehouse: Warehouse) -> dict[str, tuple[float, float]]:
    return {
        name: milliseconds(warehouse, *question, rounds=ROUNDS_OF_A_SCAN if name == SCAN else ROUNDS)
        for name, question in questions().items()
    }


def main() -> None:
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else ROWS
    with TemporaryDirectory(prefix="dicomhub-bench-") as folder:
        home = Path(folder)
        warehouse = open_warehouse(read_environment({"DICOMHUB_HOME": str(home)}).warehouse)
        warehouse.initialise()
        cores = os.sched_getaffinity(0)
        os.sched_setaffinity(0, {min(cores)})
        elapsed, used, size = load_images(warehouse, rows)
        os.sched_setaffinity(0, cores)
        stored = sum(path.stat().st_size for path in home.rglob("*.parquet"))
        print(f"{rows} image rows of {size / rows:.0f} bytes: {rows / elapsed:.0f} rows/s, ")
        print(f"{rows / used:.0f} rows per second of processor; {stored / rows:.0f} bytes a row on the disk")
        load_others(warehouse, rows)
        before = measure_questions(warehouse)
        clock = time.perf_counter()
        warehouse.compact()
        compaction = time.perf_counter() - clock
        after = measure_questions(warehouse)
        print(f"compaction: {compaction:.1f} s")
        print(
            PrintedTable(
                title=f"Named queries over {rows} image rows, milliseconds: p95, and median of processor time",
                header=("query", "before compaction", "processor", "after", "processor"),
                rows=[(name, *map(printed, (*before[name], *after[name]))) for name in before],
            )
        )


if __name__ == "__main__":
    main()
