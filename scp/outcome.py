"""How an association ended."""

from enum import StrEnum


class Outcome(StrEnum):
    RELEASED = "released"
    REJECTED = "rejected"
    ABORTED_BY_PEER = "aborted by peer"
    LOST = "lost"  # the connection ended without release or abort
    NOT_REQUESTED = "not requested"  # likewise, before any A-ASSOCIATE-RQ
    TIMED_OUT = "timed out"
    PROTOCOL_ERROR = "protocol error"
    STOPPED = "stopped"  # the supervisor wanted this child to end
    FAILED = "failed"  # a fault of ours
    KILLED = "killed"  # its child has died; told by the supervisor
