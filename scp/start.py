"""Set up and run the supervisor; what is wrong with the set-up is one line, and the exit status."""

import logging
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pydicom.config

from dicomhub.configuration.receiving import ScpSettings
from dicomhub.environment import EnvironmentInvalid, read_environment
from dicomhub.intake.receiver_status import ReceiverStatusFile
from dicomhub.log import configure, logger
from scp.exposing import SnapshotFile
from scp.express.engine import library
from scp.listener import Listeners, PortFile, PortUnavailable, listen
from scp.supervisor import PROCESS, Supervisor
from scp.tls import TlsUnusable

EXIT_PORT_UNAVAILABLE = 1
EXIT_ENVIRONMENT_INVALID = 2


def start() -> int:
    try:
        environment = read_environment()
    except EnvironmentInvalid as error:
        print(error, file=sys.stderr)  # noqa: T201 - there is no log yet
        return EXIT_ENVIRONMENT_INVALID
    configure(PROCESS, log_format=environment.log_format, level=environment.log_level)
    # What pynetdicom finds wrong with a PDU is told by the association, once.
    logging.getLogger("pynetdicom").setLevel(logging.CRITICAL + 1)
    # Nor is a peer's malformed UID to be printed as a warning of pydicom's, in whatever bytes it came.
    pydicom.config.settings.reading_validation_mode = pydicom.config.IGNORE
    try:
        listeners = _listen(environment.scp)
        if environment.scp.has_express_lane:
            library()  # once, for all children
        supervisor = Supervisor(environment, listeners)
    except PortUnavailable as error:
        print(error, file=sys.stderr)  # noqa: T201 - for a person at a terminal
        return EXIT_PORT_UNAVAILABLE
    except TlsUnusable as error:
        print(error, file=sys.stderr)  # noqa: T201 - likewise
        return EXIT_ENVIRONMENT_INVALID
    # Who reads a file may send a signal next: the supervisor has its handlers by now.
    with _announced(environment.home, listeners):
        try:
            supervisor.run()
        finally:
            SnapshotFile(environment.scp_metrics_file).remove()
            ReceiverStatusFile(environment.home).remove()
    logger().info("stopped")
    return 0


def _listen(settings: ScpSettings) -> Listeners:
    """Raises PortUnavailable."""
    plain = listen(settings.host, settings.port)
    if settings.tls is None:
        return Listeners(plain)
    return Listeners(plain, listen(settings.host, settings.tls.port, setting="SCP_TLS_PORT"))


@contextmanager
def _announced(home: Path, listeners: Listeners) -> Iterator[None]:
    """Tell the ports, in the log and in files. The plain one's comes last: who sees it finds the other."""
    with ExitStack() as files:
        for listener in reversed(list(listeners)):
            is_tls = listener is listeners.secure
            host, port = listener.getsockname()[:2]
            file = PortFile(home, name="scp.tls.port" if is_tls else "scp.port")
            files.callback(file.remove)
            file.write(port)
            logger().info("listening", host=host, port=port, tls=is_tls)
        yield
