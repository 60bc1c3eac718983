"""What must hold after something was killed, however the senders saw it."""

import os
import time
from collections import Counter
from pathlib import Path

from kombu import Queue

from dicomhub.intake.journal import CUT, NEW, OPEN, PUBLISHED, settle
from dicomhub.intake.segments import read_segment
from dicomhub.storage.layout import JOURNAL, QUARANTINE, VERSIONS
from tasks.app import create_app
from tasks.messages import InstanceBatch, batch_from_message
from tasks.route import INDEX
from tests.breaking.sender import Instance, Sender
from tests.scp.raw_peer import data_set_of
from tests.support.incoming import being_written


def processes_of(session: int) -> list[int]:
    """Every living process of a session."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text("ascii", "replace").rpartition(")")[2].split()
            except (FileNotFoundError, ProcessLookupError):
                continue
            if int(fields[3]) == session and fields[0] != "Z":
                found.append(int(entry.name))
    return found


def age_incoming_files(store_root: Path, *, seconds: float) -> int:
    """Let time pass for what was being written: an orphan is removed once it is old enough to be one."""
    then = time.time() - seconds
    paths = being_written(store_root)
    for path in (*paths, *(store_root / JOURNAL).glob(f"*{NEW}")):
        os.utime(path, (then, then))
    return len(paths)


def take_published(broker_url: str) -> list[InstanceBatch]:
    """Take every batch that waits in the index queue, as a worker would."""
    app = create_app(broker_url)
    batches = []
    with app.connection_for_write() as connection:
        queue = Queue(INDEX.queue.value, channel=connection.default_channel)
        queue.queue_declare()
        while (message := queue.get()) is not None:
            arguments, _, _ = message.payload
            batches.append(batch_from_message(arguments[0]))
            message.ack()
    app.close()
    return batches


def settled(store_root: Path, batches: list[InstanceBatch]) -> None:
    """Do what index does once the database has a batch."""
    for batch in batches:
        settle(store_root / JOURNAL, batch.batch_id)


def in_the_journal(store_root: Path) -> list[InstanceBatch]:
    paths = (store_root / JOURNAL).iterdir()
    return [read_segment(path).batch for path in paths if path.suffix in {OPEN, CUT, PUBLISHED}]


def left_over(store_root: Path) -> list[str]:
    """What is being written, and what waits to be cut or published, or for a person."""
    journal = [path for path in (store_root / JOURNAL).iterdir() if path.suffix != PUBLISHED]
    paths = [*being_written(store_root), *journal]
    return [str(path.relative_to(store_root)) for path in paths]


def is_recovered(store_root: Path) -> bool:
    return not left_over(store_root)


def archived(store_root: Path) -> dict[str, Path]:
    return {path.stem: path for path in (store_root / "default").rglob("*.dcm")}


def problems_of(store_root: Path, senders: list[Sender], batches: list[InstanceBatch]) -> list[str]:
    """Everything that does not hold, a line each. batches are those of journal and broker together."""
    files = list((store_root / "default").rglob("*.dcm"))
    by_uid = {path.stem: path for path in files}
    tried = {uid: instance for sender in senders for uid, instance in sender.tried.items()}
    acknowledged = [instance for sender in senders for instance in sender.acknowledged]
    named = Counter(
        instance.sop_instance_uid
        for instances in {batch.batch_id: batch.instances for batch in batches}.values()
        for instance in instances
    )
    sent_again = {uid for sender in senders for uid in sender.sent_again}
    problems = [
        f"{instance.sop_instance_uid} was answered 0000 and is {what}"
        for instance in acknowledged
        for what in _missing(instance, by_uid, named)
    ]
    problems += [
        f"{uid} is archived with other bytes than were sent"
        for uid, instance in tried.items()
        if uid in by_uid and data_set_of(by_uid[uid]) != instance.data_set
    ]
    problems += [
        f"{uid} is in {number} batches and was sent once"
        for uid, number in named.items()
        if number > 1 and uid not in sent_again
    ]
    problems += [f"{uid} is in a batch and not archived" for uid in named if uid not in by_uid]
    if len(by_uid) != len(files):
        problems.append(f"{len(files)} files for {len(by_uid)} instances")
    for folder in (VERSIONS, QUARANTINE):
        problems += [f"{path} was made" for path in (store_root / folder).rglob("*") if path.is_file()]
    problems += [f"a sender was answered {status:04X}" for sender in senders for status in sender.refused]
    problems += [f"a sender failed: {sender.error!r}" for sender in senders if sender.error]
    return problems


def _missing(instance: Instance, by_uid: dict[str, Path], named: Counter[str]) -> list[str]:
    uid = instance.sop_instance_uid
    return [
        what
        for what, is_so in (
            ("not on disk", uid not in by_uid),
            ("in no journal segment and not published", uid not in named),
        )
        if is_so
    ]
