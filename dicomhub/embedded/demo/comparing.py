"""Is what was retrieved what was sent? Byte for byte, or element by element where the web asks for another
transfer syntax: implicit VR and big endian shall not be used there (PS3.18 8.7.3.5.2).
"""

from io import BytesIO
from pathlib import Path

from pydicom import Dataset, dcmread
from pydicom.dataelem import DataElement
from pydicom.filewriter import correct_ambiguous_vr
from pydicom.tag import BaseTag

from dicomhub.embedded.demo.samples import Sample
from dicomhub.standard.part10 import Part10Malformed, read_file_meta
from dicomhub.standard.transfer_syntax import transfer_syntax

# Values that pydicom leaves as bytes, and the size of their words.
_WORD_BYTES = {"OW": 2, "OL": 4, "OF": 4, "OD": 8, "OV": 8}


def is_same(sample: Sample, retrieved: bytes) -> bool:
    """Compare with the Part 10 file that a retrieve gave."""
    try:
        meta = read_file_meta(retrieved)
    except Part10Malformed:
        return False
    if transfer_syntax(sample.meta.transfer_syntax_uid).may_travel_on_the_web:
        is_as_stored = meta.transfer_syntax_uid == sample.meta.transfer_syntax_uid
        return is_as_stored and retrieved[meta.data_set_offset :] == sample.data_set()
    return _are_equal(_read(sample.path), _read(BytesIO(retrieved)))


def _read(source: Path | BytesIO) -> Dataset:
    data_set = dcmread(source)
    is_little_endian = data_set.original_encoding[1]
    assert is_little_endian is not None  # it was read from bytes
    return correct_ambiguous_vr(data_set, is_little_endian)


def _are_equal(sent: Dataset, got: Dataset) -> bool:
    tags = _tags(sent)
    return tags == _tags(got) and all(_is_equal(sent[tag], got[tag], sent) for tag in tags)


def _tags(data_set: Dataset) -> list[BaseTag]:
    """All but group lengths, which are retired (PS3.5 7.2) and differ with the encoding."""
    return [tag for tag in data_set.keys() if tag.element != 0]  # noqa: SIM118 - iterating it gives elements


def _is_equal(sent: DataElement, got: DataElement, data_set: Dataset) -> bool:
    if sent.VR == "SQ" and got.VR == "SQ":
        return len(sent.value) == len(got.value) and all(map(_are_equal, sent.value, got.value))
    value = sent.value
    if isinstance(value, bytes) and data_set.original_encoding[1] is False:
        value = _swapped(value, _WORD_BYTES.get(sent.VR, 1))
    return bool(value == got.value)


def _swapped(value: bytes, word_bytes: int) -> bytes:
    swapped = bytearray(len(value))
    for offset in range(word_bytes):
        swapped[offset::word_bytes] = value[word_bytes - 1 - offset :: word_bytes]
    return bytes(swapped)
