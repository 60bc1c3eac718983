"""Whole instances of a request on their way into the archive, some at once: the disk syncs them together."""

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache

from dicomhub.dicomweb.store.outcome import Failed, Outcome
from dicomhub.intake.arriving_file import ArrivingFile, NotDicom
from dicomhub.intake.failure_status import status_of
from dicomhub.intake.incoming_instance import Archived
from dicomhub.intake.refusal import IntakeRefused
from dicomhub.log import logger
from dicomhub.standard.element import DataSetMalformed
from dicomhub.standard.status import Status
from dicomhub.standard.transfer_syntax import TransferSyntaxUnknown

REFUSALS = (IntakeRefused, NotDicom, DataSetMalformed, TransferSyntaxUnknown)
# Nearly all of their time they wait for the disk.
_AT_ONCE = 8


def reason_of(error: Exception) -> Status:
    """The Failure Reason for one of REFUSALS. PS3.18 I.2.2."""
    if isinstance(error, TransferSyntaxUnknown):
        return Status.TRANSFER_SYNTAX_NOT_SUPPORTED
    return status_of(error) if isinstance(error, IntakeRefused) else Status.CANNOT_UNDERSTAND


class Archiving:
    """What became of them goes into the outcome in the order in which they came."""

    def __init__(self, outcome: Outcome) -> None:
        self._outcome = outcome
        self._under_way: deque[tuple[ArrivingFile, Future[Archived]]] = deque()

    def __len__(self) -> int:
        return len(self._under_way)

    def begin(self, arriving: ArrivingFile) -> None:
        """Raises what archive() of an earlier one has raised, but for REFUSALS."""
        if any(_uids(arriving) == _uids(other) for other, _ in self._under_way):
            self.settle()  # the later one of the same name has to be the later one in the archive
        while len(self._under_way) >= _AT_ONCE:
            self._settle_one()
        self._under_way.append((arriving, _threads().submit(arriving.archive)))

    def settle(self) -> None:
        """Wait for all. Raises what archive() has raised, but for REFUSALS."""
        error: Exception | None = None
        while self._under_way:
            try:
                self._settle_one()
            except Exception as first:  # noqa: BLE001 - the others are not to be left alone; raised below
                error = error or first
        if error is not None:
            raise error

    def _settle_one(self) -> None:
        arriving, archived = self._under_way.popleft()
        try:
            self._outcome.stored.append(archived.result().instance)
        except REFUSALS as error:
            note_failure(self._outcome, arriving, error)
        finally:
            arriving.discard()


def note_failure(outcome: Outcome, arriving: ArrivingFile, error: Exception) -> None:
    """error: one of REFUSALS."""
    sop_class_uid, sop_instance_uid = _uids(arriving)
    failed = Failed(sop_class_uid, sop_instance_uid, reason_of(error))
    outcome.failed.append(failed)
    logger().warning(
        "store_refused", instance=sop_instance_uid, status=f"{failed.reason:04X}", reason=str(error)
    )


def _uids(arriving: ArrivingFile) -> tuple[str, str]:
    """SOP Class and Instance UID as the data set has them, else as the file's header says."""
    if arriving.head is not None and arriving.head.sop_instance_uid:
        return arriving.head.sop_class_uid[:64], arriving.head.sop_instance_uid[:64]
    if arriving.meta is not None:
        return (
            arriving.meta.media_storage_sop_class_uid[:64],
            arriving.meta.media_storage_sop_instance_uid[:64],
        )
    return "", ""


@cache
def _threads() -> ThreadPoolExecutor:
    """Of this process; made by the first request, after the fork."""
    return ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="archive")
