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
def connected() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Both ends of a connection of TCP: the accepted one, and the peer's."""
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        socket.create_connection(listener.getsockname(), HANG_SECONDS) as peer,
        listener.accept()[0] as accepted,
    ):
        yield accepted, peer


@contextmanager
def association_with_peer(lane: Lane) -> Iterator[tuple[Association, RawPeer]]:
    """An association that is to be run, and its peer."""
    with connected() as (accepted, peer):
        connection = Connection(accepted, send_seconds=HANG_SECONDS)
        yield Association(lane, connection, peer="it"), RawPeer(None, peer)


@contextmanager
def served(lane: Lane) -> Iterator[RawPeer]:
    """A peer that is served by a thread until it has gone."""
    with association_with_peer(lane) as (association, peer):
        serving = Thread(target=association.run)
        serving.start()
        yield peer
    serving.join(HANG_SECONDS)
