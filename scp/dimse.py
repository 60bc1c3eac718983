"""DIMSE command sets: group 0000, Implicit VR Little Endian. PS3.7 6.3, E."""

import struct
from dataclasses import dataclass, replace
from enum import IntEnum

from dicomhub.standard.status import ERROR_COMMENT_MAX_LENGTH, Status

NO_DATA_SET = 0x0101
_RESPONSE_BIT = 0x8000
_ELEMENT_HEADER = struct.Struct("<HHI")
_US_BYTES = 10  # of an element with its header
_FOUR_US = struct.Struct("<" + 4 * "HHIH")
_GROUP_LENGTH = struct.Struct("<HHII")


class CommandField(IntEnum):
    C_STORE_RQ = 0x0001
    C_ECHO_RQ = 0x0030
    C_CANCEL_RQ = 0x0FFF


class Element(IntEnum):
    """Elements of group 0000. PS3.7 E.1."""

    GROUP_LENGTH = 0x0000
    AFFECTED_SOP_CLASS_UID = 0x0002
    COMMAND_FIELD = 0x0100
    MESSAGE_ID = 0x0110
    MESSAGE_ID_BEING_RESPONDED_TO = 0x0120
    COMMAND_DATA_SET_TYPE = 0x0800
    STATUS = 0x0900
    ERROR_COMMENT = 0x0902
    AFFECTED_SOP_INSTANCE_UID = 0x1000


class CommandMalformed(ValueError):
    """A command set that cannot be read, or that has no command field or message ID to answer to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A request. UIDs are "" when absent."""

    command_field: int
    message_id: int
    has_data_set: bool
    affected_sop_class_uid: str = ""
    affected_sop_instance_uid: str = ""

    @property
    def is_response(self) -> bool:
        return bool(self.command_field & _RESPONSE_BIT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """An answer to a command; comment goes into Error Comment (0000,0902)."""

    command: Command
    status: Status
    comment: str = ""


def _elements(data: bytes) -> dict[int, bytes]:
    """Values by element number, in whatever order they come; the group length is not believed."""
    values: dict[int, bytes] = {}
    offset = 0
    while offset < len(data):
        if offset + _ELEMENT_HEADER.size > len(data):
            raise CommandMalformed("an element's header is cut short")
        group, element, length = _ELEMENT_HEADER.unpack_from(data, offset)
        offset += _ELEMENT_HEADER.size
        if group != 0x0000:
            raise CommandMalformed(f"group {group:04x} in a command set")
        if offset + length > len(data):
            raise CommandMalformed(f"element {element:04x} of {length} bytes is cut short")
        values[element] = data[offset : offset + length]
        offset += length
    return values


def _number(values: dict[int, bytes], element: Element) -> int | None:
    value = values.get(element)
    if value is None:
        return None
    if not 1 <= len(value) <= 4:  # US has two bytes; some write a UL
        raise CommandMalformed(f"element {element:04x} has {len(value)} bytes")
    return int.from_bytes(value, "little")


def _uid(values: dict[int, bytes], element: Element) -> str:
    # What is not ASCII is no UID either, and is refused as one that is malformed.
    return values.get(element, b"").rstrip(b"\0 ").decode("ascii", "replace")


def decode_command(data: bytes) -> Command:
    """Decode a whole command set. Raises CommandMalformed."""
    values = _elements(data)
    command_field = _number(values, Element.COMMAND_FIELD)
    message_id = _number(values, Element.MESSAGE_ID)
    if command_field is None:
        raise CommandMalformed("no command field")
    if message_id is None:
        message_id = _number(values, Element.MESSAGE_ID_BEING_RESPONDED_TO)
    if message_id is None:
        raise CommandMalformed("no message ID")
    data_set_type = _number(values, Element.COMMAND_DATA_SET_TYPE)
    return Command(
        command_field=command_field,
        message_id=message_id & 0xFFFF,
        has_data_set=data_set_type not in {None, NO_DATA_SET},
        affected_sop_class_uid=_uid(values, Element.AFFECTED_SOP_CLASS_UID),
        affected_sop_instance_uid=_uid(values, Element.AFFECTED_SOP_INSTANCE_UID),
    )


def _text(element: Element, text: str, padding: bytes) -> bytes:
    value = text.encode("ascii", "replace")
    value += padding * (len(value) % 2)
    return _ELEMENT_HEADER.pack(0x0000, element, len(value)) + value


def encode_response(response: Response) -> bytes:
    """Encode the command set of an answer: PS3.7 9.3.1.2 (C-STORE-RSP), 9.3.5.2 (C-ECHO-RSP)."""
    command = response.command
    elements = _FOUR_US.pack(
        *(0x0000, Element.COMMAND_FIELD, 2, (command.command_field | _RESPONSE_BIT) & 0xFFFF),
        *(0x0000, Element.MESSAGE_ID_BEING_RESPONDED_TO, 2, command.message_id),
        *(0x0000, Element.COMMAND_DATA_SET_TYPE, 2, NO_DATA_SET),
        *(0x0000, Element.STATUS, 2, response.status),
    )
    if command.affected_sop_class_uid:
        elements = _text(Element.AFFECTED_SOP_CLASS_UID, command.affected_sop_class_uid, b"\0") + elements
    if response.comment:
        elements += _text(Element.ERROR_COMMENT, response.comment[:ERROR_COMMENT_MAX_LENGTH], b" ")
    if command.affected_sop_instance_uid:
        elements += _text(Element.AFFECTED_SOP_INSTANCE_UID, command.affected_sop_instance_uid, b"\0")
    return _GROUP_LENGTH.pack(0x0000, Element.GROUP_LENGTH, 4, len(elements)) + elements


def response_pieces(command: Command) -> tuple[bytes, bytes]:
    """What the answers of success to commands like this one have in common: their elements, but three.

    Left out are the group length in front, the message ID (US) between the pieces, and Affected SOP Instance
    UID (0000,1000), which follows the second.
    """
    response = Response(command=replace(command, affected_sop_instance_uid=""), status=Status.SUCCESS)
    elements = encode_response(response)[_GROUP_LENGTH.size :]
    message_id = len(elements) - _FOUR_US.size + _US_BYTES + _ELEMENT_HEADER.size
    return elements[:message_id], elements[message_id + 2 :]
