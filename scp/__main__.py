"""python -m scp: receive DICOM over DIMSE. python -m scp status: what a running one is doing."""

import sys

EXIT_USAGE = 2


def main(arguments: list[str]) -> int:
    # pydicom imports numpy where it finds it, and numpy starts threads: nothing here needs either, and the
    # children are forked from a process that has one thread.
    sys.modules["numpy"] = None  # type: ignore[assignment]
    match arguments:
        case []:
            from scp.start import start  # noqa: PLC0415 - after the line above

            return start()
        case ["status"]:
            from scp.status import status  # noqa: PLC0415 - it needs nothing of what receives

            return status()
        case _:
            print("usage: python -m scp [status]", file=sys.stderr)  # noqa: T201 - for a person at a terminal
            return EXIT_USAGE


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
