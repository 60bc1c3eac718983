"""What each action of PS3.8 tables 9-6 to 9-9 sends and does to ARTIM, in every state that leads to it.

Sta3 and Sta8 cannot be seen from outside, as nothing is read in them; here an association is kept there.
"""

import pytest

from dicomhub.environment import read_environment
from scp.acceptance import Acceptor
from scp.upper_layer.answer import Rejection
from scp.upper_layer.events import (
    Aborted,
    AbortReason,
    AssociateAccepted,
    AssociateRejected,
    AssociateRequested,
    DataFragments,
    PduInvalid,
    ReleaseAnswered,
    ReleaseRequested,
)
from scp.upper_layer.state import TRANSITIONS, Action, Happening, State
from tests.scp.driven import driven_association, opened_lane
from tests.scp.pdus import (
    COMMAND,
    LAST,
    RELEASE_RP,
    VERIFICATION,
    associate_rq,
    c_echo_rq,
    command_set,
    p_data,
    pdu,
    pdv,
    uid,
    us,
)


def command_fragments(command: bytes, *, context_id: int = 3) -> DataFragments:
    return DataFragments(context_id, is_command=True, is_last=True, fragments=(memoryview(command),))


EVENTS = {
    Happening.EVT3: AssociateAccepted(),
    Happening.EVT4: AssociateRejected(),
    Happening.EVT6: AssociateRequested(associate_rq()),
    Happening.EVT8: Rejection.TEMPORARY_CONGESTION,
    Happening.EVT10: command_fragments(c_echo_rq()),
    Happening.EVT12: ReleaseRequested(),
    Happening.EVT13: ReleaseAnswered(),
    Happening.EVT16: Aborted(0, 0),
    Happening.EVT19: PduInvalid(AbortReason.UNRECOGNIZED_PDU, "PDU type 0x42"),
}
ACCEPTED = Acceptor(read_environment({}).scp).judge(associate_rq()).pdu
ECHOED = command_set(
    (0x0002, uid(VERIFICATION)),
    (0x0100, us(0x8030)),
    (0x0120, us(1)),
    (0x0800, us(0x0101)),
    (0x0900, us(0)),
)
UNEXPECTED, UNRECOGNIZED = pdu(7, b"\0\0\2\2"), pdu(7, b"\0\0\2\1")
SENT = {
    Action.AE_7: ACCEPTED,
    Action.AE_8: pdu(3, b"\0\2\3\1"),
    Action.DT_2: p_data(pdv(ECHOED, context=3, control=COMMAND | LAST)),
    Action.AR_4: RELEASE_RP,
    Action.AA_1: pdu(7, b"\0\0\0\0"),
}
SENT_ON_THE_WAY = {State.STA6: ACCEPTED, State.STA8: ACCEPTED, State.STA13: ACCEPTED + RELEASE_RP}
STARTING_ARTIM = {Action.AE_5, Action.AE_8, Action.AR_4, Action.AA_1, Action.AA_8}
# Evt9 happens within DT-2 only, which here is DT-1 too; so there is no AR-7.
in_each_cell = pytest.mark.parametrize(
    ("state", "happening", "action"),
    [
        pytest.param(state, happening, action, id=f"{state.name}-{happening.name}-{action.name}")
        for (state, happening), (action, _) in TRANSITIONS.items()
        if happening is not Happening.EVT9
    ],
)


@pytest.fixture(scope="module")
def lane(tmp_path_factory):
    with opened_lane(tmp_path_factory.mktemp("lane")) as lane:
        yield lane


@pytest.fixture
def association(lane):
    with driven_association(lane) as association:
        yield association


def meet(association, state, happening):
    """Reach the state, and have it happen there; return when ARTIM expired before, and when it does now."""
    association.reach(state)
    before = association.artim_at
    event = association.follows.pop()[1] if happening is Happening.EVT7 else EVENTS.get(happening)
    association.follows.clear()
    association.meet(happening, event)
    return before, association.artim_at


def sent_by(action, happening):
    if action in {Action.AA_7, Action.AA_8}:
        return UNRECOGNIZED if happening is Happening.EVT19 else UNEXPECTED
    return SENT.get(action, b"")


def what_follows(association):
    return [happening for happening, _ in association.follows]


@in_each_cell
def test_an_action_sends_what_it_shall_and_nothing_else(association, state, happening, action):
    meet(association, state, happening)
    assert association.sent() == SENT_ON_THE_WAY.get(state, b"") + sent_by(action, happening)


@in_each_cell
def test_an_action_starts_artim_or_stops_it_or_leaves_it_alone(association, state, happening, action):
    before, after = meet(association, state, happening)
    if action in STARTING_ARTIM:
        assert after is not None
        assert before is None or after > before
    elif action is Action.AE_6:
        assert before is not None
        assert after is None
    else:
        # An action that ends the association need not stop it: nobody asks a timer of Sta1.
        assert after == before


@pytest.mark.parametrize(
    ("request_pdu", "follows"),
    [
        (associate_rq(), Happening.EVT7),
        (associate_rq(application_context="1.2.3"), Happening.EVT8),
        (associate_rq(extra=b"\x50"), Happening.EVT19),
    ],
)
def test_ae_6_accepts_rejects_or_finds_no_request(association, request_pdu, follows):
    association.reach(State.STA2)
    association.meet(Happening.EVT6, AssociateRequested(request_pdu))
    assert what_follows(association) == [follows]
    assert association.sent() == b""


def test_ar_2_is_answered_at_once(association):
    meet(association, State.STA6, Happening.EVT12)
    assert what_follows(association) == [Happening.EVT14]


@pytest.mark.parametrize(
    "run", [command_fragments(b"no command"), command_fragments(c_echo_rq(), context_id=5)]
)
def test_dt_2_with_what_is_no_message_leads_to_evt19(association, run):
    association.reach(State.STA6)
    association.meet(Happening.EVT10, run)
    assert what_follows(association) == [Happening.EVT19]
    assert association.sent() == ACCEPTED
