"""Whole associations of well-behaved peers, which the mutator spoils."""

from tests.scp.conversations import message
from tests.scp.lanes import LANES, request
from tests.scp.pdus import (
    ABORT,
    COMMAND,
    CT,
    LAST,
    RELEASE_RQ,
    c_echo_rq,
    c_store_rq,
    command_set,
    item,
    p_data,
    pdv,
    us,
    user_information,
)
from tests.scp.raw_peer import data_pdus, data_set_of, store_command
from tests.support.samples import sample

# In the SOP Instance UIDs of a series: instances that have come before are no series for the express lane.
NEVER_SEEN = b"1.2.3.4.5.6.77777777"
_ECHO = p_data(pdv(c_echo_rq(), context=3, control=COMMAND | LAST))
_CANCEL = p_data(pdv(command_set((0x100, us(0x0FFF)), (0x120, us(1)), (0x800, us(0x0101))), control=3))
_INFORMATION = user_information(
    item(0x53, b"\0\x05\0\x05"),
    item(0x54, b"\0\x19" + CT.encode() + b"\1\1"),
    item(0x55, b"FUZZ"),
    item(0x56, b"\0\x19" + CT.encode() + b"\2\0\3\0\0\0"),
    item(0x58, b"\1\1\0\4user\0\0"),
)


def _store(*, size: int) -> bytes:
    path = sample("CT_small.dcm")
    return store_command(path) + b"".join(data_pdus(data_set_of(path)[:4_000], size=size))


def never_seen_before(stream: bytes, number: int) -> bytes:
    """The stream with instances of its own, if it has a series of them."""
    return stream.replace(NEVER_SEEN, NEVER_SEEN[:-8] + b"%08d" % number)


def seeds() -> list[bytes]:
    series = b"".join(message(f"{NEVER_SEEN.decode()}.{index}", size=700) for index in range(30))
    small = p_data(pdv(c_store_rq(CT, "1.2.3"), control=COMMAND | LAST), pdv(b"ab", control=0), pdv(b"cde"))
    conversations = (
        _ECHO + RELEASE_RQ,
        _store(size=1500) + _ECHO + RELEASE_RQ,
        _store(size=700) + _store(size=3_000) + ABORT,
        small + _CANCEL + small + RELEASE_RQ,
        series + RELEASE_RQ,
        series[: len(series) // 2] + _ECHO + series[len(series) // 2 :] + RELEASE_RQ,
        RELEASE_RQ,
    )
    return [
        request(lane, information=information) + conversation
        for lane in LANES
        for information in (None, _INFORMATION)
        for conversation in conversations
    ]
