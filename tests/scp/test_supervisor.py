"""A live supervisor: the pool, its signals, and what becomes of associations meanwhile."""

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from dicomhub.intake.admission import AdmissionSnapshot, TenantAdmission, write_admission
from dicomhub.intake.receiver_status import ReceiverSilent, ReceiverStatusFile
from dicomhub.storage.filesystem import FilesystemStore
from dicomhub.storage.layout import ADMISSION_SNAPSHOT
from tests.scp.pdus import COMMAND, LAST, RELEASE_RQ, associate_rq, c_echo_rq, p_data, pdv
from tests.scp.raw_peer import RawPeer, data_pdus, data_set_of, store_command
from tests.support.samples import sample
from tests.support.scp_process import HANG_SECONDS, ROOT, is_alive
from tests.support.waiting import wait_until

SMALL_POOL = {"SCP_MIN_SPARE_CHILDREN": 1, "SCP_MAX_SPARE_CHILDREN": 1, "SCP_MAX_CHILDREN": 2}
ECHO = p_data(pdv(c_echo_rq(), context=3, control=COMMAND | LAST))
REJECTED = (3, b"\0\2\3\2")


def echoes(peer):
    peer.send(ECHO)
    return peer.status() == (0, "")


def serves(scp):
    with RawPeer(scp).associate() as peer:
        return echoes(peer)


def still_serves(scp):
    try:
        return serves(scp)
    except (AssertionError, OSError):
        return False


def workers(scp, number):
    return wait_until(
        lambda: len(found := scp.children("worker")) == number and found, what=f"there are {number} workers"
    )


def busy_worker(scp):
    """The worker that serves somebody, seen by its open connection."""
    for pid in scp.children("worker"):
        links = []
        for descriptor in Path(f"/proc/{pid}/fd").iterdir():
            with contextlib.suppress(FileNotFoundError):
                links.append(str(descriptor.readlink()))
        # The listener is one, the peer's the second.
        if sum(link.startswith("socket:") for link in links) > 1:
            return pid
    return None


def run_scp(tmp_path, **settings):
    environ = {**os.environ, "DICOMHUB_HOME": str(tmp_path / "home"), **settings}
    command = [sys.executable, "-m", "scp"]
    return subprocess.run(
        command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=HANG_SECONDS, check=False
    )


