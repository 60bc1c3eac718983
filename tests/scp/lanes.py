"""The two lanes of an association, and what sends it into each."""

from tests.scp.pdus import CT, EXPLICIT, IMPLICIT, VERIFICATION, associate_rq, context_item
from tests.scp.raw_peer import RawPeer
from tests.support.scp_process import ScpProcess

STUDY_ROOT_FIND = "1.2.840.10008.5.1.4.1.2.2.1"
LANES = ("receive", "general")
_STORAGE = context_item(1, CT, EXPLICIT)
_VERIFICATION = context_item(3, VERIFICATION, IMPLICIT)
_QUERY = context_item(5, STUDY_ROOT_FIND, IMPLICIT)


def request(lane: str, **how: object) -> bytes:
    """An A-ASSOCIATE-RQ: CT on context 1, Verification on 3, and for the general lane a query service."""
    contexts = (_STORAGE, _VERIFICATION) if lane == "receive" else (_STORAGE, _VERIFICATION, _QUERY)
    return associate_rq(*contexts, **how)


def associated(scp: ScpProcess, lane: str, **how: object) -> RawPeer:
    peer = RawPeer(scp)
    peer.send(request(lane, **how))
    answer = peer.read()
    assert answer is not None
    assert answer[0] == 2, answer
    return peer
