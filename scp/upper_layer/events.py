"""What a parser finds in the bytes of a peer. PS3.8 9.3."""

from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

# Types of PDUs. PS3.8 9.3.1.
A_ASSOCIATE_RQ = 0x01
A_ASSOCIATE_AC = 0x02
A_ASSOCIATE_RJ = 0x03
P_DATA_TF = 0x04
A_RELEASE_RQ = 0x05
A_RELEASE_RP = 0x06
A_ABORT = 0x07


class AbortReason(Enum):
    """Source and reason of an A-ABORT, in one so that no wrong pair can be built. PS3.8 9.3.8."""

    SERVICE_USER = (0, 0)
    NOT_SPECIFIED = (2, 0)
    UNRECOGNIZED_PDU = (2, 1)
    UNEXPECTED_PDU = (2, 2)
    UNRECOGNIZED_PARAMETER = (2, 4)
    UNEXPECTED_PARAMETER = (2, 5)
    INVALID_PARAMETER = (2, 6)

    @property
    def source(self) -> int:
        return self.value[0]

    @property
    def reason(self) -> int:
        return self.value[1]


@dataclass(frozen=True, slots=True)
class AssociateRequested:
    """A whole A-ASSOCIATE-RQ, its six bytes of header in front."""

    pdu: bytes


@dataclass(frozen=True, slots=True)
class AssociateAccepted:
    """An A-ASSOCIATE-AC, which no requestor sends."""


@dataclass(frozen=True, slots=True)
class AssociateRejected:
    """An A-ASSOCIATE-RJ, which no requestor sends."""


class DataFragments(NamedTuple):
    """What has arrived, without a gap, of one message's command set or data set.

    Fragments lie in the parser's buffer and are good until it is asked for space again. A fragment here is
    any stretch of bytes: a PDV may come in several, and several PDVs in one event. There is none where all of
    the PDVs are empty, as they may be. is_last says that the command set or data set ends here.
    """

    context_id: int
    is_command: bool
    is_last: bool
    fragments: tuple[memoryview, ...]


@dataclass(frozen=True, slots=True)
class ReleaseRequested:
    pass


@dataclass(frozen=True, slots=True)
class ReleaseAnswered:
    pass


@dataclass(frozen=True, slots=True)
class Aborted:
    """The peer's A-ABORT; source and reason as it sent them."""

    source: int
    reason: int


@dataclass(frozen=True, slots=True)
class PduInvalid:
    """Bytes that are no PDU of PS3.8, or one that breaks its rules. Nothing after it is parsed."""

    reason: AbortReason
    problem: str


Event = (
    AssociateRequested
    | AssociateAccepted
    | AssociateRejected
    | DataFragments
    | ReleaseRequested
    | ReleaseAnswered
    | Aborted
    | PduInvalid
)
