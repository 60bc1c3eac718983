"""One instance on its way in: written as it arrives, checked when it is whole."""

import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, Self

from dicomhub.intake.head import head_of_file
from dicomhub.intake.quarantine import Quarantine
from dicomhub.intake.refusal import (
    DataSetMismatch,
    DataSetNotUnderstood,
    OutOfResources,
    UidsNotUnderstood,
    Unacceptable,
)
from dicomhub.standard.data_set_head import DataSetHead
from dicomhub.standard.element import DataSetMalformed
from dicomhub.standard.transfer_syntax import transfer_syntax
from dicomhub.standard.uid import is_uid
from dicomhub.storage.digest import DataSetDigest
from dicomhub.storage.filesystem import ArchiveOutcome
from dicomhub.storage.incoming import IncomingFile
from tasks.messages import StoredInstance

# How far one instance is written until the free space is looked at again.
UNWATCHED_BYTES: Final = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Announced:
    """What the sender says of a data set before its first byte."""

    sop_class_uid: str
    sop_instance_uid: str
    transfer_syntax_uid: str


@dataclass(frozen=True, slots=True)
class WholeInstance:
    """An incoming file that is complete, its head and its digest: what the archive decides on."""

    announced: Announced
    head: DataSetHead
    file: IncomingFile
    digest: str
    data_set_offset: int


@dataclass(frozen=True, slots=True)
class Archived:
    instance: StoredInstance
    outcome: ArchiveOutcome


class IncomingInstance:
    """The caller writes, then either archives or discards; leaving a with block discards what is left."""

    def __init__(
        self,
        file: IncomingFile,
        *,
        announced: Announced,
        data_set_offset: int,
        quarantine: Quarantine,
        check_reserve: Callable[[], None],
        beat: Callable[[], None],
        accept: Callable[[WholeInstance], Archived],
    ) -> None:
        """The file holds its header, and what of the data set has come so far; beat while that is read."""
        self._file = file
        self._announced = announced
        self._syntax = transfer_syntax(announced.transfer_syntax_uid)
        self._quarantine = quarantine
        self._check_reserve = check_reserve
        self._unwatched_until_bytes = UNWATCHED_BYTES
        self._accept = accept
        self._data_set_offset = data_set_offset
        self._beat = beat
        # None: that of what has come is made when it is wanted. It takes time, and the rest may never come.
        self._digest = DataSetDigest() if file.size_bytes <= data_set_offset else None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.discard()

    def write(self, buffers: Sequence[bytes | memoryview]) -> None:
        """Append bytes of the data set, without a copy. Raises OutOfResources; discard it then."""
        try:
            update = (self._digest or self._digest_of_begun()).update
            self._file.write(buffers)
            if self._file.size_bytes > self._unwatched_until_bytes:
                self._unwatched_until_bytes = self._file.size_bytes + UNWATCHED_BYTES
                self._check_reserve()
        except OSError as error:
            raise out_of_resources(error) from error
        for buffer in buffers:
            update(buffer)

    def archive(self) -> Archived:
        """Check and archive what was written; durable and in the journal on return.

        Raises IntakeRefused, and the incoming file is gone then (or in quarantine, when the data set itself
        is at fault).
        """
        try:
            return self._accept(
                WholeInstance(
                    self._announced,
                    self._checked_head(),
                    self._file,
                    str(self._digest or self._digest_of_begun()),
                    self._data_set_offset,
                )
            )
        except Unacceptable as refusal:
            self._keep_in_quarantine(refusal)
            raise
        except OSError as error:
            raise out_of_resources(error) from error
        finally:
            self.discard()

    def _digest_of_begun(self) -> DataSetDigest:
        self._digest = DataSetDigest.of_begun_file(
            self._file.fileno(), self._data_set_offset, beat=self._beat
        )
        return self._digest

    def discard(self) -> None:
        """Remove the incoming file. May be called any number of times."""
        self._file.discard()

    def _checked_head(self) -> DataSetHead:
        try:
            head = head_of_file(
                self._file.fileno(), data_set_offset=self._data_set_offset, syntax=self._syntax
            )
        except DataSetMalformed as error:
            raise DataSetNotUnderstood(f"data set: {error}") from error
        if not head.sop_class_uid and not head.sop_instance_uid:
            # What other bytes look like when they happen to be taken for elements.
            raise DataSetNotUnderstood("data set does not begin with SOP Class and Instance UID")
        if head.sop_class_uid != self._announced.sop_class_uid:
            raise DataSetMismatch("SOP Class UID differs from the announced one")
        if head.sop_instance_uid != self._announced.sop_instance_uid:
            raise UidsNotUnderstood("SOP Instance UID differs from the announced one")
        for name, uid in (
            ("SOPClassUID", head.sop_class_uid),
            ("SOPInstanceUID", head.sop_instance_uid),
            ("StudyInstanceUID", head.study_instance_uid),
            ("SeriesInstanceUID", head.series_instance_uid),
        ):
            if not is_uid(uid):
                raise UidsNotUnderstood(f"{name} is {'malformed' if uid else 'missing'}")
        return head

    def _keep_in_quarantine(self, refusal: Unacceptable) -> None:
        reason = {
            "reason": refusal.comment,
            "sop_class_uid": self._announced.sop_class_uid,
            "sop_instance_uid": self._announced.sop_instance_uid,
            "transfer_syntax_uid": self._announced.transfer_syntax_uid,
        }
        with suppress(OSError):  # a quarantine that cannot be written must not change the answer
            self._quarantine.keep(self._file, reason=reason)


def out_of_resources(error: OSError) -> OutOfResources:
    return OutOfResources(f"cannot write: {os.strerror(error.errno or 0)}")
