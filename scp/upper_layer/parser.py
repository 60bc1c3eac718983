"""Bytes in, events out: the receiving half of PS3.8 9.3, without a socket.

The transport writes into the parser's one buffer (space, received) and asks for events until there are none.
No PDU is ever assembled but those of association control: the fragments of a P-DATA-TF are handed on as
views of the buffer as they arrive, so a PDU may be larger than the buffer and its announced length is never
allocated. How the bytes were cut on their way here changes only how fragments are grouped, never what
they add up to.
"""

import struct
from collections.abc import Callable
from typing import NamedTuple

from scp.upper_layer.events import (
    A_ABORT,
    A_ASSOCIATE_AC,
    A_ASSOCIATE_RJ,
    A_ASSOCIATE_RQ,
    A_RELEASE_RP,
    A_RELEASE_RQ,
    P_DATA_TF,
    Aborted,
    AbortReason,
    AssociateAccepted,
    AssociateRejected,
    AssociateRequested,
    DataFragments,
    Event,
    PduInvalid,
    ReleaseAnswered,
    ReleaseRequested,
)

MAX_ASSOCIATE_PDU_BYTES = 1024 * 1024
# A peer may send PDUs up to the length that we announced. Some count the headers in or out, and some use a
# fixed size whatever was announced; as no PDU is assembled here, that costs nothing and is let pass.
MAX_PDU_SLACK_BYTES = 1024
LEAST_MAX_PDU_BYTES = 1024 * 1024

_PDU_HEADER = struct.Struct(">BxI")
_PDV_HEADER = struct.Struct(">IBB")
_PDV_LENGTH_BYTES = 4
_IS_COMMAND = 0x01  # message control header, PS3.8 E.2; its other bits are not checked
_IS_LAST = 0x02

_ASSOCIATE_LENGTHS = range(68, MAX_ASSOCIATE_PDU_BYTES + 1)
_FOUR = range(4, 5)
_CONTROL_PDUS: dict[int, tuple[range, Callable[[bytes], Event]]] = {
    A_ASSOCIATE_RQ: (_ASSOCIATE_LENGTHS, AssociateRequested),
    A_ASSOCIATE_AC: (_ASSOCIATE_LENGTHS, lambda _pdu: AssociateAccepted()),
    A_ASSOCIATE_RJ: (_FOUR, lambda _pdu: AssociateRejected()),
    A_RELEASE_RQ: (_FOUR, lambda _pdu: ReleaseRequested()),
    A_RELEASE_RP: (_FOUR, lambda _pdu: ReleaseAnswered()),
    A_ABORT: (_FOUR, lambda pdu: Aborted(pdu[8], pdu[9])),
}
"""Permitted lengths of each PDU but P-DATA-TF, and how its bytes become an event."""


class Position(NamedTuple):
    """Where a parser stands: buffer[at:end] is not parsed yet, and so much is left of the PDU and PDV."""

    at: int
    end: int
    pdu_left: int
    pdv_left: int
    is_in_pdv: bool
    control_header: int


