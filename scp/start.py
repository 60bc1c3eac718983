"""Set up and run the supervisor; what is wrong with the set-up is one line, and the exit status."""

import logging
import sys

import pydicom.config

from dicomhub.environment import EnvironmentInvalid, read_environment
from dicomhub.log import configure, logger
from scp.exposing import SnapshotFile
from scp.listener import PortFile, PortUnavailable, listen
from scp.supervisor import PROCESS, Supervisor

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
        listener = listen(environment.scp.host, environment.scp.port)
    except PortUnavailable as error:
        print(error, file=sys.stderr)  # noqa: T201 - for a person at a terminal
        return EXIT_PORT_UNAVAILABLE
    host, port = listener.getsockname()[:2]
    supervisor = Supervisor(environment, listener)
    # Who reads the file may send a signal next: the supervisor has its handlers by now.
    port_file = PortFile(environment.home)
    port_file.write(port)
    logger().info("listening", host=host, port=port)
    try:
        supervisor.run()
    finally:
        port_file.remove()
        SnapshotFile(environment.scp_metrics_file).remove()
    logger().info("stopped")
    return 0
