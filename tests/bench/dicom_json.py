"""Header to DICOM JSON: this code beside pydicom's, one file after the other, in one run.

Run with: python -m tests.bench.dicom_json
"""

import json
import statistics
import time
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pydicom

from dicomhub.standard.data_set_head import read_head
from dicomhub.standard.dicom_json import data_set_to_model, encode_model
from tests.standard.reading import data_set_of, quietly
from tests.support.samples import sample

SAMPLES = (
    "CT_small.dcm",
    "MR_small_implicit.dcm",
    "MR_small_bigendian.dcm",
    "reportsi.dcm",
    "rtplan.dcm",
    "emri_small.dcm",
    "waveform_ecg.dcm",
)
SECONDS_EACH = 0.5
LEAST_RUNS = 5


def median_microseconds(*runs: Callable[[], object]) -> list[float]:
    """The median of each, taken in turns, so that what else the machine does hits all alike."""
    times: list[list[float]] = [[] for _ in runs]
    started = time.perf_counter()
    while time.perf_counter() - started < SECONDS_EACH * len(runs) or len(times[0]) < LEAST_RUNS:
        for run, taken in zip(runs, times, strict=True):
            before = time.perf_counter()
            run()
            taken.append(time.perf_counter() - before)
    return [statistics.median(taken) * 1e6 for taken in times]


def measure(path: Path) -> tuple[int, list[float]]:
    """The number of top-level elements, and the medians of head, model and pydicom's ways."""
    data_set, syntax = data_set_of(path)
    file = path.read_bytes()

    def head() -> object:
        return read_head(data_set, syntax, is_whole=True)

    def ours() -> object:
        return encode_model(data_set_to_model(data_set, syntax, bulk_data_uri="http://archive/bulkdata"))

    def read_only() -> object:
        return pydicom.dcmread(BytesIO(file), stop_before_pixels=True)

    def pydicoms() -> object:
        model = pydicom.dcmread(BytesIO(file), stop_before_pixels=True).to_json_dict(1024, lambda _: "uri")
        return json.dumps(model)

    with quietly():
        elements = len(pydicom.dcmread(path))
        return elements, median_microseconds(head, ours, read_only, pydicoms)


def main() -> None:
    print(
        f"{'medians in us':24} {'elements':>8} {'head':>7} {'JSON':>7} {'dcmread':>8} {'+ to_json':>9} {'ratio':>6}"
    )
    for name in SAMPLES:
        elements, (head, ours, read_only, pydicoms) = measure(sample(name))
        print(
            f"{name:24} {elements:8} {head:7.0f} {ours:7.0f} {read_only:8.0f} {pydicoms:9.0f} {pydicoms / ours:6.1f}"
        )


if __name__ == "__main__":
    main()
