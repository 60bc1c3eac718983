"""PS3.8 table 9-10 over a socket: every cell that the bytes and the silence of a peer lead to, in both lanes.

Sta3 and Sta8 last as long as a request takes to judge and a release to answer, and nothing is read meanwhile;
their cells are met in test_actions.py, but for those on the way through them.
"""

import socket

import pytest

from tests.scp.lanes import LANES, associated, request
from tests.scp.pdus import (
    ABORT,
    ASSOCIATE_RJ,
    COMMAND,
    LAST,
    RELEASE_RP,
    RELEASE_RQ,
    associate_rq,
    c_echo_rq,
    p_data,
    pdu,
    pdv,
)
from tests.scp.raw_peer import RawPeer

ECHO = p_data(pdv(c_echo_rq(), context=3, control=COMMAND | LAST))
SENT = {
    "Evt3": pdu(0x02, bytes(68)),
    "Evt4": ASSOCIATE_RJ,
    "Evt6": associate_rq(),
    "Evt10": ECHO,
    "Evt12": RELEASE_RQ,
    "Evt13": RELEASE_RP,
    "Evt16": ABORT,
    "Evt19": b"\x42" * 10,
}
NOTHING = p_data(pdv(b"", context=99, control=COMMAND))
# An A-ABORT by the service user; by the provider, for a PDU that has no place or is none.
USER, UNEXPECTED, UNRECOGNIZED = (0, 0), (2, 2), (2, 1)

in_both_lanes = pytest.mark.parametrize("lane", LANES)


def rejected(scp, lane):
    """A peer in Sta13: its association was rejected."""
    peer = RawPeer(scp)
    peer.send(request(lane, application_context="1.2.3"))
    assert peer.read()[0] == 3
    return peer


def released(scp, lane):
    """A peer in Sta13: its association is over."""
    peer = associated(scp, lane)
    peer.send(RELEASE_RQ)
    assert peer.read() == (6, bytes(4))
    return peer


def aborted(scp, lane):
    """A peer in Sta13: its association was aborted by us."""
    peer = associated(scp, lane)
    peer.send(RELEASE_RP)
    assert peer.abort_reason() == UNEXPECTED
    return peer


def end_of_the_closed(scp, peer):
    peer.socket.shutdown(socket.SHUT_WR)
    return scp.end_of(peer.address)


# Sta2, awaiting A-ASSOCIATE-RQ.


@pytest.mark.parametrize("event", ["Evt3", "Evt4", "Evt10", "Evt12", "Evt13"])
def test_sta2_aborts_what_is_no_request(scp, event):
    with RawPeer(scp) as peer:
        peer.send(SENT[event])
        assert peer.abort_reason() == USER  # AA-1
        peer.send(SENT["Evt6"])
        assert peer.abort_reason() == UNEXPECTED  # AA-7: this is Sta13


def test_sta2_aborts_data_without_a_byte_in_it(scp):
    with RawPeer(scp) as peer:
        peer.send(NOTHING)  # Evt10
        assert peer.abort_reason() == USER  # AA-1


def test_sta2_aborts_what_is_no_pdu(impatient_scp):
    with RawPeer(impatient_scp) as peer:
        peer.send(SENT["Evt19"])
        assert peer.abort_reason() == USER  # AA-1
        peer.send(SENT["Evt6"])
        assert peer.is_closed()  # ARTIM: behind what is no PDU nothing is read any more


@in_both_lanes
def test_sta2_and_a_request_lead_through_sta3_to_an_association(scp, lane):
    with RawPeer(scp) as peer:
        peer.send(request(lane))  # AE-6, AE-7
        assert peer.read()[0] == 2


@in_both_lanes
def test_sta2_and_a_request_that_is_refused_lead_through_sta3_to_a_rejection(scp, lane):
    with rejected(scp, lane):  # AE-6, AE-8
        pass


def test_sta3_aborts_a_request_that_does_not_add_up(scp):
    with RawPeer(scp) as peer:
        peer.send(pdu(1, associate_rq()[6:-3]))  # Evt19
        assert peer.abort_reason() == (2, 6)  # AA-8


def test_sta2_closes_on_an_abort(scp):
    with RawPeer(scp) as peer:
        peer.send(SENT["Evt16"])
        assert peer.is_closed()  # AA-2
        assert "outcome='aborted by peer'" in scp.end_of(peer.address)


