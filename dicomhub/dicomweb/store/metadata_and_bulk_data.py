"""Parts that are metadata, JSON or XML, and parts that are bulk data: made into instances when all are there.

PS3.18 10.5.2. Metadata is held, within a bound; bulk data is spooled.
"""

from collections.abc import Mapping
from typing import Any, Final

import orjson

from dicomhub.dicomweb.http.accept import MediaRange, parse_content_type
from dicomhub.dicomweb.http.negotiation import DICOM_JSON, DICOM_XML, JSON
from dicomhub.dicomweb.http.request_body import BodyTooLarge
from dicomhub.dicomweb.store.admission import StoreAdmission
from dicomhub.dicomweb.store.archiving import REFUSALS, reason_of
from dicomhub.dicomweb.store.bulk_parts import BulkParts, PixelsContradictory
from dicomhub.dicomweb.store.outcome import Failed, Outcome
from dicomhub.dicomweb.store.unavailable import StoreUnavailable
from dicomhub.intake.door import Intake
from dicomhub.intake.refusal import OutOfResources, UidsNotUnderstood
from dicomhub.log import logger
from dicomhub.standard.data_set_head import DataSetHead
from dicomhub.standard.data_set_writer import ModelMalformed, data_set_pieces
from dicomhub.standard.dicom_json import Model
from dicomhub.standard.native_model_reader import NativeModelMalformed, read_native_model
from dicomhub.standard.status import Status
from dicomhub.standard.uid import is_uid
from tasks.messages import StoredInstance

_JSON_TYPES: Final = (DICOM_JSON, JSON)
_PART_BYTES = 256  # that are held of each bulk data part, and its Content-Location
_AT_ONCE = 512  # pieces of a data set that are written together


class MetadataMalformed(ValueError):
    """A part of the body is not what it says it is."""


class MetadataAndBulkData:
    def __init__(
        self,
        intake: Intake,
        admission: StoreAdmission,
        outcome: Outcome,
        *,
        part_type: str,
        max_bytes: int,
    ) -> None:
        """part_type is the metadata's; max_bytes bounds what is held: it, and each bulk part's name."""
        self._intake = intake
        self._admission = admission
        self._outcome = outcome
        self._part_type = part_type
        self._max_bytes = max_bytes
        self._metadata_bytes = 0
        self._metadata: bytearray | None = None
        self._is_xml = False
        self._models: list[Any] = []
        self._bulk = BulkParts(intake.store)

    def begin(self, fields: Mapping[str, str]) -> None:
        media_type = parse_content_type(fields.get("content-type", self._part_type))
        if media_type is None:
            raise MetadataMalformed("the Content-Type of a part is none")
        if media_type.name in (*_JSON_TYPES, DICOM_XML):
            self._is_xml = media_type.name == DICOM_XML
            self._metadata = bytearray()
        else:
            self._begin_bulk(fields.get("content-location", ""), media_type)

    def _begin_bulk(self, location: str, media_type: MediaRange) -> None:
        if not location:
            raise MetadataMalformed("a part is neither metadata nor has it a Content-Location")
        if not self._intake.has_room():
            raise StoreUnavailable("the store has no room above its reserve")
        self._hold(_PART_BYTES + len(location))
        self._bulk.begin(location, media_type)

    def write(self, content: bytes | memoryview) -> None:
        if self._metadata is None:
            try:
                self._bulk.write(content)
            except OutOfResources as error:
                raise StoreUnavailable(error.comment) from error
            return
        self._hold(len(content))
        self._metadata += content

    def _hold(self, size_bytes: int) -> None:
        self._metadata_bytes += size_bytes
        if self._metadata_bytes > self._max_bytes:
            raise BodyTooLarge("the metadata", self._max_bytes)

    def end(self) -> None:
        if self._metadata is None:
            self._bulk.end()
            return
        models = _models(bytes(self._metadata), is_xml=self._is_xml)
        self._metadata = None
        for model in models:
            self._admission.check_number(len(self._models))
            self._models.append(model)

    def finish(self) -> None:
        if not self._models:
            raise MetadataMalformed("the body holds no metadata")
        self._bulk.finish()
        for model in self._models:
            uids = _uid(model, "00080016"), _uid(model, "00080018")
            try:
                self._outcome.stored.append(self._stored(model))
            except (*REFUSALS, ModelMalformed, PixelsContradictory) as error:
                is_ours = isinstance(error, REFUSALS)
                reason = reason_of(error) if is_ours else Status.CANNOT_UNDERSTAND
                self._outcome.failed.append(Failed(*uids, reason))
                logger().warning("store_refused", instance=uids[1], status=f"{reason:04X}", reason=str(error))

    def discard(self) -> None:
        self._bulk.discard()

    def _stored(self, model: Any) -> StoredInstance:
        """Raises IntakeRefused, TransferSyntaxUnknown, ModelMalformed and PixelsContradictory."""
        head = _head(model)
        self._admission.check(head)
        bulk = self._bulk.of_instance(model)
        incoming = self._intake.receive(
            sop_class_uid=head.sop_class_uid,
            sop_instance_uid=head.sop_instance_uid,
            transfer_syntax_uid=bulk.transfer_syntax_uid,
            admission=self._admission.tenant,
            provenance=self._admission.provenance,
        )
        with incoming:
            pieces: list[bytes | memoryview] = []
            for piece in data_set_pieces(model, bulk.find):
                pieces.append(piece)
                if len(pieces) == _AT_ONCE:
                    incoming.write(pieces)
                    pieces = []
            incoming.write(pieces)
            return incoming.archive().instance


def _models(document: bytes, *, is_xml: bool) -> list[Any]:
    """Raises MetadataMalformed."""
    try:
        found = read_native_model(document) if is_xml else orjson.loads(document)
    except (NativeModelMalformed, orjson.JSONDecodeError) as error:
        raise MetadataMalformed(f"the metadata cannot be read: {error}") from error
    models = found if isinstance(found, list) else [found]
    if not all(isinstance(model, dict) for model in models):
        raise MetadataMalformed("the metadata is no array of objects")
    return models


def _head(model: Model) -> DataSetHead:
    """Raises UidsNotUnderstood, before a file is begun."""
    head = DataSetHead(
        sop_class_uid=_uid(model, "00080016"),
        sop_instance_uid=_uid(model, "00080018"),
        study_instance_uid=_uid(model, "0020000D"),
        series_instance_uid=_uid(model, "0020000E"),
        patient_id="",
        issuer_of_patient_id="",
    )
    for uid in (head.sop_class_uid, head.sop_instance_uid, head.study_instance_uid, head.series_instance_uid):
        if not is_uid(uid):
            raise UidsNotUnderstood("a UID is missing or malformed")
    return head


def _uid(model: Model, tag: str) -> str:
    attribute = model.get(tag)
    values = attribute.get("Value") if isinstance(attribute, dict) else None
    return values[0] if isinstance(values, list) and values and isinstance(values[0], str) else ""
