"""PDUs built by hand, valid and not: what peers send."""

import struct

from scp.upper_layer.events import DataFragments, Event
from scp.upper_layer.negotiation import APPLICATION_CONTEXT
from scp.upper_layer.parser import PduParser

CT = "1.2.840.10008.5.1.4.1.1.2"
VERIFICATION = "1.2.840.10008.1.1"
IMPLICIT = "1.2.840.10008.1.2"
EXPLICIT = "1.2.840.10008.1.2.1"
BIG_ENDIAN = "1.2.840.10008.1.2.2"
JPEG_LS = "1.2.840.10008.1.2.4.80"

COMMAND, LAST = 0x01, 0x02
RELEASE_RQ = bytes.fromhex("05000000000400000000")
RELEASE_RP = bytes.fromhex("06000000000400000000")
ABORT = bytes.fromhex("07000000000400000002")
ASSOCIATE_RJ = bytes.fromhex("03000000000400010101")


def pdu(pdu_type: int, body: bytes, *, length: int | None = None) -> bytes:
    return struct.pack(">BxI", pdu_type, len(body) if length is None else length) + body


def item(item_type: int, value: bytes) -> bytes:
    return struct.pack(">BxH", item_type, len(value)) + value


def pdv(data: bytes, *, context: int = 1, control: int = LAST, length: int | None = None) -> bytes:
    return struct.pack(">IBB", len(data) + 2 if length is None else length, context, control) + data


def p_data(*pdvs: bytes) -> bytes:
    return pdu(0x04, b"".join(pdvs))


def context_item(context_id: int, abstract_syntax: str, *transfer_syntaxes: str) -> bytes:
    sub_items = item(0x30, abstract_syntax.encode())
    sub_items += b"".join(item(0x40, uid.encode()) for uid in transfer_syntaxes)
    return item(0x20, bytes((context_id, 0, 0, 0)) + sub_items)


def user_information(*items: bytes, max_pdu_bytes: int = 16384) -> bytes:
    return item(0x50, item(0x51, struct.pack(">I", max_pdu_bytes)) + item(0x52, b"1.2.3.4") + b"".join(items))


def associate_rq(
    *contexts: bytes,
    application_context: str = APPLICATION_CONTEXT,
    protocol_version: int = 1,
    called: bytes = b"DICOMHUB",
    calling: bytes = b"SENDER",
    information: bytes | None = None,
    extra: bytes = b"",
) -> bytes:
    contexts = contexts or (context_item(1, CT, EXPLICIT), context_item(3, VERIFICATION, IMPLICIT))
    body = struct.pack(">H2x16s16s32x", protocol_version, called.ljust(16), calling.ljust(16))
    body += item(0x10, application_context.encode()) + b"".join(contexts)
    body += (user_information() if information is None else information) + extra
    return pdu(0x01, body)


def command_set(*elements: tuple[int, bytes], group_length: int | None = None) -> bytes:
    body = b"".join(struct.pack("<HHI", 0, element, len(value)) + value for element, value in elements)
    return struct.pack("<HHII", 0, 0, 4, len(body) if group_length is None else group_length) + body


def us(value: int) -> bytes:
    return struct.pack("<H", value)


def uid(value: str) -> bytes:
    return value.encode() + b"\0" * (len(value) % 2)


def c_store_rq(sop_class: str, sop_instance: str, *, message_id: int = 1, data_set_type: int = 0) -> bytes:
    return command_set(
        (0x0002, uid(sop_class)),
        (0x0100, us(0x0001)),
        (0x0110, us(message_id)),
        (0x0700, us(0)),
        (0x0800, us(data_set_type)),
        (0x1000, uid(sop_instance)),
    )


def c_echo_rq(*, message_id: int = 1) -> bytes:
    return command_set(
        (0x0002, uid(VERIFICATION)), (0x0100, us(0x0030)), (0x0110, us(message_id)), (0x0800, us(0x0101))
    )


def parser(*, max_pdu_bytes: int = 131072, buffer_bytes: int = 65536) -> PduParser:
    return PduParser(bytearray(buffer_bytes), max_pdu_bytes=max_pdu_bytes)


def feed(subject: PduParser, data: bytes, *, step: int | None = None) -> list[Event]:
    """Feed all of it, step bytes at a time; return the events, runs of fragments joined."""
    events: list[Event] = []
    rest = memoryview(data)
    while rest:
        space = subject.space()
        taken = min(len(rest), len(space), step or len(rest))
        space[:taken] = rest[:taken]
        subject.received(taken)
        rest = rest[taken:]
        while (event := subject.next_event()) is not None:
            events.append(_detached(event))
    return joined(events)


def _detached(event: Event) -> Event:
    if isinstance(event, DataFragments):
        data = memoryview(b"".join(event.fragments))
        return DataFragments(event.context_id, event.is_command, event.is_last, (data,))
    return event


def joined(events: list[Event]) -> list[Event]:
    """Join what belongs to one command set or data set: how it was cut is not what it is."""
    result: list[Event] = []
    for event in events:
        before = result[-1] if result else None
        if (
            isinstance(event, DataFragments)
            and isinstance(before, DataFragments)
            and not before.is_last
            and (before.context_id, before.is_command) == (event.context_id, event.is_command)
        ):
            data = memoryview(b"".join((*before.fragments, *event.fragments)))
            result[-1] = DataFragments(event.context_id, event.is_command, event.is_last, (data,))
        else:
            result.append(event)
    return result
