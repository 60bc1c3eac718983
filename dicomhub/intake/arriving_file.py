"""A Part 10 file on its way in, from its first byte: its own header makes room for ours."""

from collections.abc import Callable, Sequence
from typing import Self

from dicomhub.intake.admission import TenantAdmission
from dicomhub.intake.door import Intake
from dicomhub.intake.incoming_instance import Archived, IncomingInstance
from dicomhub.intake.provenance import Provenance
from dicomhub.standard.data_set_head import DataSetHead, read_head
from dicomhub.standard.element import DataSetMalformed
from dicomhub.standard.part10 import HEADER_MAX_BYTES, FileMeta, Part10Malformed, read_file_meta
from dicomhub.standard.transfer_syntax import transfer_syntax
from dicomhub.standard.uid import is_uid

MEDIA_STORAGE_DIRECTORY = "1.2.840.10008.1.3.10"
# Enough for the header of a file and, nearly always, for the head of its data set.
_FIRST_BYTES = 64 * 1024
_HEAD_MAX_BYTES = 64 * 1024 * 1024


class NotDicom(Exception):
    """The file holds no instance."""


class ArrivingFile:
    """The caller writes, then either archives or discards; leaving a with block discards what is left.

    write and archive raise NotDicom, TransferSyntaxUnknown, DataSetMalformed and IntakeRefused: discard it
    then. check is asked as soon as the head of the data set is there, and may raise an IntakeRefused.
    bare_syntaxes are those that a file without a Part 10 header is tried in, in this order.
    """

    def __init__(
        self,
        intake: Intake,
        *,
        admission: TenantAdmission,
        provenance: Provenance,
        check: Callable[[DataSetHead], None] = lambda _: None,
        bare_syntaxes: Sequence[str] = (),
    ) -> None:
        self._intake = intake
        self._admission = admission
        self._provenance = provenance
        self._check = check
        self._bare_syntaxes = bare_syntaxes
        self._first = bytearray()
        self._needed_bytes = _FIRST_BYTES
        self._incoming: IncomingInstance | None = None
        self.meta: FileMeta | None = None
        self.head: DataSetHead | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.discard()

    def write(self, buffer: bytes | memoryview) -> None:
        if self._incoming is not None:
            self._incoming.write([buffer])
            return
        self._first += buffer
        if len(self._first) >= self._needed_bytes:
            self._begin(is_whole=False)

    def archive(self) -> Archived:
        """Durable and in the journal on return."""
        if self._incoming is None:
            self._begin(is_whole=True)
        assert self._incoming is not None, "a whole file has a head or is refused"
        return self._incoming.archive()

    def discard(self) -> None:
        """May be called any number of times."""
        self._first = bytearray()
        if self._incoming is not None:
            self._incoming.discard()

    def _begin(self, *, is_whole: bool) -> None:
        """Open the incoming file, if what has come says what it is."""
        self.meta = meta = self._file_meta(is_whole=is_whole)
        data_set = bytes(memoryview(self._first)[meta.data_set_offset :])
        self.head = head = read_head(data_set, transfer_syntax(meta.transfer_syntax_uid), is_whole=is_whole)
        if head is None:
            self._needed_bytes = 2 * len(self._first)
            if len(self._first) > _HEAD_MAX_BYTES:
                raise DataSetMalformed(f"no UIDs in its first {_HEAD_MAX_BYTES >> 20} MiB")
            return
        self._check(head)
        self._incoming = self._intake.receive(
            sop_class_uid=head.sop_class_uid,
            sop_instance_uid=head.sop_instance_uid,
            transfer_syntax_uid=meta.transfer_syntax_uid,
            admission=self._admission,
            provenance=self._provenance,
        )
        self._first = bytearray()
        self._incoming.write([data_set])

    def _file_meta(self, *, is_whole: bool) -> FileMeta:
        try:
            meta = read_file_meta(bytes(self._first[:HEADER_MAX_BYTES]))
        except Part10Malformed as error:
            for uid in self._bare_syntaxes:
                if _is_data_set(self._first, uid, is_whole=is_whole):
                    return FileMeta("", "", uid, data_set_offset=0)
            raise NotDicom(str(error)) from error
        if meta.media_storage_sop_class_uid == MEDIA_STORAGE_DIRECTORY:
            raise NotDicom("is a media directory (DICOMDIR)")
        return meta


def _is_data_set(first: bytearray, transfer_syntax_uid: str, *, is_whole: bool) -> bool:
    try:
        head = read_head(bytes(first), transfer_syntax(transfer_syntax_uid), is_whole=is_whole)
    except DataSetMalformed:
        return False
    return head is not None and is_uid(head.sop_class_uid) and is_uid(head.sop_instance_uid)
