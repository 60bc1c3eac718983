"""The status file: the scoreboard for people, written by the meter's child once a second."""

import time
from datetime import UTC, datetime

from dicomhub.intake.receiver_status import ChildState as PublishedState
from dicomhub.intake.receiver_status import ChildStatus as PublishedStatus
from dicomhub.intake.receiver_status import ReceiverStatus, ReceiverStatusFile
from dicomhub.log import logger
from scp.child import ChildContext
from scp.scoreboard import ChildState, ChildStatus

# Those that serve. A child that attends to them is none of them.
_STATES: dict[ChildState, PublishedState] = {
    ChildState.STARTING: "starting",
    ChildState.IDLE: "idle",
    ChildState.BUSY: "busy",
    ChildState.DRAINING: "draining",
}


class StatusPublisher:
    """Made while the listeners are still open."""

    def __init__(self, context: ChildContext) -> None:
        self._context = context
        self._file = ReceiverStatusFile(context.environment.home)
        listeners = context.listeners
        self._host, self._port = listeners.plain.getsockname()[:2]
        self._tls_port = listeners.secure.getsockname()[1] if listeners.secure else None
        # The scoreboard's times are on time.monotonic(). Converted with an offset that is taken once, a time
        # stays the same from one publication to the next.
        self._epoch_seconds = time.time() - time.monotonic()
        self._is_failing = False

    def publish(self) -> None:
        """Never raises: it is for people."""
        try:
            self._file.write(self._status())
            self._is_failing = False
        except OSError as error:
            if not self._is_failing:
                logger().warning("status_not_written", error=str(error))
            self._is_failing = True

    def _status(self) -> ReceiverStatus:
        settings = self._context.environment.scp
        statuses = self._context.scoreboard.statuses()
        return ReceiverStatus(
            pid=self._context.supervisor_pid,
            ae_title=settings.ae_title,
            host=self._host,
            port=self._port,
            tls_port=self._tls_port,
            max_children=settings.max_children,
            children=tuple(self._child(status) for status in statuses if status.state in _STATES),
        )

    def _child(self, status: ChildStatus) -> PublishedStatus:
        since = datetime.fromtimestamp(self._epoch_seconds + status.since, UTC) if status.since else None
        return PublishedStatus(
            state=_STATES[status.state],
            pid=status.pid,
            peer=status.peer,
            called_ae_title=status.called_ae_title,
            calling_ae_title=status.calling_ae_title,
            instances=status.instances,
            bytes_received=status.bytes_received,
            since=since,
        )
