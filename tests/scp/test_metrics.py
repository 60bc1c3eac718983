"""Metrics of a live SCP: they agree with what was sent, also after its children were killed."""

import os
import signal

from dicomhub.standard.part10 import read_file_meta
from tests.scp.lanes import associated
from tests.scp.pdus import COMMAND, LAST, RELEASE_RQ, associate_rq, c_echo_rq, p_data, pdv
from tests.scp.raw_peer import RawPeer, data_pdus, data_set_of, store_command
from tests.support.ct_series import write_ct_series
from tests.support.metrics import ScpMetrics
from tests.support.redis_process import running_redis
from tests.support.samples import sample
from tests.support.sending import send
from tests.support.waiting import wait_until

ECHO = p_data(pdv(c_echo_rq(), context=3, control=COMMAND | LAST))


def becomes(metrics, expected, name, **labels):
    wait_until(
        lambda: metrics.value(name, **labels) == expected,
        what=f"{name}{labels} is {expected}, not {metrics.value(name, **labels)}",
    )


def at_rest(scp):
    """The only worker, once there is no other."""
    found = scp.children("worker")
    return found if len(found) == 1 else None


def kill_all(scp, role):
    for pid in scp.children(role):
        os.kill(pid, signal.SIGKILL)


def test_counts_agree_with_what_was_sent_after_children_were_killed_and_replaced(start_scp, tmp_path):
    scp = start_scp(SCP_MIN_SPARE_CHILDREN=1, SCP_MAX_SPARE_CHILDREN=1)
    metrics = ScpMetrics(scp.home)
    paths = write_ct_series(tmp_path / "ct", instances=6, patient_id="METER")
    for round_number in (1, 2, 3):
        assert {sent.status for sent in send(scp.port, paths[:round_number])} == {0}
        becomes(metrics, round_number, "scp_associations_total", outcome="released")
        [worker] = wait_until(lambda: at_rest(scp), what="the pool is at rest")
        os.kill(worker, signal.SIGKILL)
        becomes(metrics, round_number, "scp_child_deaths_total", role="worker")
    kill_all(scp, "meter")
    assert {sent.status for sent in send(scp.port, paths)} == {0}
    becomes(metrics, 4, "scp_associations_total", outcome="released")
    stored = 1 + 2 + 3 + 6
    becomes(metrics, stored, "scp_responses_total", command="C-STORE", status="0000")
    becomes(metrics, stored, "scp_instance_bytes_count")
    becomes(metrics, stored, "scp_store_seconds_count")
    becomes(metrics, stored, "scp_store_seconds_bucket", le="+Inf")
    sizes = {path.stem: path.stat().st_size for path in scp.archived()}
    sent_paths = [*paths[:1], *paths[:2], *paths[:3], *paths]
    uids = [read_file_meta(path.read_bytes()).media_storage_sop_instance_uid for path in sent_paths]
    assert metrics.value("scp_instance_bytes_sum") == sum(sizes[uid] for uid in uids)
    assert metrics.value("scp_received_bytes_total") > metrics.value("scp_instance_bytes_sum") * 0.95
    assert 0 < metrics.value("scp_archive_seconds_sum") < metrics.value("scp_store_seconds_sum")
    becomes(metrics, 4, "scp_association_seconds_count")
    becomes(metrics, 4, "scp_batches_cut_total")
    becomes(metrics, 3, "scp_child_deaths_total", role="worker")
    becomes(metrics, 1, "scp_child_deaths_total", role="meter")


def test_an_association_whose_child_is_killed_is_counted_as_killed(start_scp):
    scp = start_scp(SCP_MIN_SPARE_CHILDREN=1, SCP_MAX_SPARE_CHILDREN=1)
    metrics = ScpMetrics(scp.home)
    with RawPeer(scp).associate() as peer:
        becomes(metrics, 1, "scp_associations", state="established")
        becomes(metrics, 1, "scp_children", state="busy")
        kill_all(scp, "worker")
        assert peer.is_closed()
    becomes(metrics, 1, "scp_associations_total", outcome="killed")
    becomes(metrics, 0, "scp_associations", state="established")
    becomes(metrics, 1, "scp_children", state="idle")


