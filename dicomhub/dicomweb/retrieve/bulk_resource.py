"""All the bulk data, or all pixels, of a study, a series or an instance. PS3.18 10.4.3.3.5, 10.4.3.3.6."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

from dicomhub.dicomweb.http.multipart import PartHead
from dicomhub.dicomweb.http.negotiation import Acceptable, NotAcceptable, Offer
from dicomhub.dicomweb.resource import Damaged, NothingThere
from dicomhub.dicomweb.retrieve.archived import ArchivedInstance, model_of
from dicomhub.dicomweb.retrieve.bulk_data import PIXEL_PATHS, SEGMENT, find
from dicomhub.dicomweb.retrieve.bulk_value import content_type_of
from dicomhub.dicomweb.retrieve.renditions import Renditions
from dicomhub.log import logger
from dicomhub.metadata.instance_model import BULK_DATA_BASE
from dicomhub.standard.dicom_json import bulk_data_uris


@dataclass(frozen=True, slots=True)
class _Planned:
    """A value, not held: each of them would keep its file mapped."""

    instance: ArchivedInstance
    path: str
    offer: Offer


@dataclass(frozen=True, slots=True)
class BulkPlan:
    """One or more values, and what is missing.

    left_out counts values that cannot be had in any acceptable form, damaged instances that cannot be read.
    """

    planned: tuple[_Planned, ...]
    left_out: int
    damaged: int


@dataclass(frozen=True, slots=True)
class BulkParts:
    """part_type is the media type of the first part: what a multipart says of itself.

    left_out: the plan's, and those before the first part that could not be decoded after all.
    """

    part_type: str
    left_out: int
    parts: Iterator[tuple[PartHead, Iterator[bytes]]]


def plan_bulk(
    instances: Sequence[ArchivedInstance],
    acceptable: Acceptable,
    renditions: Renditions,
    *,
    only_pixels: bool,
) -> BulkPlan:
    """Every value in the form that is asked for; nothing is decoded for it.

    Raises NothingThere where there are no such values, Damaged where none can be read, NotAcceptable where
    none can be had so, and CodecUnavailable.
    """
    planned: list[_Planned] = []
    refused: list[Offer] = []
    left_out = damaged = 0
    for instance in instances:
        try:
            paths = _paths(renditions, instance, only_pixels=only_pixels)
        except Damaged:
            damaged += 1
            continue
        except NothingThere:
            continue  # it has been deleted meanwhile
        for path in paths:
            try:
                offers = find(instance, path).offers(acceptable, renditions, single_part=False)
            except NothingThere:
                continue  # it has been replaced meanwhile
            offer = acceptable.choice(offers)
            if offer is not None:
                planned.append(_Planned(instance, path, offer))
            else:
                refused += offers
                left_out += 1
    if not planned:
        if refused:
            raise NotAcceptable(refused)
        raise Damaged("bulk data") if damaged else NothingThere("bulk data")
    return BulkPlan(tuple(planned), left_out, damaged)


def head_of(plan: BulkPlan) -> BulkParts:
    """What is told of a plan without decoding anything for it."""
    return BulkParts(plan.planned[0].offer.part_type or "", plan.left_out, iter(()))


def bulk_parts(plan: BulkPlan, renditions: Renditions, *, base_url: str) -> BulkParts:
    """The values of a plan, made while they are sent, the first one before: so it is said what is missing.

    What cannot be made later breaks the answer off: it would be missing, and nobody would know. Raises
    NotAcceptable when none can be decoded after all, NoRoomToRender and CodecUnavailable.
    """
    for number, one in enumerate(plan.planned):
        try:
            first = _parts(one, renditions, base_url)
        except (NotAcceptable, NothingThere):
            resource = one.instance.resource
            logger().warning("bulk_data_left_out", instance=resource.sop_instance_uid, path=one.path)
            continue
        later = (_parts(each, renditions, base_url) for each in plan.planned[number + 1 :])
        parts = chain(first, chain.from_iterable(later))
        return BulkParts(one.offer.part_type or "", plan.left_out + number, parts)
    raise NotAcceptable(())


def _paths(renditions: Renditions, instance: ArchivedInstance, *, only_pixels: bool) -> list[str]:
    """Those of an instance's values. Raises NothingThere, Damaged."""
    root = f"{BULK_DATA_BASE}{instance.resource.path}/{SEGMENT}/"
    model = model_of(renditions.store, instance.resource)
    paths = [uri.removeprefix(root) for uri in bulk_data_uris(model)]
    return [path for path in paths if path in PIXEL_PATHS] if only_pixels else paths


def _parts(
    planned: _Planned, renditions: Renditions, base_url: str
) -> list[tuple[PartHead, Iterator[bytes]]]:
    """Those of one value. Raises NothingThere, and what BulkValue.parts raises."""
    resource = planned.instance.resource
    location = f"{base_url}{resource.path}/{SEGMENT}/{planned.path}"
    head = PartHead(content_type_of(planned.offer), location)
    value = find(planned.instance, planned.path)
    return [(head, part.chunks()) for part in value.parts(planned.offer, renditions)]
