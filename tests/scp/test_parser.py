"""The parser: fed whole, byte by byte, with more behind; from valid bytes and from others."""

import struct
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scp.upper_layer.events import (
    Aborted,
    AbortReason,
    AssociateAccepted,
    AssociateRejected,
    AssociateRequested,
    DataFragments,
    PduInvalid,
    ReleaseAnswered,
    ReleaseRequested,
)
from scp.upper_layer.parser import MAX_ASSOCIATE_PDU_BYTES
from tests.scp.pdus import (
    ABORT,
    ASSOCIATE_RJ,
    COMMAND,
    LAST,
    RELEASE_RP,
    RELEASE_RQ,
    associate_rq,
    feed,
    p_data,
    parser,
    pdu,
    pdv,
)


def data(
    content: bytes, *, context: int = 1, is_command: bool = False, is_last: bool = True
) -> DataFragments:
    return DataFragments(context, is_command, is_last, (memoryview(content),))


VALID = {
    "request": (associate_rq(), [AssociateRequested(associate_rq())]),
    "request of the largest size": (
        pdu(0x01, bytes(MAX_ASSOCIATE_PDU_BYTES)),
        [AssociateRequested(pdu(0x01, bytes(MAX_ASSOCIATE_PDU_BYTES)))],
    ),
    "accept": (pdu(0x02, bytes(68)), [AssociateAccepted()]),
    "reject": (ASSOCIATE_RJ, [AssociateRejected()]),
    "release": (RELEASE_RQ, [ReleaseRequested()]),
    "release answer": (RELEASE_RP, [ReleaseAnswered()]),
    "abort": (ABORT, [Aborted(0, 2)]),
    "one PDV": (p_data(pdv(b"abc")), [data(b"abc")]),
    "a command": (p_data(pdv(b"abc", control=COMMAND | LAST)), [data(b"abc", is_command=True)]),
    "an empty last PDV": (p_data(pdv(b"", control=LAST)), [data(b"")]),
    "an empty PDV that is not the last": (p_data(pdv(b"", control=0)) + RELEASE_RQ, [ReleaseRequested()]),
    "empty PDVs in between": (
        p_data(pdv(b"ab", control=0), pdv(b"", control=0), pdv(b"c", control=0), pdv(b"")),
        [data(b"abc")],
    ),
    "several PDVs in a PDU": (p_data(pdv(b"ab", control=0), pdv(b"cde")), [data(b"abcde")]),
    "one message over PDUs": (p_data(pdv(b"ab", control=0)) + p_data(pdv(b"cde")), [data(b"abcde")]),
    "command and data set in a PDU": (
        p_data(pdv(b"ab", control=COMMAND | LAST), pdv(b"cde")),
        [data(b"ab", is_command=True), data(b"cde")],
    ),
    "two messages in a PDU": (p_data(pdv(b"ab"), pdv(b"cd")), [data(b"ab"), data(b"cd")]),
    "contexts that alternate": (
        p_data(pdv(b"ab", control=0), pdv(b"cd", context=3, control=0), pdv(b"ef")),
        [data(b"ab", is_last=False), data(b"cd", context=3, is_last=False), data(b"ef")],
    ),
    "bits that are not to be checked": (p_data(pdv(b"ab", control=0xFE)), [data(b"ab")]),
    "odd lengths": (p_data(pdv(b"a"), pdv(b"bcd")), [data(b"a"), data(b"bcd")]),
    "an association": (
        associate_rq() + p_data(pdv(b"x", control=3)) + p_data(pdv(b"y" * 70_000)) + RELEASE_RQ,
        [
            AssociateRequested(associate_rq()),
            data(b"x", is_command=True),
            data(b"y" * 70_000),
            ReleaseRequested(),
        ],
    ),
}

