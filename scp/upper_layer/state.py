"""The upper layer's state machine, for an acceptor that never asks for a release itself. PS3.8 9.2.

The table is PS3.8 table 9-10 with the columns that such an acceptor can be in. What an action does is the
association's business; what it is and where it leads is here. AE-6 leads to Sta3 only: a request that
the provider refuses is answered from there, as one that the user refuses.
"""

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType

from scp.upper_layer.events import (
    Aborted,
    AssociateAccepted,
    AssociateRejected,
    AssociateRequested,
    DataFragments,
    Event,
    PduInvalid,
    ReleaseAnswered,
    ReleaseRequested,
)


class State(Enum):
    STA1 = "idle"
    STA2 = "transport connection open, awaiting A-ASSOCIATE-RQ"
    STA3 = "awaiting local A-ASSOCIATE response"
    STA6 = "association established and ready for data transfer"
    STA8 = "awaiting local A-RELEASE response"
    STA13 = "awaiting transport connection close"


class Happening(Enum):
    """The events of table 9-10, by their numbers."""

    EVT3 = "A-ASSOCIATE-AC received"
    EVT4 = "A-ASSOCIATE-RJ received"
    EVT5 = "transport connection indication"
    EVT6 = "A-ASSOCIATE-RQ received"
    EVT7 = "A-ASSOCIATE response, accept"
    EVT8 = "A-ASSOCIATE response, reject"
    EVT9 = "P-DATA request"
    EVT10 = "P-DATA-TF received"
    EVT12 = "A-RELEASE-RQ received"
    EVT13 = "A-RELEASE-RP received"
    EVT14 = "A-RELEASE response"
    EVT15 = "A-ABORT request"
    EVT16 = "A-ABORT received"
    EVT17 = "transport connection closed"
    EVT18 = "ARTIM timer expired"
    EVT19 = "unrecognized or invalid PDU received"


HAPPENINGS: Mapping[type[Event], Happening] = MappingProxyType(
    {
        AssociateAccepted: Happening.EVT3,
        AssociateRejected: Happening.EVT4,
        AssociateRequested: Happening.EVT6,
        DataFragments: Happening.EVT10,
        ReleaseRequested: Happening.EVT12,
        ReleaseAnswered: Happening.EVT13,
        Aborted: Happening.EVT16,
        PduInvalid: Happening.EVT19,
    }
)
"""What each thing that a parser finds is in the table."""


class Action(Enum):
    """The actions of tables 9-6 to 9-9."""

    AE_5 = "start ARTIM"
    AE_6 = "stop ARTIM, judge the request"
    AE_7 = "send A-ASSOCIATE-AC"
    AE_8 = "send A-ASSOCIATE-RJ, start ARTIM"
    DT_1 = "send P-DATA-TF"
    DT_2 = "indicate P-DATA"
    AR_2 = "indicate A-RELEASE"
    AR_4 = "send A-RELEASE-RP, start ARTIM"
    AR_5 = "stop ARTIM"
    AR_7 = "send P-DATA-TF while the peer waits for its release"
    AA_1 = "send A-ABORT as the service user, start ARTIM"
    AA_2 = "stop ARTIM, close the transport connection"
    AA_3 = "indicate A-ABORT, close the transport connection"
    AA_4 = "indicate A-P-ABORT"
    AA_5 = "stop ARTIM, no association was asked for"
    AA_6 = "ignore"
    AA_7 = "send A-ABORT"
    AA_8 = "send A-ABORT as the service provider, indicate A-P-ABORT, start ARTIM"


class HappeningImpossible(Exception):
    """An event that table 9-10 leaves blank for this state: a fault of ours, whatever the peer sent."""

    def __init__(self, state: State, happening: Happening) -> None:
        super().__init__(f"{happening.name} in {state.name}")
        self.state = state
        self.happening = happening


def _table() -> Mapping[tuple[State, Happening], tuple[Action, State]]:
    s, e, a = State, Happening, Action
    to_13 = s.STA13
    columns: dict[State, dict[Happening, tuple[Action, State]]] = {
        s.STA1: {e.EVT5: (a.AE_5, s.STA2)},
        s.STA2: {
            e.EVT6: (a.AE_6, s.STA3),
            **dict.fromkeys((e.EVT3, e.EVT4, e.EVT10, e.EVT12, e.EVT13, e.EVT19), (a.AA_1, to_13)),
            e.EVT16: (a.AA_2, s.STA1),
            e.EVT17: (a.AA_5, s.STA1),
            e.EVT18: (a.AA_2, s.STA1),
        },
        s.STA13: {
            **dict.fromkeys((e.EVT3, e.EVT4, e.EVT10, e.EVT12, e.EVT13), (a.AA_6, to_13)),
            **dict.fromkeys((e.EVT6, e.EVT19), (a.AA_7, to_13)),
            e.EVT16: (a.AA_2, s.STA1),
            e.EVT17: (a.AR_5, s.STA1),
            e.EVT18: (a.AA_2, s.STA1),
        },
    }
    own: dict[State, dict[Happening, tuple[Action, State]]] = {
        s.STA3: {e.EVT7: (a.AE_7, s.STA6), e.EVT8: (a.AE_8, to_13)},
        s.STA6: {e.EVT9: (a.DT_1, s.STA6), e.EVT10: (a.DT_2, s.STA6), e.EVT12: (a.AR_2, s.STA8)},
        s.STA8: {e.EVT9: (a.AR_7, s.STA8), e.EVT14: (a.AR_4, to_13)},
    }
    # Wherever an association exists or is being made, a PDU that has no place is answered alike.
    received = (e.EVT3, e.EVT4, e.EVT6, e.EVT10, e.EVT12, e.EVT13, e.EVT19)
    for state, cells in own.items():
        columns[state] = {
            **dict.fromkeys(received, (a.AA_8, to_13)),
            e.EVT15: (a.AA_1, to_13),
            e.EVT16: (a.AA_3, s.STA1),
            e.EVT17: (a.AA_4, s.STA1),
            **cells,
        }
    return MappingProxyType(
        {(state, event): cell for state, cells in columns.items() for event, cell in cells.items()}
    )


TRANSITIONS = _table()
"""Action and next state of every cell of table 9-10 that such an acceptor can meet."""


class StateMachine:
    def __init__(self) -> None:
        self.state = State.STA1

    def advance(self, happening: Happening) -> Action:
        """Go to the next state and return the action on the way. Raises HappeningImpossible."""
        try:
            action, self.state = TRANSITIONS[self.state, happening]
        except KeyError:
            raise HappeningImpossible(self.state, happening) from None
        return action
