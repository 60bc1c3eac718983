"""All the bulk data, or all pixels, of a study, a series or an instance. PS3.18 10.4.3.3.5, 10.4.3.3.6."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

from dicomhub.dicomweb.http.multipart import PartHead
from dicomhub.dicomweb.http.negotiation import Acceptable, NotAcceptable, Offer
from dicomhub.dicomweb.resource import NothingThere
from dicomhub.dicomweb.retrieve.archived import ArchivedInstance, instance_file_path
from dicomhub.dicomweb.retrieve.bulk_data import PIXEL_PATHS, SEGMENT, find
from dicomhub.dicomweb.retrieve.bulk_value import BulkValue, content_type_of
from dicomhub.dicomweb.retrieve.frame_bytes import FrameBytes
from dicomhub.dicomweb.retrieve.renditions import Renditions
from dicomhub.log import logger
from dicomhub.metadata.instance_model import BULK_DATA_BASE, read_instance_model
from dicomhub.standard.dicom_json import bulk_data_uris
from dicomhub.storage.layout import SeriesKey


@dataclass(frozen=True, slots=True)
class _Planned:
    instance: ArchivedInstance
    path: str
    value: BulkValue
    offer: Offer


@dataclass(frozen=True, slots=True)
class BulkParts:
    """part_type is the media type of the first part: what a multipart says of itself."""

    part_type: str
    parts: Iterator[tuple[PartHead, Iterator[bytes]]]


def bulk_parts(
    instances: Sequence[ArchivedInstance],
    acceptable: Acceptable,
    renditions: Renditions,
    *,
    base_url: str,
    only_pixels: bool,
) -> BulkParts:
    """Every value in the form that is asked for, made while it is sent; what cannot be had so is left out.

    Raises NothingThere where there are no such values, and NotAcceptable.
    """
    refused: list[Offer] = []
    planned = _planned(instances, acceptable, renditions, refused, only_pixels=only_pixels)
    first = next(planned, None)
    if first is None:
        raise NotAcceptable(refused) if refused else NothingThere("bulk data")
    return BulkParts(
        part_type=first.offer.part_type or "",
        parts=(
            (head, part.chunks())
            for one in chain((first,), planned)
            for head, part in _parts(one, renditions, base_url)
        ),
    )


def _planned(
    instances: Sequence[ArchivedInstance],
    acceptable: Acceptable,
    renditions: Renditions,
    refused: list[Offer],
    *,
    only_pixels: bool,
) -> Iterator[_Planned]:
    """The values that can be had in an acceptable form; refused gets the offers for all others."""
    for instance in instances:
        for path in _paths(renditions, instance, only_pixels=only_pixels):
            try:
                value = find(instance, path)
            except NothingThere:
                continue  # it has been replaced meanwhile
            offers = value.offers(acceptable, renditions, single_part=False)
            offer = acceptable.choice(offers)
            if offer is None:
                refused += offers
            else:
                yield _Planned(instance, path, value, offer)


def _paths(renditions: Renditions, instance: ArchivedInstance, *, only_pixels: bool) -> list[str]:
    resource = instance.resource
    assert resource.series_instance_uid is not None
    assert resource.sop_instance_uid is not None
    key = SeriesKey(resource.tenant, resource.study_instance_uid, resource.series_instance_uid)
    try:
        model, _ = read_instance_model(
            renditions.store,
            key,
            sop_instance_uid=resource.sop_instance_uid,
            path=instance_file_path(resource),
        )
    except FileNotFoundError:
        return []
    root = f"{BULK_DATA_BASE}{resource.path}/{SEGMENT}/"
    paths = [uri.removeprefix(root) for uri in bulk_data_uris(model)]
    return [path for path in paths if path in PIXEL_PATHS] if only_pixels else paths


def _parts(planned: _Planned, renditions: Renditions, base_url: str) -> Iterator[tuple[PartHead, FrameBytes]]:
    resource = planned.instance.resource
    try:
        parts = planned.value.parts(planned.offer, renditions)
    except NotAcceptable:
        logger().warning("bulk_data_left_out", instance=resource.sop_instance_uid, path=planned.path)
        return
    location = f"{base_url}{resource.path}/{SEGMENT}/{planned.path}"
    head = PartHead(content_type_of(planned.offer), location)
    yield from ((head, part) for part in parts)
