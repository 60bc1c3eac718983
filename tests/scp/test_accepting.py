"""A child that has no descriptor left for a connection: it waits for one, and the connection for it."""

import resource
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path

from tests.scp.pdus import associate_rq
from tests.scp.raw_peer import RawPeer
from tests.support.waiting import wait_until

ONE_CHILD = {"SCP_MIN_SPARE_CHILDREN": 1, "SCP_MAX_SPARE_CHILDREN": 1, "SCP_MAX_CHILDREN": 1}
REJECTED = (3, b"\0\2\3\2")


@contextmanager
def no_descriptor_left(pid):
    """Leave a process no number below its limit."""
    used = {int(path.name) for path in Path(f"/proc/{pid}/fd").iterdir()}
    before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    least_free = next(number for number in count() if number not in used)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (least_free, before[1]))
    try:
        yield
    finally:
        resource.prlimit(pid, resource.RLIMIT_NOFILE, before)


def knock_in_vain(scp, pid):
    """Connect when the child that is to accept it cannot, and wait until it knows."""
    with ExitStack() as stack, no_descriptor_left(pid):
        peer = stack.enter_context(RawPeer(scp))
        wait_until(lambda: "accept_failed" in scp.log(), what="the child is in want of a descriptor")
        stack.pop_all()
        return peer


def test_a_child_without_a_descriptor_serves_once_there_is_one(start_scp):
    scp = start_scp(**ONE_CHILD)
    with RawPeer(scp).associate() as first:
        [worker] = scp.children("worker")
    scp.end_of(first.address)  # it has opened what it keeps, and closed what it does not
    with knock_in_vain(scp, worker) as peer:
        peer.associate()
        assert scp.children("worker") == [worker]


def test_a_turnstile_without_a_descriptor_refuses_once_there_is_one(start_scp):
    scp = start_scp(**ONE_CHILD)
    with RawPeer(scp).associate():
        [turnstile] = wait_until(lambda: scp.children("turnstile"), what="it is there")
        with knock_in_vain(scp, turnstile) as peer:
            peer.send(associate_rq())
            assert peer.read() == REJECTED
            assert scp.children("turnstile") == [turnstile]
