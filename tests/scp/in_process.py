"""What the associations of a child share, in the test's own process."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

from dicomhub.environment import read_environment
from dicomhub.intake.door import Intake
from scp.acceptance import Acceptor
from scp.admission import AdmissionCache
from scp.lane import Lane
from scp.scoreboard import Scoreboard


def lane_of(home: Path, *, was_cut: Callable[[], None] = lambda: None, **settings: object) -> Lane:
    environment = read_environment(
        {
            "DICOMHUB_HOME": str(home),
            "STORE_RESERVE_BYTES": "0",
            "SCP_DURABILITY": "process",
            **{name: str(value) for name, value in settings.items()},
        }
    )
    intake = Intake.open(environment, owner="test", was_cut=was_cut)
    return Lane(
        settings=environment.scp,
        acceptor=Acceptor(environment.scp),
        intake=intake,
        admissions=AdmissionCache(intake.store, own_ae_title=environment.scp.ae_title),
        slot=Scoreboard(1).take(),
        stop=SimpleNamespace(is_retiring=False, is_aborting=False),
        buffer=bytearray(512 * 1024),
        stop_accepting=lambda: None,
    )
