"""The frame numbers that a path names. PS3.18 10.4.1.1.3."""

import re
from typing import Final

_NUMBER: Final = re.compile(r"0*[1-9][0-9]{0,9}", re.ASCII)


class FrameListInvalid(ValueError):
    """A list of frames that is none."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"not a list of frame numbers: {reason}")


def parse_frame_list(text: str) -> tuple[int, ...]:
    """Numbers from 1 with commas between them, in any order, each of them once. Raises FrameListInvalid."""
    names = text.split(",")
    wrong = next((name for name in names if _NUMBER.fullmatch(name) is None), None)
    if wrong is not None:
        raise FrameListInvalid(f"{wrong[:20]!r} is no number from 1")
    numbers = tuple(map(int, names))
    if len(set(numbers)) < len(numbers):
        raise FrameListInvalid("a number is in it twice")
    return numbers
