"""How many children there should be: the rule by which the pool grows, shrinks and is rolled. Pure."""

from dataclasses import dataclass

from dicomhub.configuration.receiving import ScpSettings

# At a time: the supervisor has signals to handle in between.
_MAX_FORKS = 32
# While children are busy the processors have better to do than to make spare ones: one at once, the others
# one by one. With 16 senders at a time, 16 new children took a tenth of all processor time.
REFILL_SECONDS = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Census:
    """The children that serve, counted.

    old_idle are those of idle that are of earlier settings; leaving are idle too, but were told to go and are
    not counted among idle. waiting are connections that nobody has accepted yet.
    """

    starting: int = 0
    idle: int = 0
    old_idle: int = 0
    busy: int = 0
    leaving: int = 0
    waiting: int = 0

    @property
    def total(self) -> int:
        return self.starting + self.idle + self.busy + self.leaving

    @property
    def spare(self) -> int:
        return self.starting + self.idle


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    fork: int = 0  # at once
    refill: int = 0  # the next spare one
    is_short: bool = False  # there are not as many spare ones then as there should be
    retire: int = 0  # idle ones, once there have been too many for SCP_SURPLUS_SECONDS
    retire_old: int = 0  # idle ones of earlier settings


def plan(census: Census, settings: ScpSettings, *, is_refill_due: bool) -> Plan:
    """What to do now. is_refill_due: the last refill is REFILL_SECONDS ago."""
    room = max(0, settings.max_children - census.total)
    # A child for everybody who waits: two by two, a burst of 50 waited for seconds.
    at_once = max(census.waiting, 1 if census.busy else settings.min_spare_children)
    fork = min(max(0, at_once - census.spare), room, _MAX_FORKS)
    if census.old_idle:
        return _roll(census, settings, fork=fork)
    missing = min(settings.min_spare_children - census.spare, room) - fork
    refill = int(missing > 0 and is_refill_due)
    surplus = census.spare - settings.max_spare_children
    return Plan(
        fork=fork,
        refill=refill,
        is_short=missing > refill,
        # Half of them at a time, for the next burst may be near, and a child that has served serves faster.
        retire=min(census.idle, (surplus + 1) // 2) if surplus > 0 else 0,
    )


def is_saturated(census: Census, *, forked: int) -> bool:
    """Whether further associations are refused: there is nobody for them, and nobody is about to come.

    forked are the children that could be forked since the census, however many were to be.
    """
    return census.spare == 0 and forked == 0


def _roll(census: Census, settings: ScpSettings, *, fork: int) -> Plan:
    """Replace an idle child of earlier settings: a new one first, beyond the maximum if need be."""
    if census.idle > settings.min_spare_children:
        return Plan(fork=fork, retire_old=0 if census.leaving else 1)
    is_next = not (census.starting or census.leaving)
    return Plan(fork=max(fork, int(is_next)))
