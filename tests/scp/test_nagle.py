"""Senders with Nagle's algorithm on, which is most of them."""

import time

from tests.scp.pdus import COMMAND, IMPLICIT, LAST, VERIFICATION, c_echo_rq, context_item, p_data, pdv
from tests.scp.raw_peer import RawPeer
from tests.support.scp_process import ScpProcess

ECHOES = 60
# What the kernel lets an acknowledgement wait at least.
DELAYED_ACKNOWLEDGEMENT_SECONDS = 0.04


def test_a_message_in_two_parts_does_not_wait_for_a_delayed_acknowledgement(scp: ScpProcess) -> None:
    message = p_data(pdv(c_echo_rq(), control=COMMAND | LAST))
    with RawPeer(scp) as peer:
        peer.associate(context_item(1, VERIFICATION, IMPLICIT))
        before = time.monotonic()
        for _ in range(ECHOES):
            peer.send(message[:12])
            peer.send(message[12:])  # which Nagle's algorithm holds back until the first part is acknowledged
            assert peer.status() == (0x0000, "")
        took_seconds = time.monotonic() - before
    assert took_seconds < ECHOES * DELAYED_ACKNOWLEDGEMENT_SECONDS / 2
