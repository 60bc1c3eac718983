"""Parts that are DICOM files: each goes into the archive while it comes. PS3.18 10.5.2."""

from collections.abc import Mapping

from dicomhub.dicomweb.http.accept import parse_content_type
from dicomhub.dicomweb.http.negotiation import DICOM, OCTET_STREAM
from dicomhub.dicomweb.store.admission import StoreAdmission
from dicomhub.dicomweb.store.outcome import Failed, Outcome
from dicomhub.intake.arriving_file import ArrivingFile, NotDicom
from dicomhub.intake.door import Intake
from dicomhub.intake.failure_status import status_of
from dicomhub.intake.refusal import IntakeRefused
from dicomhub.log import logger
from dicomhub.standard.element import DataSetMalformed
from dicomhub.standard.status import Status
from dicomhub.standard.transfer_syntax import TransferSyntaxUnknown

REFUSALS = (IntakeRefused, NotDicom, DataSetMalformed, TransferSyntaxUnknown)


def reason_of(error: Exception) -> Status:
    """The Failure Reason for one of REFUSALS. PS3.18 I.2.2."""
    if isinstance(error, TransferSyntaxUnknown):
        return Status.TRANSFER_SYNTAX_NOT_SUPPORTED
    return status_of(error) if isinstance(error, IntakeRefused) else Status.CANNOT_UNDERSTAND


class DicomFiles:
    """A part that fails is read to its end and forgotten; the others are none the worse for it."""

    def __init__(self, intake: Intake, admission: StoreAdmission, outcome: Outcome) -> None:
        self._intake = intake
        self._admission = admission
        self._outcome = outcome
        self._arriving: ArrivingFile | None = None

    def begin(self, fields: Mapping[str, str]) -> None:
        self._admission.check_number(self._outcome.number_of_instances)
        content_type = fields.get("content-type")
        if content_type is not None:
            media_type = parse_content_type(content_type)
            if media_type is None or media_type.name not in {DICOM, OCTET_STREAM}:
                self._outcome.failed.append(Failed("", "", Status.CANNOT_UNDERSTAND))
                return
        self._arriving = ArrivingFile(
            self._intake,
            admission=self._admission.tenant,
            provenance=self._admission.provenance,
            check=self._admission.check,
        )

    def write(self, content: bytes | memoryview) -> None:
        if self._arriving is not None:
            try:
                self._arriving.write(content)
            except REFUSALS as error:
                self._fail(self._arriving, error)

    def end(self) -> None:
        if self._arriving is not None:
            try:
                self._outcome.stored.append(self._arriving.archive().instance)
            except REFUSALS as error:
                self._fail(self._arriving, error)
            self._arriving = None

    def finish(self) -> None:
        pass

    def discard(self) -> None:
        if self._arriving is not None:
            self._arriving.discard()
            self._arriving = None

    def _fail(self, arriving: ArrivingFile, error: Exception) -> None:
        sop_class_uid, sop_instance_uid = _uids(arriving)
        failed = Failed(sop_class_uid, sop_instance_uid, reason_of(error))
        self._outcome.failed.append(failed)
        logger().warning(
            "store_refused", instance=sop_instance_uid, status=f"{failed.reason:04X}", reason=str(error)
        )
        self.discard()


def _uids(arriving: ArrivingFile) -> tuple[str, str]:
    """As the data set has them, else as the file's header says."""
    if arriving.head is not None and arriving.head.sop_instance_uid:
        return arriving.head.sop_class_uid[:64], arriving.head.sop_instance_uid[:64]
    if arriving.meta is not None:
        return (
            arriving.meta.media_storage_sop_class_uid[:64],
            arriving.meta.media_storage_sop_instance_uid[:64],
        )
    return "", ""
