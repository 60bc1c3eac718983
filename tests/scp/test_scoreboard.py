"""The scoreboard: what a child writes, the supervisor reads."""

import os

import pytest

from scp.scoreboard import AssociationState, ChildState, Scoreboard
from tests.support.waiting import wait_until


def test_a_child_tells_what_it_does():
    board = Scoreboard(4)
    slot = board.take()
    if (pid := os.fork()) == 0:
        slot.start(os.getpid())
        slot.count_accepted()
        slot.begin_association(peer="[2001:db8:1111:2222:3333:4444:5555:6666]:65535")
        slot.name_association(called_ae_title="DICOMHUB", calling_ae_title="SIXTEEN_LETTERS_")
        slot.count(instances=3, bytes_received=2**40)
        os._exit(0)
    os.waitpid(pid, 0)
    [status] = board.statuses()
    assert (status.pid, status.state) == (pid, ChildState.BUSY)
    assert (status.instances, status.bytes_received) == (3, 2**40)
    assert status.peer == "[2001:db8:1111:2222:3333:4444:5555:6666]:65535"
    assert (status.called_ae_title, status.calling_ae_title) == ("DICOMHUB", "SIXTEEN_LETTERS_")
    assert status.since > 0
    assert board.accepted() == 1
    slot.end_association()
    [status] = board.statuses()
    assert (status.pid, status.state, status.since, status.peer) == (pid, ChildState.IDLE, 0, "")


def test_a_reader_never_sees_half_a_number():
    """Else a child would be taken for hung, or its slot for free, once in a few hundred associations."""
    board = Scoreboard(1)
    slot = board.take()
    started_at = slot.last_beat
    if (pid := os.fork()) == 0:
        for _ in range(20_000):
            slot.begin_association(peer="127.0.0.1:104")
            slot.end_association()
        os._exit(0)
    while os.waitpid(pid, os.WNOHANG) == (0, 0):
        assert started_at <= slot.last_beat
        assert slot.state in {ChildState.STARTING, ChildState.IDLE, ChildState.BUSY}


def test_who_has_just_come_to_the_end_of_an_association_is_about_to_be_idle():
    board = Scoreboard(2)
    slot = board.take()
    for state in (AssociationState.OPENING, AssociationState.ESTABLISHED, AssociationState.ENDING):
        assert board.count_about_to_be_idle() == 0
        slot.begin_association(peer="127.0.0.1:104")
        slot.set_association_state(state)
    assert board.count_about_to_be_idle() == 1
    wait_until(lambda: board.count_about_to_be_idle() == 0, what="hope ends")
    slot.set_association_state(AssociationState.NONE)  # the peer has closed at last
    assert board.count_about_to_be_idle() == 1
    slot.end_association()
    assert board.count_idle() == 1
    assert board.count_about_to_be_idle() == 0


def test_slots_are_given_back_and_given_out_again():
    board = Scoreboard(2)
    first, second = board.take(), board.take()
    with pytest.raises(LookupError):
        board.take()
    board.give_back(first)
    assert [status.state for status in board.statuses()] == [ChildState.STARTING]
    assert board.take() is first
    second.set_state(ChildState.IDLE)
    assert {status.state for status in board.statuses()} == {ChildState.STARTING, ChildState.IDLE}


def test_saturation_is_told_to_all_and_takes_nothing_from_the_slots():
    board = Scoreboard(2)
    board.take()
    board.is_saturated = True
    assert board.is_saturated
    board.take()
    assert board.is_saturated
    board.is_saturated = False
    assert len(board.statuses()) == 2