def test_a_port_in_use_is_one_line(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = run_scp(tmp_path, SCP_PORT=str(port))
    assert ended.returncode == 1
    assert ended.stderr == (
        f"Cannot listen on 127.0.0.1 port {port}: address already in use. Another port: SCP_PORT=<port>.\n"
    )


def test_bad_settings_are_all_reported(tmp_path):
    ended = run_scp(tmp_path, SCP_PORT="none", SCP_AE_TITLE="back\\slash", SCP_MAX_CHILDREN="-1")
    assert ended.returncode == 2
    assert [line.split("=")[0] for line in ended.stderr.splitlines()[:3]] == [
        "SCP_AE_TITLE",
        "SCP_PORT",
        "SCP_MAX_CHILDREN",
    ]


def test_the_supervisor_has_one_thread_and_no_child_leaves_a_trace(start_scp):
    scp = start_scp()
    workers(scp, 2)
    assert len(os.listdir(f"/proc/{scp.pid}/task")) == 1
    assert len(scp.children("turnstile")) == len(scp.children("dispatcher")) == 1
    children = scp.children()
    assert scp.stop() == 0
    assert not any(map(is_alive, children))
    assert not (scp.home / "run" / "scp.port").exists()


def test_the_pool_grows_with_its_associations_and_shrinks_after_them(start_scp):
    pool = {"SCP_MIN_SPARE_CHILDREN": 1, "SCP_MAX_SPARE_CHILDREN": 2, "SCP_MAX_CHILDREN": 10}
    scp = start_scp(SCP_SURPLUS_SECONDS=2, **pool)
    workers(scp, 1)
    with contextlib.ExitStack() as stack:
        peers = [stack.enter_context(RawPeer(scp)).associate() for _ in range(6)]
        workers(scp, 7)
        assert all(map(echoes, peers))
        released_at = time.monotonic()
        for peer in peers:
            peer.send(RELEASE_RQ)
            assert peer.read() == (6, bytes(4))
    workers(scp, 2)
    assert time.monotonic() - released_at >= 6  # three times half of the surplus: 5, 2 and 1
    assert serves(scp)


def test_a_burst_of_fifty_is_accepted(start_scp):
    scp = start_scp(SCP_MIN_SPARE_CHILDREN=2, SCP_MAX_SPARE_CHILDREN=8, SCP_MAX_CHILDREN=100)
    with contextlib.ExitStack() as stack:
        peers = [stack.enter_context(RawPeer(scp)) for _ in range(50)]
        for peer in peers:
            peer.send(associate_rq())
        assert {peer.read()[0] for peer in peers} == {2}
        assert all(map(echoes, peers))
        assert len(scp.children("worker")) >= 50


def test_saturation_is_answered_while_it_lasts_and_ends_with_the_first_release(start_scp):
    scp = start_scp(**SMALL_POOL)
    with RawPeer(scp).associate() as first, RawPeer(scp).associate() as second:
        wait_until(lambda: _is_rejected(scp), what="the pool is saturated")
        for _ in range(3):
            with RawPeer(scp) as third:
                third.send(associate_rq())
                assert third.read() == REJECTED
        line = scp.end_of(third.address)
        for field in ("reason='local limit exceeded'", "calling_ae_title=SENDER", "called_ae_title=DICOMHUB"):
            assert field in line
        assert re.search(r" contexts_proposed=2 .* seconds=\d+\.\d+", line)
        assert echoes(first)
        assert echoes(second)
        first.send(RELEASE_RQ)
        assert first.read() == (6, bytes(4))
        first.socket.close()
        wait_until(lambda: not _is_rejected(scp), what="there is room again")


def test_a_peer_that_does_not_close_after_its_release_delays_no_refusal(start_scp):
    scp = start_scp(**SMALL_POOL)
    with RawPeer(scp).associate(), RawPeer(scp).associate() as lingering:
        lingering.send(RELEASE_RQ)
        assert lingering.read() == (6, bytes(4))
        wait_until(lambda: _is_rejected(scp), what="the pool is saturated")
        # Some of them took a second each time; on a busy machine one may.
        assert any(max(_seconds_to_a_refusal(scp) for _ in range(20)) < 0.5 for _ in range(3))


def _seconds_to_a_refusal(scp):
    with RawPeer(scp) as peer:
        begun_at = time.monotonic()
        peer.send(associate_rq())
        assert peer.read() == REJECTED
        return time.monotonic() - begun_at


def test_where_children_become_free_all_the_time_those_who_wait_too_long_are_refused(start_scp):
    scp = start_scp(**SMALL_POOL)

    def converse(_):
        with RawPeer(scp) as peer:
            peer.send(associate_rq())
            answer = peer.read()
            if answer != REJECTED:
                assert all(echoes(peer) for _ in range(100))
                peer.send(RELEASE_RQ)
                assert peer.read() == (6, bytes(4))
            return answer == REJECTED

    with ThreadPoolExecutor(40) as peers:
        refused = list(peers.map(converse, range(80)))
    assert 0 < sum(refused) < 80


def test_peers_that_send_nothing_keep_nobody_from_being_refused(start_scp):
    scp = start_scp(**SMALL_POOL)
    with contextlib.ExitStack() as stack:
        for _ in range(2):
            stack.enter_context(RawPeer(scp)).associate()
        wait_until(lambda: _is_rejected(scp), what="the pool is saturated")
        silent = [stack.enter_context(RawPeer(scp)) for _ in range(80)]
        with RawPeer(scp) as speaking:
            speaking.send(associate_rq())
            assert speaking.read() == REJECTED
        silent[40].socket.setblocking(False)
        with pytest.raises(BlockingIOError):
            silent[40].socket.recv(1)  # was not waited for
        assert silent[0].is_closed()


def _is_rejected(scp):
    with RawPeer(scp) as peer:
        peer.send(associate_rq())
        if peer.read() == REJECTED:
            return True
        peer.send(RELEASE_RQ)  # whoever ends so is waited for, and does not make the next one be rejected
        assert peer.read() == (6, bytes(4))
        return False


def test_one_after_the_other_nobody_is_refused(start_scp):
    scp = start_scp(SCP_MIN_SPARE_CHILDREN=1, SCP_MAX_SPARE_CHILDREN=1, SCP_MAX_CHILDREN=1)
    for _ in range(30):
        with RawPeer(scp).associate() as peer:
            assert echoes(peer)
            peer.send(RELEASE_RQ)
            assert peer.read() == (6, bytes(4))


def test_while_a_child_is_idle_nobody_is_refused_however_late_the_others_are(start_scp):
    scp = start_scp(SCP_MIN_SPARE_CHILDREN=1, SCP_MAX_SPARE_CHILDREN=1, SCP_MAX_CHILDREN=1)
    [worker] = workers(scp, 1)
    with RawPeer(scp).associate() as first:
        wait_until(lambda: _is_rejected(scp), what="the pool is saturated")
        scp.signal(signal.SIGSTOP)  # the supervisor cannot say that it no longer is
        first.send(RELEASE_RQ)
        assert first.read() == (6, bytes(4))
    status_file = scp.home / "run" / "scp.status.json"
    wait_until(lambda: status_file.exists() and _states(scp) == ["idle"], what="the child is idle")
    os.kill(worker, signal.SIGSTOP)
    with RawPeer(scp) as second:
        second.send(associate_rq())
        time.sleep(0.5)  # ten times as long as a child may usually take
        os.kill(worker, signal.SIGCONT)
        assert second.read()[0] == 2
        scp.signal(signal.SIGCONT)
        assert echoes(second)


def _states(scp):
    return [child.state for child in ReceiverStatusFile(scp.home).read().children]


def test_a_killed_child_is_replaced_and_others_do_not_notice(start_scp):
    scp = start_scp(SCP_MIN_SPARE_CHILDREN=2)
    with RawPeer(scp).associate() as peer:
        serving = wait_until(lambda: busy_worker(scp), what="somebody serves")
        idle = [pid for pid in workers(scp, 3) if pid != serving]
        for pid in idle:
            os.kill(pid, signal.SIGKILL)
        wait_until(
            lambda: len(found := scp.children("worker")) == 3 and not set(idle) & set(found),
            what="they are replaced",
        )
        assert echoes(peer)
        assert serves(scp)
        os.kill(serving, signal.SIGKILL)
        assert peer.is_closed()
    assert serves(scp)


def test_a_killed_child_keeps_what_was_answered(start_scp):
    scp = start_scp()
    path = sample("CT_small.dcm")
    with RawPeer(scp).associate_for(path) as peer:
        peer.send(store_command(path) + b"".join(data_pdus(data_set_of(path))))
        assert peer.status() == (0, "")
        os.kill(wait_until(lambda: busy_worker(scp), what="somebody serves"), signal.SIGKILL)
        assert peer.is_closed()
    [file] = scp.archived()
    assert data_set_of(file) == data_set_of(path)
    # Its journal is cut by the dispatcher, who sees that its owner is gone.
    wait_until(lambda: list((scp.store_root / "journal").glob("*.cut")), what="the journal is cut")


def test_a_log_line_tells_of_the_association_of_a_killed_child(start_scp):
    scp = start_scp()
    path = sample("CT_small.dcm")
    with RawPeer(scp).associate_for(path) as peer:
        peer.send(store_command(path) + b"".join(data_pdus(data_set_of(path))))
        assert peer.status() == (0, "")
        wait_until(lambda: _instances(scp) == [1], what="it is on the scoreboard")
        os.kill(wait_until(lambda: busy_worker(scp), what="somebody serves"), signal.SIGKILL)
        assert peer.is_closed()
        line = scp.end_of(peer.address)
    for field in ("outcome=killed", "calling_ae_title=SENDER", "called_ae_title=DICOMHUB", "instances=1"):
        assert field in line
    [received_bytes] = re.findall(r" bytes=(\d+) ", line)
    assert int(received_bytes) > len(data_set_of(path))
    assert re.search(r" seconds=\d+\.\d+", line)


def _instances(scp):
    with contextlib.suppress(ReceiverSilent):  # nothing has been written yet
        return [child.instances for child in ReceiverStatusFile(scp.home).read().children if child.peer]


def test_a_hung_child_is_killed_and_replaced(start_scp):
    scp = start_scp(SCP_HEARTBEAT_SECONDS=2)
    [hung, _] = workers(scp, 2)
    os.kill(hung, signal.SIGSTOP)
    wait_until(lambda: not is_alive(hung), what="it is killed")
    wait_until(lambda: "child_hung" in scp.log(), what="it is told")
    # On a busy machine another child may be slower than this heartbeat, too.
    wait_until(lambda: still_serves(scp), what="another one serves")
    wait_until(lambda: len(scp.children("worker")) >= 2, what="there is a spare one")


@pytest.mark.parametrize("role", ["turnstile", "dispatcher"])
def test_a_killed_turnstile_or_dispatcher_is_replaced(start_scp, role):
    scp = start_scp()
    [killed] = wait_until(lambda: scp.children(role), what="it is there")
    os.kill(killed, signal.SIGKILL)
    [successor] = wait_until(
        lambda: [pid for pid in scp.children(role) if pid != killed], what="there is another"
    )
    assert is_alive(successor)


def test_a_dispatcher_that_lives_makes_up_for_those_that_died_young(start_scp):
    scp = start_scp()
    for failures in (1, 2):
        kill_dispatcher(scp)
        wait_until(lambda count=failures: len(pauses(scp)) == count, what="its early death is told")
    [survivor] = wait_until(lambda: scp.children("dispatcher"), what="there is another")
    seen_at = time.monotonic()
    wait_until(lambda: time.monotonic() > seen_at + 6, what="it is not young any more")
    kill_dispatcher(scp)  # no failure: it was old
    wait_until(lambda: scp.children("dispatcher") not in ([], [survivor]), what="it has a successor")
    kill_dispatcher(scp)
    wait_until(lambda: len(pauses(scp)) == 3, what="its early death is told")
    assert pauses(scp) == [0.5, 1.0, 0.5]


def kill_dispatcher(scp):
    [dispatcher] = wait_until(lambda: scp.children("dispatcher"), what="there is a dispatcher")
    os.kill(dispatcher, signal.SIGKILL)


def test_children_that_cannot_start_are_not_forked_in_a_rush(start_scp):
    scp = start_scp(STORE_ROOT="/dev/null/store")
    wait_until(lambda: max(pauses(scp), default=0) >= 2, what="they fail, and the pauses grow")
    assert len(pauses(scp)) < 50
    assert scp.stop() == 0


def pauses(scp):
    return [float(seconds) for seconds in re.findall(r" retry_seconds=([\d.]+) ", scp.log())]


def test_while_every_child_is_busy_and_no_other_can_be_had_peers_are_refused(start_scp, tmp_path):
    disk, there, gone, again = (tmp_path / name for name in ("disk", "there", "gone", "again"))
    there.mkdir()
    gone.touch()
    for link in (disk, again):
        link.symlink_to(there)
    scp = start_scp(**{**SMALL_POOL, "SCP_MAX_CHILDREN": 10}, STORE_ROOT=disk / "store")
    workers(scp, 1)
    scp.signal(signal.SIGSTOP)  # else there would be a spare child before the store is gone
    with RawPeer(scp).associate() as peer:
        gone.replace(disk)
        scp.signal(signal.SIGCONT)
        wait_until(lambda: "child_failed_at_start" in scp.log(), what="a child fails")
        for _ in range(3):
            assert _is_rejected(scp)
        wait_until(lambda: max(pauses(scp)) >= 2, what="the pauses grow, though a child serves")
        assert echoes(peer)
        again.replace(disk)
        wait_until(lambda: not _is_rejected(scp), what="others are served again")


def test_children_die_with_their_supervisor(start_scp):
    scp = start_scp()
    workers(scp, 2)
    children = scp.children()
    assert len(children) == 5  # two workers, turnstile, dispatcher, meter
    scp.signal(signal.SIGKILL)
    scp.process.wait(HANG_SECONDS)
    wait_until(lambda: not any(map(is_alive, children)), what="they die")


def busy_and_idle(scp):
    """The pids of the two workers, of which one serves."""
    both = workers(scp, 2)
    serving = busy_worker(scp)
    [idle] = [pid for pid in both if pid != serving]
    return serving, idle


def test_hup_rolls_the_children_while_an_association_goes_on(start_scp, tmp_path):
    settings = tmp_path / "settings"
    settings.write_text("SCP_MAX_PDU_BYTES=16384\n")
    scp = start_scp(DICOMHUB_SETTINGS_FILE=settings, **SMALL_POOL)
    with RawPeer(scp).associate() as peer:
        before = busy_and_idle(scp)
        _, idle = before
        settings.write_text("SCP_MAX_PDU_BYTES=32768\n")
        scp.signal(signal.SIGHUP)
        while is_alive(idle):
            assert not _is_rejected(scp)
        wait_until(lambda: _announced_length(scp) == 32768, what="the new settings are in force")
        assert echoes(peer)
        peer.send(RELEASE_RQ)
        assert peer.read() == (6, bytes(4))
    wait_until(lambda: not any(map(is_alive, before)), what="the last of the old ones has gone")
    assert serves(scp)


def test_hup_with_a_shorter_heartbeat_finds_nobody_hung_who_may_be_silent_for_longer(start_scp, tmp_path):
    settings = tmp_path / "settings"
    settings.write_text("SCP_HEARTBEAT_SECONDS=3600\n")
    scp = start_scp(DICOMHUB_SETTINGS_FILE=settings, **SMALL_POOL)
    with RawPeer(scp).associate() as peer:
        serving, idle = busy_and_idle(scp)
        os.kill(serving, signal.SIGSTOP)  # as a child that rests until its peer says something
        silent_since = time.monotonic()
        wait_until(lambda: time.monotonic() - silent_since > 2.5, what="it was silent for so long")
        settings.write_text("SCP_HEARTBEAT_SECONDS=2\n")
        scp.signal(signal.SIGHUP)
        wait_until(lambda: not is_alive(idle), what="the new settings are in force")
        os.kill(serving, signal.SIGCONT)
        assert echoes(peer)


def _announced_length(scp):
    with RawPeer(scp) as peer:
        peer.send(associate_rq())
        pdu_type, body = peer.read()
        assert pdu_type == 2
        peer.send(RELEASE_RQ)
        assert peer.read() == (6, bytes(4))
        return int.from_bytes(body[body.index(b"\x51\x00\x00\x04") + 4 :][:4], "big")


def test_hup_with_a_bad_file_keeps_the_settings_and_the_children(start_scp, tmp_path):
    settings = tmp_path / "settings"
    settings.write_text("")
    scp = start_scp(DICOMHUB_SETTINGS_FILE=settings)
    before = workers(scp, 2)
    settings.write_text("SCP_MAX_PDU_BYTES=lots\n")
    scp.signal(signal.SIGHUP)
    wait_until(lambda: "reload_refused" in scp.log(), what="it is refused")
    assert scp.children("worker") == before
    assert serves(scp)


def test_term_lets_an_association_finish_and_takes_no_other(start_scp):
    scp = start_scp(SCP_DRAIN_SECONDS=20)
    path = sample("CT_small.dcm")
    first, *rest = data_pdus(data_set_of(path))
    with RawPeer(scp).associate_for(path) as peer:
        peer.send(store_command(path) + first)
        wait_until(scp.incoming, what="it has begun")
        scp.signal(signal.SIGTERM)
        wait_until(lambda: len(scp.children("worker")) == 1, what="the idle ones have gone")
        wait_until(lambda: not _can_connect(scp), what="nobody listens")
        peer.send(b"".join(rest))
        assert peer.status() == (0, "")
        peer.send(RELEASE_RQ)
        assert peer.read() == (6, bytes(4))
    assert scp.process.wait(HANG_SECONDS) == 0
    assert len(scp.archived()) == 1


def _can_connect(scp):
    try:
        scp.connect().close()
    except ConnectionError:
        return False
    return True


def test_term_aborts_an_association_that_takes_too_long(start_scp):
    scp = start_scp(SCP_DRAIN_SECONDS=1)
    with RawPeer(scp).associate() as peer:
        scp.signal(signal.SIGTERM)
        assert peer.abort_reason() == (0, 0)
    assert scp.process.wait(HANG_SECONDS) == 0


def test_a_supervisor_that_is_late_aborts_before_it_kills(start_scp):
    scp = start_scp(SCP_DRAIN_SECONDS=0.5)
    with RawPeer(scp).associate() as peer:
        scp.signal(signal.SIGTERM)
        wait_until(lambda: "draining" in scp.log(), what="it drains")
        scp.signal(signal.SIGSTOP)
        time.sleep(0.5 + 1.5 + 0.2)  # until after the moment when a child that was told to abort is killed
        scp.signal(signal.SIGCONT)
        assert peer.abort_reason() == (0, 0)
    assert scp.process.wait(HANG_SECONDS) == 0


def test_term_kills_a_child_that_hangs(start_scp):
    scp = start_scp(SCP_DRAIN_SECONDS=1)
    [hung, _] = workers(scp, 2)
    os.kill(hung, signal.SIGSTOP)
    assert scp.stop() == 0
    assert not is_alive(hung)


def test_a_second_term_does_not_wait(start_scp):
    scp = start_scp(SCP_DRAIN_SECONDS=300)
    with RawPeer(scp).associate() as peer:
        scp.signal(signal.SIGTERM)
        wait_until(lambda: "draining" in scp.log(), what="it drains")
        scp.signal(signal.SIGINT)
        assert peer.abort_reason() == (0, 0)
    assert scp.process.wait(HANG_SECONDS) == 0


@pytest.mark.parametrize("broker", [None, "redis://127.0.0.1:1"])
def test_no_broker_does_not_matter(start_scp, broker):
    scp = start_scp(**({"REDIS_URL": broker} if broker else {}))
    path = sample("CT_small.dcm")
    wait_until(lambda: scp.children("dispatcher"), what="the dispatcher is there")
    with RawPeer(scp).associate_for(path) as peer:
        peer.send(store_command(path) + b"".join(data_pdus(data_set_of(path))))
        assert peer.status() == (0, "")
        peer.send(RELEASE_RQ)
        assert peer.read() == (6, bytes(4))
    wait_until(lambda: "broker_unreachable" in scp.log(), what="it is told")
    assert len(list((scp.store_root / "journal").glob("*.cut"))) == 1
    assert len(scp.children("dispatcher")) == 1


def test_a_batch_is_cut_by_age_while_the_association_is_silent(start_scp):
    scp = start_scp(BATCH_MAX_SECONDS=0.3)
    path = sample("CT_small.dcm")
    with RawPeer(scp).associate_for(path) as peer:
        peer.send(store_command(path) + b"".join(data_pdus(data_set_of(path))))
        assert peer.status() == (0, "")
        wait_until(lambda: list((scp.store_root / "journal").glob("*.cut")), what="the batch is cut")


def test_the_tenant_is_that_of_the_ae_title_and_a_new_snapshot_is_taken_up_at_once(start_scp):
    scp = start_scp()
    path = sample("CT_small.dcm")
    store = FilesystemStore(scp.store_root, durability="process")

    def stored_for():
        with RawPeer(scp).associate_for(path) as peer:
            peer.send(store_command(path) + b"".join(data_pdus(data_set_of(path))))
            assert peer.status() == (0, "")
        return {file.relative_to(scp.store_root).parts[0] for file in scp.archived()}

    assert stored_for() == {"default"}
    tenants = {"north": TenantAdmission(tenant="north"), "default": TenantAdmission(tenant="default")}
    write_admission(store, AdmissionSnapshot(tenants=tenants, calling_ae_titles={"SENDER": "north"}))
    assert stored_for() == {"default", "north"}
    store.write_document(ADMISSION_SNAPSHOT, b"damaged")
    with RawPeer(scp) as peer:
        peer.send(associate_rq())
        assert peer.read() == (3, b"\0\2\3\1")
