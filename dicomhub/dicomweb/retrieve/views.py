"""What can be retrieved, one class a kind of resource. PS3.18 10.4."""

from typing import ClassVar

from django.http import StreamingHttpResponse
from django.http.response import HttpResponseBase
from rest_framework.request import Request

from dicomhub.dicomweb.http import multipart
from dicomhub.dicomweb.http.conditional import entity_tag
from dicomhub.dicomweb.http.json_stream import array
from dicomhub.dicomweb.http.negotiation import DICOM_XML, MULTIPART
from dicomhub.dicomweb.retrieve import bulk_data, metadata, metadata_xml
from dicomhub.dicomweb.retrieve.archived import archived_instances
from dicomhub.dicomweb.retrieve.instances import body_of, head_of, plan_retrieve
from dicomhub.dicomweb.retrieve.renditions import Renditions
from dicomhub.dicomweb.scope import Scope
from dicomhub.dicomweb.view import DicomWebView
from tasks.transcode.pool import shared_pool


class Retrieve(DicomWebView):
    """A study, a series or an instance, as DICOM files."""

    scopes: ClassVar = {"GET": Scope.READ}

    def get(self, _request: Request, **_kwargs: str) -> HttpResponseBase:
        resource = self.resource()
        renditions = Renditions(
            self.store,
            shared_pool(self.environment.codec),
            reserve_bytes=self.environment.intake.disk_reserve_bytes,
            patience_seconds=self.environment.codec.seconds,
        )
        plan = plan_retrieve(
            archived_instances(self.store, resource),
            self.acceptable,
            renditions,
            single_part=resource.kind == "instance",
        )
        if unchanged := self.unchanged(etag=plan.etag, modified_at=plan.modified_at):
            return unchanged
        if self.request.method == "HEAD":
            body = head_of(plan, base_url=self.base_url)
        else:
            body = body_of(plan, renditions, base_url=self.base_url)
        response = self.streamed(
            body.chunks,
            content_type=body.content_type,
            status=206 if plan.left_out else 200,
            length_bytes=body.length_bytes,
        )
        if plan.left_out:
            self.warn(response, f"{plan.left_out} instances cannot be had in an acceptable transfer syntax")
        return response


class Metadata(DicomWebView):
    """The attributes of a study's, a series' or one instance, as DICOM JSON or in the Native DICOM Model."""

    varies_by = ("Accept", "Accept-Encoding")
    scopes: ClassVar = {"GET": Scope.READ}

    def get(self, _request: Request, **_kwargs: str) -> HttpResponseBase:
        resource = self.resource()
        offer = self.acceptable.choose(metadata.metadata_offers(resource))
        source = metadata.source_file(self.store, resource)
        if source is not None:
            etag = entity_tag(source.version, self.base_url, str(offer), is_weak=True)
            if unchanged := self.unchanged(etag=etag, modified_at=source.modified_at):
                return unchanged
        lines = metadata.instance_models(self.store, resource, base_url=self.base_url)
        if offer.media_type == DICOM_XML:
            return self.compressible(map(metadata_xml.document, lines), content_type=DICOM_XML)
        if offer.media_type == MULTIPART:
            boundary = multipart.new_boundary()
            parts = metadata_xml.parts(lines, resource, base_url=self.base_url)
            content_type = multipart.content_type(part_type=DICOM_XML, boundary=boundary)
            return self.compressible(multipart.encode(parts, boundary), content_type=content_type)
        return self.compressible(array(lines), content_type=offer.media_type)


class BulkData(DicomWebView):
    """One value that metadata left out and gave a BulkDataURI."""

    scopes: ClassVar = {"GET": Scope.READ}

    def get(self, _request: Request, value: str, **_kwargs: str) -> StreamingHttpResponse:
        resource = self.resource()
        found = bulk_data.find(self.store, resource, value)
        body = bulk_data.body_of(
            found, self.acceptable, location=f"{self.base_url}{resource.path}/{bulk_data.SEGMENT}/{value}"
        )
        return self.streamed(body.chunks, content_type=body.content_type, length_bytes=body.length_bytes)
