"""Senders with Nagle's algorithm on, which is most of them."""

import time

from tests.scp.pdus import COMMAND, IMPLICIT, LAST, VERIFICATION, c_echo_rq, context_item, p_data, pdv
from tests.scp.raw_peer import RawPeer
from tests.support.scp_process import HANG_SECONDS, ScpProcess

# What the kernel lets an acknowledgement wait at least.
DELAYED_ACKNOWLEDGEMENT_SECONDS = 0.04
ECHOES = 60
IN_A_ROW = 10


def test_a_message_in_two_parts_does_not_wait_for_a_delayed_acknowledgement(scp: ScpProcess) -> None:
    """A busy machine makes an echo late now and then, the delay makes late all but the first few."""
    message = p_data(pdv(c_echo_rq(), control=COMMAND | LAST))
    began_at = time.monotonic()
    echoes = quick_in_a_row = 0
    with RawPeer(scp) as peer:
        peer.associate(context_item(1, VERIFICATION, IMPLICIT))
        while echoes < ECHOES or quick_in_a_row < IN_A_ROW:
            assert time.monotonic() - began_at < HANG_SECONDS
            sent_at = time.monotonic()
            peer.send(message[:12])
            peer.send(message[12:])  # which Nagle's algorithm holds back until the first part is acknowledged
            assert peer.status() == (0x0000, "")
            is_quick = time.monotonic() - sent_at < DELAYED_ACKNOWLEDGEMENT_SECONDS / 2
            quick_in_a_row = quick_in_a_row + 1 if is_quick else 0
            echoes += 1
