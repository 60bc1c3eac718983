"""Parts that are DICOM files: each goes into the archive while it comes. PS3.18 10.5.2."""

from collections.abc import Mapping

from dicomhub.dicomweb.http.accept import parse_content_type
from dicomhub.dicomweb.http.negotiation import DICOM, OCTET_STREAM
from dicomhub.dicomweb.store.admission import StoreAdmission
from dicomhub.dicomweb.store.archiving import REFUSALS, Archiving, note_failure
from dicomhub.dicomweb.store.outcome import Failed, Outcome
from dicomhub.intake.arriving_file import ArrivingFile
from dicomhub.intake.door import Intake
from dicomhub.standard.status import Status


class DicomFiles:
    """A part that fails is read to its end and forgotten; the others are none the worse for it."""

    def __init__(self, intake: Intake, admission: StoreAdmission, outcome: Outcome) -> None:
        self._intake = intake
        self._admission = admission
        self._outcome = outcome
        self._archiving = Archiving(outcome)
        self._arriving: ArrivingFile | None = None

    def begin(self, fields: Mapping[str, str]) -> None:
        self._admission.check_number(self._outcome.number_of_instances + len(self._archiving))
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
                note_failure(self._outcome, self._arriving, error)
                self._forget()

    def end(self) -> None:
        if self._arriving is not None:
            self._archiving.begin(self._arriving)
            self._arriving = None

    def finish(self) -> None:
        self._archiving.settle()

    def discard(self) -> None:
        self._forget()
        self._archiving.settle()

    def _forget(self) -> None:
        if self._arriving is not None:
            self._arriving.discard()
            self._arriving = None
