"""A connection through TLS, apart from what comes over it."""

import time

import pytest

from dicomhub.configuration.receiving import TlsSettings
from scp.connection import Arrival, ConnectionLost
from scp.secure_connection import SecureConnection
from scp.tls import server_context
from tests.scp.run_here import connected
from tests.support.certificates import make_authority, make_certificate
from tests.support.scp_process import HANG_SECONDS

SEND_SECONDS = 2.0


@pytest.fixture
def context(tmp_path):
    own = make_certificate(tmp_path, "server", authority=make_authority(tmp_path, "authority"))
    return server_context(TlsSettings(port=0, certificate=own.certificate, key=own.key, client_ca=None))


def test_sending_to_a_peer_that_first_has_to_say_something_takes_no_processor_time(context):
    with connected() as (accepted, peer):
        connection = SecureConnection(accepted, context=context, send_seconds=SEND_SECONDS)
        peer.send(b"\x16\x03\x01")  # the beginning of a handshake that does not go on
        assert connection.receive_into(memoryview(bytearray(100)), until=HANG_SECONDS) == (Arrival.NOTHING, 0)
        begun_at = time.thread_time()
        with pytest.raises(ConnectionLost, match="takes nothing"):
            connection.send(b"x")
        assert time.thread_time() - begun_at < SEND_SECONDS / 4
        connection.close()
