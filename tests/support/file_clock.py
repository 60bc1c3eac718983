"""The clock by which a file system stamps files: it moves in ticks of some milliseconds."""

from pathlib import Path

from tests.support.waiting import wait_until


def let_it_move(directory: Path) -> None:
    """What is done to a file now has a later time than all that was done before."""
    file = directory / "tick"

    def touched() -> int:
        file.touch()
        return file.stat().st_ctime_ns

    before = touched()
    wait_until(lambda: touched() > before, what="the file system's clock moves")
    file.unlink()