def test_every_answer_and_every_rejection_is_counted_by_its_reason(start_scp):
    scp = start_scp(SCP_MIN_SPARE_CHILDREN=1, SCP_MAX_SPARE_CHILDREN=1, SCP_MAX_CHILDREN=1)
    metrics = ScpMetrics(scp.home)
    with RawPeer(scp) as peer:
        peer.send(associate_rq(application_context="1.2.3"))
        assert peer.read() == (3, b"\0\1\1\2")
    becomes(metrics, 1, "scp_associations_total", outcome="rejected")
    becomes(metrics, 1, "scp_children", state="idle")  # the only child is free again
    path = sample("CT_small.dcm")
    with RawPeer(scp).associate_for(path) as peer:
        peer.send(store_command(path) + b"".join(data_pdus(b"no data set")))
        assert peer.status()[0] == 0xC000
        becomes(metrics, 1, "scp_is_saturated")
        with RawPeer(scp) as refused:
            refused.send(associate_rq())
            assert refused.read() == (3, b"\0\2\3\2")
        peer.send(RELEASE_RQ)
        assert peer.read() == (6, bytes(4))
    becomes(metrics, 1, "scp_associations_total", outcome="released")
    becomes(metrics, 1, "scp_children", state="idle")
    with RawPeer(scp).associate() as peer:
        peer.send(ECHO)
        assert peer.status() == (0, "")
    becomes(metrics, 1, "scp_rejections_total", reason="application context not supported")
    becomes(metrics, 1, "scp_rejections_total", reason="local limit exceeded")
    becomes(metrics, 2, "scp_associations_total", outcome="rejected")
    becomes(metrics, 1, "scp_associations_total", outcome="released")
    becomes(metrics, 1, "scp_associations_total", outcome="lost")
    becomes(metrics, 1, "scp_responses_total", command="C-STORE", status="C000")
    becomes(metrics, 1, "scp_responses_total", command="C-ECHO", status="0000")
    becomes(metrics, 0, "scp_instance_bytes_count")
    becomes(metrics, 0, "scp_is_saturated")


def test_segments_that_wait_are_seen_and_the_snapshot_goes_with_the_scp(start_scp):
    scp = start_scp(STORE_RESERVE_BYTES=4096)
    metrics = ScpMetrics(scp.home)
    assert {sent.status for sent in send(scp.port, [sample("CT_small.dcm")])} == {0}
    becomes(metrics, 1, "journal_segments", state="cut")
    becomes(metrics, 0, "journal_segments", state="open")
    becomes(metrics, 0, "scp_batches_published_total")
    becomes(metrics, 4096, "store_reserve_bytes")
    assert metrics.value("store_free_bytes") > 0
    assert metrics.value("journal_oldest_cut_seconds") >= 0
    assert scp.stop() == 0
    assert metrics.read() == {}


def test_the_general_lane_counts_like_the_receive_lane(start_scp):
    scp = start_scp()
    metrics = ScpMetrics(scp.home)
    path = sample("CT_small.dcm")
    with associated(scp, "general") as peer:
        peer.send(ECHO + store_command(path) + b"".join(data_pdus(data_set_of(path))) + RELEASE_RQ)
        assert [peer.status(), peer.status(), peer.read()] == [(0, ""), (0, ""), (6, bytes(4))]
    becomes(metrics, 1, "scp_responses_total", command="C-ECHO", status="0000")
    becomes(metrics, 1, "scp_responses_total", command="C-STORE", status="0000")
    becomes(metrics, 1, "scp_instance_bytes_count")
    becomes(metrics, 1, "scp_associations_total", outcome="released")


def test_batches_that_were_published_are_counted_also_when_the_dispatcher_was_killed(start_scp, tmp_path):
    with running_redis(tmp_path / "redis") as redis:
        scp = start_scp(REDIS_URL=redis.url)
        metrics = ScpMetrics(scp.home)
        for number in (1, 2, 3):
            assert {sent.status for sent in send(scp.port, [sample("CT_small.dcm")])} == {0}
            becomes(metrics, number, "scp_batches_published_total")
            becomes(metrics, number, "journal_segments", state="published")
            kill_all(scp, "dispatcher")
        becomes(metrics, 3, "scp_batches_cut_total")
        becomes(metrics, 3, "scp_child_deaths_total", role="dispatcher")