INVALID = {
    "an unknown type": (b"\x08\0\0\0\0\x04rest", [], AbortReason.UNRECOGNIZED_PDU),
    "HTTP": (b"GET / HTTP/1.1\r\n\r\n", [], AbortReason.UNRECOGNIZED_PDU),
    "TLS": (bytes.fromhex("160301020001000001fc0303"), [], AbortReason.UNRECOGNIZED_PDU),
    "zeros": (bytes(64), [], AbortReason.UNRECOGNIZED_PDU),
    "a request too short": (pdu(0x01, bytes(67)), [], AbortReason.INVALID_PARAMETER),
    "a request too long": (pdu(0x01, b"", length=2**20 + 1), [], AbortReason.INVALID_PARAMETER),
    "a request of 4 GB": (pdu(0x01, b"", length=2**32 - 1), [], AbortReason.INVALID_PARAMETER),
    "a release of 5 bytes": (pdu(0x05, bytes(5)), [], AbortReason.INVALID_PARAMETER),
    "an abort of 0 bytes": (pdu(0x07, b""), [], AbortReason.INVALID_PARAMETER),
    "no PDV": (pdu(0x04, b""), [], AbortReason.INVALID_PARAMETER),
    "data of 4 GB": (pdu(0x04, b"", length=2**32 - 1), [], AbortReason.INVALID_PARAMETER),
    "a PDV without a header": (p_data(struct.pack(">IBB", 1, 1, 2)), [], AbortReason.INVALID_PARAMETER),
    "a PDV longer than its PDU": (p_data(pdv(b"ab", length=99)), [], AbortReason.INVALID_PARAMETER),
    "a PDV of 4 GB": (p_data(pdv(b"ab", length=2**32 - 1)), [], AbortReason.INVALID_PARAMETER),
    "bytes behind the last PDV": (p_data(pdv(b"ab"), b"xyz"), [data(b"ab")], AbortReason.INVALID_PARAMETER),
    "a fault in the middle of a message": (
        p_data(pdv(b"ab", control=0), b"xyz"),
        [data(b"ab", is_last=False)],
        AbortReason.INVALID_PARAMETER,
    ),
    "an unknown type after data": (
        p_data(pdv(b"ab")) + b"\x99" * 9,
        [data(b"ab")],
        AbortReason.UNRECOGNIZED_PDU,
    ),
}

STEPS = pytest.mark.parametrize("step", [None, 1, 2, 7, 4096], ids=lambda step: f"step={step}")


@STEPS
@pytest.mark.parametrize("name", VALID)
def test_a_valid_stream_gives_its_events_however_it_is_cut(name, step):
    stream, expected = VALID[name]
    if step is not None and step < 10 and len(stream) > 100_000:
        step *= 1000
    subject = parser()
    assert feed(subject, stream, step=step) == expected
    assert not subject.is_inside_pdu


@STEPS
@pytest.mark.parametrize("name", INVALID)
def test_an_invalid_stream_is_found_out_and_nothing_behind_it_is_parsed(name, step):
    stream, before, reason = INVALID[name]
    subject = parser()
    *events, last = feed(subject, stream + RELEASE_RQ * 3, step=step)
    assert events == before
    assert isinstance(last, PduInvalid)
    assert last.reason is reason
    assert not subject.is_inside_pdu


@pytest.mark.parametrize("name", VALID)
def test_bytes_that_follow_wait_for_their_turn(name):
    stream, expected = VALID[name]
    subject = parser()
    assert feed(subject, stream + RELEASE_RQ[:7]) == expected
    assert subject.is_inside_pdu
    assert feed(subject, RELEASE_RQ[7:]) == [ReleaseRequested()]


@pytest.mark.parametrize("name", VALID)
def test_a_stream_that_is_cut_short_is_inside_a_pdu_or_between_two(name):
    stream, _ = VALID[name]
    for length in {1, 5, 6, 7, 11, 12, 13, len(stream) - 1}:
        if length < len(stream) and not name.startswith("an empty PDV that"):
            subject = parser()
            events = feed(subject, stream[:length])
            assert subject.is_inside_pdu or events


