"""What can be retrieved of an instance without the rest of it: frames and bulk data. PS3.18 10.4.1.1."""

from typing import ClassVar

from django.http.response import HttpResponseBase
from rest_framework.request import Request

from dicomhub.accounts.scope import Scope
from dicomhub.dicomweb.http import multipart
from dicomhub.dicomweb.retrieve.archived import archived_instance, found_instances
from dicomhub.dicomweb.retrieve.bulk_data import SEGMENT, find
from dicomhub.dicomweb.retrieve.bulk_resource import bulk_parts, plan_bulk
from dicomhub.dicomweb.retrieve.bulk_resource import head_of as head_of_bulk
from dicomhub.dicomweb.retrieve.bulk_value import body_of as body_of_value
from dicomhub.dicomweb.retrieve.bulk_value import content_type_of
from dicomhub.dicomweb.retrieve.frame_list import parse_frame_list
from dicomhub.dicomweb.retrieve.frames import body_of, head_of, in_file, plan_frames
from dicomhub.dicomweb.retrieve.renditions import open_renditions
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
        self.take_place(plan.native_bytes)
        if (frame := in_file(plan)) is not None:
            return self.in_ranges(frame.section, size_bytes=frame.size_bytes, content_type=plan.content_type)
        if self.request.method == "HEAD":
            body = head_of(plan, base_url=self.base_url)
        else:
            body = body_of(plan, renditions, base_url=self.base_url)
        return self.streamed(body.chunks, content_type=body.content_type, length_bytes=body.length_bytes)


class BulkData(DicomWebView):
    """One value that metadata left out and gave a BulkDataURI."""

    scopes: ClassVar = {"GET": Scope.READ}

    def get(self, _request: Request, value: str, **_kwargs: str) -> HttpResponseBase:
        resource = self.resource()
        instance = archived_instance(self.store, resource)
        renditions = open_renditions(self.store, self.environment)
        found = find(instance, value)
        offer = self.acceptable.choose(found.offers(self.acceptable, renditions, single_part=True))
        stored = found.in_file(offer)
        etag = instance.etag(f"{value} {offer}", is_weak=stored is None)
        if unchanged := self.unchanged(etag=etag, modified_at=instance.modified_at):
            return unchanged
        self.take_place(instance.size_bytes if stored is None else stored.size_bytes)
        if stored is not None:
            return self.in_ranges(
                stored.section, size_bytes=stored.size_bytes, content_type=content_type_of(offer)
            )
        # HEAD decodes nothing: how long a value is, once decoded, is not known to it.
        parts = () if self.request.method == "HEAD" else found.parts(offer, renditions)
        body = body_of_value(parts, offer, location=f"{self.base_url}{resource.path}/{SEGMENT}/{value}")
        return self.streamed(body.chunks, content_type=body.content_type, length_bytes=body.length_bytes)


class AllBulkData(DicomWebView):
    """Every value of a study, a series or an instance that metadata give a BulkDataURI; or pixels alone."""

    scopes: ClassVar = {"GET": Scope.READ}
    only_pixels = False

    def get(self, _request: Request, **_kwargs: str) -> HttpResponseBase:
        self.take_place()
        renditions = open_renditions(self.store, self.environment)
        found = found_instances(self.store, self.resource())
        plan = plan_bulk(found.instances, self.acceptable, renditions, only_pixels=self.only_pixels)
        damaged = found.damaged + plan.damaged
        if self.request.method == "HEAD":
            bulk = head_of_bulk(plan)
        else:
            bulk = bulk_parts(plan, renditions, base_url=self.base_url)
        boundary = multipart.new_boundary()
        response = self.streamed(
            multipart.encode(bulk.parts, boundary),
            content_type=multipart.content_type(part_type=bulk.part_type, boundary=boundary),
            status=206 if bulk.left_out or damaged else 200,
        )
        if bulk.left_out:
            self.warn(response, f"{bulk.left_out} values cannot be had in an acceptable form")
        if damaged:
            self.warn(response, f"{damaged} instances are damaged in the archive")
        return response
