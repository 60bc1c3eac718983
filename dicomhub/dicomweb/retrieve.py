"""WADO-RS retrieve: which instances are sent in which form, settled before the first byte. PS3.18 10.4."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

from dicomhub.dicomweb import multipart
from dicomhub.dicomweb.archived import ArchivedInstance
from dicomhub.dicomweb.content import as_explicit_little_endian, as_stored
from dicomhub.dicomweb.negotiation import DICOM, MULTIPART, Acceptable, NotAcceptable, Offer
from dicomhub.dicomweb.representation import dicom_offers
from dicomhub.log import logger
from dicomhub.standard.element import DataSetMalformed


@dataclass(frozen=True, slots=True)
class Planned:
    """An instance, and the representation of it that this client gets."""

    instance: ArchivedInstance
    offer: Offer

    @property
    def is_as_stored(self) -> bool:
        return self.offer.transfer_syntax_uid == self.instance.transfer_syntax_uid

    @property
    def content_type(self) -> str:
        return f"{DICOM}; transfer-syntax={self.offer.transfer_syntax_uid}"

    def part_head(self, base_url: str) -> multipart.PartHead:
        return multipart.PartHead(self.content_type, base_url + self.instance.resource.path)

    def chunks(self, *, is_length_announced: bool) -> Iterator[bytes]:
        """The file, begun: what would keep it from being read has happened.

        Raises FileNotFoundError, and DataSetMalformed where it has to be encoded anew.
        """
        if self.is_as_stored:
            size_bytes = self.instance.size_bytes if is_length_announced else None
            chunks = as_stored(self.instance.path, size_bytes=size_bytes)
        else:
            chunks = as_explicit_little_endian(self.instance.path)
        return chain([next(chunks)], chunks)


@dataclass(frozen=True, slots=True)
class RetrievePlan:
    """One or more instances to send; left_out counts those that cannot be had in any acceptable form."""

    planned: tuple[Planned, ...]
    left_out: int


@dataclass(frozen=True, slots=True)
class Body:
    """length_bytes is None where it is only known once everything was sent."""

    content_type: str
    length_bytes: int | None
    chunks: Iterator[bytes]


def plan_retrieve(
    instances: Sequence[ArchivedInstance], acceptable: Acceptable, *, single_part: bool
) -> RetrievePlan:
    """Raises NotAcceptable when none of the instances can be had in an acceptable form."""
    offers_of = {
        uid: dicom_offers(uid, single_part=single_part)
        for uid in dict.fromkeys(instance.transfer_syntax_uid for instance in instances)
    }
    choices = {uid: acceptable.choice(offers) for uid, offers in offers_of.items()}
    planned = tuple(
        Planned(instance, offer)
        for instance in instances
        if (offer := choices[instance.transfer_syntax_uid]) is not None
    )
    if not planned:
        raise NotAcceptable([offer for offers in offers_of.values() for offer in offers])
    return RetrievePlan(planned, left_out=len(instances) - len(planned))


def body_of(plan: RetrievePlan, *, base_url: str) -> Body:
    """The payload of a plan; its chunks are made while they are sent.

    Raises NotAcceptable for a single instance that cannot be encoded anew after all.
    """
    is_length_known = all(each.is_as_stored for each in plan.planned)
    if plan.planned[0].offer.media_type != MULTIPART:
        (only,) = plan.planned
        chunks = _begun(only, is_length_announced=is_length_known)
        if chunks is None:
            raise NotAcceptable([])
        return Body(only.content_type, only.instance.size_bytes if is_length_known else None, chunks)
    boundary = multipart.new_boundary()
    sizes = ((each.part_head(base_url), each.instance.size_bytes) for each in plan.planned)
    return Body(
        content_type=multipart.content_type(part_type=DICOM, boundary=boundary),
        length_bytes=multipart.encoded_length(sizes, boundary) if is_length_known else None,
        chunks=multipart.encode(
            _parts(plan.planned, base_url, is_length_announced=is_length_known), boundary
        ),
    )


def _parts(
    planned: Sequence[Planned], base_url: str, *, is_length_announced: bool
) -> Iterator[tuple[multipart.PartHead, Iterator[bytes]]]:
    for each in planned:
        chunks = _begun(each, is_length_announced=is_length_announced)
        if chunks is not None:
            yield each.part_head(base_url), chunks


def _begun(planned: Planned, *, is_length_announced: bool) -> Iterator[bytes] | None:
    """The content of a part, or None for an instance that turns out to be broken: the others are still sent.

    Once a length was announced nothing can be left out: then the connection breaks, and the client knows.
    """
    try:
        return planned.chunks(is_length_announced=is_length_announced)
    except (DataSetMalformed, FileNotFoundError) as error:
        if is_length_announced:
            raise
        logger().warning(
            "instance_left_out", instance=planned.instance.resource.sop_instance_uid, error=str(error)
        )
        return None
