"""WADO-RS frames: what of an instance's pixels is sent, and in which form. PS3.18 10.4.1.1.3, 10.4.3.3.3.

What is stored in the form that is asked for is sent from the file's pages; anything else is decoded by codec
processes, the frames that are asked for alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from dicomhub.dicomweb.http import multipart
from dicomhub.dicomweb.http.negotiation import MULTIPART, Acceptable, NotAcceptable, Offer
from dicomhub.dicomweb.resource import NothingThere
from dicomhub.dicomweb.retrieve.archived import ArchivedInstance
from dicomhub.dicomweb.retrieve.coded_frames import coded_frames
from dicomhub.dicomweb.retrieve.content import pages_of
from dicomhub.dicomweb.retrieve.frame_bytes import FrameBytes
from dicomhub.dicomweb.retrieve.frame_offers import needs_codec, offers_for
from dicomhub.dicomweb.retrieve.instances import Body
from dicomhub.dicomweb.retrieve.renditions import NoRendition, Renditions
from dicomhub.standard.element import DataSetMalformed
from tasks.transcode.pixel_description import PixelDescriptionMissing
from tasks.transcode.source import Source, open_source


@dataclass(frozen=True, slots=True, kw_only=True)
class FramePlan:
    """numbers count from 1; as_stored are the offers that need no codec: what is left should one fail."""

    instance: ArchivedInstance
    source: Source
    numbers: tuple[int, ...]
    offer: Offer
    as_stored: tuple[Offer, ...]

    @property
    def is_multipart(self) -> bool:
        return self.offer.media_type == MULTIPART

    @property
    def native_bytes(self) -> int:
        """What is read or decoded for the answer, at most."""
        return self.source.pixels.frame_bytes * len(self.numbers)

    @property
    def needs_codec(self) -> bool:
        return needs_codec(self.source, self.offer)

    @property
    def etag(self) -> str:
        """Strong for one frame as it is stored; a boundary or an encoder may differ from time to time."""
        frames = ",".join(map(str, self.numbers))
        return self.instance.etag(f"{self.offer} {frames}", is_weak=self.is_multipart or self.needs_codec)

    @property
    def content_type(self) -> str:
        """Of one frame."""
        media_type = self.offer.part_type or self.offer.media_type
        return f"{media_type}; transfer-syntax={self.offer.transfer_syntax_uid}"

    def part_heads(self, base_url: str) -> list[multipart.PartHead]:
        path = f"{base_url}{self.instance.resource.path}/frames"
        return [multipart.PartHead(self.content_type, f"{path}/{number}") for number in self.numbers]


def plan_frames(
    instance: ArchivedInstance, numbers: tuple[int, ...], acceptable: Acceptable, renditions: Renditions
) -> FramePlan:
    """Raises NothingThere for a frame that the instance does not have, and NotAcceptable."""
    source = _source(instance)
    if max(numbers) > len(source.frames):
        raise NothingThere("frame")
    offers = offers_for(instance, source, acceptable, renditions, single_part=len(numbers) == 1)
    return FramePlan(
        instance=instance,
        source=source,
        numbers=numbers,
        offer=acceptable.choose(offers),
        as_stored=tuple(offer for offer in offers if not needs_codec(source, offer)),
    )


def _source(instance: ArchivedInstance) -> Source:
    try:
        return open_source(instance.path)
    except FileNotFoundError:
        raise NothingThere("instance") from None
    except PixelDescriptionMissing:
        raise NothingThere("frame") from None
    except DataSetMalformed as error:
        raise NotAcceptable(()) from error  # there are pixels, and nothing tells one frame from the next


def in_file(plan: FramePlan) -> FrameBytes | None:
    """What of the file is to be sent without a multipart; None where there is more to do."""
    return None if plan.is_multipart or plan.needs_codec else _stored(plan)[0]


def head_of(plan: FramePlan, *, base_url: str) -> Body:
    """What is told of the payload of a plan without decoding anything for it."""
    if not plan.needs_codec:
        return _body(plan, _stored(plan), base_url)
    if not plan.is_multipart:
        return Body(plan.content_type, None, iter(()))
    return Body(_multipart_type(plan, multipart.new_boundary()), None, iter(()))


def body_of(plan: FramePlan, renditions: Renditions, *, base_url: str) -> Body:
    """The payload of a plan. Raises NotAcceptable when the frames cannot be decoded after all, and
    CodecUnavailable and NoRoomToRender when that cannot be tried.
    """
    if not plan.needs_codec:
        return _body(plan, _stored(plan), base_url)
    try:
        uid = plan.offer.transfer_syntax_uid or ""
        frames = coded_frames(renditions, plan.instance, plan.source, plan.numbers, uid)
    except NoRendition as error:
        raise NotAcceptable(plan.as_stored) from error
    return _body(plan, frames, base_url)


def _stored(plan: FramePlan) -> list[FrameBytes]:
    pages = pages_of(plan.source.data)
    return [FrameBytes(plan.source.frames.pieces(number - 1), pages) for number in plan.numbers]


def _body(plan: FramePlan, frames: Sequence[FrameBytes], base_url: str) -> Body:
    if not plan.is_multipart:
        (only,) = frames
        return Body(plan.content_type, only.size_bytes, only.chunks())
    boundary = multipart.new_boundary()
    heads = plan.part_heads(base_url)
    sizes = [(head, frame.size_bytes) for head, frame in zip(heads, frames, strict=True)]
    parts = ((head, frame.chunks()) for head, frame in zip(heads, frames, strict=True))
    return Body(
        content_type=_multipart_type(plan, boundary),
        length_bytes=multipart.encoded_length(sizes, boundary),
        chunks=multipart.encode(parts, boundary),
    )


def _multipart_type(plan: FramePlan, boundary: str) -> str:
    return multipart.content_type(part_type=plan.offer.part_type or "", boundary=boundary)
