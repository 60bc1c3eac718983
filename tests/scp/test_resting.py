"""Waiting for a peer that is silent: long, and not a moment longer than it is."""

import select
import ssl
import time
from queue import Queue
from threading import Thread

import pytest

from dicomhub.configuration.receiving import TlsSettings
from scp.connection import Arrival, Connection
from scp.secure_connection import SecureConnection
from scp.tls import server_context
from scp.waking import WakePipe
from tests.scp.conversations import BEGINNING, CONTEXTS, NEXT, message
from tests.scp.in_process import lane_of, needs_the_express_lane
from tests.scp.run_here import connected, served
from tests.support.certificates import make_authority, make_certificate
from tests.support.incoming import being_written
from tests.support.scp_process import HANG_SECONDS


def test_a_rest_ends_with_bytes_with_the_close_with_the_alarm_and_in_time():
    alarm = WakePipe()
    with connected() as (accepted, peer):
        connection = Connection(accepted, send_seconds=HANG_SECONDS)
        assert not connection.rest(alarm, seconds=0.01)
        alarm.poke()
        begun_at = time.monotonic()
        assert not connection.rest(alarm, seconds=HANG_SECONDS)
        assert time.monotonic() - begun_at < HANG_SECONDS
        peer.send(b"x")
        assert connection.rest(alarm, seconds=HANG_SECONDS)
        assert connection.receive_into(memoryview(bytearray(1)), until=HANG_SECONDS) == (Arrival.BYTES, 1)
        assert not connection.rest(alarm, seconds=0.01)
        peer.close()
        assert connection.rest(alarm, seconds=HANG_SECONDS)


def test_what_is_decrypted_and_was_not_taken_is_not_rested_for(tmp_path):
    authority = make_authority(tmp_path, "authority")
    own = make_certificate(tmp_path, "server", authority=authority)
    context = server_context(TlsSettings(port=0, certificate=own.certificate, key=own.key, client_ca=None))
    trusting = ssl.create_default_context(cafile=authority.certificate)
    trusting.check_hostname = False
    alarm = WakePipe()
    with connected() as (accepted, peer):
        connection = SecureConnection(accepted, context=context, send_seconds=HANG_SECONDS)
        with trusting.wrap_socket(peer, do_handshake_on_connect=False) as secured:
            shaking = Thread(target=secured.do_handshake)
            shaking.start()
            space = memoryview(bytearray(1))
            while shaking.is_alive():
                assert connection.receive_into(space, until=HANG_SECONDS)[0] is not Arrival.CLOSED
            secured.send(b"xyz")
            select.select([connection.socket], [], [], HANG_SECONDS)
            received = []
            while len(received) < 3:
                assert connection.rest(alarm, seconds=HANG_SECONDS)
                _, length = connection.receive_into(space, until=HANG_SECONDS)
                received += [bytes(space)] * length
            assert received == [b"x", b"y", b"z"]
            connection.close()


@pytest.fixture
def rests(monkeypatch):
    """What an association rests for, as it begins to."""
    seconds: Queue[float] = Queue()
    rest = Connection.rest

    def noted(connection, alarm, **how):
        seconds.put(how["seconds"])
        return rest(connection, alarm, **how)

    monkeypatch.setattr(Connection, "rest", noted)
    return seconds


@pytest.mark.parametrize("has_express", [True, False])
def test_an_association_rests_while_its_peer_is_silent_and_serves_it_at_once(tmp_path, rests, has_express):
    needs_the_express_lane(has_express)
    lane = lane_of(tmp_path, has_express=has_express, SCP_HEARTBEAT_SECONDS=8 * HANG_SECONDS)
    with served(lane) as peer:
        peer.associate(*CONTEXTS)
        peer.send(BEGINNING)
        assert [peer.status() for _ in range(4)] == [(0, "")] * 4
        assert rests.get(timeout=HANG_SECONDS) == 2 * HANG_SECONDS
        assert being_written(tmp_path / "store") == []
        peer.send(message(NEXT))
        assert peer.status() == (0, "")  # else the peer gives up before the rest is over


def test_a_rest_is_over_when_the_batch_has_to_be_cut(tmp_path, rests):
    was_cut: Queue[None] = Queue()
    lane = lane_of(tmp_path, BATCH_MAX_SECONDS=2.5, was_cut=lambda: was_cut.put(None))
    with served(lane) as peer:
        peer.associate(*CONTEXTS)
        peer.send(BEGINNING)
        assert [peer.status() for _ in range(4)] == [(0, "")] * 4
        assert rests.get(timeout=HANG_SECONDS) < 2.5
        was_cut.get(timeout=HANG_SECONDS / 2)


def test_an_association_that_rests_sees_that_it_shall_stop(tmp_path, rests):
    lane = lane_of(tmp_path, SCP_HEARTBEAT_SECONDS=8 * HANG_SECONDS)
    with served(lane) as peer:
        peer.associate(*CONTEXTS)
        rests.get(timeout=HANG_SECONDS)
        lane.stop.is_retiring = lane.stop.is_aborting = True
        lane.stop.poke()
        assert peer.abort_reason() == (0, 0)
