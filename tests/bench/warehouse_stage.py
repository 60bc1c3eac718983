"""Processor time of the load stage: a batch's rows, and their way into the spool.

Run with: python -m tests.bench.warehouse_stage
"""

import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

INSTANCES = 400
SERIES_INSTANCES = 1000
ROUNDS = 5


def cpu_milliseconds(run: Callable[[], object]) -> float:
    """The best of some rounds: whatever else the machine does only adds to it."""
    times = []
    for _ in range(ROUNDS):
        before = time.process_time()
        run()
        times.append(time.process_time() - before)
    return min(times) * 1e3


def archived(folder: Path, *, instances: int, last_batch: int) -> str:
    """Receive, index and document a CT series; the id of its last batch, of so many instances."""
    from django.conf import settings

    from dicomhub.intake.door import Intake
    from dicomhub.intake.segments import cut_segments, read_segment
    from dicomhub.storage.layout import JOURNAL
    from tasks.messages import batch_to_message
    from tasks.pipeline.index import index
    from tasks.pipeline.metadata import metadata
    from tests.support.ct_series import write_ct_series
    from tests.support.receiving import receive

    intake = Intake.open(settings.ENVIRONMENT, owner="bench")
    for number, path in enumerate(write_ct_series(folder, instances=instances, patient_id="P", rows=16), 1):
        receive(intake, path)
        if number == instances - last_batch:
            intake.cut()
    intake.cut()
    batches = [read_segment(path).batch for path in cut_segments(intake.store.absolute(JOURNAL))]
    for batch in batches:
        index(batch_to_message(batch))
    metadata(batches[0].batch_id)
    return batches[-1].batch_id


def measure(home: Path) -> list[tuple[str, float, float]]:
    """A line for each case: its name, milliseconds an instance for the rows, and for the spool."""
    from django.conf import settings
    from django.core.management import call_command

    from dicomhub.archive import selectors
    from dicomhub.storage.filesystem import open_store
    from tasks.pipeline.batch_rows import batch_rows
    from tasks.warehouse.spool import open_spool

    call_command("migrate", verbosity=0)
    store, spool = open_store(settings.ENVIRONMENT), open_spool(settings.ENVIRONMENT)
    lines = []
    for instances, of_series in ((INSTANCES, INSTANCES), (100, SERIES_INSTANCES), (1, SERIES_INSTANCES)):
        name = f"{instances} of a series of {of_series}"
        batch = selectors.batch(archived(home / name, instances=of_series, last_batch=instances))
        rows = batch_rows(store, batch)
        making = cpu_milliseconds(lambda batch=batch: batch_rows(store, batch)) / instances
        appending = cpu_milliseconds(lambda rows=rows: spool.append(rows)) / instances
        lines.append((name, making, appending))
    return lines


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        os.environ["DICOMHUB_HOME"] = folder
        os.environ["DJANGO_SETTINGS_MODULE"] = "dicomhub.settings"
        import django

        from dicomhub import log

        django.setup()
        log.configure("bench", log_format="console", level="ERROR")
        print("Load stage, milliseconds of processor time an instance (at most 0.5 for a whole series):\n")
        print("| a batch | rows | spool | together |\n|---|---|---|---|")
        for name, making, appending in measure(Path(folder)):
            print(f"| {name} | {making:.3f} | {appending:.3f} | {making + appending:.3f} |")


if __name__ == "__main__":
    main()