def test_sta2_ends_with_the_connection(scp):
    with RawPeer(scp) as peer:
        peer.socket.shutdown(socket.SHUT_WR)  # Evt17, AA-5
        assert peer.is_closed()
        assert "outcome='not requested'" in scp.end_of(peer.address)


def test_sta2_closes_when_artim_expires(impatient_scp):
    with RawPeer(impatient_scp) as peer:
        assert peer.is_closed()  # Evt18, AA-2
        assert "reason=ARTIM" in impatient_scp.end_of(peer.address)


# Sta6, association established.


@in_both_lanes
@pytest.mark.parametrize("event", ["Evt3", "Evt4", "Evt6", "Evt13", "Evt19"])
def test_sta6_aborts_what_has_no_place_in_an_association(scp, lane, event):
    with associated(scp, lane) as peer:
        peer.send(SENT[event])
        assert peer.abort_reason() == (UNRECOGNIZED if event == "Evt19" else UNEXPECTED)  # AA-8
        assert "outcome='protocol error'" in end_of_the_closed(scp, peer)


@in_both_lanes
def test_sta6_takes_data_and_answers_it(scp, lane):
    with associated(scp, lane) as peer:
        peer.send(SENT["Evt10"])  # DT-2, DT-1
        assert peer.status() == (0, "")


@in_both_lanes
def test_sta6_aborts_data_without_a_byte_in_it_on_a_context_that_was_not_accepted(scp, lane):
    with associated(scp, lane) as peer:
        peer.send(NOTHING)  # Evt19
        assert peer.abort_reason() == (2, 6)  # AA-8


@in_both_lanes
def test_sta6_and_a_release_lead_through_sta8_to_its_answer(scp, lane):
    with released(scp, lane) as peer:  # AR-2, AR-4
        assert "outcome=released" in end_of_the_closed(scp, peer)


@in_both_lanes
def test_sta6_aborts_a_peer_that_asks_for_nothing(impatient_scp, lane):
    with associated(impatient_scp, lane) as peer:
        assert peer.abort_reason() == USER  # Evt15, AA-1
        assert "outcome='timed out'" in end_of_the_closed(impatient_scp, peer)


@in_both_lanes
def test_sta6_closes_on_an_abort(scp, lane):
    with associated(scp, lane) as peer:
        peer.send(SENT["Evt16"])
        assert peer.is_closed()  # AA-3
        assert "outcome='aborted by peer'" in scp.end_of(peer.address)


@in_both_lanes
def test_sta6_ends_with_the_connection(scp, lane):
    with associated(scp, lane) as peer:
        peer.socket.shutdown(socket.SHUT_WR)  # Evt17, AA-4
        assert peer.is_closed()
        assert "outcome=lost" in scp.end_of(peer.address)


# Sta13, awaiting the close.

in_each_sta13 = pytest.mark.parametrize("waiting", [rejected, released, aborted])


@in_both_lanes
@in_each_sta13
@pytest.mark.parametrize("event", ["Evt3", "Evt4", "Evt10", "Evt12", "Evt13"])
def test_sta13_ignores_what_still_comes(scp, lane, waiting, event):
    with waiting(scp, lane) as peer:
        peer.send(SENT[event])  # AA-6
        peer.send(SENT["Evt6"])
        assert peer.abort_reason() == UNEXPECTED  # AA-7, the first that is heard of us


@in_both_lanes
@in_each_sta13
@pytest.mark.parametrize("event", ["Evt6", "Evt19"])
def test_sta13_aborts_a_request_and_what_is_no_pdu(scp, lane, waiting, event):
    with waiting(scp, lane) as peer:
        peer.send(SENT[event])
        assert peer.abort_reason() == (UNRECOGNIZED if event == "Evt19" else UNEXPECTED)  # AA-7


@in_both_lanes
@in_each_sta13
def test_sta13_closes_on_an_abort(scp, lane, waiting):
    with waiting(scp, lane) as peer:
        peer.send(SENT["Evt16"])
        assert peer.is_closed()  # AA-2


@in_both_lanes
@in_each_sta13
def test_sta13_ends_with_the_connection(scp, lane, waiting):
    with waiting(scp, lane) as peer:
        peer.socket.shutdown(socket.SHUT_WR)  # Evt17, AR-5
        assert peer.is_closed()


@in_both_lanes
@in_each_sta13
def test_sta13_closes_when_artim_expires(impatient_scp, lane, waiting):
    with waiting(impatient_scp, lane) as peer:
        assert peer.is_closed()  # Evt18, AA-2
