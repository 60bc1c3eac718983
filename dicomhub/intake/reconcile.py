"""After the machine has stopped uncleanly: archived files that no journal names.

An archived file is on the disk before its sender hears of it, its journal line about a second later. So lines
can be missing from a segment that was open when the power went, and from nowhere else.
"""

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from dicomhub.intake.archived_file import describe_file
from dicomhub.intake.journal import CUT, OPEN, PUBLISHED, Journal, current_boot_id
from dicomhub.intake.segments import read_header, read_segment
from dicomhub.log import logger
from dicomhub.standard.element import DataSetMalformed
from dicomhub.standard.part10 import Part10Malformed
from dicomhub.standard.transfer_syntax import TransferSyntaxUnknown
from dicomhub.storage.filesystem import FilesystemStore
from dicomhub.storage.layout import JOURNAL, is_tenant
from tasks.messages import MessageMalformed, StoredInstance

# The clocks of file system and journal are one, but a file's time is taken a little before its line's.
_MARGIN_SECONDS = 5.0


def reconcile(store: FilesystemStore, orphans: list[Path]) -> int:
    """Journal the archived files that orphaned segments of an earlier boot should have named.

    Returns how many. Looks at every series folder that changed since the oldest such segment was synced, so
    it is slow, and it happens only after a power failure in the middle of an association.
    """
    interrupted = [path for path in orphans if _is_of_an_earlier_boot(path)]
    if not interrupted:
        return 0
    since = min(path.stat().st_mtime for path in interrupted) - _MARGIN_SECONDS
    named = _named_in_the_journal(store.absolute(JOURNAL))
    journal = Journal(
        store.absolute(JOURNAL),
        owner="reconcile",
        durability="power",
        batch_max_instances=500,
        batch_max_seconds=3600,
    )
    found = 0
    for tenant, path in _archived_since(store, since):
        if path in named:
            continue
        instance = _stored_instance(store, tenant, path)
        if instance is not None:
            journal.append(instance)
            found += 1
    journal.cut()
    logger().warning("reconciled_after_unclean_stop", segments=len(interrupted), instances=found)
    return found


def _is_of_an_earlier_boot(path: Path) -> bool:
    try:
        return read_header(path).boot_id != current_boot_id()
    except MessageMalformed:
        return False


def _named_in_the_journal(directory: Path) -> set[str]:
    named: set[str] = set()
    for path in directory.iterdir():
        if path.suffix in {OPEN, CUT, PUBLISHED}:
            try:
                named.update(instance.path for instance in read_segment(path).batch.instances)
            except (FileNotFoundError, MessageMalformed):
                continue
    return named


def _archived_since(store: FilesystemStore, since: float) -> Iterator[tuple[str, str]]:
    """Tenant and relative path of each archived file that got its name after since."""
    for tenant in store.root.iterdir():
        if not tenant.is_dir() or not is_tenant(tenant.name):
            continue
        for series in tenant.glob("*/*"):
            if series.stat().st_mtime < since:
                continue
            for file in series.glob("*.dcm"):
                if file.stat().st_ctime >= since:
                    yield tenant.name, str(file.relative_to(store.root))


def _stored_instance(store: FilesystemStore, tenant: str, path: str) -> StoredInstance | None:
    descriptor = os.open(store.absolute(path), os.O_RDONLY | os.O_CLOEXEC)
    try:
        modified_at = datetime.fromtimestamp(os.fstat(descriptor).st_mtime, UTC)
        return describe_file(
            descriptor, tenant=tenant, path=path, received_at=modified_at, trace_id="reconcile"
        )
    except (Part10Malformed, TransferSyntaxUnknown, DataSetMalformed) as error:
        logger().error("archived_file_unreadable", path=path, error=str(error))
        return None
    finally:
        os.close(descriptor)
