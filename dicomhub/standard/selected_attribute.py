"""The text of one attribute of a data set, public or private. PS3.5 7.1, 7.8."""

from dataclasses import dataclass
from itertools import repeat
from typing import Final

from dicomhub.standard.character_set import character_set
from dicomhub.standard.data_set_head import SPECIFIC_CHARACTER_SET
from dicomhub.standard.element import (
    UNDEFINED_LENGTH,
    DataSetMalformed,
    DataSetTruncated,
    Encoding,
    encoding_of,
    read_header,
)
from dicomhub.standard.inflate import HEAD_STEPS_BYTES, inflate_head
from dicomhub.standard.item import end_of_undefined
from dicomhub.standard.transfer_syntax import TransferSyntax

TEXT_MAX_BYTES: Final = 1024
# Elements and items that are gone through, at a microsecond each: those of some ten thousand frames, behind
# which a private attribute may stand, but none that are made to keep a receiver busy.
_MAX_STEPS: Final = 4_000_000


@dataclass(frozen=True, slots=True)
class AttributeSelector:
    """A top-level attribute with a text VR.

    A private one, gggg,bbee, is named by its creator: bb, the block, is what the creator has reserved in the
    data set at hand, whatever the tag here has in that place. PS3.5 7.8.1.
    """

    tag: int
    private_creator: str = ""

    @property
    def group(self) -> int:
        return self.tag >> 16

    @property
    def last_tag(self) -> int:
        """Where a data set's ascending tags have passed the attribute."""
        return self.group << 16 | 0xFFFF if self.private_creator else self.tag


def read_text(data: memoryview, syntax: TransferSyntax, selector: AttributeSelector) -> str:
    """The attribute's text in a whole data set, without padding; "" when it is absent or empty.

    Of a text of more than TEXT_MAX_BYTES the beginning. Raises DataSetMalformed.
    """
    if not syntax.is_deflated:
        return _read_text(data, encoding_of(data, syntax), selector)
    for max_bytes in HEAD_STEPS_BYTES:
        inflated, is_complete = inflate_head(data, max_bytes=max_bytes)
        view = memoryview(inflated)
        try:
            return _read_text(view, encoding_of(view, syntax), selector)
        except DataSetTruncated:
            if is_complete or len(inflated) < max_bytes:
                raise
    raise DataSetMalformed(f"{selector.tag:08X} is not in the first {max_bytes} bytes inflated")


def _read_text(data: memoryview, encoding: Encoding, selector: AttributeSelector) -> str:
    text = character_set(b"")
    blocks: set[int] = set()
    offset = 0
    steps = repeat(None, _MAX_STEPS)
    for _ in steps:
        if offset + 8 > len(data):
            break
        tag, _, start, length = read_header(data, offset, encoding)
        if tag > selector.last_tag:
            return ""
        if length == UNDEFINED_LENGTH:
            offset = end_of_undefined(data, start, encoding, steps=steps) + 8
            continue
        offset = start + length
        if offset > len(data):
            raise DataSetTruncated(start)
        value = bytes(data[start : min(offset, start + TEXT_MAX_BYTES)])
        if tag == SPECIFIC_CHARACTER_SET:
            text = character_set(value)
        elif _is_selected(tag, selector, blocks):
            return text.decode(value).strip("\0 ")
        elif _is_creator(tag, selector) and text.decode(value).strip("\0 ") == selector.private_creator:
            blocks.add(tag & 0xFF)
    else:
        raise DataSetMalformed(f"more than {_MAX_STEPS} elements in front of {selector.tag:08X}")
    if offset != len(data):
        raise DataSetTruncated(offset)
    return ""


def _is_creator(tag: int, selector: AttributeSelector) -> bool:
    return bool(selector.private_creator) and tag >> 16 == selector.group and 0x10 <= tag & 0xFFFF <= 0xFF


def _is_selected(tag: int, selector: AttributeSelector, blocks: set[int]) -> bool:
    if not selector.private_creator:
        return tag == selector.tag
    is_the_element = tag >> 16 == selector.group and tag & 0xFF == selector.tag & 0xFF
    return is_the_element and (tag >> 8 & 0xFF) in blocks
