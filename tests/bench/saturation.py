"""How soon a peer is answered when everybody is busy, and when many come at once.

Run with: python -m tests.bench.saturation
"""

import select
import socket
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

from tests.scp.pdus import associate_rq
from tests.scp.raw_peer import RawPeer
from tests.support.scp_process import ScpProcess, running_scp
from tests.support.waiting import wait_until

REFUSALS = 200
AT_ONCE = 20
BURST = 50
ACCEPTED, REJECTED = 2, 3
FULL_POOL = {"SCP_MIN_SPARE_CHILDREN": 1, "SCP_MAX_SPARE_CHILDREN": 2, "SCP_MAX_CHILDREN": 4}


def answers(scp: ScpProcess, number: int, stack: ExitStack) -> list[tuple[int, float]]:
    """Connect and ask `number` times at once; the type of each answer and after how many seconds it came."""
    request = associate_rq()
    poll = select.poll()
    asked: dict[int, tuple[socket.socket, float]] = {}
    for _ in range(number):
        began_at = time.perf_counter()
        peer = stack.enter_context(scp.connect())
        peer.sendall(request)
        asked[peer.fileno()] = (peer, began_at)
        poll.register(peer, select.POLLIN)
    found = []
    while asked:
        for descriptor, _ in poll.poll(30_000):
            peer, began_at = asked.pop(descriptor)
            poll.unregister(descriptor)
            found.append((peer.recv(65536)[0], time.perf_counter() - began_at))
    return found


def refusals(scp: ScpProcess, *, at_once: int) -> list[float]:
    """Seconds from connect() to the A-ASSOCIATE-RJ, of a pool that is full."""
    times: list[float] = []
    while len(times) < REFUSALS:
        with ExitStack() as stack:
            for pdu_type, seconds in answers(scp, at_once, stack):
                assert pdu_type == REJECTED
                times.append(seconds)
    return times


def saturated() -> tuple[list[float], list[float]]:
    with ExitStack() as stack:
        scp = stack.enter_context(_scp(FULL_POOL))
        for _ in range(FULL_POOL["SCP_MAX_CHILDREN"]):
            stack.enter_context(RawPeer(scp)).associate()
        wait_until(lambda: _is_refused(scp), what="the pool is full")
        return refusals(scp, at_once=1), refusals(scp, at_once=AT_ONCE)


def burst(*, min_spare: int) -> tuple[list[float], int]:
    """Seconds from connect() to the A-ASSOCIATE-AC of each of a burst, and the children there are then."""
    with ExitStack() as stack:
        settings = {"SCP_MIN_SPARE_CHILDREN": min_spare, "SCP_MAX_SPARE_CHILDREN": max(8, min_spare)}
        scp = stack.enter_context(_scp(settings))
        wait_until(lambda: len(scp.children("worker")) == min_spare, what="the pool is ready")
        found = answers(scp, BURST, stack)
        assert {pdu_type for pdu_type, _ in found} == {ACCEPTED}
        wait_until(lambda: len(scp.children("worker")) >= BURST + min_spare, what="it has spare ones again")
        return [seconds for _, seconds in found], len(scp.children("worker"))


def _scp(settings: dict[str, int]) -> AbstractContextManager[ScpProcess]:
    folder = Path(tempfile.mkdtemp(prefix="saturation-"))
    return running_scp(folder, {"STORE_RESERVE_BYTES": 0, "LOG_LEVEL": "ERROR", **settings})


def _is_refused(scp: ScpProcess) -> bool:
    with RawPeer(scp) as peer:
        peer.send(associate_rq())
        answer = peer.read()
        return answer is not None and answer[0] == REJECTED


def _percentile(share: float) -> Callable[[Sequence[float]], float]:
    return lambda values: sorted(values)[min(len(values) - 1, int(share * len(values)))]


COLUMNS: tuple[tuple[str, Callable[[Sequence[float]], float]], ...] = (
    ("least", min),
    ("median", statistics.median),
    ("90 %", _percentile(0.9)),
    ("99 %", _percentile(0.99)),
    ("most", max),
)


def _print(what: str, times: list[float]) -> None:
    numbers = "".join(f"{column(times) * 1000:9.1f}" for _, column in COLUMNS)
    late = sum(seconds > 0.1 for seconds in times)
    print(f"{what:<44}{numbers}{late:>8} of {len(times)}")


def main() -> None:
    print(
        f"{'ms from connect() to the answer':<44}{''.join(f'{name:>9}' for name, _ in COLUMNS)}{'> 100':>8}"
    )
    one_by_one, at_once = saturated()
    _print("refused, one after the other", one_by_one)
    _print(f"refused, {AT_ONCE} at once", at_once)
    for min_spare in (2, 8):
        times, _ = burst(min_spare=min_spare)
        _print(f"accepted, {BURST} at once, {min_spare} spare children", times)


if __name__ == "__main__":
    main()
