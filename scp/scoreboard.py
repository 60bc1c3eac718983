"""What every child is doing, in memory that the supervisor and all children share.

Each slot has one writer, the child that it was given to; the supervisor clears it before the fork and after
the child's end. There is no lock: a number is stored and loaded whole, as one aligned word assigned through a
memoryview. (The struct module is no way to do this: it blanks what it is about to write.) Texts are for
people, and a reader may see one half written. One word before the slots is every child's.
"""

import mmap
import time
from dataclasses import dataclass
from enum import IntEnum

from scp.tally import TALLY_BYTES, Tally

_WORD_BYTES = 8
# Words of a slot, by their index; the texts follow, each with its length in bytes.
_STATE, _PID, _BEAT, _INSTANCES, _BYTES, _SINCE, _ACCEPTED, _ASSOCIATION, _CHANGED, _CAME = range(10)
_PEER = slice(10 * _WORD_BYTES, 10 * _WORD_BYTES + 48)
_CALLED = slice(_PEER.stop, _PEER.stop + 16)
_CALLING = slice(_CALLED.stop, _CALLED.stop + 16)
_STATUS_BYTES = 192
_SLOT_BYTES = _STATUS_BYTES + TALLY_BYTES
# Words of the first place of the memory, which holds what concerns all.
_IS_SATURATED, _USED, _NEWCOMER = range(3)


class ChildState(IntEnum):
    FREE = 0  # the slot is nobody's
    STARTING = 1
    IDLE = 2
    BUSY = 3
    DRAINING = 4  # busy, and to exit afterwards
    ATTENDING = 5  # serves no associations, but those that do: turnstile, dispatcher, meter


class AssociationState(IntEnum):
    NONE = 0
    OPENING = 1  # connected; no A-ASSOCIATE-AC yet (Sta2, Sta3)
    ESTABLISHED = 2  # Sta6
    ENDING = 3  # the last PDU is on its way, the peer has still to close (Sta13)


_ENDS = frozenset({AssociationState.ENDING, AssociationState.NONE})
# A peer that has its answer closes at once, as a rule; one that does not may take until ARTIM expires.
_END_SECONDS = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildStatus:
    """One slot, read. Times are on time.monotonic(); since is when the association began, 0 for none."""

    state: ChildState
    association: AssociationState
    pid: int
    beat: float
    instances: int
    bytes_received: int
    since: float
    peer: str
    called_ae_title: str
    calling_ae_title: str


class ScoreboardSlot:
    """A child's own slot."""

    def __init__(self, memory: memoryview) -> None:
        self._texts = memory
        self._words = memory[:_STATUS_BYTES].cast("Q")
        self._times = memory[:_STATUS_BYTES].cast("d")
        self.tally = Tally(memory[_STATUS_BYTES:])

    def clear(self, state: ChildState) -> None:
        """Begin anew; the supervisor's part."""
        self._describe()
        self._words[_PID] = 0
        self.set_state(state)

    def start(self, pid: int) -> None:
        self._words[_PID] = pid
        self.set_state(ChildState.STARTING)

    def set_state(self, state: ChildState) -> None:
        self.beat()
        self._words[_STATE] = state

    def beat(self) -> None:
        """Say that this child is alive and not stuck."""
        self._times[_BEAT] = time.monotonic()

    def count_accepted(self) -> None:
        self._words[_ACCEPTED] += 1

    def count(self, *, instances: int, bytes_received: int) -> None:
        """Say how much the present association has brought so far."""
        self._words[_INSTANCES] = instances
        self._words[_BYTES] = bytes_received

    def begin_association(self, *, peer: str) -> None:
        self._describe(peer=peer)
        self._times[_SINCE] = time.monotonic()
        self.set_association_state(AssociationState.OPENING)
        self.set_state(ChildState.BUSY)

    def set_association_state(self, state: AssociationState) -> None:
        # The time first: who reads a new state must not find an old time beside it.
        self._times[_CHANGED] = time.monotonic()
        self._words[_ASSOCIATION] = state

    def name_association(self, *, called_ae_title: str, calling_ae_title: str) -> None:
        self._write(_CALLED, called_ae_title)
        self._write(_CALLING, calling_ae_title)

    def end_association(self) -> None:
        self._describe()
        self.set_state(ChildState.IDLE)

    def _describe(self, *, peer: str = "") -> None:
        self._times[_SINCE] = self._times[_CAME] = 0.0
        self.set_association_state(AssociationState.NONE)
        self.count(instances=0, bytes_received=0)
        self._write(_PEER, peer)
        self.name_association(called_ae_title="", calling_ae_title="")

    def _write(self, place: slice, text: str) -> None:
        size = place.stop - place.start
        self._texts[place] = text.encode("utf-8")[:size].ljust(size, b"\0")

    def _text(self, place: slice) -> str:
        return bytes(self._texts[place]).rstrip(b"\0").decode("utf-8", "replace")

    @property
    def state(self) -> ChildState:
        return ChildState(self._words[_STATE])

    @property
    def association_state(self) -> AssociationState:
        return AssociationState(self._words[_ASSOCIATION])

    @property
    def has_just_ended(self) -> bool:
        """Whether its child is busy with the end of an association, and has not been for long."""
        is_ending = self.state is ChildState.BUSY and self.association_state in _ENDS
        return is_ending and time.monotonic() - self._times[_CHANGED] < _END_SECONDS

    @property
    def came_at(self) -> float:
        """When the association came that is a newcomer, 0 for none. See scp.precedence."""
        return self._times[_CAME]

    @came_at.setter
    def came_at(self, value: float) -> None:
        self._times[_CAME] = value

    @property
    def last_beat(self) -> float:
        return self._times[_BEAT]

    @property
    def accepted(self) -> int:
        """How many connections this slot's children have accepted."""
        return self._words[_ACCEPTED]

    def read(self) -> ChildStatus:
        return ChildStatus(
            state=self.state,
            association=self.association_state,
            pid=self._words[_PID],
            beat=self.last_beat,
            instances=self._words[_INSTANCES],
            bytes_received=self._words[_BYTES],
            since=self._times[_SINCE],
            peer=self._text(_PEER),
            called_ae_title=self._text(_CALLED),
            calling_ae_title=self._text(_CALLING),
        )


