"""python -m scp: receive DICOM over DIMSE."""

import sys


def main() -> int:
    # pydicom imports numpy where it finds it, and numpy starts threads: nothing here needs either, and the
    # children are forked from a process that has one thread.
    sys.modules["numpy"] = None  # type: ignore[assignment]
    from scp.start import start  # noqa: PLC0415 - after the line above

    return start()


if __name__ == "__main__":
    sys.exit(main())
