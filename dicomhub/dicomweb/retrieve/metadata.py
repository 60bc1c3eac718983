"""WADO-RS metadata: the instances of a resource, in JSON as they are kept. PS3.18 10.4.1.1.2, 10.4.4, F."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import chain

from dicomhub.archive import selectors
from dicomhub.archive.models import Series, Study
from dicomhub.dicomweb.http.json_stream import array
from dicomhub.dicomweb.http.negotiation import DICOM_JSON, DICOM_XML, JSON, MULTIPART, Offer
from dicomhub.dicomweb.resource import NothingThere, Resource
from dicomhub.dicomweb.retrieve.archived import instance_file_path, model_of
from dicomhub.log import logger
from dicomhub.metadata.instance_model import BULK_DATA_BASE
from dicomhub.metadata.pages import read_text
from dicomhub.metadata.series import read_series
from dicomhub.metadata.study import read_study
from dicomhub.standard.dicom_json import encode_model
from dicomhub.storage.filesystem import FilesystemStore
from dicomhub.storage.instance_file import file_version, modified_at
from dicomhub.storage.layout import series_metadata_path, study_metadata_path

OFFERS = (Offer(media_type=DICOM_JSON), Offer(media_type=JSON))
XML_OFFER = Offer(media_type=MULTIPART, part_type=DICOM_XML)
# A quotation mark inside a JSON string is escaped, so no value of an attribute can look like this.
_PLACEHOLDER = f'"BulkDataURI":"{BULK_DATA_BASE}'.encode("ascii")


def metadata_offers(resource: Resource) -> tuple[Offer, ...]:
    """One instance can be had in XML without a multipart around it, too."""
    is_one = resource.sop_instance_uid is not None
    return (*OFFERS, XML_OFFER, Offer(media_type=DICOM_XML)) if is_one else (*OFFERS, XML_OFFER)


def instance_models(store: FilesystemStore, resource: Resource, *, base_url: str) -> Iterator[bytes]:
    """One or more encoded objects, BulkDataURIs below base_url. Raises NothingThere, before it returns."""
    lines = _lines(store, resource)
    first = next(lines, None)
    if first is None:
        raise NothingThere(resource.kind)
    return (with_bulk_data_base(line, base_url) for line in chain([first], lines))


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFile:
    """The one file that an answer is made of, below the store's root.

    version as in storage.instance_file.file_version(); is_document: a document, not an instance.
    """

    path: str
    is_document: bool
    version: str
    modified_at: datetime


def source_file(store: FilesystemStore, resource: Resource) -> SourceFile | None:
    """The archived file or the fresh document that instance_models() reads; None: many files, or nothing.

    A document is written anew whenever its series or study has changed.
    """
    is_instance = resource.sop_instance_uid is not None
    path = instance_file_path(resource) if is_instance else _fresh_document_path(resource)
    if path is None:
        return None
    try:
        status = store.absolute(path).stat()
    except FileNotFoundError:
        return None
    return SourceFile(
        path=path,
        is_document=not is_instance,
        version=file_version(status),
        modified_at=modified_at(status),
    )


def _fresh_document_path(resource: Resource) -> str | None:
    tenant, study, series = resource.tenant, resource.study_instance_uid, resource.series_instance_uid
    try:
        if series is None:
            is_fresh = selectors.study(tenant, study).is_document_fresh
            return study_metadata_path(tenant, study) if is_fresh else None
        is_fresh = selectors.series(tenant, study, series).is_document_fresh
        return series_metadata_path(tenant, study, series) if is_fresh else None
    except (Series.DoesNotExist, Study.DoesNotExist):
        return None


def json_text(
    store: FilesystemStore, resource: Resource, source: SourceFile | None, *, base_url: str
) -> Iterator[bytes]:
    """instance_models() as one JSON array, in blocks; a document's text is sent on as it is unpacked.

    Raises NothingThere, before it returns.
    """
    text = _text_of(store, source) if source is not None and source.is_document else None
    if text is None:
        return array(instance_models(store, resource, base_url=base_url))
    return blocks_with_bulk_data_base(text, base_url)


def _text_of(store: FilesystemStore, source: SourceFile) -> Iterator[bytes] | None:
    try:
        text = read_text(store.absolute(source.path))
    except (OSError, ValueError) as error:  # gone meanwhile, unreadable, or empty, which cannot be mapped
        logger().warning("document_unreadable", path=source.path, error=str(error))
        return None
    if text is None:
        logger().warning("document_passed_over", path=source.path)
    return text


def with_bulk_data_base(line: bytes, base_url: str) -> bytes:
    return line.replace(_PLACEHOLDER, _bulk_data_base(base_url))


def blocks_with_bulk_data_base(blocks: Iterable[bytes], base_url: str) -> Iterator[bytes]:
    """The same for lines that are cut into blocks anywhere."""
    base, most_held_bytes = _bulk_data_base(base_url), len(_PLACEHOLDER) - 1
    held = b""  # a placeholder may have begun in it
    for block in blocks:
        text = (held + block).replace(_PLACEHOLDER, base)
        held = text[-most_held_bytes:]
        yield text[:-most_held_bytes]
    yield held


def _bulk_data_base(base_url: str) -> bytes:
    return f'"BulkDataURI":"{base_url}'.encode("ascii")


def _lines(store: FilesystemStore, resource: Resource) -> Iterator[bytes]:
    if resource.sop_instance_uid is not None:
        return _line_of_instance(store, resource)
    if resource.series_instance_uid is not None:
        return _lines_of_series(store, resource)
    return _lines_of_study(store, resource)


def _line_of_instance(store: FilesystemStore, resource: Resource) -> Iterator[bytes]:
    """Made from the file: that is quicker than to unpack the series it is in, and never old."""
    yield encode_model(model_of(store, resource))


def _lines_of_series(store: FilesystemStore, resource: Resource) -> Iterator[bytes]:
    key = resource.series_key
    try:
        series = selectors.series(*key)
    except Series.DoesNotExist:
        raise NothingThere("series") from None
    return iter(read_series(store, key, is_fresh=series.is_document_fresh).lines)


def _lines_of_study(store: FilesystemStore, resource: Resource) -> Iterator[bytes]:
    try:
        study = selectors.study(resource.tenant, resource.study_instance_uid)
    except Study.DoesNotExist:
        raise NothingThere("study") from None
    series = selectors.series_of_study(resource.tenant, resource.study_instance_uid)
    return read_study(
        store,
        resource.tenant,
        resource.study_instance_uid,
        series=[(each.series_instance_uid, each.is_document_fresh) for each in series],
        is_fresh=study.is_document_fresh,
    )
