"""What is counted: names, labels and buckets, and where each number lies in a slot of the scoreboard.

The numbers of a slot are never cleared: the next child that gets the slot counts on. So what a child has
counted outlives it, however it dies, and the sum over all slots is what has happened since the supervisor's
start.
"""

from dataclasses import dataclass, field
from itertools import accumulate, product

from dicomhub.standard.status import Status
from scp.dimse import CommandField
from scp.outcome import Outcome
from scp.upper_layer.answer import Rejection

PREFIX = "dicomhub_scp_"


@dataclass(frozen=True, slots=True)
class Counter:
    """labels are names; values the combinations that there may be, one word each."""

    name: str
    help: str
    labels: tuple[str, ...] = ()
    values: tuple[tuple[str, ...], ...] = ((),)
    index: dict[tuple[str, ...], int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "index", {value: index for index, value in enumerate(self.values)})

    @property
    def words(self) -> int:
        return len(self.values)


@dataclass(frozen=True, slots=True)
class Histogram:
    """bounds are the upper ends of the buckets; the word after the last bucket's (+Inf) is the sum."""

    name: str
    help: str
    bounds: tuple[float, ...]

    @property
    def words(self) -> int:
        return len(self.bounds) + 2


def reason_text(rejection: Rejection) -> str:
    return rejection.name.lower().replace("_", " ")


def command_name(command_field: int) -> str:
    return _COMMANDS.get(command_field, _OTHER_COMMAND)


# A command that is none of these is "other": a peer must not be able to make labels.
_COMMANDS: dict[int, str] = {CommandField.C_STORE_RQ: "C-STORE", CommandField.C_ECHO_RQ: "C-ECHO"}
_OTHER_COMMAND = "other"
ROLES = ("worker", "turnstile", "dispatcher", "meter")
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
_ASSOCIATION_SECONDS = (0.05, 0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0)
_KIB, _MIB = 1024, 1024 * 1024
_BYTES = (16 * _KIB, 128 * _KIB, 512 * _KIB, _MIB, 4 * _MIB, 16 * _MIB, 64 * _MIB, 256 * _MIB, 1024 * _MIB)

RECEIVED_BYTES = Counter(
    f"{PREFIX}received_bytes_total", "Bytes received from peers, protocol headers included."
)
RESPONSES = Counter(
    f"{PREFIX}responses_total",
    "Responses to DIMSE commands, by the command and the status in hexadecimal digits.",
    ("command", "status"),
    tuple(product((*_COMMANDS.values(), _OTHER_COMMAND), (f"{status:04X}" for status in Status))),
)
EXPRESS_INSTANCES = Counter(
    f"{PREFIX}express_instances_total", "Stored instances that the express lane took; known within a tick."
)
INSTANCE_BYTES = Histogram(
    f"{PREFIX}instance_bytes", "Size of the archived files; _count is the number of stored instances.", _BYTES
)
STORE_SECONDS = Histogram(
    f"{PREFIX}store_seconds", "From the C-STORE command to the answer, the network's part included.", _SECONDS
)
ARCHIVE_SECONDS = Histogram(
    f"{PREFIX}archive_seconds", "From a data set's last byte to its place in archive and journal.", _SECONDS
)
ASSOCIATIONS = Counter(
    f"{PREFIX}associations_total",
    "Associations that have ended, by outcome. Those that the turnstile refused count as rejected.",
    ("outcome",),
    tuple((str(outcome),) for outcome in Outcome),
)
ASSOCIATION_SECONDS = Histogram(
    f"{PREFIX}association_seconds", "From the connection to the end of its association.", _ASSOCIATION_SECONDS
)
REJECTIONS = Counter(
    f"{PREFIX}rejections_total",
    "A-ASSOCIATE-RJ sent, by reason.",
    ("reason",),
    tuple((reason_text(rejection),) for rejection in Rejection),
)
BATCHES_CUT = Counter(f"{PREFIX}batches_cut_total", "Batches that this SCP's children have cut.")
BATCHES_PUBLISHED = Counter(
    f"{PREFIX}batches_published_total", "Batches that the dispatcher has published, repetitions included."
)
FORKS = Counter(f"{PREFIX}forks_total", "Children that were forked.", ("role",), tuple((r,) for r in ROLES))
DEATHS = Counter(
    f"{PREFIX}child_deaths_total",
    "Children that ended without having been told to, or not well.",
    ("role",),
    tuple((role,) for role in ROLES),
)
HANGS = Counter(f"{PREFIX}child_hangs_total", "Children that were killed for their silence.")

METERS: tuple[Counter | Histogram, ...] = (
    RECEIVED_BYTES,
    RESPONSES,
    EXPRESS_INSTANCES,
    INSTANCE_BYTES,
    STORE_SECONDS,
    ARCHIVE_SECONDS,
    ASSOCIATIONS,
    ASSOCIATION_SECONDS,
    REJECTIONS,
    BATCHES_CUT,
    BATCHES_PUBLISHED,
    FORKS,
    DEATHS,
    HANGS,
)
_ENDS = tuple(accumulate(meter.words for meter in METERS))
PLACES: dict[str, int] = {meter.name: end - meter.words for meter, end in zip(METERS, _ENDS, strict=True)}
TALLY_WORDS = _ENDS[-1]
