"""Words drawn into a picture: of the patient, of the technique; each only where it is asked for.

The font is Pillow's own, which has Latin letters: of a name in several scripts the alphabetic one is drawn.
"""

import re
from collections.abc import Sequence
from typing import Final

from PIL import Image, ImageDraw, ImageFont

from dicomhub.standard.character_set import character_set
from dicomhub.standard.data_set_level import Level
from dicomhub.standard.value import PersonName
from tasks.transcode.picture_order import Annotation

_SPECIFIC_CHARACTER_SET: Final = 0x00080005
_PATIENT_NAME: Final = 0x00100010
_PATIENT: Final = (("ID {}", 0x00100020), ("born {}", 0x00100030), ("sex {}", 0x00100040))
_TECHNIQUE: Final = (
    ("{}", 0x00080060),
    ("{}", 0x00081030),
    ("{}", 0x0008103E),
    ("study of {}", 0x00080020),
    ("series {}", 0x00200011),
    ("image {}", 0x00200013),
    ("{} kV", 0x00180060),
    ("{} mAs", 0x00181152),
    ("{} mm", 0x00180050),
    ("TR {} ms", 0x00180080),
    ("TE {} ms", 0x00180081),
)
_DECIMAL: Final = re.compile(r"[0-9]+\.[0-9]+", re.ASCII)
_LONGEST: Final = 64
_LINES_A_PICTURE: Final = 32
_SMALLEST_POINTS: Final = 9
_MARGIN: Final = 4


def annotated(
    image: Image.Image, level: Level, annotations: Sequence[Annotation], *, frame_number: int | None
) -> Image.Image:
    """The patient at the top left, the technique at the bottom left; frame_number where there are several."""
    if not annotations:
        return image
    image = image.copy()
    points = max(_SMALLEST_POINTS, min(image.size) // _LINES_A_PICTURE)
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(points)
    white: int | tuple[int, int, int] = 255 if image.mode == "L" else (255, 255, 255)
    black: int | tuple[int, int, int] = 0 if image.mode == "L" else (0, 0, 0)
    blocks = []
    if Annotation.PATIENT in annotations:
        blocks.append((_patient(level), (_MARGIN, _MARGIN), "la"))
    if Annotation.TECHNIQUE in annotations:
        lines = _technique(level) + ([f"frame {frame_number}"] if frame_number else [])
        blocks.append((lines, (_MARGIN, image.height - _MARGIN), "ld"))
    for lines, place, anchor in blocks:
        # An outline, so that it can be read on whatever is behind.
        draw.multiline_text(
            place,
            "\n".join(lines),
            fill=white,
            font=font,
            anchor=anchor,
            spacing=points // 4,
            stroke_width=max(1, points // 12),
            stroke_fill=black,
        )
    return image


def _patient(level: Level) -> list[str]:
    text = character_set(bytes(level.value(_SPECIFIC_CHARACTER_SET)))
    name = PersonName.parse(text.decode_person_name(bytes(level.value(_PATIENT_NAME)))).alphabetic
    return [_drawable(name.replace("^", " ")), *_said(level, _PATIENT)]


def _technique(level: Level) -> list[str]:
    return _said(level, _TECHNIQUE)


def _said(level: Level, attributes: Sequence[tuple[str, int]]) -> list[str]:
    text = character_set(bytes(level.value(_SPECIFIC_CHARACTER_SET)))
    values = ((form, _drawable(text.decode(bytes(level.value(tag))))) for form, tag in attributes)
    return [form.format(_shortened(value)) for form, value in values if value]


def _shortened(text: str) -> str:
    """A decimal without the zeros behind it."""
    return text.rstrip("0").rstrip(".") if _DECIMAL.fullmatch(text) else text


def _drawable(text: str) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:_LONGEST]
