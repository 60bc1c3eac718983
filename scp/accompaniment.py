"""What is done for an association that is in the general lane's care. See scp.general_provider."""

from collections.abc import Callable

from dicomhub.log import logger
from scp.actions import Actions
from scp.connection import Arrival
from scp.dimse import Response
from scp.outcome import Outcome
from scp.record import AssociationRecord
from scp.timers import Timers
from scp.upper_layer.events import DataFragments, Event
from scp.upper_layer.state import Happening


class Accompaniment:
    """Reads, archives and keeps the record as in the receive lane; states and answers are pynetdicom's."""

    def __init__(
        self,
        actions: Actions,
        timers: Timers,
        record: AssociationRecord,
        *,
        read: Callable[[float], Arrival],
        tick: Callable[[], None],
    ) -> None:
        self._actions = actions
        self._timers = timers
        self._record = record
        self._read = read
        self._tick = tick

    def read(self, *, until: float) -> Arrival:
        return self._read(until)

    def tick(self) -> None:
        self._tick()

    def take(self, run: DataFragments) -> Response | None:
        response = self._actions.receive(run)
        if response is not None:
            self.answered(response)
        return response

    def answered(self, response: Response) -> None:
        self._record.answered(response)
        self._timers.answered()

    def met(self, happening: Happening, event: Event | None) -> None:
        match happening:
            case Happening.EVT12:
                self._actions.end_by_release()
            case Happening.EVT16:
                self._record.ended(Outcome.ABORTED_BY_PEER)
            case Happening.EVT17:
                self._record.ended(Outcome.LOST)
            case _:
                self._actions.end_by_fault(event)

    def failed(self) -> None:
        logger().exception("association_failed")
        self._record.ended(Outcome.FAILED)

    def wait_for_close(self) -> None:
        self._timers.start_artim()
