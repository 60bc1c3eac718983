"""Encapsulated Pixel Data as bulk data: native as one value, else a part a frame. PS3.18 8.7.3.3."""

from collections.abc import Sequence
from dataclasses import dataclass

from dicomhub.dicomweb.http.negotiation import MULTIPART, OCTET_STREAM, Acceptable, NotAcceptable, Offer
from dicomhub.dicomweb.retrieve.archived import ArchivedInstance
from dicomhub.dicomweb.retrieve.coded_frames import coded_frames
from dicomhub.dicomweb.retrieve.content import pages_of
from dicomhub.dicomweb.retrieve.frame_bytes import FrameBytes, joined
from dicomhub.dicomweb.retrieve.frame_offers import needs_codec, offers_for
from dicomhub.dicomweb.retrieve.renditions import NoRendition, Renditions
from dicomhub.standard.element import DataSetMalformed
from dicomhub.standard.transfer_syntax import EXPLICIT_VR_LITTLE_ENDIAN
from tasks.transcode.pixel_description import PixelDescriptionMissing
from tasks.transcode.source import Source, open_source


@dataclass(frozen=True, slots=True)
class EncapsulatedPixels:
    instance: ArchivedInstance
    source: Source

    def offers(self, acceptable: Acceptable, renditions: Renditions, *, single_part: bool) -> Sequence[Offer]:
        """Codestreams of several frames make no whole that a media type would name: as plain bytes alone."""
        offers = offers_for(self.instance, self.source, acceptable, renditions, single_part=single_part)
        is_one = len(self.source.frames) == 1
        return [one for one in offers if is_one or one.media_type in (MULTIPART, OCTET_STREAM)]

    def in_file(self, offer: Offer) -> FrameBytes | None:
        if offer.media_type == MULTIPART or needs_codec(self.source, offer):
            return None
        return joined(self._stored())

    def parts(self, offer: Offer, renditions: Renditions) -> Sequence[FrameBytes]:
        if not needs_codec(self.source, offer):
            return self._stored()
        numbers = tuple(range(1, len(self.source.frames) + 1))
        uid = offer.transfer_syntax_uid or ""
        try:
            frames = coded_frames(renditions, self.instance, self.source, numbers, uid)
        except NoRendition as error:
            raise NotAcceptable(()) from error
        return (joined(frames),) if uid == EXPLICIT_VR_LITTLE_ENDIAN else frames

    def _stored(self) -> list[FrameBytes]:
        frames, pages = self.source.frames, pages_of(self.source.data)
        return [FrameBytes(frames.pieces(index), pages) for index in range(len(frames))]


def encapsulated_pixels(instance: ArchivedInstance) -> EncapsulatedPixels | None:
    """None where nothing tells one frame from the next, or says what they are."""
    try:
        return EncapsulatedPixels(instance, open_source(instance.path))
    except (FileNotFoundError, DataSetMalformed, PixelDescriptionMissing):
        return None
