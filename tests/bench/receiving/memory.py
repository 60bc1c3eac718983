"""What a child weighs, and whether those that wait are in the way of those that work."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from itertools import count
from statistics import median

from tests.bench.receiving.backed_memory import touch_free_memory
from tests.bench.receiving.cpu import cpu_seconds_at_rest, private_bytes
from tests.bench.receiving.data_sets import write_large
from tests.bench.receiving.rounds import empty
from tests.bench.receiving.sections import Bench
from tests.bench.receiving.senders import send
from tests.bench.report.table import Table, mean_ratio, number
from tests.scp.pdus import associate_rq
from tests.support.scp_process import ScpProcess, running_scp
from tests.support.waiting import wait_until

IDLE_ASSOCIATIONS = 200
_FRAMES = 2047
_MB = 1 << 20


def memory(bench: Bench) -> list[Table]:
    with running_scp(bench.scratch / "memory", {"REDIS_URL": bench.redis_url}) as scp:
        wait_until(lambda: len(scp.children("worker")) >= 2, what="two children")
        fresh = max(private_bytes(pid) for pid in scp.children("worker"))
    large = _large(bench)
    alone, beside = _beside_idle(bench)
    share = mean_ratio([after / before for before, after in zip(alone, beside, strict=True)])
    rows = [
        ("private memory of an idle child", f"{fresh / _MB:.1f} MiB"),
        ("the same with an association's first instance", f"{large[0] / _MB:.1f} MiB"),
        ("what an instance of 2 GiB adds to that", f"{(large[1] - large[0]) / _MB:.1f} MiB"),
        ("CT/s on one association", number(median(alone))),
        (f"CT/s beside {IDLE_ASSOCIATIONS} idle associations", f"{number(median(beside))} ({share})"),
    ]
    return [Table("Memory, and idle associations", ("", ""), rows)]


def _large(bench: Bench) -> tuple[int, int]:
    """Private memory of the one child after a small instance and after one of 2 GiB."""
    small = next(bench.series("SMALL", instances=1, rows=1024).folder.iterdir())
    file = write_large(bench.scratch / "large.dcm", frames=_FRAMES)
    settings = {
        "REDIS_URL": bench.redis_url,
        "SCP_DURABILITY": "process",
        "SCP_MIN_SPARE_CHILDREN": 1,
        "SCP_MAX_SPARE_CHILDREN": 1,
        "SCP_MAX_CHILDREN": 1,
    }
    with running_scp(bench.scratch / "large", settings) as scp:
        (child,) = wait_until(lambda: scp.children("worker"), what="a child")
        send(scp.port, small)
        before = private_bytes(child)
        send(scp.port, file)
        after = private_bytes(child)
        empty([file, *scp.archived()])
    return before, after


def _beside_idle(bench: Bench) -> tuple[list[float], list[float]]:
    """CT/s of one association alone and beside idle ones; in turn, and either comes first as often."""
    settings = {
        "REDIS_URL": bench.redis_url,
        "SCP_DURABILITY": "process",
        "SCP_MAX_CHILDREN": IDLE_ASSOCIATIONS + 20,
        "SCP_SURPLUS_SECONDS": 0.1,
    }
    names = (f"RATE{number_of_series}" for number_of_series in count())
    alone: list[float] = []
    beside: list[float] = []
    with running_scp(bench.scratch / "idle", settings) as scp:
        _rate(bench, scp, next(names))
        for number_of_round in range(4 * bench.rounds):
            in_turn = [(alone, nullcontext()), (beside, _idle(scp))]
            for rates, surroundings in in_turn if number_of_round % 2 else reversed(in_turn):
                with surroundings:
                    rates.append(_rate(bench, scp, next(names)))
    return alone, beside


def _rate(bench: Bench, scp: ScpProcess, name: str) -> float:
    ct = bench.series(name, rows=512)
    cpu_seconds_at_rest(scp.pid)  # the pool has grown, or has shrunk again
    touch_free_memory()
    rate = ct.instances / send(scp.port, ct.folder, has_nagle=False)
    empty([*ct.folder.iterdir(), *scp.archived()])
    return rate


@contextmanager
def _idle(scp: ScpProcess) -> Iterator[None]:
    with ExitStack() as stack:
        for _ in range(IDLE_ASSOCIATIONS):
            peer: socket.socket = stack.enter_context(scp.connect())
            peer.sendall(associate_rq())
            assert peer.recv(1) == b"\x02", "an A-ASSOCIATE-AC"
        yield
