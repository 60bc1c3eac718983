"""PS3.8 table 9-10, for the states and events that an acceptor meets who never asks for a release himself."""

import pytest

from scp.upper_layer.state import (
    TRANSITIONS,
    Action,
    Happening,
    HappeningImpossible,
    State,
    StateMachine,
)

# Written down from the standard, cell by cell, to be compared with what the program builds.
TABLE = """
           Sta1      Sta2       Sta3       Sta6       Sta8       Sta13
    Evt3   -         AA-1/13    AA-8/13    AA-8/13    AA-8/13    AA-6/13
    Evt4   -         AA-1/13    AA-8/13    AA-8/13    AA-8/13    AA-6/13
    Evt5   AE-5/2    -          -          -          -          -
    Evt6   -         AE-6/3     AA-8/13    AA-8/13    AA-8/13    AA-7/13
    Evt7   -         -          AE-7/6     -          -          -
    Evt8   -         -          AE-8/13    -          -          -
    Evt9   -         -          -          DT-1/6     AR-7/8     -
    Evt10  -         AA-1/13    AA-8/13    DT-2/6     AA-8/13    AA-6/13
    Evt12  -         AA-1/13    AA-8/13    AR-2/8     AA-8/13    AA-6/13
    Evt13  -         AA-1/13    AA-8/13    AA-8/13    AA-8/13    AA-6/13
    Evt14  -         -          -          -          AR-4/13    -
    Evt15  -         -          AA-1/13    AA-1/13    AA-1/13    -
    Evt16  -         AA-2/1     AA-3/1     AA-3/1     AA-3/1     AA-2/1
    Evt17  -         AA-5/1     AA-4/1     AA-4/1     AA-4/1     AR-5/1
    Evt18  -         AA-2/1     -          -          -          AA-2/1
    Evt19  -         AA-1/13    AA-8/13    AA-8/13    AA-8/13    AA-7/13
"""


def cells():
    states, *rows = (line.split() for line in TABLE.strip().splitlines())
    for happening, *columns in rows:
        for state, cell in zip(states, columns, strict=True):
            yield State[state.upper()], Happening[happening.upper()], cell


@pytest.mark.parametrize(("state", "happening", "cell"), list(cells()))
def test_every_cell_is_the_standards(state, happening, cell):
    if cell == "-":
        assert (state, happening) not in TRANSITIONS
    else:
        action, following = cell.split("/")
        assert TRANSITIONS[state, happening] == (Action[action.replace("-", "_")], State[f"STA{following}"])


def test_every_event_and_state_is_in_the_table_above():
    assert {(state, happening) for state, happening, _ in cells()} == {
        (s, h) for s in State for h in Happening
    }


def test_an_association_from_its_request_to_its_release():
    machine = StateMachine()
    way = [Happening.EVT5, Happening.EVT6, Happening.EVT7, Happening.EVT10, Happening.EVT9, Happening.EVT12]
    actions = [machine.advance(happening) for happening in (*way, Happening.EVT14, Happening.EVT17)]
    assert [action.name for action in actions] == [
        "AE_5",
        "AE_6",
        "AE_7",
        "DT_2",
        "DT_1",
        "AR_2",
        "AR_4",
        "AR_5",
    ]
    assert machine.state is State.STA1


def test_a_blank_cell_is_a_fault_of_ours_and_changes_nothing():
    machine = StateMachine()
    with pytest.raises(HappeningImpossible, match="EVT14 in STA1"):
        machine.advance(Happening.EVT14)
    assert machine.state is State.STA1
