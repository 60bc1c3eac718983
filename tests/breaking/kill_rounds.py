"""kill -9 at random moments, round after round: `python -m tests.breaking.kill_rounds --rounds 100`.

Each round sends from several senders at once while children, the dispatcher and now and then the supervisor
are killed. After it a new SCP recovers, and then every 0000 is on disk, bit for bit, and in a journal segment
or in a real Redis; nothing is doubled, nothing is left in incoming/, and no process lives on.
"""

import argparse
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from tests.breaking import checking
from tests.breaking.sender import Address, Instances, Sender
from tests.support.ct_series import write_ct_series
from tests.support.metrics import ScpMetrics
from tests.support.redis_process import reserve_port, running_redis
from tests.support.scp_process import HANG_SECONDS, ScpProcess, children_of, running_scp
from tests.support.waiting import wait_until

SENDERS = 4
KILLS = 4
_ROLES = {"worker": 60, "dispatcher": 15, "supervisor": 15, "turnstile": 5, "meter": 5}
_PAUSE_SECONDS = (0.01, 0.4)
# What storage.incoming takes for an orphan at once.
_OLD_SECONDS = 3600


@dataclass
class Summary:
    rounds: int = 0
    kills: Counter[str] = field(default_factory=Counter)
    acknowledged: int = 0
    sent_again: int = 0
    associations_lost: int = 0
    left_incoming: int = 0
    batches: int = 0
    batches_published_again: int = 0
    problems: list[str] = field(default_factory=list)


class Rounds:
    def __init__(self, folder: Path, broker_url: str, *, port: int, seed: int) -> None:
        self._folder = folder
        self._broker_url = broker_url
        self._chance = random.Random(seed)
        self._address = Address("127.0.0.1", port)
        templates = [
            path
            for rows in (16, 128, 400)
            for path in write_ct_series(folder / f"{rows}", instances=2, patient_id="KILL", rows=rows)
        ]
        self._instances = Instances(templates)
        self._store_root = folder / "home" / "store"
        self._senders: list[Sender] = []  # of all rounds
        self._batches: list[checking.InstanceBatch] = []
        self.summary = Summary()

    def run(self, number: int) -> None:
        """One round, and what must hold after it."""
        durability = "power" if number % 2 else "process"
        with self._scp(durability) as first:
            scp = first
            senders = [
                Sender(self._address, self._instances, seed=self._chance.randrange(2**32))
                for _ in range(SENDERS)
            ]
            for sender in senders:
                sender.start()
            try:
                killed_supervisor = self._kill(scp)
                if not killed_supervisor:
                    self._let_everybody_store(senders)
            finally:
                for sender in senders:
                    sender.stop()
                for sender in senders:
                    sender.join()
            if not killed_supervisor:
                self._compare_counts(scp, senders)
                if self._chance.random() < 0.5:
                    self._kill_one(scp, "supervisor")
        self._senders += senders
        self._count(senders)
        self._recover(durability)
        self._check(number, senders)

    @contextmanager
    def _scp(self, durability: str) -> Iterator[ScpProcess]:
        settings = {
            "SCP_PORT": self._address.port,
            "SCP_DURABILITY": durability,
            "SCP_MIN_SPARE_CHILDREN": 2,
            "REDIS_URL": self._broker_url,
            "STORE_RESERVE_BYTES": 0,
            "BATCH_MAX_INSTANCES": 20,
            "BATCH_MAX_SECONDS": 0.5,
            "LOG_LEVEL": "WARNING",
        }
        with running_scp(self._folder / "home", settings) as scp:
            yield scp
        wait_until(lambda: not checking.processes_of(scp.pid), what="no process is left")

    def _kill(self, scp: ScpProcess) -> bool:
        """Kill some at random moments; return whether the supervisor was among them."""
        for _ in range(KILLS):
            time.sleep(self._chance.uniform(*_PAUSE_SECONDS))
            role = self._chance.choices(list(_ROLES), weights=list(_ROLES.values()))[0]
            if self._kill_one(scp, role) and role == "supervisor":
                return True
        return False

    def _kill_one(self, scp: ScpProcess, role: str) -> bool:
        pids = [scp.pid] if role == "supervisor" else scp.children(role)
        if not pids:
            return False  # just now it has no child of that role
        pid = self._chance.choice(pids)
        # Its own child, or a child that its living supervisor has not reaped: the pid is nobody else's, but
        # for the moment between the two.
        if role != "supervisor" and pid not in children_of(scp.pid):
            return False
        os.kill(pid, signal.SIGKILL)
        self.summary.kills[role] += 1
        if role == "supervisor":
            scp.process.wait(HANG_SECONDS)
        return True

    @staticmethod
    def _let_everybody_store(senders: list[Sender]) -> None:
        """Whoever was cut off finds somebody who serves."""
        before = [len(sender.acknowledged) for sender in senders]
        wait_until(
            lambda: all(
                len(sender.acknowledged) > number for sender, number in zip(senders, before, strict=True)
            ),
            what="every sender stores again",
        )

    def _compare_counts(self, scp: ScpProcess, senders: list[Sender]) -> None:
        """The metrics agree: every 0000 was counted, and nothing that was never tried."""
        metrics = ScpMetrics(scp.home)
        least = sum(len(sender.acknowledged) for sender in senders)
        most = least + sum(sender.associations_lost for sender in senders)

        def counted() -> float:
            return metrics.value("scp_responses_total", command="C-STORE", status="0000") or 0

        try:
            wait_until(lambda: least <= counted() <= most, what="the counts agree")
        except AssertionError:
            self.summary.problems.append(f"{counted():g} successes were counted, not {least} to {most}")

    def _recover(self, durability: str) -> None:
        self.summary.left_incoming += checking.age_incoming_files(self._store_root, seconds=_OLD_SECONDS)
        with self._scp(durability):
            try:
                wait_until(lambda: checking.is_recovered(self._store_root), what="all is recovered")
            except AssertionError:
                left = checking.left_over(self._store_root)
                self.summary.problems.append(f"not recovered: {', '.join(left)}")

    def _check(self, number: int, senders: list[Sender]) -> None:
        in_journal = checking.in_the_journal(self._store_root)
        published = checking.take_published(self._broker_url)
        missing = {batch.batch_id for batch in in_journal} - {batch.batch_id for batch in published}
        problems = [f"batch {batch} was marked published and is not in Redis" for batch in sorted(missing)]
        self._batches += published
        self.summary.batches += len({batch.batch_id for batch in published})
        self.summary.batches_published_again += len(published) - len({b.batch_id for b in published})
        problems += checking.problems_of(self._store_root, senders, published)
        self.summary.problems += [f"round {number}: {problem}" for problem in problems]
        self.summary.rounds += 1
        checking.settled(self._store_root, published)

    def check_all(self) -> None:
        """Once more, all rounds together: no round has spoilt what an earlier one has stored."""
        problems = checking.problems_of(self._store_root, self._senders, self._batches)
        self.summary.problems += [f"at the end: {problem}" for problem in problems]

    def _count(self, senders: list[Sender]) -> None:
        self.summary.acknowledged += sum(len(sender.acknowledged) for sender in senders)
        self.summary.sent_again += sum(len(sender.sent_again) for sender in senders)
        self.summary.associations_lost += sum(sender.associations_lost for sender in senders)


