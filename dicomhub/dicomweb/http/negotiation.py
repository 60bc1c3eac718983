"""Which representation a client gets: the choice among what can be had. PS3.18 8.7.8, RFC 9110 12.5.1.

A room lists its offers for a resource, best first; the client's ranges weigh them. An offer's weight is that
of the most specific range that covers it; among equals the client's order decides, then ours.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from dicomhub.dicomweb.http.accept import MediaRange, parse_accept_header, parse_accept_parameter

MULTIPART = "multipart/related"
DICOM = "application/dicom"
DICOM_JSON = "application/dicom+json"
DICOM_XML = "application/dicom+xml"
JSON = "application/json"
OCTET_STREAM = "application/octet-stream"
ZIP = "application/zip"


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """One way to represent a resource. part_type is the media type of a multipart's parts.

    is_default: what a range without a transfer-syntax parameter asks for (PS3.18 8.7.3.4);
    is_as_stored: what transfer-syntax=* asks for. An offer without a transfer syntax has neither.
    is_only_by_name: no range with a wildcard asks for it.
    """

    media_type: str
    part_type: str | None = None
    transfer_syntax_uid: str | None = None
    is_default: bool = True
    is_as_stored: bool = True
    is_only_by_name: bool = False

    def __str__(self) -> str:
        text = self.media_type
        if self.part_type is not None:
            text += f'; type="{self.part_type}"'
        if self.transfer_syntax_uid is not None:
            text += f"; transfer-syntax={self.transfer_syntax_uid}"
        return text


class NotAcceptable(Exception):
    """None of the offers is acceptable to the client. A retrieve of an empty resource has no offers."""

    def __init__(self, offers: Sequence[Offer]) -> None:
        super().__init__("nothing that can be had is acceptable to the client")
        self.available = tuple(dict.fromkeys(str(offer) for offer in offers))


@dataclass(frozen=True, slots=True)
class Acceptable:
    """What a request accepts: by its accept query parameter, and by its Accept header."""

    by_parameter: tuple[MediaRange, ...]
    by_header: tuple[MediaRange, ...]

    @classmethod
    def parse(cls, *, parameter: str, header: str) -> "Acceptable":
        """Raises AcceptMalformed."""
        return cls(parse_accept_parameter(parameter), parse_accept_header(header))

    def choice(self, offers: Sequence[Offer]) -> Offer | None:
        """The parameter's choice goes before the header's; None: nothing is acceptable. PS3.18 8.7.8.1."""
        return _choice(offers, self.by_parameter) or _choice(offers, self.by_header)

    def choose(self, offers: Sequence[Offer]) -> Offer:
        """Raises NotAcceptable."""
        offer = self.choice(offers)
        if offer is None:
            raise NotAcceptable(offers)
        return offer


def _choice(offers: Sequence[Offer], ranges: tuple[MediaRange, ...]) -> Offer | None:
    best: Offer | None = None
    best_rank: tuple[float, int] = (0.0, 0)
    for offer in offers:
        covering = [
            (specificity, -position, media_range.quality)
            for position, media_range in enumerate(ranges)
            if (specificity := _specificity(media_range, offer)) is not None
        ]
        if not covering:
            continue
        _, order, quality = max(covering)
        if quality > 0 and (best is None or (quality, order) > best_rank):
            best, best_rank = offer, (quality, order)
    return best


def _specificity(media_range: MediaRange, offer: Offer) -> int | None:
    """How closely a range names an offer; None where it does not cover it."""
    closeness = _match(media_range.name, offer.media_type)
    if closeness is None or (offer.is_only_by_name and media_range.has_wildcard):
        return None
    if offer.part_type is not None and (part_type := media_range.parameter("type")) is not None:
        part_closeness = _match(part_type.strip().lower(), offer.part_type)
        if part_closeness is None:
            return None
        closeness += 1 + part_closeness
    transfer_syntax = media_range.parameter("transfer-syntax")
    if transfer_syntax is None:
        return closeness if offer.is_default else None
    if transfer_syntax == "*":
        return closeness + 1 if offer.is_as_stored else None
    return closeness + 2 if transfer_syntax == offer.transfer_syntax_uid else None


def _match(pattern: str, media_type: str) -> int | None:
    if pattern == media_type:
        return 2
    if pattern == "*/*":
        return 0
    return 1 if pattern == f"{media_type.split('/', 1)[0]}/*" else None
