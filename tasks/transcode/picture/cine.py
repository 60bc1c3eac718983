"""How long each frame of a cine is shown. PS3.3 C.7.6.5."""

from collections.abc import Sequence
from typing import Final

from dicomhub.standard.data_set_level import Level

_RECOMMENDED_DISPLAY_FRAME_RATE: Final = 0x00082144
_CINE_RATE: Final = 0x00180040
_FRAME_TIME: Final = 0x00181063
_FRAME_TIME_VECTOR: Final = 0x00181065
_DEFAULT_MILLISECONDS: Final = 100.0
# Browsers take less for a mistake, and show such frames slowly; a GIF cannot say more.
_SHORTEST_MILLISECONDS: Final = 20
_LONGEST_MILLISECONDS: Final = 600_000


def durations(level: Level, frame_numbers: Sequence[int]) -> list[int]:
    """Milliseconds of each of the frames, which are numbered from 1."""
    vector = level.decimals(_FRAME_TIME_VECTOR)
    usual = _usual(level)
    return [_possible(_until_the_next(vector, number) or usual) for number in frame_numbers]


def _until_the_next(vector: Sequence[float], number: int) -> float | None:
    """Each element is the time since the frame before; after the last frame, as after the one before it."""
    if len(vector) < 2:
        return None
    return vector[min(number, len(vector) - 1)]


def _usual(level: Level) -> float:
    frame_time = level.decimal(_FRAME_TIME)
    if frame_time and frame_time > 0:
        return frame_time
    for tag in (_RECOMMENDED_DISPLAY_FRAME_RATE, _CINE_RATE):
        rate = level.decimal(tag)
        if rate and rate > 0:
            return 1000 / rate
    return _DEFAULT_MILLISECONDS


def _possible(milliseconds: float) -> int:
    return int(min(max(milliseconds, _SHORTEST_MILLISECONDS), _LONGEST_MILLISECONDS))
