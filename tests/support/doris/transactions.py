"""Labels and the states of their loads over time, as Doris's front end keeps them.

PREPARE (rows may arrive) -> COMMITTED (certain, not to be seen yet) -> VISIBLE, or -> ABORTED (the label is free).
A label that is in use answers with the state of its load: RUNNING or FINISHED.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

State = Literal["PREPARE", "COMMITTED", "VISIBLE", "ABORTED"]


class LabelInUse(Exception):
    def __init__(self, label: str, transaction: "Transaction") -> None:
        super().__init__(
            f"[LABEL_ALREADY_EXISTS]TStatus: errCode = 2, detailMessage = Label [{label}] has already been used, "
            f"relate to txn [{transaction.number}], status [{transaction.state}]."
        )
        self.job_status = "RUNNING" if transaction.state == "PREPARE" else "FINISHED"


@dataclass
class Transaction:
    number: int
    label: str
    state: State = "PREPARE"
    make_visible: Callable[[], None] | None = None
    # A load that goes on without its client moves by itself at `due` (time.monotonic).
    due: float | None = None
    then: State | None = None


class Transactions:
    """Loads of one database. Time passes when somebody looks."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._by_label: dict[str, Transaction] = {}
        self._count = 0
        self.committed = 0

    def begin(self, label: str) -> Transaction:
        """Raises LabelInUse."""
        with self._lock:
            self.settle()
            existing = self._by_label.get(label)
            if existing is not None and existing.state != "ABORTED":
                raise LabelInUse(label, existing)
            self._count += 1
            transaction = self._by_label[label] = Transaction(self._count, label)
            return transaction

    def commit(
        self, transaction: Transaction, make_visible: Callable[[], None], *, visible_after: float = 0
    ) -> None:
        with self._lock:
            transaction.state, transaction.make_visible = "COMMITTED", make_visible
            transaction.then, transaction.due = "VISIBLE", time.monotonic() + visible_after
            self.settle()

    def commit_later(
        self, transaction: Transaction, make_visible: Callable[[], None], *, seconds: float
    ) -> None:
        """The client is gone, the load is in flight: it will commit by itself."""
        with self._lock:
            transaction.make_visible = make_visible
            transaction.then, transaction.due = "VISIBLE", time.monotonic() + seconds

    def abort(self, transaction: Transaction, *, after: float = 0) -> None:
        with self._lock:
            transaction.then, transaction.due = "ABORTED", time.monotonic() + after
            self.settle()

    def settle(self) -> None:
        """Let what is due happen, in the order of its time."""
        with self._lock:
            now = time.monotonic()
            due = [one for one in self._by_label.values() if one.due is not None and one.due <= now]
            for transaction in sorted(due, key=lambda one: one.due or 0):
                assert transaction.then is not None
                if transaction.then == "VISIBLE":
                    assert transaction.make_visible is not None
                    transaction.make_visible()
                    self.committed += 1
                transaction.state, transaction.due, transaction.make_visible = transaction.then, None, None

    def forget_labels(self) -> None:
        """What Doris does after label_keep_max_second, three days by default, and with a database that is dropped."""
        with self._lock:
            self._by_label.clear()
