"""The directory that an embedded run keeps its state in: held by one run at a time, files replaced whole."""

import fcntl
import os
from pathlib import Path
from typing import IO


class HomeUnavailable(Exception):
    """DICOMHUB_HOME cannot be used; the message says why."""


def hold(home: Path) -> IO[str]:
    """Take the home for this process, as long as the returned file stays open. Raises HomeUnavailable.

    The lock is the kernel's: it is gone with the process, however that ends.
    """
    run = home / "run"
    try:
        run.mkdir(parents=True, exist_ok=True)
        file = (run / "lock").open("a+", encoding="ascii")
    except OSError as error:
        raise HomeUnavailable(f"DICOMHUB_HOME {home} cannot be written to: {error.strerror}.") from None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.seek(0)
        holder = file.read().strip()
        file.close()
        raise HomeUnavailable(
            f"{home} is in use by the run with process id {holder}: "
            "stop that one, or set DICOMHUB_HOME to another directory."
        ) from None
    file.truncate(0)
    file.write(f"{os.getpid()}\n")
    file.flush()
    return file
