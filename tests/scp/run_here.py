"""An association that is run in the test's own process, for what no peer can bring about."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread

from scp.association import Association
from scp.connection import Connection
from scp.lane import Lane
from tests.scp.raw_peer import RawPeer
from tests.support.scp_process import HANG_SECONDS


@contextmanager
def association_with_peer(lane: Lane) -> Iterator[tuple[Association, RawPeer]]:
    """An association that is to be run, over a connection of TCP, and its peer."""
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        socket.create_connection(listener.getsockname(), HANG_SECONDS) as connected,
    ):
        accepted, _ = listener.accept()
        with accepted:
            connection = Connection(accepted, send_seconds=HANG_SECONDS)
            yield Association(lane, connection, peer="it"), RawPeer(None, connected)


@contextmanager
def served(lane: Lane, *contexts: bytes) -> Iterator[RawPeer]:
    """A peer whose association has these contexts; it is served by a thread until the peer has gone."""
    with association_with_peer(lane) as (association, peer):
        serving = Thread(target=association.run)
        serving.start()
        yield peer.associate(*contexts)
    serving.join(HANG_SECONDS)
