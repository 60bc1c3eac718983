"""Unique identifiers. PS3.5 section 9."""

import re
import uuid
from functools import lru_cache

UID_MAX_LENGTH = 64

IMPLEMENTATION_CLASS_UID = "2.25.168964735110227805525132074663272866664"
IMPLEMENTATION_VERSION_NAME = "DICOMHUB_01"  # SH, at most 16 characters

_NAMESPACE = uuid.UUID(int=int(IMPLEMENTATION_CLASS_UID.removeprefix("2.25.")))

# Looser than PS3.5 9.1 on purpose: real archives hold UIDs with leading zeros and empty components, and a
# sender cannot mend them. What this must never let through is a path: no slash, and a digit somewhere, so
# that "." and ".." are none.
_ACCEPTABLE = re.compile(r"(?=[^0-9]*[0-9])[0-9.]{1,64}", re.ASCII)


class UidInvalid(ValueError):
    """A value that is no UID where one is needed."""

    def __init__(self, name: str, value: str) -> None:
        super().__init__(f"{name} is not a UID: {value[:80]!r}")
        self.name = name
        self.value = value


@lru_cache(maxsize=16)  # the same few are looked at several times for each instance
def is_uid(value: str) -> bool:
    return _ACCEPTABLE.fullmatch(value) is not None


def checked_uid(name: str, value: str) -> str:
    """Return value, or raise UidInvalid that says which attribute (name) is wrong."""
    if not is_uid(value):
        raise UidInvalid(name, value)
    return value


def derived_uid(*names: str) -> str:
    """The UID that belongs to these names: the same ones give the same UID. PS3.5 B.2."""
    return f"2.25.{uuid.uuid5(_NAMESPACE, chr(0).join(names)).int}"


def new_uid() -> str:
    """Make a UID from a random UUID. PS3.5 B.2."""
    return f"2.25.{uuid.uuid4().int}"
