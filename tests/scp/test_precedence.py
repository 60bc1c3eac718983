"""Who has just come goes first; whoever makes way for it loses half of its time at most, and never much at once."""

import time
from dataclasses import replace
from threading import Thread

import pytest

from scp.precedence import MAKE_WAY_SECONDS, NEW_ANSWERS, Precedence
from scp.scoreboard import ChildState, Scoreboard
from tests.scp.conversations import CONTEXTS, series
from tests.scp.in_process import lane_of, needs_the_express_lane, serve
from tests.scp.pdus import RELEASE_RQ, associate_rq
from tests.support.scp_process import HANG_SECONDS

_HOUR_SECONDS = 3600.0


class Room:
    """A scoreboard with two children: one whose part is played, and somebody else."""

    def __init__(self) -> None:
        self.scoreboard = Scoreboard(2)
        self.own, self.other = self.scoreboard.take(), self.scoreboard.take()

    def precedence(self, *, make_way_seconds=_HOUR_SECONDS, **how):
        return Precedence(self.scoreboard, self.own, make_way_seconds=make_way_seconds, **how)

    def somebody_comes(self, *, in_seconds=_HOUR_SECONDS):
        """And is new until NEW_SECONDS after that."""
        self.other.came_at = self.scoreboard.newcomer[0] = time.monotonic() + in_seconds


@pytest.fixture
def room():
    return Room()


def having_answered(precedence, times):
    """Who has answered so often, and has worked for an hour."""
    precedence.come()
    for _ in range(times):
        precedence.before_answer()
    precedence._waited_at -= _HOUR_SECONDS
    return precedence


def answering(precedence):
    thread = Thread(target=precedence.before_answer, daemon=True)
    thread.start()
    return thread


def is_answering_at_once(precedence):
    """Whether it does not wait for the end of the hour."""
    thread = answering(precedence)
    thread.join(HANG_SECONDS)
    return not thread.is_alive()


def test_an_answer_waits_until_the_newcomer_has_withdrawn(room):
    bulk = having_answered(room.precedence(processors=0), NEW_ANSWERS)
    room.somebody_comes()
    thread = answering(bulk)
    thread.join(0.1)
    assert thread.is_alive()
    Precedence(room.scoreboard, room.other).withdraw()
    thread.join(HANG_SECONDS)
    assert not thread.is_alive()
    assert room.scoreboard.newcomer[0] == 0.0


def test_the_first_answers_wait_for_nobody(room):
    first = having_answered(room.precedence(processors=0), NEW_ANSWERS - 1)
    room.somebody_comes()
    assert is_answering_at_once(first)


def test_nobody_makes_way_for_longer_than_it_has_worked(room):
    bulk = having_answered(room.precedence(processors=0), NEW_ANSWERS)
    bulk._waited_at = time.monotonic()
    room.somebody_comes()
    assert is_answering_at_once(bulk)


def test_nobody_makes_way_for_long_however_many_come(room):
    bulk = having_answered(room.precedence(processors=0, make_way_seconds=MAKE_WAY_SECONDS), NEW_ANSWERS)
    room.somebody_comes()
    assert is_answering_at_once(bulk)


def test_nobody_makes_way_where_there_are_processors_enough(room):
    bulk = having_answered(room.precedence(processors=10**6), NEW_ANSWERS)
    room.somebody_comes()
    assert is_answering_at_once(bulk)


def test_who_has_been_here_for_long_is_no_newcomer(room):
    bulk = having_answered(room.precedence(processors=0), NEW_ANSWERS)
    room.somebody_comes(in_seconds=-1)
    assert is_answering_at_once(bulk)
    assert room.scoreboard.newcomer[0] == 0.0


def test_who_brings_a_series_is_no_newcomer(room):
    precedence = room.precedence()
    precedence.come()
    for _ in range(NEW_ANSWERS):
        precedence.before_answer()
        assert room.own.came_at
    precedence.before_answer()
    assert room.own.came_at == room.scoreboard.newcomer[0] == 0.0


def test_who_withdraws_leaves_others_their_precedence(room):
    bulk = having_answered(room.precedence(processors=0), NEW_ANSWERS)
    room.somebody_comes()
    precedence = room.precedence()
    precedence.come()
    precedence.withdraw()
    thread = answering(bulk)
    thread.join(0.1)
    assert thread.is_alive()
    room.other.clear(ChildState.FREE)  # as the supervisor does when a child has died
    thread.join(HANG_SECONDS)
    assert not thread.is_alive()


class Counting(Precedence):
    """How often it was asked."""

    asked = 0

    def before_answer(self):
        self.asked += 1
        super().before_answer()


@pytest.mark.parametrize("has_express", [True, False])
def test_what_is_held_back_is_sent_all_the_same(tmp_path, has_express):
    needs_the_express_lane(has_express)
    stream = associate_rq(*CONTEXTS) + series(9) + RELEASE_RQ
    plain = serve(lane_of(tmp_path / "plain", has_express=has_express), stream)
    lane = lane_of(tmp_path / "held", has_express=has_express)
    scoreboard = lane.precedence._scoreboard
    precedence = Counting(scoreboard, lane.slot, processors=0)
    scoreboard.take().came_at = scoreboard.newcomer[0] = time.monotonic() + _HOUR_SECONDS
    held = serve(replace(lane, precedence=precedence), stream)
    assert precedence.asked == 9
    assert (held.answers, held.files, held.lines) == (plain.answers, plain.files, plain.lines)
    assert held.express == plain.express == (7 if has_express else 0)


class Remembering(Precedence):
    has_come = False

    def come(self):
        super().come()
        self.has_come = True


@pytest.mark.parametrize("ending", [RELEASE_RQ, b""], ids=["released", "lost"])
def test_an_association_is_new_until_it_is_over(tmp_path, ending):
    lane = lane_of(tmp_path)
    precedence = Remembering(lane.precedence._scoreboard, lane.slot)
    serve(replace(lane, precedence=precedence), associate_rq(*CONTEXTS) + series(1) + ending)
    assert precedence.has_come
    assert lane.slot.came_at == 0.0
