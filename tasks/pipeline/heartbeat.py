"""A stage that takes its time tells that it lives, so that its batch is not driven on a second time."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import Error as DatabaseError
from django.db import connection

from dicomhub.archive import services
from dicomhub.archive.selectors import NO_NEWS
from dicomhub.log import logger

_SECONDS = NO_NEWS.total_seconds() / 3


@contextmanager
def heartbeat(batch_id: str) -> Iterator[None]:
    """Note in the batch's row that it is being worked on, three times in what is taken for silence."""
    is_over = threading.Event()
    thread = threading.Thread(target=_beat, args=(batch_id, is_over), name="heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()


def _beat(batch_id: str, is_over: threading.Event) -> None:
    """In a thread of its own, for the stage waits for codecs; with a connection of its own."""
    while not is_over.wait(_SECONDS):
        try:
            services.batch_alive(batch_id)
        except DatabaseError as error:
            logger().warning("heartbeat_not_written", batch=batch_id, error=str(error))
        finally:
            connection.close()
