"""Conversations of a modality that stores a series, and of what can come in between: streams behind a request."""

from tests.fuzz.mutator import split_into_pdus
from tests.scp.pdus import (
    ABORT,
    COMMAND,
    CT,
    EXPLICIT,
    IMPLICIT,
    LAST,
    RELEASE_RQ,
    VERIFICATION,
    associate_rq,
    c_echo_rq,
    c_store_rq,
    command_set,
    context_item,
    p_data,
    pdu,
    pdv,
    uid,
    us,
)

STUDY, SERIES = "1.2.3", "1.2.3.4"
ECHO = p_data(pdv(c_echo_rq(), context=3, control=COMMAND | LAST))


def element(tag, vr, value, *, implicit=False):
    group, number = tag >> 16, tag & 0xFFFF
    value += (b"\0" if vr == "UI" else b" ") * (len(value) % 2)
    head = group.to_bytes(2, "little") + number.to_bytes(2, "little")
    if implicit:
        return head + len(value).to_bytes(4, "little") + value
    if vr in {"SQ", "UN", "OB", "OW"}:
        return head + vr.encode() + b"\0\0" + len(value).to_bytes(4, "little") + value
    return head + vr.encode() + len(value).to_bytes(2, "little") + value


def undefined_length(tag, *items):
    """A sequence of items of undefined length."""
    header = (tag >> 16).to_bytes(2, "little") + (tag & 0xFFFF).to_bytes(2, "little")
    opened, closed = bytes.fromhex("feff00e0ffffffff"), bytes.fromhex("feff0de000000000")
    body = b"".join(opened + item + closed for item in items)
    return header + b"SQ\0\0\xff\xff\xff\xff" + body + bytes.fromhex("feffdde000000000")


def data_set(instance, *, pixels=b"", patient=b"P1", series=SERIES, implicit=False, more=b"", sop_class=CT):
    def one(tag, vr, value):
        return element(tag, vr, value, implicit=implicit)

    return b"".join(
        (
            one(0x00080005, "CS", b"ISO_IR 100"),
            one(0x00080016, "UI", sop_class.encode()),
            one(0x00080018, "UI", instance.encode()),
            more,
            one(0x00100020, "LO", patient),
            one(0x0020000D, "UI", STUDY.encode()),
            one(0x0020000E, "UI", series.encode()),
            one(0x00280010, "US", us(1)),
            one(0x7FE00010, "OW", pixels or instance.encode() * 40),
        )
    )


def message(instance, data=None, *, context=1, size=200, message_id=1, sop_class=CT, **how):
    data = data_set(instance, **how) if data is None else data
    command = c_store_rq(sop_class, instance, message_id=message_id)
    pieces = [data[start : start + size] for start in range(0, len(data), size)]
    pdus = [p_data(pdv(piece, context=context, control=0)) for piece in pieces[:-1]]
    pdus.append(p_data(pdv(pieces[-1], context=context)))
    return p_data(pdv(command, context=context, control=COMMAND | LAST)) + b"".join(pdus)


def instances(number):
    return [f"1.2.3.4.{10**index}" for index in range(number)]


def series(number, **how):
    return b"".join(
        message(instance, message_id=index, **how) for index, instance in enumerate(instances(number), 1)
    )


BEGINNING = series(4)  # two that are Python's, two that are not
NEXT = "1.2.3.4.77"


def in_the_middle(piece):
    """The next instance with something between its fragments, and one more that would be like the others."""
    first, second, *rest = split_into_pdus(message(NEXT))
    return first + second + piece + b"".join(rest) + message("1.2.3.4.78")