class PduParser:
    """A parser of one peer's bytes.

    max_pdu_bytes is what we announce as Maximum Length Received (PS3.8 D.1), 0 for no limit. The buffer may
    have served another parser before.
    """

    def __init__(self, buffer: bytearray, *, max_pdu_bytes: int) -> None:
        self._buffer = buffer
        self._view = memoryview(buffer)
        longest = max(max_pdu_bytes + MAX_PDU_SLACK_BYTES, LEAST_MAX_PDU_BYTES) if max_pdu_bytes else 2**32
        self.data_lengths = range(_PDV_HEADER.size, longest + 1)
        self._start = 0  # what is in the buffer and not parsed yet is view[start:end]
        self._end = 0
        self._control: bytearray | None = None  # the association control PDU that is being gathered
        self._control_left = 0
        self._pdu_left = 0  # bytes of the present P-DATA-TF that are not parsed yet
        self._pdv_left = 0
        self._pdv_is_open = False
        self._context_id = 0
        self._control_header = 0
        self._repeated_header = b""  # PDU and PDV header of a P-DATA-TF of one PDV, as long as it may repeat
        self._repeated_bytes = 0
        self._is_finished = False

    @property
    def is_inside_pdu(self) -> bool:
        """Whether the peer owes us the rest of a PDU."""
        if self._is_finished:
            return False
        return bool(self._pdu_left or self._control_left or self._end > self._start)

    @property
    def is_between_pdus(self) -> bool:
        """Whether what is in the buffer, or comes next, begins with a PDU's first byte."""
        return not (self._pdu_left or self._control is not None or self._is_finished)

    @property
    def position(self) -> Position:
        """For who parses P-DATA-TF PDUs in our stead, and says by resume() how far it came."""
        return Position(
            self._start, self._end, self._pdu_left, self._pdv_left, self._pdv_is_open, self._control_header
        )

    def resume(self, position: Position, *, context_id: int) -> None:
        """Go on where another has stopped, inside of a message of this context or between two."""
        self._start, self._end = position.at, position.end
        self._pdu_left, self._pdv_left = position.pdu_left, position.pdv_left
        self._pdv_is_open, self._control_header = position.is_in_pdv, position.control_header
        self._context_id = context_id
        self._repeated_header = b""

    def space(self) -> memoryview:
        """Room for the next bytes. Ask once next_event has returned None; earlier fragments are then gone."""
        if self._is_finished:
            self._start = self._end
        unparsed = self._end - self._start
        if self._start:
            # After next_event returned None this is a part of a header: a few bytes.
            self._view[:unparsed] = bytes(self._view[self._start : self._end])
            self._start, self._end = 0, unparsed
        return self._view[self._end :]

    def received(self, length: int) -> None:
        """Say how many bytes were written to the space."""
        self._end += length

    def next_event(self) -> Event | None:
        """Return the next event, or None when more bytes are needed for one.

        After PduInvalid it is None for ever: there is no way to find the start of a next PDU.
        """
        if self._is_finished:
            return None
        if self._control is not None:
            return self._gather(self._control)
        if self._pdu_left or self._pdv_is_open:
            return self._data()
        if self._end - self._start < _PDU_HEADER.size:
            return None
        pdu_type, length = _PDU_HEADER.unpack_from(self._view, self._start)
        if pdu_type == P_DATA_TF:
            return self._data()
        return self._begin_control(pdu_type, length)

    def _begin_control(self, pdu_type: int, length: int) -> Event | None:
        if pdu_type not in _CONTROL_PDUS:
            return self._invalid(AbortReason.UNRECOGNIZED_PDU, f"PDU type {pdu_type:#04x}")
        if length not in _CONTROL_PDUS[pdu_type][0]:
            return self._invalid(
                AbortReason.INVALID_PARAMETER, f"PDU type {pdu_type:#04x} with {length} bytes"
            )
        self._control = bytearray()
        self._control_left = _PDU_HEADER.size + length
        return self._gather(self._control)

    def _gather(self, control: bytearray) -> Event | None:
        stop = min(self._end, self._start + self._control_left)
        control += self._view[self._start : stop]
        self._control_left -= stop - self._start
        self._start = stop
        if self._control_left:
            return None
        self._control = None
        return _CONTROL_PDUS[control[0]][1](bytes(control))

    def _data(self) -> Event | None:
        """Return a run of fragments of one message. This loop is the hottest of the whole program."""
        fragments: list[memoryview] = []
        has_run = False  # of PDVs, which may all be empty
        while True:
            if self._pdv_is_open:
                stop = min(self._end, self._start + self._pdv_left)
                taken = stop - self._start
                if taken:
                    fragments.append(self._view[self._start : stop])
                    self._start = stop
                    self._pdu_left -= taken
                    self._pdv_left -= taken
                if self._pdv_left:
                    break
                self._pdv_is_open = False
                if self._control_header & _IS_LAST:
                    return self._run(fragments, is_last=True)
                has_run = True
                if self._repeated_header and not self._pdu_left:
                    self._take_repeated(fragments)
            # A run is handed on before anything that does not belong to it, and before a fault; the next
            # call finds that again.
            problem = self._open_pdv(has_run=has_run)
            if problem is not None and not has_run:
                return self._invalid(AbortReason.INVALID_PARAMETER, problem)
            if not self._pdv_is_open:
                break
        return self._run(fragments, is_last=False) if has_run or fragments else None

    def _take_repeated(self, fragments: list[memoryview]) -> None:
        """Take the PDUs that are whole in the buffer and begin, byte for byte, as the last one did.

        Nearly all PDUs of a data set do, so that a comparison and a slice are all that most of them cost.
        """
        buffer, view, header, size = self._buffer, self._view, self._repeated_header, self._repeated_bytes
        data_start = len(header)
        start = self._start
        last_start = self._end - size
        while start <= last_start and buffer.startswith(header, start):
            fragments.append(view[start + data_start : start + size])
            start += size
        self._start = start

    def _run(self, fragments: list[memoryview], *, is_last: bool) -> DataFragments:
        is_command = bool(self._control_header & _IS_COMMAND)
        return DataFragments(self._context_id, is_command, is_last, tuple(fragments))

    def _open_pdv(self, *, has_run: bool) -> str | None:
        """Open the next PDV if its header is there and it continues the run; return what is wrong with it."""
        pdu_start = self._start
        problem = None if self._pdu_left else self._open_pdu()
        if problem is not None or not self._pdu_left:
            return problem
        if self._pdu_left < _PDV_HEADER.size:
            return f"{self._pdu_left} bytes after the last PDV of a P-DATA-TF"
        if self._end - self._start < _PDV_HEADER.size:
            return None
        length, context_id, control_header = _PDV_HEADER.unpack_from(self._view, self._start)
        if not _PDV_HEADER.size <= length + _PDV_LENGTH_BYTES <= self._pdu_left:
            return f"PDV of {length} bytes in the last {self._pdu_left} of a P-DATA-TF"
        is_other = context_id != self._context_id or (control_header ^ self._control_header) & _IS_COMMAND
        if not (has_run and is_other):
            self._start += _PDV_HEADER.size
            self._pdu_left -= _PDV_HEADER.size
            self._pdv_left = length + _PDV_LENGTH_BYTES - _PDV_HEADER.size
            self._context_id = context_id
            self._control_header = control_header
            self._pdv_is_open = True
            self._note_header(pdu_start)
        return None

    def _note_header(self, pdu_start: int) -> None:
        """Remember how the PDU at pdu_start began if it is a single PDV, which is not the message's last."""
        header_bytes = self._start - pdu_start
        is_single = header_bytes > _PDV_HEADER.size and 0 < self._pdv_left == self._pdu_left
        if is_single and not self._control_header & _IS_LAST:
            self._repeated_header = self._view[pdu_start : self._start].tobytes()
            self._repeated_bytes = header_bytes + self._pdv_left
        else:
            self._repeated_header = b""

    def _open_pdu(self) -> str | None:
        """Open the next PDU if its header is there and it is a P-DATA-TF; return what is wrong with it."""
        if self._end - self._start < _PDU_HEADER.size:
            return None
        pdu_type, length = _PDU_HEADER.unpack_from(self._view, self._start)
        if pdu_type == P_DATA_TF:
            if length not in self.data_lengths:
                return f"P-DATA-TF of {length} bytes"
            self._start += _PDU_HEADER.size
            self._pdu_left = length
        return None

    def _invalid(self, reason: AbortReason, problem: str) -> PduInvalid:
        self._is_finished = True
        return PduInvalid(reason, problem)
