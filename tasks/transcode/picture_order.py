"""What a codec process is asked for where a person is to look at an instance: a picture, as an image file.

A picture is made of frames by the attributes that say how they are displayed. A rendition, in contrast, is
the instance itself in another transfer syntax.
"""

from dataclasses import dataclass
from enum import StrEnum

JPEG = "image/jpeg"
PNG = "image/png"
GIF = "image/gif"


class WindowFunction(StrEnum):
    """VOI LUT Function. PS3.3 C.11.2.1.3."""

    LINEAR = "LINEAR"
    LINEAR_EXACT = "LINEAR_EXACT"
    SIGMOID = "SIGMOID"


class Annotation(StrEnum):
    """What may be drawn into a picture. PS3.18 8.3.5.1.1."""

    PATIENT = "patient"
    TECHNIQUE = "technique"


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """width is at least 1 with LINEAR, above 0 with the others."""

    center: float
    width: float
    function: WindowFunction = WindowFunction.LINEAR


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """A part of a frame: in its pixels, from its left and top edge; in shares of 1 where it is_relative.

    A width or height of None reaches to the edge; what would be beyond the edge is cut off.
    """

    left: float = 0.0
    top: float = 0.0
    width: float | None = None
    height: float | None = None
    is_relative: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Viewport:
    """The region is scaled to fit into columns x rows, its proportions kept; None: as large as it comes."""

    columns: int | None = None
    rows: int | None = None
    region: Region | None = None
    is_flipped_horizontally: bool = False
    is_flipped_vertically: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """How a picture is to look. window None: as the instance says, else by the values that the frame has.

    quality, of JPEG alone, is from 1 to 100. with_icc_profile: the instance's own is put into the file of a
    colour image, else sRGB.
    """

    media_type: str = JPEG
    window: Window | None = None
    viewport: Viewport = Viewport()
    quality: int = 90
    annotations: tuple[Annotation, ...] = ()
    with_icc_profile: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureOrder:
    """Draw frames, numbered from 1: one, or several as an animation, which only GIF can be.

    No number asks for the representative frame: Representative Frame Number, else the middle one.
    """

    source_path: str
    frame_numbers: tuple[int, ...]
    decoder: str
    look: Look


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A whole image file of the media type that was asked for."""

    image: bytes