CONVERSATIONS = {
    "a series": series(9),
    "PDUs of a byte": series(5, size=1),
    "large ones": series(5, pixels=bytes(300_000), size=16_000),
    "a PDU each": series(5, size=100_000),
    "group 2 further on": series(5, more=element(0x00020010, "UI", b"1.2.840.10008.1.2.1")),
    "an echo in between": BEGINNING + ECHO + series(7)[len(BEGINNING) :],
    "the same again": BEGINNING + message("1.2.3.4.1") + message(NEXT),
    "the same UID with other pixels": BEGINNING + message("1.2.3.4.1", pixels=b"other " * 9) + message(NEXT),
    "another patient": BEGINNING + message(NEXT, patient=b"P2") + message("1.2.3.4.78"),
    "a longer patient": BEGINNING + message(NEXT, patient=b"P1  ") + message("1.2.3.4.78"),
    "two series in turn": b"".join(
        message(f"1.2.3.{number}", series=f"1.2.3.{4 + number % 2}") for number in range(100, 108)
    ),
    "a series after a series": BEGINNING
    + b"".join(message(f"1.2.9.{number}", series="1.2.9") for number in range(5)),
    "more elements": BEGINNING + message(NEXT, more=element(0x00081030, "LO", b"CHEST")),
    "a sequence of undefined length": b"".join(
        message(
            f"1.2.3.4.{n}",
            more=undefined_length(
                0x00081140, element(0x00081150, "UI", b"1.2"), undefined_length(0x00081199, b"")
            ),
        )
        for n in range(5)
    ),
    "a sequence that does not end": BEGINNING + message(NEXT, more=undefined_length(0x00081140, b"")[:-8]),
    "a long head": BEGINNING + message(NEXT, more=element(0x00091010, "UN", bytes(20_000))),
    "elements out of order": BEGINNING
    + message(NEXT, more=element(0x00100010, "PN", b"A") + element(0x00081030, "LO", b"B")),
    "a VR that there is not": BEGINNING + message(NEXT, more=element(0x00091010, "ZZ", b"A")),
    "group 2 in the data set": BEGINNING + message(NEXT, element(0x00020010, "UI", b"1.2") + data_set(NEXT)),
    "no data set worth the name": BEGINNING + message(NEXT, b"\1\2\3"),
    "another instance in the data set": BEGINNING
    + message(NEXT, data_set("1.2.3.4.78"))
    + message("1.2.3.9"),
    "another class in the data set": BEGINNING
    + message(NEXT, sop_class=CT, data=data_set(NEXT, sop_class="1.2")),
    "another class in the command": BEGINNING + message(NEXT, data_set(NEXT), sop_class="1.2.3"),
    "a UID that is a path": BEGINNING + message("../../1", data_set("../../1")) + message(NEXT),
    "a UID of dots": BEGINNING + message("..", data_set("..")) + message(NEXT),
    "a UID that is too long": BEGINNING + message("1" * 65, data_set("1" * 65)) + message(NEXT),
    "a UID of 64": BEGINNING + message("1" * 64, data_set("1" * 64)) + message(NEXT),
    "a UID of 63": BEGINNING + message("1" * 63, data_set("1" * 63)) + message(NEXT),
    "a release": BEGINNING + RELEASE_RQ,
    "an abort in the middle": BEGINNING + in_the_middle(ABORT),
    "a release in the middle": BEGINNING + in_the_middle(RELEASE_RQ),
    "a request in the middle": BEGINNING + in_the_middle(associate_rq()),
    "no PDU in the middle": BEGINNING + in_the_middle(b"\x09\0\0\0\0\1\0"),
    "another context in the middle": BEGINNING + in_the_middle(ECHO),
    "a context that was not accepted": BEGINNING + in_the_middle(p_data(pdv(b"x", context=9, control=0))),
    "a command in the middle": BEGINNING + in_the_middle(message("1.2.3.4.79")),
    "an empty PDV in the middle": BEGINNING + in_the_middle(p_data(pdv(b"", control=0))),
    "an empty PDU in the middle": BEGINNING + in_the_middle(pdu(4, b"")),
    "a PDV that is longer than its PDU": BEGINNING + in_the_middle(pdu(4, pdv(b"abc", length=99))),
    "a PDV of a byte too few": BEGINNING + in_the_middle(pdu(4, b"\0\0\0\1\1")),
    "bytes behind a PDV": BEGINNING + in_the_middle(p_data(pdv(b"abc", control=0), b"\0\0\0")),
    "a PDU that is too long": BEGINNING + in_the_middle(b"\x04\0\x7f\0\0\0"),
    "a length that no PDU has": BEGINNING + b"\x04\0\xff\xff\xff\xff",
    "a PDU of three bytes": BEGINNING + b"\x04\0\0\0\0\3abc",
    "the last PDV empty": BEGINNING
    + b"".join(
        p_data(pdv(c_store_rq(CT, NEXT), control=COMMAND | LAST))
        + p_data(pdv(data_set(NEXT), control=0))
        + p_data(pdv(b""))
        for _ in range(1)
    )
    + message("1.2.3.4.78"),
    "no last PDV": BEGINNING + message(NEXT)[:-50],
    "all in one PDU": p_data(
        *(
            piece
            for instance in instances(6)
            for piece in (
                pdv(c_store_rq(CT, instance), control=COMMAND | LAST),
                pdv(data_set(instance)[:90], control=0),
                pdv(data_set(instance)[90:]),
            )
        )
    ),
    "command and data set in one PDU": b"".join(
        p_data(pdv(c_store_rq(CT, instance), control=COMMAND | LAST), pdv(data_set(instance)))
        for instance in instances(6)
    ),
    "a command set in two": BEGINNING
    + p_data(pdv(c_store_rq(CT, NEXT)[:30], control=COMMAND))
    + p_data(pdv(c_store_rq(CT, NEXT)[30:], control=COMMAND | LAST))
    + p_data(pdv(data_set(NEXT))),
    "a command set in another order": BEGINNING
    + p_data(
        pdv(
            command_set(
                (0x1000, uid(NEXT)), (0x0800, us(1)), (0x0110, us(7)), (0x0100, us(1)), (0x0002, uid(CT))
            ),
            control=COMMAND | LAST,
        )
    )
    + p_data(pdv(data_set(NEXT))),
    "a command set with an element twice": BEGINNING
    + p_data(
        pdv(c_store_rq(CT, NEXT) + command_set((0x1000, uid("1.2.3.4.78")))[12:], control=COMMAND | LAST)
    )
    + p_data(pdv(data_set("1.2.3.4.78"))),
    "a command set that is cut short": BEGINNING
    + p_data(pdv(c_store_rq(CT, NEXT)[:-3], control=COMMAND | LAST))
    + p_data(pdv(data_set(NEXT))),
    "a command without a data set": BEGINNING
    + p_data(pdv(c_store_rq(CT, NEXT, data_set_type=0x0101), control=COMMAND | LAST))
    + message("1.2.3.4.78"),
    "a long command set": BEGINNING
    + p_data(pdv(c_store_rq(CT, NEXT) + command_set((0x1031, bytes(600)))[12:], control=COMMAND | LAST))
    + p_data(pdv(data_set(NEXT))),
    "implicit VR": b"".join(message(i, context=5, implicit=True) for i in instances(5)),
    "two contexts in turn": b"".join(
        message(i, context=5, implicit=True) if n % 2 else message(i) for n, i in enumerate(instances(8))
    ),
    "a text with a quote": series(5, patient=b'P"\\1'),
}
CONTEXTS = (
    context_item(1, CT, EXPLICIT),
    context_item(3, VERIFICATION, IMPLICIT),
    context_item(5, CT, IMPLICIT),
)
