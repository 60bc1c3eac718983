"""WADO-RS retrieve: the payload of a plan, made while it is sent. PS3.18 10.4."""

import errno
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import chain, zip_longest
from typing import Final

from dicomhub.dicomweb.http import multipart, zip_stream
from dicomhub.dicomweb.http.negotiation import DICOM, MULTIPART, ZIP, NotAcceptable
from dicomhub.dicomweb.http.zip_stream import Member
from dicomhub.dicomweb.resource import Resource
from dicomhub.dicomweb.retrieve.content import (
    ArchivedFileChanged,
    as_explicit_little_endian,
    as_stored,
    begun,
    read_ahead,
    whole_file,
)
from dicomhub.dicomweb.retrieve.plan import Planned, RetrievePlan
from dicomhub.dicomweb.retrieve.renditions import NoRendition, Renditions
from dicomhub.log import logger
from dicomhub.standard.element import DataSetMalformed
from dicomhub.standard.part10 import Part10Malformed
from dicomhub.standard.transfer_syntax import TransferSyntaxUnknown

_Part = tuple[Planned, Iterator[bytes]]
# Of an instance that was to be sent: it has been deleted or replaced since, or it cannot be encoded anew.
_BROKEN: Final = (
    ArchivedFileChanged,
    DataSetMalformed,
    FileNotFoundError,
    NoRendition,
    Part10Malformed,
    TransferSyntaxUnknown,
)


@dataclass(frozen=True, slots=True)
class Body:
    """length_bytes is None where it is only known once everything was sent."""

    content_type: str
    length_bytes: int | None
    chunks: Iterator[bytes]


def head_of(plan: RetrievePlan, *, base_url: str) -> Body:
    """What is told of the payload of a plan before any of it is made."""
    if plan.media_type == ZIP:
        return Body(ZIP, None, iter(()))
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
    if plan.media_type != MULTIPART:
        return _announced(plan, base_url, "", first[1])
    boundary = multipart.new_boundary()
    all_parts = chain([first], _or_broken_off(parts))
    with_heads = ((planned.part_head(base_url), chunks) for planned, chunks in all_parts)
    return _announced(plan, base_url, boundary, multipart.encode(with_heads, boundary))


def zip_of(plan: RetrievePlan, renditions: Renditions, *, paths: Mapping[Resource, str]) -> Body:
    """The instances as files of a ZIP, under these paths. Raises as body_of() does."""
    parts = _parts(plan, renditions)
    first = next(parts, None)
    if first is None:
        raise NotAcceptable(plan.as_stored)
    members = (
        Member(
            name=paths[planned.instance.resource],
            modified_at=planned.instance.modified_at,
            size_bytes=planned.instance.size_bytes if planned.is_as_stored else None,
            chunks=chunks,
        )
        for planned, chunks in chain([first], parts)
    )
    return Body(ZIP, None, zip_stream.encode(members))


def _announced(plan: RetrievePlan, base_url: str, boundary: str, chunks: Iterator[bytes]) -> Body:
    if plan.media_type != MULTIPART:
        (only,) = plan.planned
        return Body(only.content_type, only.instance.size_bytes if plan.is_length_known else None, chunks)
    sizes = ((each.part_head(base_url), each.instance.size_bytes) for each in plan.planned)
    return Body(
        content_type=multipart.content_type(part_type=DICOM, boundary=boundary),
        length_bytes=multipart.encoded_length(sizes, boundary) if plan.is_length_known else None,
        chunks=chunks,
    )


def _parts(plan: RetrievePlan, renditions: Renditions) -> Iterator[_Part]:
    """Each instance that can be read. Where any is to be decoded, the next is begun while one is sent."""
    begin = partial(_begun, renditions=renditions, is_length_announced=plan.is_length_known)
    if not any(each.needs_decoder for each in plan.planned[1:]):
        for planned, after in zip_longest(plan.planned, plan.planned[1:]):
            if after is not None:
                read_ahead(after.instance.path)
            if (chunks := begin(planned)) is not None:
                yield planned, chunks
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

    Once a length was announced nothing can be left out.
    """
    try:
        return _content(planned, renditions, is_length_announced=is_length_announced)
    except _BROKEN as error:
        if is_length_announced:
            raise
        logger().warning(
            "instance_left_out", instance=planned.instance.resource.sop_instance_uid, error=str(error)
        )
        return None


def _or_broken_off(parts: Iterator[_Part]) -> Iterator[_Part]:
    """What fails once the first part is on its way has no status any more.

    The connection ends before the announced length has been sent, and so the client knows.
    """
    try:
        yield from parts
    except _BROKEN as error:
        logger().warning("answer_broken_off", error=str(error))
        raise ConnectionResetError(errno.ECONNRESET, "an instance could not be sent") from error


def _content(planned: Planned, renditions: Renditions, *, is_length_announced: bool) -> Iterator[bytes]:
    """The file, begun: what would keep it from being read has happened.

    Raises FileNotFoundError; DataSetMalformed, Part10Malformed and TransferSyntaxUnknown where it has to be
    encoded anew, and what Renditions.open raises where its pixels have to be.
    """
    instance = planned.instance
    if planned.needs_decoder:
        chunks = whole_file(renditions.open(instance, planned.offer.transfer_syntax_uid or ""))
    elif planned.is_as_stored:
        chunks = as_stored(instance.path, size_bytes=instance.size_bytes if is_length_announced else None)
    else:
        chunks = as_explicit_little_endian(instance.path)
    return begun(chunks)
