"""The end of an association, where no peer can be relied on to bring it about."""

from structlog.testing import capture_logs

from tests.scp.in_process import lane_of
from tests.scp.pdus import associate_rq
from tests.scp.run_here import association_with_peer


def test_what_comes_just_after_artim_has_expired_is_not_looked_at(tmp_path):
    at_once = lane_of(tmp_path / "home", SCP_ARTIM_SECONDS=1e-9)
    with association_with_peer(at_once) as (association, peer), capture_logs() as lines:
        peer.send(associate_rq())
        association.run()
    assert [(line["event"], line["outcome"], line["reason"]) for line in lines] == [
        ("association", "timed out", "ARTIM")
    ]
