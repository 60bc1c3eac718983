"""What can go wrong at a load, by script (the next loads in turn) or by chance."""

import random
import threading
from enum import Enum


class Fault(Enum):
    # The front end, before it has sent the client on.
    FRONTEND_CLOSES = "closes the connection without an answer"
    FRONTEND_BAD_GATEWAY = "an HTML page with status 502"
    FRONTEND_GARBAGE = "bytes that are no HTTP"
    FRONTEND_NO_BACKEND = "no back end is alive"
    # The back end, before it has read the body.
    EARLY_TOO_MANY_VERSIONS = "answers -235 while headers are handled, and closes"
    EARLY_UNAVAILABLE = "an HTML page with status 503, before anything has begun"
    EARLY_CLOSE = "closes before a transaction has begun"
    # The back end, in the middle or after.
    CLOSED_IN_BODY = "dies while it reads the body; the transaction is aborted by its timeout"
    TOO_MANY_VERSIONS = "answers -235 after the body, aborted"
    OUT_OF_MEMORY = "answers that memory is out, aborted"
    PUBLISH_TIMEOUT = "committed; to be seen a little later"
    COMMITTED_NO_ANSWER = "committed, and closes without an answer"
    COMMITTED_TRUNCATED_ANSWER = "committed, and half of the answer"
    COMMITTED_GARBAGE = "committed, and an answer that is no JSON"
    COMMITTED_BAD_GATEWAY = "committed, and an HTML page with status 502 of a proxy"
    COMMITTED_SAYS_FAIL = "committed, and Fail: the front end's answer was lost on its way to the back end"
    IN_FLIGHT = "no answer; commits by itself a little later"


class Faults:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._script: list[Fault | None] = []
        self._probability = 0.0
        self._random = random.Random()
        self.seen: dict[Fault, int] = dict.fromkeys(Fault, 0)
        self._current: dict[str, Fault | None] = {}

    def script(self, *faults: Fault | None) -> None:
        with self._lock:
            self._script = list(faults)

    def at_random(self, probability: float, *, seed: int) -> None:
        with self._lock:
            self._probability, self._random = probability, random.Random(seed)

    def none(self) -> None:
        with self._lock:
            self._script, self._probability = [], 0.0

    def draw(self, label: str) -> Fault | None:
        """The fault of this attempt to load a label; both hops ask once."""
        with self._lock:
            fault = None
            if self._script:
                fault = self._script.pop(0)
            elif self._random.random() < self._probability:
                fault = self._random.choice(list(Fault))
            if fault is not None:
                self.seen[fault] += 1
            self._current[label] = fault
            return fault

    def of(self, label: str) -> Fault | None:
        """The fault drawn at the first hop."""
        with self._lock:
            return self._current.pop(label, None)