def kill_rounds(folder: Path, *, rounds: int, seed: int) -> Iterator[Summary]:
    """Yield the summary so far after each round."""
    # Nobody else may get the port while a supervisor has been killed and the next is not there yet.
    with running_redis(folder / "redis") as redis, closing(reserve_port()) as reservation:
        subject = Rounds(folder, redis.url, port=reservation.port, seed=seed)
        for number in range(1, rounds + 1):
            subject.run(number)
            yield subject.summary
            if subject.summary.problems:
                return
        subject.check_all()
        yield subject.summary


def _table(summary: Summary, *, seconds: float) -> Table:
    table = Table("what", "number", title="kill -9")
    for what, number in (
        ("rounds", summary.rounds),
        *((f"killed: {role}", summary.kills[role]) for role in _ROLES),
        ("associations lost, refused connections included", summary.associations_lost),
        ("instances answered 0000", summary.acknowledged),
        ("instances sent again", summary.sent_again),
        ("incoming files left by the killed, then removed", summary.left_incoming),
        ("batches published", summary.batches),
        ("batches published again", summary.batches_published_again),
        ("problems", len(summary.problems)),
        ("seconds", round(seconds)),
    ):
        table.add_row(what, str(number))
    return table


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**32))
    arguments = parser.parse_args()
    console = Console()
    console.print(f"--seed {arguments.seed}")
    began_at = time.monotonic()
    summary = Summary()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="kill-rounds-")))
        progress = stack.enter_context(Progress(console=console))
        task = progress.add_task("rounds", total=arguments.rounds)
        for summary in kill_rounds(folder, rounds=arguments.rounds, seed=arguments.seed):
            progress.update(task, completed=summary.rounds)
    for problem in summary.problems[:50]:
        console.print(problem, style="red")
    console.print(_table(summary, seconds=time.monotonic() - began_at))
    return 1 if summary.problems else 0


if __name__ == "__main__":
    sys.exit(main())
