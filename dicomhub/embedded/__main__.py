"""`python -m dicomhub.embedded run|demo`: all of dicomhub on one machine."""

import argparse
import signal
import sys

from dicomhub.environment import EnvironmentInvalid, read_environment


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m dicomhub.embedded", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="the whole stack in the foreground, until Ctrl-C")
    run.add_argument(
        "--parent", type=int, metavar="PID", help="the process that starts this: stop when it ends"
    )
    commands.add_parser("demo", help="store, find and retrieve sample files in a temporary home")
    arguments = parser.parse_args()
    return _demo() if arguments.command == "demo" else _run(arguments.parent)


def _run(parent: int | None) -> int:
    from dicomhub.embedded.launcher import run  # noqa: PLC0415 - not before the arguments are right
    from dicomhub.embedded.processes import end_with  # noqa: PLC0415 - likewise

    try:
        environment = read_environment()
    except EnvironmentInvalid as error:
        print(*error.problems, sep="\n", file=sys.stderr)  # noqa: T201 - a command talks to a terminal
        return 2
    if parent is not None and not end_with(parent, signal.SIGTERM):
        return 1
    return run(environment)


def _demo() -> int:
    from dicomhub.embedded.demo.round_trip import demo  # noqa: PLC0415 - `run` needs no DICOM library

    return demo()


if __name__ == "__main__":
    sys.exit(main())
