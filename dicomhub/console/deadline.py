"""Ask a warehouse that may hang, without hanging with it."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

from tasks.warehouse.port import WarehouseUnavailable

Answer = TypeVar("Answer")
# What hangs goes on hanging in its thread, up to this many times a process.
_places = threading.BoundedSemaphore(4)


def answered_within(seconds: float, ask: Callable[[], Answer]) -> Answer:
    """What ask returns or raises; WarehouseUnavailable after these seconds. ask runs in another thread."""
    if not _places.acquire(blocking=False):
        raise WarehouseUnavailable("the warehouse is still busy with earlier questions")
    answer: Future[Answer] = Future()

    def run() -> None:
        try:
            answer.set_result(ask())
        except BaseException as error:  # noqa: BLE001 - it is raised again where it was asked for
            answer.set_exception(error)
        finally:
            _places.release()

    threading.Thread(target=run, name="warehouse-question", daemon=True).start()
    try:
        return answer.result(seconds)
    except TimeoutError:
        raise WarehouseUnavailable(f"the warehouse did not answer within {seconds:.0f} seconds") from None