class Scoreboard:
    """All slots. Memory that no child was ever given is never touched, so a large capacity costs nothing."""

    def __init__(self, capacity: int) -> None:
        self._memory = memoryview(mmap.mmap(-1, (capacity + 1) * _SLOT_BYTES))
        self._header = self._memory[:_STATUS_BYTES].cast("Q")
        # When a newcomer came, on time.monotonic(); 0 when there is none. Every child's, see scp.precedence.
        self.newcomer = self._header[_NEWCOMER : _NEWCOMER + 1].cast("B").cast("d")
        self.supervisor_tally = Tally(self._memory[_STATUS_BYTES:_SLOT_BYTES])
        self._capacity = capacity
        self._slots: list[ScoreboardSlot] = []

    @property
    def is_saturated(self) -> bool:
        """Whether every child that there may be is busy. The supervisor decides."""
        return bool(self._header[_IS_SATURATED])

    @is_saturated.setter
    def is_saturated(self, value: bool) -> None:
        self._header[_IS_SATURATED] = value

    def take(self) -> ScoreboardSlot:
        """Return a slot that is free, now STARTING. Raises LookupError when there is none."""
        for slot in self._used_slots():
            if slot.state is ChildState.FREE:
                break
        else:
            if self._header[_USED] == self._capacity:
                raise LookupError("the scoreboard is full")
            self._header[_USED] += 1
            slot = self._used_slots()[-1]
        slot.clear(ChildState.STARTING)
        return slot

    def give_back(self, slot: ScoreboardSlot) -> None:
        slot.clear(ChildState.FREE)

    def accepted(self) -> int:
        """How many connections all children have accepted so far."""
        return sum(slot.accepted for slot in self._used_slots())

    def count_idle(self) -> int:
        """How many children wait for a connection: newer than what the supervisor has declared."""
        return sum(slot.state is ChildState.IDLE for slot in self._used_slots())

    def count_about_to_be_idle(self) -> int:
        """How many children are at the end of an association, and idle as soon as their peer has closed."""
        return sum(slot.has_just_ended for slot in self._used_slots())

    def is_anyone_new(self, *, since: float) -> bool:
        """Whether a child has a newcomer that has come since then."""
        return any(slot.came_at > since for slot in self._used_slots())

    def statuses(self) -> list[ChildStatus]:
        """What every child is doing, those that do not serve associations among them."""
        statuses = [slot.read() for slot in self._used_slots()]
        return [status for status in statuses if status.state is not ChildState.FREE]

    def tallies(self) -> list[Tally]:
        """The numbers of every slot that was ever taken, whoever has it now, and the supervisor's."""
        return [self.supervisor_tally, *(slot.tally for slot in self._used_slots())]

    def _used_slots(self) -> list[ScoreboardSlot]:
        """Every slot that was ever taken, also those taken since this process was forked."""
        while len(self._slots) < self._header[_USED]:
            start = (len(self._slots) + 1) * _SLOT_BYTES
            self._slots.append(ScoreboardSlot(self._memory[start : start + _SLOT_BYTES]))
        return self._slots
