"""Rendered and thumbnail resources, at each level. PS3.18 10.4.1.1.3, 10.4.1.1.4."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import ClassVar

from django.http.response import HttpResponseBase
from rest_framework.request import Request

from dicomhub.accounts.scope import Scope
from dicomhub.dicomweb.http import multipart
from dicomhub.dicomweb.http.conditional import entity_tag
from dicomhub.dicomweb.http.negotiation import MULTIPART, Offer
from dicomhub.dicomweb.rendered import parameters
from dicomhub.dicomweb.rendered.offers import (
    ONE_IMAGE,
    PARTS,
    offers_of_frames,
    offers_of_stored,
    picture_type,
)
from dicomhub.dicomweb.rendered.parts import Part, pictures_body
from dicomhub.dicomweb.rendered.pictures import Drawing, all_frames, checked, draw, drawing_of
from dicomhub.dicomweb.rendered.representative import representative
from dicomhub.dicomweb.rendered.subject import Frames, NoPicture, Stored, subject_of
from dicomhub.dicomweb.resource import NothingThere
from dicomhub.dicomweb.retrieve.archived import ArchivedInstance, Found, archived_instance, found_instances
from dicomhub.dicomweb.retrieve.frame_list import parse_frame_list
from dicomhub.dicomweb.view import DicomWebView
from tasks.transcode.picture_order import Look
from tasks.transcode.pool import shared_pool


class PictureView(DicomWebView):
    """What views of pictures have in common."""

    scopes: ClassVar = {"GET": Scope.READ}

    def with_warning(self, response: HttpResponseBase) -> HttpResponseBase:
        """Of what the client asked to be drawn into the picture, and is not. PS3.18 8.3.5.1.1."""
        if ignored := ", ".join(parameters.unsupported_annotations(self.request.query_params)):
            self.warn(response, f"The following annotation values are not supported: {ignored}")
        return response

    def picture(self, drawing: Drawing) -> HttpResponseBase:
        """One image file. Raises what checked() and draw() raise."""
        checked(drawing)
        instance, look = drawing.instance, drawing.look
        etag = instance.etag(f"{drawing.frame_numbers} {look}", is_weak=True)
        if unchanged := self.unchanged(etag=etag, modified_at=instance.modified_at):
            return unchanged
        if self.request.method == "HEAD":
            return self.streamed((), content_type=look.media_type)
        if len(drawing.frame_numbers) > 1:
            self.take_place()
        codec = self.environment.codec
        image = draw(shared_pool(codec), drawing, patience_seconds=codec.seconds)
        return self.streamed((image,), content_type=look.media_type, length_bytes=len(image))

    def stored(self, instance: ArchivedInstance, stored: Stored, offer: Offer) -> HttpResponseBase:
        """A document or a video, as it is."""
        if unchanged := self.unchanged(
            etag=instance.etag(str(offer), is_weak=offer.media_type == MULTIPART),
            modified_at=instance.modified_at,
        ):
            return unchanged
        self.take_place(stored.size_bytes)
        if offer.media_type != MULTIPART:
            return self.streamed(
                stored.chunks(), content_type=stored.media_type, length_bytes=stored.size_bytes
            )
        boundary = multipart.new_boundary()
        head = multipart.PartHead(stored.media_type, f"{self.base_url}{instance.resource.path}/rendered")
        return self.streamed(
            multipart.encode([(head, stored.chunks())], boundary),
            content_type=multipart.content_type(part_type=stored.media_type, boundary=boundary),
            length_bytes=multipart.encoded_length([(head, stored.size_bytes)], boundary),
        )


class Rendered(PictureView):
    """Pictures of a study, a series, an instance, or some frames of one; a document or video as it is."""

    def get(self, request: Request, frames: str | None = None, **_kwargs: str) -> HttpResponseBase:
        return self.with_warning(self._shown(parameters.look(request.query_params), frames))

    def _shown(self, look: Look, frames: str | None) -> HttpResponseBase:
        resource = self.resource()
        if resource.sop_instance_uid is None:
            return self._of_instances(found_instances(self.store, resource), look)
        numbers = () if frames is None else parse_frame_list(frames)
        instance = archived_instance(self.store, resource)
        subject = subject_of(instance)
        if isinstance(subject, Frames):
            return self._of_frames(instance, subject, numbers, look)
        if numbers:
            raise NothingThere("frame: it has none that stands by itself")
        offer = self.acceptable.choose(offers_of_stored(subject.media_type))
        return self.stored(instance, subject, offer)

    def _of_frames(
        self, instance: ArchivedInstance, subject: Frames, numbers: tuple[int, ...], look: Look
    ) -> HttpResponseBase:
        """One image; of several frames an animation, or a part each."""
        offer = self.acceptable.choose(offers_of_frames(len(numbers) or 1))
        look = replace(look, media_type=picture_type(offer))
        if offer.media_type != MULTIPART:
            return self.picture(drawing_of(instance, subject, numbers, look))
        parts = [
            Part(
                drawing=Drawing(instance=instance, pixels=subject.pixels, frame_numbers=(number,), look=look),
                location=f"{instance.resource.path}/frames/{number}/rendered",
            )
            for number in numbers or all_frames(subject)
        ]
        return self._pictures(parts)

    def _of_instances(self, found: Found, look: Look) -> HttpResponseBase:
        """A part each: what the instance's own rendered resource gives in that media type."""
        offer = self.acceptable.choose(PARTS)
        look = replace(look, media_type=picture_type(offer))
        parts = []
        for instance in found.instances:
            with suppress(NoPicture, NothingThere):
                subject = subject_of(instance)
                if isinstance(subject, Frames):
                    drawing = drawing_of(instance, subject, (), look)
                    parts.append(Part(drawing=drawing, location=f"{instance.resource.path}/rendered"))
        if not parts:
            raise NoPicture("nothing of it has pixels")
        return self._pictures(parts, left_out=found.damaged + len(found.instances) - len(parts))

    def _pictures(self, parts: Sequence[Part], *, left_out: int = 0) -> HttpResponseBase:
        """One or more, as a multipart. Raises what checked() and draw() raise."""
        drawings = [checked(part.drawing) for part in parts]
        look = drawings[0].look
        versions = (f"{each.instance.version} {each.frame_numbers}" for each in drawings)
        if unchanged := self.unchanged(
            etag=entity_tag(str(left_out), str(look), self.base_url, *versions, is_weak=True),
            modified_at=max(each.instance.modified_at for each in drawings),
        ):
            return unchanged
        if len(parts) > 1:
            self.take_place()
        boundary, codec = multipart.new_boundary(), self.environment.codec
        body: Iterator[bytes] = iter(())
        if self.request.method != "HEAD":
            body = pictures_body(
                shared_pool(codec),
                parts,
                base_url=self.base_url,
                boundary=boundary,
                patience_seconds=codec.seconds,
            )
        content_type = multipart.content_type(part_type=look.media_type, boundary=boundary)
        response = self.streamed(body, content_type=content_type, status=206 if left_out else 200)
        if left_out:
            self.warn(response, f"{left_out} instances cannot be shown as images")
        return response


class Thumbnail(PictureView):
    """One small image that stands for all of a resource."""

    def get(self, request: Request, frames: str | None = None, **_kwargs: str) -> HttpResponseBase:
        look = parameters.thumbnail_look(request.query_params)
        numbers = () if frames is None else parse_frame_list(frames)[:1]
        instance, subject = representative(self.store, self.resource())
        offer = self.acceptable.choose(ONE_IMAGE)
        return self.picture(
            Drawing(
                instance=instance,
                pixels=subject.pixels,
                frame_numbers=numbers,
                look=replace(look, media_type=picture_type(offer)),
            )
        )
