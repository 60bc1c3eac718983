"""WADO-RS retrieve: which instances are sent in which form, settled before the first byte. PS3.18 10.4."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import chain, zip_longest

from dicomhub.dicomweb.http import multipart
from dicomhub.dicomweb.http.conditional import entity_tag
from dicomhub.dicomweb.http.negotiation import DICOM, MULTIPART, Acceptable, NotAcceptable, Offer
from dicomhub.dicomweb.retrieve.archived import ArchivedInstance
from dicomhub.dicomweb.retrieve.content import as_explicit_little_endian, as_stored, whole_file
from dicomhub.dicomweb.retrieve.renditions import NoRendition, Renditions
from dicomhub.dicomweb.retrieve.representation import dicom_offers, needs_decoder
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
    def needs_decoder(self) -> bool:
        return needs_decoder(self.instance.transfer_syntax_uid, self.offer.transfer_syntax_uid or "")

    @property
    def content_type(self) -> str:
        return f"{DICOM}; transfer-syntax={self.offer.transfer_syntax_uid}"

    def part_head(self, base_url: str) -> multipart.PartHead:
        return multipart.PartHead(self.content_type, base_url + self.instance.resource.path)

    def chunks(self, renditions: Renditions, *, is_length_announced: bool) -> Iterator[bytes]:
        """The file, begun: what would keep it from being read has happened.

        Raises FileNotFoundError, DataSetMalformed where it has to be encoded anew, and what Renditions.open
        raises where its pixels have to be.
        """
        if self.needs_decoder:
            chunks = whole_file(renditions.open(self.instance, self.offer.transfer_syntax_uid or ""))
        elif self.is_as_stored:
            size_bytes = self.instance.size_bytes if is_length_announced else None
            chunks = as_stored(self.instance.path, size_bytes=size_bytes)
        else:
            chunks = as_explicit_little_endian(self.instance.path)
        return chain([next(chunks)], chunks)


@dataclass(frozen=True, slots=True)
class RetrievePlan:
    """One or more instances to send; left_out counts those that cannot be had in any acceptable form.

    as_stored are the offers that need no decoder: what is left should one fail.
    """

    planned: tuple[Planned, ...]
    left_out: int
    as_stored: tuple[Offer, ...]

    @property
    def is_multipart(self) -> bool:
        return self.planned[0].offer.media_type == MULTIPART

    @property
    def is_length_known(self) -> bool:
        return all(each.is_as_stored for each in self.planned)

    @property
    def etag(self) -> str:
        """Strong for one file byte for byte; else a boundary or an encoder may differ from time to time."""
        versions = (f"{each.instance.version} {each.offer}" for each in self.planned)
        is_weak = self.is_multipart or not self.is_length_known
        return entity_tag(str(self.left_out), *versions, is_weak=is_weak)

    @property
    def modified_at(self) -> datetime:
        return max(each.instance.modified_at for each in self.planned)


@dataclass(frozen=True, slots=True)
class Body:
    """length_bytes is None where it is only known once everything was sent."""

    content_type: str
    length_bytes: int | None
    chunks: Iterator[bytes]


def plan_retrieve(
    instances: Sequence[ArchivedInstance],
    acceptable: Acceptable,
    renditions: Renditions,
    *,
    single_part: bool,
) -> RetrievePlan:
    """Raises NotAcceptable when none of the instances can be had in an acceptable form."""
    offers_of = {
        uid: _offers(uid, acceptable, renditions, single_part=single_part)
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
    as_stored = tuple(
        offer
        for uid, offers in offers_of.items()
        for offer in offers
        if not needs_decoder(uid, offer.transfer_syntax_uid or "")
    )
    return RetrievePlan(planned, len(instances) - len(planned), as_stored)


def _offers(
    uid: str, acceptable: Acceptable, renditions: Renditions, *, single_part: bool
) -> Sequence[Offer]:
    """Which decoders there are is asked only when one is needed: codec processes are started for that."""
    offers = dicom_offers(uid, single_part=single_part, is_decodable=True)
    choice = acceptable.choice(offers)
    is_as_stored = choice is not None and not needs_decoder(uid, choice.transfer_syntax_uid or "")
    if is_as_stored or len(offers) == 1 or renditions.can_decode(uid):
        return offers
    return dicom_offers(uid, single_part=single_part, is_decodable=False)


def head_of(plan: RetrievePlan, *, base_url: str) -> Body:
    """What is told of the payload of a plan before any of it is made."""
    return _announced(plan, base_url, multipart.new_boundary(), iter(()))


def body_of(plan: RetrievePlan, renditions: Renditions, *, base_url: str) -> Body:
    """The payload of a plan; its chunks are made while they are sent, the first ones before.

    Raises NotAcceptable when none of the instances can be encoded anew after all, and CodecUnavailable and
    NoRoomToRender when that cannot be tried.
    """
    parts = _parts(plan, renditions)
    first = next(parts, None)
    if first is None:
        raise NotAcceptable(plan.as_stored)
    if not plan.is_multipart:
        return _announced(plan, base_url, "", first[1])
    boundary = multipart.new_boundary()
    with_heads = ((planned.part_head(base_url), chunks) for planned, chunks in chain([first], parts))
    return _announced(plan, base_url, boundary, multipart.encode(with_heads, boundary))


def _announced(plan: RetrievePlan, base_url: str, boundary: str, chunks: Iterator[bytes]) -> Body:
    if not plan.is_multipart:
        (only,) = plan.planned
        return Body(only.content_type, only.instance.size_bytes if plan.is_length_known else None, chunks)
    sizes = ((each.part_head(base_url), each.instance.size_bytes) for each in plan.planned)
    return Body(
        content_type=multipart.content_type(part_type=DICOM, boundary=boundary),
        length_bytes=multipart.encoded_length(sizes, boundary) if plan.is_length_known else None,
        chunks=chunks,
    )


def _parts(plan: RetrievePlan, renditions: Renditions) -> Iterator[tuple[Planned, Iterator[bytes]]]:
    """Each instance that can be read. Where any is to be decoded, the next is begun while one is sent."""
    begin = partial(_begun, renditions=renditions, is_length_announced=plan.is_length_known)
    if not any(each.needs_decoder for each in plan.planned[1:]):
        begun = zip(plan.planned, map(begin, plan.planned), strict=True)
        yield from ((planned, chunks) for planned, chunks in begun if chunks is not None)
        return
    with ThreadPoolExecutor(1, thread_name_prefix="ahead") as executor:
        following = executor.submit(begin, plan.planned[0])
        for planned, after in zip_longest(plan.planned, plan.planned[1:]):
            chunks = following.result()
            if after is not None:
                following = executor.submit(begin, after)
            if chunks is not None:
                yield planned, chunks


def _begun(planned: Planned, *, renditions: Renditions, is_length_announced: bool) -> Iterator[bytes] | None:
    """The content of a part, or None for an instance that turns out to be broken: the others are still sent.

    Once a length was announced nothing can be left out: then the connection breaks, and the client knows.
    """
    try:
        return planned.chunks(renditions, is_length_announced=is_length_announced)
    except (DataSetMalformed, FileNotFoundError, NoRendition) as error:
        if is_length_announced:
            raise
        logger().warning(
            "instance_left_out", instance=planned.instance.resource.sop_instance_uid, error=str(error)
        )
        return None
