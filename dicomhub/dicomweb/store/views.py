"""STOW-RS: instances into the archive, for one study or for any. PS3.18 10.5."""

import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import ClassVar

import msgspec
from django.http import HttpResponse
from rest_framework.request import Request

from dicomhub.accounts.scope import Scope
from dicomhub.dicomweb.http import request_body
from dicomhub.dicomweb.http.address import client_address
from dicomhub.dicomweb.http.multipart_reader import MultipartMalformed
from dicomhub.dicomweb.http.negotiation import DICOM, DICOM_JSON, DICOM_XML, JSON, Offer
from dicomhub.dicomweb.store.admission import StoreAdmission
from dicomhub.dicomweb.store.body_format import BodyFormat
from dicomhub.dicomweb.store.dicom_files import DicomFiles
from dicomhub.dicomweb.store.metadata_and_bulk_data import MetadataAndBulkData
from dicomhub.dicomweb.store.outcome import Failed, Outcome
from dicomhub.dicomweb.store.part_sink import PartSink, receive_parts, receive_single
from dicomhub.dicomweb.store.unavailable import StoreUnavailable
from dicomhub.dicomweb.view import DicomWebView
from dicomhub.intake.admission import read_admission
from dicomhub.intake.door import Intake
from dicomhub.intake.provenance import Provenance
from dicomhub.intake.shared import shared_intake
from dicomhub.log import logger
from dicomhub.standard.dicom_json import encode_model
from dicomhub.standard.native_model import write_native_model
from dicomhub.standard.status import Status

RETRY_AFTER_SECONDS = 30
OFFERS = tuple(Offer(media_type=media_type) for media_type in (DICOM_JSON, JSON, DICOM_XML))


class Store(DicomWebView):
    """Whatever is answered as stored is on the disk and in the journal before its answer is begun."""

    http_method_names = ["post"]  # noqa: RUF012 - declared by Django as an instance variable
    scopes: ClassVar = {"POST": Scope.STORE}

    def post(self, request: Request, **_kwargs: str) -> HttpResponse:
        offer = self.acceptable.choose(OFFERS)
        body = BodyFormat.parse(
            content_type=request.headers.get("Content-Type", ""),
            content_encoding=request.headers.get("Content-Encoding", ""),
        )
        settings = self.environment.stow
        outcome = Outcome()
        with _turn(settings.max_requests), shared_intake(self.environment).in_use() as intake:
            if not intake.has_room():
                raise StoreUnavailable("the store has no room above its reserve")
            sink = self._sink(body, intake, outcome)
            try:
                self._receive(body, sink)
            except MultipartMalformed:
                sink.discard()
                if not outcome.stored:
                    raise
                # What has come before it is stored, and the client has to know.
                outcome.failed.append(Failed("", "", Status.CANNOT_UNDERSTAND))
            finally:
                sink.discard()
        logger().info(
            "stored",
            tenant=self.tenant,
            instances=len(outcome.stored),
            failed=len(outcome.failed),
        )
        encode = write_native_model if offer.media_type == DICOM_XML else encode_model
        response = HttpResponse(
            encode(outcome.model(base_url=self.base_url)),
            status=outcome.http_status,
            content_type=offer.media_type,
        )
        if (url := outcome.study_url(base_url=self.base_url)) is not None:
            response["Location"] = response["Content-Location"] = url  # PS3.18 10.5.3.2
        if response.status_code == 503:
            response["Retry-After"] = str(RETRY_AFTER_SECONDS)
        return response

    def _receive(self, body: BodyFormat, sink: PartSink) -> None:
        blocks = request_body.blocks(
            self.request.META,
            max_bytes=self.environment.stow.max_bytes,
            stall_seconds=self.environment.stow.stall_seconds,
        )
        if body.boundary is None:
            receive_single(blocks, sink)
        else:
            receive_parts(blocks, body.boundary, sink)

    def _sink(self, body: BodyFormat, intake: Intake, outcome: Outcome) -> PartSink:
        admission = self._admission(intake)
        if body.part_type == DICOM:
            return DicomFiles(intake, admission, outcome)
        return MetadataAndBulkData(
            intake,
            admission,
            outcome,
            part_type=body.part_type,
            max_bytes=self.environment.stow.metadata_max_bytes,
        )

    def _admission(self, intake: Intake) -> StoreAdmission:
        try:
            snapshot = read_admission(intake.store)
        except (OSError, msgspec.DecodeError) as error:
            logger().error("admission_snapshot_unreadable", error=str(error))
            raise StoreUnavailable("what may be stored cannot be read") from error
        return StoreAdmission.of(
            snapshot,
            tenant=self.tenant,
            provenance=Provenance(
                source="stow",
                source_address=client_address(self.request, proxies=self.environment.web.proxies),
                trace_id=uuid.uuid4().hex,
            ),
            study_instance_uid=self.resource().study_instance_uid if "study" in self.kwargs else None,
            max_instances=self.environment.stow.max_instances,
        )


@contextmanager
def _turn(max_requests: int) -> Iterator[None]:
    """One of the requests that this process serves at a time: the others' threads are for those who read."""
    turns = _turns(max_requests)
    if not turns.acquire(blocking=False):
        raise StoreUnavailable("too many requests store at the moment")
    try:
        yield
    finally:
        turns.release()


@cache
def _turns(max_requests: int) -> threading.BoundedSemaphore:
    return threading.BoundedSemaphore(max_requests)
