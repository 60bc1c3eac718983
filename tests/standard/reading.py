"""What lies in the sample files, and pydicom's reading of it."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from io import BytesIO
from pathlib import Path

import pydicom

from dicomhub.standard.part10 import Part10Malformed, file_header, read_file_meta
from dicomhub.standard.transfer_syntax import TransferSyntax, TransferSyntaxUnknown, transfer_syntax
from tests.support.samples import sample_files


@contextmanager
def quietly() -> Iterator[None]:
    """pydicom has something to say about every other sample file."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logger = logging.getLogger("pydicom")
        level = logger.level
        logger.setLevel(logging.CRITICAL)
        try:
            yield
        finally:
            logger.setLevel(level)


@cache
def part10_files() -> tuple[Path, ...]:
    """The sample files whose header says what is behind it."""
    return tuple(path for path in sample_files() if is_part10(path))


def is_part10(path: Path) -> bool:
    try:
        data_set_of(path)
    except (Part10Malformed, TransferSyntaxUnknown):
        return False
    return True


@cache
def instance_files() -> tuple[Path, ...]:
    """Those whose header and data set name the same instance, of a series and a study: what an archive takes."""
    return tuple(path for path in part10_files() if _is_instance(path))


def _is_instance(path: Path) -> bool:
    keywords = ["SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID"]
    with quietly():
        data_set = pydicom.dcmread(path, stop_before_pixels=True, specific_tags=keywords)
        named = data_set.file_meta.get("MediaStorageSOPInstanceUID")
        return all(data_set.get(keyword) for keyword in keywords) and data_set.SOPInstanceUID == named


def data_set_of(path: Path) -> tuple[memoryview, TransferSyntax]:
    data = path.read_bytes()
    meta = read_file_meta(data)
    return memoryview(data)[meta.data_set_offset :], transfer_syntax(meta.transfer_syntax_uid)


def pydicom_reading(data_set: bytes, syntax: TransferSyntax) -> pydicom.Dataset:
    header = file_header(sop_class_uid="1.2.3", sop_instance_uid="1.2.3", transfer_syntax_uid=syntax.uid)
    return pydicom.dcmread(BytesIO(header + data_set))
