"""What an instance has to say of lossy compression. PS3.3 C.7.6.1.1.2, C.7.6.1.1.5.

What is compressed with loss is another image, with a UID of its own and a reference to its predecessor. What
was lossy once stays so, whatever it is written in now. The attributes keep one value a step, in order.
"""

from collections.abc import Mapping
from typing import Final

from dicomhub.standard.changed_data_set import Pieces, sequence_element, text_element, uid_element

IMAGE_TYPE: Final = 0x00080008
SOP_INSTANCE_UID: Final = 0x00080018
SOURCE_IMAGE_SEQUENCE: Final = 0x00082112
LOSSY_IMAGE_COMPRESSION: Final = 0x00282110
LOSSY_IMAGE_COMPRESSION_RATIO: Final = 0x00282112
LOSSY_IMAGE_COMPRESSION_METHOD: Final = 0x00282114

RATIO_PLACEHOLDER: Final = "#" * 16
"""As long as a DS may be; what is known only at the end is written over it."""

_VRS: Final = {
    IMAGE_TYPE: "CS",
    LOSSY_IMAGE_COMPRESSION: "CS",
    LOSSY_IMAGE_COMPRESSION_RATIO: "DS",
    LOSSY_IMAGE_COMPRESSION_METHOD: "CS",
}
_DS_MAX_LENGTH: Final = 16
_JPEG: Final = "ISO_10918_1"
# Syntaxes that are lossy by definition. JPEG 2000 (.91, .203) may be either: the data set has to say.
_METHODS: Final = {
    **{f"1.2.840.10008.1.2.4.{number}": _JPEG for number in (*range(50, 57), *range(59, 65))},
    "1.2.840.10008.1.2.4.81": "ISO_14495_1",
}


def lossy_method(transfer_syntax_uid: str) -> str:
    """The method of a transfer syntax that is always lossy; "" for any other."""
    return _METHODS.get(transfer_syntax_uid, "")


def ratio_text(native_bytes: int, compressed_bytes: int) -> str:
    """A compression ratio as a DS, "1.00" for one that is none."""
    return f"{native_bytes / max(1, compressed_bytes):.2f}"[:_DS_MAX_LENGTH]


def of_lossy_source(
    texts: Mapping[int, str], method: str, ratio: str
) -> tuple[dict[int, Pieces], dict[int, str]]:
    """Changes for a source that was compressed with loss, none where it says so itself; and its texts then.

    texts are the lossy attributes' values by tag.
    """
    said = dict(texts)
    if said.get(LOSSY_IMAGE_COMPRESSION) != "01":
        said[LOSSY_IMAGE_COMPRESSION] = "01"
    if not said.get(LOSSY_IMAGE_COMPRESSION_METHOD) and not said.get(LOSSY_IMAGE_COMPRESSION_RATIO):
        said[LOSSY_IMAGE_COMPRESSION_RATIO] = ratio
        said[LOSSY_IMAGE_COMPRESSION_METHOD] = method
    changes: dict[int, Pieces] = {
        tag: [text_element(tag, _VRS[tag], text)] for tag, text in said.items() if texts.get(tag) != text
    }
    return changes, said


def of_lossy_target(texts: Mapping[int, str], method: str, ratio: str) -> dict[int, Pieces]:
    """Changes for what is compressed with loss now, after whatever was done to it before."""

    def added(tag: int, value: str) -> str:
        earlier = texts.get(tag, "")
        return f"{earlier}\\{value}" if earlier else value

    _, separator, rest = texts.get(IMAGE_TYPE, "ORIGINAL\\PRIMARY").partition("\\")
    said = {
        IMAGE_TYPE: f"DERIVED{separator}{rest}",
        LOSSY_IMAGE_COMPRESSION: "01",
        LOSSY_IMAGE_COMPRESSION_RATIO: added(LOSSY_IMAGE_COMPRESSION_RATIO, ratio),
        LOSSY_IMAGE_COMPRESSION_METHOD: added(LOSSY_IMAGE_COMPRESSION_METHOD, method),
    }
    return {tag: [text_element(tag, _VRS[tag], text)] for tag, text in said.items()}


def as_derived(sop_class_uid: str, predecessor_uid: str, sop_instance_uid: str) -> dict[int, Pieces]:
    """Changes that make an image one derived from its predecessor. PS3.3 C.7.6.1.1.5, C.12.4.1.2."""
    purpose = (
        text_element(0x00080100, "SH", "121320")
        + text_element(0x00080102, "SH", "DCM")
        + text_element(0x00080104, "LO", "Uncompressed predecessor")
    )
    reference = (
        uid_element(0x00081150, sop_class_uid)
        + uid_element(0x00081155, predecessor_uid)
        + sequence_element(0x0040A170, purpose)
    )
    return {
        SOP_INSTANCE_UID: [uid_element(SOP_INSTANCE_UID, sop_instance_uid)],
        SOURCE_IMAGE_SEQUENCE: [sequence_element(SOURCE_IMAGE_SEQUENCE, reference)],
    }