def test_a_pdu_larger_than_the_buffer_streams_through():
    content = bytes(range(256)) * 4096
    subject = parser(max_pdu_bytes=2**21, buffer_bytes=1000)
    assert feed(subject, p_data(pdv(content))) == [data(content)]


def test_a_request_larger_than_the_buffer_is_put_together():
    request = associate_rq(extra=b"\x99\0\xff\xff" + bytes(65535))
    assert feed(parser(buffer_bytes=1000), request) == [AssociateRequested(request)]


def test_an_announced_length_is_not_allocated():
    subject = parser(max_pdu_bytes=0)  # 0: no limit
    tracemalloc.start()
    try:
        feed(subject, struct.pack(">BxIIBB", 4, 2**32 - 1, 2**32 - 5, 1, 0) + bytes(1000))
        feed(parser(), struct.pack(">BxI", 1, MAX_ASSOCIATE_PDU_BYTES) + bytes(100))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 400_000  # two buffers of 64 KiB and small change


def test_fragments_are_views_of_the_buffer():
    buffer = bytearray(1000)
    from scp.upper_layer.parser import PduParser

    subject = PduParser(buffer, max_pdu_bytes=0)
    stream = p_data(pdv(b"abcdef"))
    subject.space()[: len(stream)] = stream
    subject.received(len(stream))
    event = subject.next_event()
    assert isinstance(event, DataFragments)
    buffer[12:18] = b"ABCDEF"
    assert bytes(event.fragments[0]) == b"ABCDEF"


@pytest.mark.parametrize(("max_pdu_bytes", "longest"), [(4096, 2**20), (2**21, 2**21 + 1024), (0, 2**32 - 1)])
def test_pdus_longer_than_announced_are_taken_within_reason(max_pdu_bytes, longest):
    for length, is_taken in ((longest, True), (longest + 1, False)):
        if length < 2**32:
            events = feed(parser(max_pdu_bytes=max_pdu_bytes), pdu(4, pdv(b"x", length=7), length=length))
            assert isinstance(events[0], DataFragments) is is_taken


PDVS = st.builds(
    lambda content, context, control: pdv(content, context=context, control=control),
    st.binary(max_size=40),
    st.sampled_from([1, 3, 255]),
    st.integers(0, 3),
)
PDUS = st.one_of(
    st.lists(PDVS, min_size=1, max_size=4).map(lambda pdvs: p_data(*pdvs)),
    st.sampled_from([associate_rq(), RELEASE_RQ, RELEASE_RP, ABORT, ASSOCIATE_RJ]),
)


@given(st.lists(PDUS, max_size=6), st.integers(1, 50))
def test_any_valid_stream_is_the_same_whole_and_in_pieces(pdus, step):
    stream = b"".join(pdus)
    whole = feed(parser(), stream)
    assert feed(parser(buffer_bytes=64), stream, step=step) == whole
    assert not any(isinstance(event, PduInvalid) for event in whole)


@given(st.lists(PDUS, max_size=4), st.data())
def test_any_damaged_stream_is_the_same_whole_and_in_pieces(pdus, draw):
    stream = bytearray(b"".join(pdus) + RELEASE_RQ)
    for _ in range(draw.draw(st.integers(1, 4))):
        stream[draw.draw(st.integers(0, len(stream) - 1))] = draw.draw(st.integers(0, 255))
    whole = feed(parser(), bytes(stream))
    assert feed(parser(buffer_bytes=64), bytes(stream), step=draw.draw(st.integers(1, 9))) == whole
    assert sum(isinstance(event, PduInvalid) for event in whole) <= 1


@given(st.binary(max_size=200))
def test_any_bytes_at_all_are_survived(stream):
    assert feed(parser(), stream) == feed(parser(), stream, step=1)
