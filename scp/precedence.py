"""Who has just come goes first: associations that bring a series make way for one that may bring little.

Where processors lack, a single image waits behind those who push hundreds. So a child that has been answering
for a while holds its answers back while another has a newcomer. Its peer sends nothing before it has the
answer, and both leave their processors to the newcomer.
"""

import os
import time
from pathlib import Path

from scp.scoreboard import Scoreboard, ScoreboardSlot

# So many answers make a series; a newcomer is one until it has them, is over, or for so long.
NEW_ANSWERS = 2
NEW_SECONDS = 0.05
# An answer is held back for so long at most, whoever comes: its peer has timers, too.
MAKE_WAY_SECONDS = 0.1
# The shortest wait; each look takes twice as long as the one before.
_LOOK_SECONDS = 0.001
_LOADAVG = Path("/proc/loadavg")


class Precedence:
    """One child's part in it; slot is its own.

    The scoreboard's newcomer is looked at before every answer, its slots only once somebody came.
    """

    def __init__(
        self,
        scoreboard: Scoreboard,
        slot: ScoreboardSlot,
        *,
        processors: int | None = None,
        make_way_seconds: float = MAKE_WAY_SECONDS,
    ) -> None:
        """processors: as many as this process may run on, where nothing else is said."""
        self._scoreboard = scoreboard
        self._slot = slot
        self._processors = len(os.sched_getaffinity(0)) if processors is None else processors
        self._make_way_seconds = make_way_seconds
        self._answers = 0
        self._waited_at = 0.0

    def come(self) -> None:
        """Be a newcomer: an association is asked for."""
        self._answers = 0
        # The slot first: who finds the other word set looks there.
        self._waited_at = self._slot.came_at = self._scoreboard.newcomer[0] = time.monotonic()

    def withdraw(self) -> None:
        """Be none any more."""
        self._slot.came_at = 0.0

    def before_answer(self) -> None:
        """Return at once for the first answers; hold later ones back while there is a newcomer.

        To be called before an answer, unless the scoreboard knows of no newcomer.
        """
        self._answers += 1
        if self._answers > NEW_ANSWERS:
            self.withdraw()
            self._make_way()

    def _make_way(self) -> None:
        """Wait as long as a newcomer may lack a processor, for half of the time at most."""
        now = time.monotonic()
        until = now + min(now - self._waited_at, self._make_way_seconds)
        look_seconds = _LOOK_SECONDS
        while self._is_anyone_new(now) and now + look_seconds <= until and self._is_crowded():
            time.sleep(look_seconds)
            look_seconds *= 2
            now = self._waited_at = time.monotonic()

    def _is_anyone_new(self, now: float) -> bool:
        came_at = self._scoreboard.newcomer[0]
        if not came_at:
            return False
        if self._scoreboard.is_anyone_new(since=now - NEW_SECONDS):
            return True
        if self._scoreboard.newcomer[0] == came_at:  # else somebody has come just now
            self._scoreboard.newcomer[0] = 0.0
        return False

    def _is_crowded(self) -> bool:
        """Whether more want to run, this process among them, than there are processors. See proc(5)."""
        try:
            running = _LOADAVG.read_bytes().split()[3].partition(b"/")[0]
        except OSError:  # a kernel that does not tell
            return False
        return int(running) > self._processors
