"""What a tenant's viewers can decode, and what is made of that which they cannot."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from dicomhub.standard.transfer_syntax import (
    DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN,
    EXPLICIT_VR_BIG_ENDIAN,
    EXPLICIT_VR_LITTLE_ENDIAN,
    IMPLICIT_VR_LITTLE_ENDIAN,
    TRANSFER_SYNTAXES,
)

RLE_LOSSLESS: Final = "1.2.840.10008.1.2.5"
JPEG_LS_LOSSLESS: Final = "1.2.840.10008.1.2.4.80"
JPEG_LS_NEAR_LOSSLESS: Final = "1.2.840.10008.1.2.4.81"
JPEG_2000_LOSSLESS: Final = "1.2.840.10008.1.2.4.90"
JPEG_2000: Final = "1.2.840.10008.1.2.4.91"

LOSSLESS_TARGETS: Final = (EXPLICIT_VR_LITTLE_ENDIAN, JPEG_LS_LOSSLESS, RLE_LOSSLESS, JPEG_2000_LOSSLESS)
LOSSY_TARGETS: Final = (JPEG_LS_NEAR_LOSSLESS, JPEG_2000)
TARGETS: Final = LOSSLESS_TARGETS + LOSSY_TARGETS

# JPEG, JPEG-LS, JPEG 2000, HTJ2K: what Cornerstone3D's dicom-image-loader 5 decodes, of what can be stored.
_CORNERSTONE_JPEG = (50, 51, 53, 55, 57, 70, 80, 81, 90, 91, 201, 202, 203)
CORNERSTONE_TRANSFER_SYNTAXES: Final = frozenset(
    (
        IMPLICIT_VR_LITTLE_ENDIAN,
        EXPLICIT_VR_LITTLE_ENDIAN,
        DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN,
        EXPLICIT_VR_BIG_ENDIAN,
        RLE_LOSSLESS,
        *(f"1.2.840.10008.1.2.4.{number}" for number in _CORNERSTONE_JPEG),
    )
)
NAMES: Mapping[str, str] = MappingProxyType({uid: syntax.name for uid, syntax in TRANSFER_SYNTAXES.items()})
NEAR_MAX = 255  # ISO/IEC 14495-1 C.2.3: an octet
RATIO_MAX = 1000.0


class TranscodeSettingsInvalid(ValueError):
    """problems has a sentence for each, by the name of the setting that is wrong."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        super().__init__(" ".join(problems.values()))
        self.problems = problems


@dataclass(frozen=True, slots=True, kw_only=True)
class TranscodeSettings:
    """Lossless, unless the target is a lossy one: near is what a sample may differ by, ratio is 1 to so many.

    Raises TranscodeSettingsInvalid.
    """

    viewer_transfer_syntaxes: frozenset[str] = CORNERSTONE_TRANSFER_SYNTAXES
    target_transfer_syntax_uid: str = EXPLICIT_VR_LITTLE_ENDIAN
    near: int = 0
    ratio: float = 0.0

    def __post_init__(self) -> None:
        problems = dict(_problems(self))
        if problems:
            raise TranscodeSettingsInvalid(problems)

    @property
    def key(self) -> str:
        """Stands for these settings, to tell whether an outcome was of these or of others."""
        values = (
            sorted(self.viewer_transfer_syntaxes),
            self.target_transfer_syntax_uid,
            self.near,
            self.ratio,
        )
        return hashlib.sha256(json.dumps(values).encode("ascii")).hexdigest()[:16]


def _problems(settings: TranscodeSettings) -> list[tuple[str, str]]:
    target = settings.target_transfer_syntax_uid
    problems = []
    if unknown := sorted(settings.viewer_transfer_syntaxes - TRANSFER_SYNTAXES.keys()):
        problems.append(
            ("viewer_transfer_syntaxes", f"Transfer syntaxes that are not known: {', '.join(unknown)}.")
        )
    if target not in TARGETS:
        problems.append(
            ("target_transfer_syntax_uid", f"{NAMES.get(target, target)} cannot be made; {_choices()}.")
        )
    elif target not in settings.viewer_transfer_syntaxes:
        problems.append(
            ("target_transfer_syntax_uid", f"{NAMES[target]} is not among what the viewers decode.")
        )
    is_near, is_ratio = target == JPEG_LS_NEAR_LOSSLESS, target == JPEG_2000
    if is_near and not 1 <= settings.near <= NEAR_MAX:
        problems.append(("near", f"{NAMES[target]} needs a bound from 1 to {NEAR_MAX}."))
    if settings.near and not is_near:
        problems.append(("near", f"Only {NAMES[JPEG_LS_NEAR_LOSSLESS]} has a bound."))
    if is_ratio and not 1 < settings.ratio <= RATIO_MAX:
        problems.append(("ratio", f"{NAMES[target]} needs a ratio above 1, up to {RATIO_MAX:g}."))
    if settings.ratio and not is_ratio:
        problems.append(("ratio", f"Only {NAMES[JPEG_2000]} has a ratio."))
    return problems


def _choices() -> str:
    return f"what can: {', '.join(NAMES[uid] for uid in TARGETS)}"
