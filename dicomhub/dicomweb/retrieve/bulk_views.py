"""What can be retrieved of an instance without the rest of it: frames and bulk data. PS3.18 10.4.1.1."""

from typing import ClassVar

from django.http import StreamingHttpResponse
from django.http.response import HttpResponseBase
from rest_framework.request import Request

from dicomhub.dicomweb.retrieve import bulk_data
from dicomhub.dicomweb.retrieve.archived import archived_instance
from dicomhub.dicomweb.retrieve.frame_list import parse_frame_list
from dicomhub.dicomweb.retrieve.frames import body_of, head_of, plan_frames
from dicomhub.dicomweb.retrieve.renditions import open_renditions
from dicomhub.dicomweb.scope import Scope
from dicomhub.dicomweb.view import DicomWebView


class Frames(DicomWebView):
    """Some frames of an instance, in the order asked for."""

    scopes: ClassVar = {"GET": Scope.READ}

    def get(self, _request: Request, frames: str, **_kwargs: str) -> HttpResponseBase:
        resource, numbers = self.resource(), parse_frame_list(frames)
        renditions = open_renditions(self.store, self.environment)
        instance = archived_instance(self.store, resource)
        plan = plan_frames(instance, numbers, self.acceptable, renditions)
        if unchanged := self.unchanged(etag=plan.etag, modified_at=instance.modified_at):
            return unchanged
        if self.request.method == "HEAD":
            body = head_of(plan, base_url=self.base_url)
        else:
            body = body_of(plan, renditions, base_url=self.base_url)
        return self.streamed(body.chunks, content_type=body.content_type, length_bytes=body.length_bytes)


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
