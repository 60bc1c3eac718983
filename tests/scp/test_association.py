"""The end of an association, where no peer can be relied on to bring it about."""

import socket
from threading import Thread

import pytest
import structlog
from structlog.testing import capture_logs

from tests.scp.in_process import lane_of
from tests.scp.pdus import associate_rq
from tests.scp.raw_peer import data_pdus, data_set_of, store_command
from tests.scp.run_here import association_with_peer
from tests.support.samples import sample


@pytest.fixture
def lines():
    """What is logged, whatever level a test before has left in this process."""
    before = structlog.get_config()
    structlog.reset_defaults()
    with capture_logs() as lines:
        yield lines
    structlog.configure(**before)


def test_what_comes_just_after_artim_has_expired_is_not_looked_at(tmp_path, lines):
    at_once = lane_of(tmp_path / "home", SCP_ARTIM_SECONDS=1e-9)
    with association_with_peer(at_once) as (association, peer):
        peer.send(associate_rq())
        association.run()
    assert [(line["event"], line["outcome"], line["reason"]) for line in lines] == [
        ("association", "timed out", "ARTIM")
    ]


def test_whatever_fails_at_the_end_the_connection_is_closed_and_the_end_is_told(tmp_path, lines):
    def was_cut():
        raise RuntimeError("nobody is there to be told")

    served_by = lane_of(tmp_path / "home", was_cut=was_cut)
    path = sample("CT_small.dcm")
    with association_with_peer(served_by) as (association, peer):
        store_and_leave = Thread(target=_store_and_leave, args=(peer, path))
        store_and_leave.start()
        with pytest.raises(RuntimeError, match="nobody is there"):
            association.run()
        assert peer.is_closed()
        store_and_leave.join()
    assert [(line["event"], line["outcome"], line["instances"]) for line in lines] == [
        ("association", "lost", 1)
    ]


def _store_and_leave(peer, path):
    peer.associate_for(path)
    peer.send(store_command(path) + b"".join(data_pdus(data_set_of(path))))
    assert peer.status() == (0, "")
    peer.socket.shutdown(socket.SHUT_WR)
