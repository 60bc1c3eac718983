"""python -m scp status, and the file that it and the web side read."""

import os
import re
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta

import pytest

from dicomhub.intake.receiver_status import (
    STALE_SECONDS,
    ChildStatus,
    ReceiverSilent,
    ReceiverStatus,
    ReceiverStatusFile,
)
from scp.status import lines
from tests.scp.pdus import RELEASE_RQ
from tests.scp.raw_peer import RawPeer, data_pdus, data_set_of, store_command
from tests.support.samples import sample
from tests.support.scp_process import HANG_SECONDS, ROOT
from tests.support.waiting import wait_until

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
STATUS = ReceiverStatus(
    pid=4711,
    ae_title="DICOMHUB",
    host="127.0.0.1",
    port=11112,
    tls_port=2762,
    max_children=100,
    children=(
        ChildStatus(state="idle", pid=1),
        ChildStatus(
            state="busy",
            pid=2,
            peer="192.0.2.1:40000",
            called_ae_title="DICOMHUB",
            calling_ae_title="CT1",
            instances=12,
            bytes_received=6_291_456,
            since=NOW - timedelta(seconds=12),
        ),
    ),
)


def run_status(home, *arguments: str):
    command = [sys.executable, "-m", "scp", *(arguments or ("status",))]
    environ = {**os.environ, "DICOMHUB_HOME": str(home)}
    return subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False)


def test_the_table_has_a_line_a_child():
    assert lines(STATUS, now=NOW) == [
        "DICOMHUB, process 4711, on 127.0.0.1 port 11112, port 2762 with TLS",
        "associations: 1 of at most 100; idle children: 1",
        "",
        "state  peer             calling  called    instances      bytes  since (UTC)",
        "busy   192.0.2.1:40000  CT1      DICOMHUB         12  6,291,456  2026-01-02 03:03:53 (12 s)",
        "idle",
    ]


def test_status_shows_a_live_association_and_nothing_after_the_end(start_scp):
    scp = start_scp(SCP_MIN_SPARE_CHILDREN=1, SCP_MAX_SPARE_CHILDREN=1)
    path = sample("CT_small.dcm")
    with RawPeer(scp).associate() as peer:
        host, port = peer.socket.getsockname()
        peer.send(store_command(path) + b"".join(data_pdus(data_set_of(path))))
        assert peer.status() == (0, "")

        def line() -> list[str] | None:
            found = [row.split() for row in run_status(scp.home).stdout.splitlines() if f":{port} " in row]
            return found[0] if found and found[0][4] == "1" else None

        state, address, calling, called, instances, size, *_ = wait_until(line, what="it is shown")
        assert (state, address, calling, called, instances) == (
            "busy",
            f"{host}:{port}",
            "SENDER",
            "DICOMHUB",
            "1",
        )
        assert int(size.replace(",", "")) > path.stat().st_size - 2000
        peer.send(RELEASE_RQ)
        assert peer.read() == (6, bytes(4))
    wait_until(lambda: f":{port} " not in run_status(scp.home).stdout, what="it is gone")
    assert scp.stop() == 0
    ended = run_status(scp.home)
    assert (ended.returncode, ended.stdout, ended.stderr) == (1, "", f"No SCP runs in {scp.home}.\n")


def test_a_supervisor_that_was_killed_is_told_from_a_living_one(start_scp):
    scp = start_scp()
    file = scp.home / "run" / "scp.status.json"
    wait_until(file.exists, what="there is a status")
    scp.signal(signal.SIGKILL)
    scp.process.wait(HANG_SECONDS)
    long_ago = time.time() - STALE_SECONDS - 30
    os.utime(file, (long_ago, long_ago))
    ended = run_status(scp.home)
    assert ended.returncode == 1
    said = re.search(rf"process {scp.pid}, has said nothing for (\d+) s\.", ended.stderr)
    assert said is not None, ended.stderr
    assert int(said[1]) >= STALE_SECONDS + 30


def test_while_nothing_happens_the_file_is_touched_and_not_written(start_scp):
    scp = start_scp()
    file = scp.home / "run" / "scp.status.json"
    # The children that serve nobody are told as starting, like all others, before they are known for what they are.
    wait_until(lambda: file.exists() and _states(scp) == ["idle", "idle"], what="all have started")
    before = file.stat()
    wait_until(lambda: file.stat().st_mtime_ns > before.st_mtime_ns, what="it is touched")
    assert file.stat().st_ino == before.st_ino


def _states(scp) -> list[str]:
    return [child.state for child in ReceiverStatusFile(scp.home).read().children]


def test_a_disk_that_takes_no_status_does_not_matter(start_scp):
    scp = start_scp()
    file = scp.home / "run" / "scp.status.json"
    wait_until(file.exists, what="there is a status")
    file.unlink()
    file.mkdir()
    (file / "in the way").touch()
    with RawPeer(scp).associate():
        wait_until(lambda: "status_not_written" in scp.log(), what="it is told")
    assert scp.process.poll() is None


@pytest.mark.parametrize("content", [b"", b"{", b'{"pid": 1}'])
def test_a_damaged_file_is_one_line(tmp_path, content):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "scp.status.json").write_bytes(content)
    with pytest.raises(ReceiverSilent, match="cannot be read"):
        ReceiverStatusFile(tmp_path).read()


def test_what_is_written_is_read(tmp_path):
    ReceiverStatusFile(tmp_path).write(STATUS)
    assert ReceiverStatusFile(tmp_path).read() == STATUS


def test_another_word_is_answered_with_the_usage(tmp_path):
    ended = run_status(tmp_path, "stats")
    assert (ended.returncode, ended.stderr) == (2, "usage: python -m scp [status]\n")
