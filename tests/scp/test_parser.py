"""The parser: fed whole, byte by byte, with more behind; from valid bytes and from others."""

import struct
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scp.upper_layer.events import (
    AssociateRequested,
    DataFragments,
    PduInvalid,
    ReleaseRequested,
)
from scp.upper_layer.parser import MAX_ASSOCIATE_PDU_BYTES
from tests.scp.pdus import (
    ABORT,
    ASSOCIATE_RJ,
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


# Streams too large for a file; the others are in corpus/.
LARGE = {
    "request of the largest size": (
        pdu(0x01, bytes(MAX_ASSOCIATE_PDU_BYTES)),
        [AssociateRequested(pdu(0x01, bytes(MAX_ASSOCIATE_PDU_BYTES)))],
    ),
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


@pytest.mark.parametrize("step", [None, 1009, 4096], ids=lambda step: f"step={step}")
@pytest.mark.parametrize("name", LARGE)
def test_a_large_stream_gives_its_events_however_it_is_cut(name, step):
    stream, expected = LARGE[name]
    subject = parser()
    assert feed(subject, stream, step=step) == expected
    assert not subject.is_inside_pdu


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


def test_equal_pdus_come_as_fragments_of_one_event_and_another_one_ends_it() -> None:
    equal = [p_data(pdv(bytes((number,)) * 100, control=0)) for number in range(5)]
    subject = parser()
    stream = b"".join(equal) + p_data(pdv(b"other", context=3, control=0))
    subject.space()[: len(stream)] = stream
    subject.received(len(stream))
    first, second = subject.next_event(), subject.next_event()
    assert isinstance(first, DataFragments)
    assert isinstance(second, DataFragments)
    assert first.context_id == 1
    assert b"".join(first.fragments) == b"".join(bytes((number,)) * 100 for number in range(5))
    assert (second.context_id, b"".join(second.fragments)) == (3, b"other")


def test_empty_pdus_between_equal_ones_change_nothing() -> None:
    full, empty = p_data(pdv(b"1234", control=0)), p_data(pdv(b"", control=0))
    stream = full + empty + empty + full + full + p_data(pdv(b"5", control=LAST))
    (event,) = feed(parser(), stream)
    assert isinstance(event, DataFragments)
    assert event.is_last
    assert b"".join(event.fragments) == b"1234" * 3 + b"5"
