"""What can be retrieved, one class a kind of resource. PS3.18 10.4."""

from typing import ClassVar

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.utils.http import content_disposition_header
from rest_framework.request import Request

from dicomhub.accounts.scope import Scope
from dicomhub.dicomweb.http import multipart
from dicomhub.dicomweb.http.conditional import entity_tag
from dicomhub.dicomweb.http.negotiation import DICOM_XML, ZIP
from dicomhub.dicomweb.retrieve import metadata, metadata_xml
from dicomhub.dicomweb.retrieve.archived import ArchivedInstance, found_instances, instance_file_path
from dicomhub.dicomweb.retrieve.file_names import paths_in_zip, zip_name
from dicomhub.dicomweb.retrieve.instances import body_of, head_of, zip_of
from dicomhub.dicomweb.retrieve.plan import plan_retrieve
from dicomhub.dicomweb.retrieve.renditions import open_renditions
from dicomhub.dicomweb.view import DicomWebView

_JUDGED_BY_ETAG = ("If-Range", "If-Match")


class Retrieve(DicomWebView):
    """A study, a series or an instance, as DICOM files."""

    scopes: ClassVar = {"GET": Scope.READ}

    def get(self, _request: Request, **_kwargs: str) -> HttpResponseBase:
        resource = self.resource()
        if resource.kind != "instance":
            self.take_place()
        renditions = open_renditions(self.store, self.environment)
        found = found_instances(self.store, resource)
        if resource.kind == "instance":
            self.take_place(found.instances[0].size_bytes)
        plan = plan_retrieve(
            found.instances,
            self.acceptable,
            renditions,
            single_part=resource.kind == "instance",
        )
        if unchanged := self.unchanged(etag=plan.etag, modified_at=plan.modified_at):
            return unchanged
        if (archived := plan.archived_file) is not None:
            return self._file(archived, content_type=plan.planned[0].content_type)
        if self.request.method == "HEAD":
            body = head_of(plan, base_url=self.base_url)
        elif plan.media_type == ZIP:
            body = zip_of(plan, renditions, paths=paths_in_zip(resource, plan.instances))
        else:
            body = body_of(plan, renditions, base_url=self.base_url)
        response = self.streamed(
            body.chunks,
            content_type=body.content_type,
            status=206 if plan.left_out or found.damaged else 200,
            length_bytes=body.length_bytes,
        )
        if plan.media_type == ZIP:
            response["Content-Disposition"] = content_disposition_header(True, zip_name(resource))
        if plan.left_out:
            self.warn(response, f"{plan.left_out} instances cannot be had in an acceptable transfer syntax")
        if found.damaged:
            self.warn(response, f"{found.damaged} instances are damaged in the archive")
        return response

    def _file(self, archived: ArchivedInstance, *, content_type: str) -> HttpResponseBase:
        """By the server in front of us, where there is one; not where it would have to know our ETag."""
        prefix = self.environment.web.accel_prefix
        if prefix is None or not self.request.headers.keys().isdisjoint(_JUDGED_BY_ETAG):
            return self.in_ranges(archived.section, size_bytes=archived.size_bytes, content_type=content_type)
        response = HttpResponse(content_type=content_type)
        response["X-Accel-Redirect"] = f"{prefix}/{instance_file_path(archived.resource)}"
        return response


class Metadata(DicomWebView):
    """The attributes of a study's, a series' or one instance, as DICOM JSON or in the Native DICOM Model."""

    varies_by = ("Accept", "Accept-Encoding", "Accept-Charset")
    scopes: ClassVar = {"GET": Scope.READ}

    def get(self, _request: Request, **_kwargs: str) -> HttpResponseBase:
        resource = self.resource()
        offer = self.acceptable.choose(metadata.metadata_offers(resource))
        source = metadata.source_file(self.store, resource)
        if source is not None:
            etag = entity_tag(source.version, self.base_url, str(offer), is_weak=True)
            if unchanged := self.unchanged(etag=etag, modified_at=source.modified_at):
                return unchanged
        if offer in metadata.OFFERS:
            text = metadata.json_text(self.store, resource, source, base_url=self.base_url)
            return self.compressible(text, content_type=offer.media_type)
        lines = metadata.instance_models(self.store, resource, base_url=self.base_url)
        if offer.media_type == DICOM_XML:
            return self.compressible(map(metadata_xml.document, lines), content_type=DICOM_XML)
        boundary = multipart.new_boundary()
        parts = metadata_xml.parts(lines, resource, base_url=self.base_url)
        content_type = multipart.content_type(part_type=DICOM_XML, boundary=boundary)
        return self.compressible(multipart.encode(parts, boundary), content_type=content_type)
