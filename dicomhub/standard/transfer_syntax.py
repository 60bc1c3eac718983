"""The transfer syntaxes and what a reader of a data set has to know of each. PS3.5 sections 8 and 10, A."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from pydicom._uid_dict import UID_dictionary

IMPLICIT_VR_LITTLE_ENDIAN = "1.2.840.10008.1.2"
EXPLICIT_VR_LITTLE_ENDIAN = "1.2.840.10008.1.2.1"
ENCAPSULATED_UNCOMPRESSED = "1.2.840.10008.1.2.1.98"
DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN = "1.2.840.10008.1.2.1.99"
EXPLICIT_VR_BIG_ENDIAN = "1.2.840.10008.1.2.2"
GE_PRIVATE_IMPLICIT_VR = "1.2.840.113619.5.2"
PAPYRUS_3_IMPLICIT_VR = "1.2.840.10008.1.20"

_IMPLICIT = {IMPLICIT_VR_LITTLE_ENDIAN, GE_PRIVATE_IMPLICIT_VR, PAPYRUS_3_IMPLICIT_VR}
_DEFLATED = {
    DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN,
    "1.2.840.10008.1.2.4.95",  # JPIP Referenced Deflate
    "1.2.840.10008.1.2.4.205",  # JPIP HTJ2K Referenced Deflate
}
_NATIVE = _IMPLICIT | _DEFLATED | {EXPLICIT_VR_LITTLE_ENDIAN, EXPLICIT_VR_BIG_ENDIAN}
# Registered, but no encoding of a data set that could be stored: MIME and XML wrappings, and the real-time
# streams of PS3.22.
_NO_STORED_ENCODING = {
    "1.2.840.10008.1.2.6.1",
    "1.2.840.10008.1.2.6.2",
    "1.2.840.10008.1.2.7.1",
    "1.2.840.10008.1.2.7.2",
    "1.2.840.10008.1.2.7.3",
}


@dataclass(frozen=True, slots=True)
class TransferSyntax:
    uid: str
    name: str
    is_implicit_vr: bool
    is_little_endian: bool
    is_deflated: bool
    is_encapsulated: bool

    @property
    def may_travel_on_the_web(self) -> bool:
        """Implicit VR and big endian shall not be used by DICOMweb. PS3.18 8.7.3.5.2."""
        return not self.is_implicit_vr and self.is_little_endian

    @property
    def is_video(self) -> bool:
        """MPEG and HEVC: one stream, in which no frame stands by itself. PS3.5 8.2.5 to 8.2.10."""
        return self.uid.startswith("1.2.840.10008.1.2.4.10")


def _transfer_syntax(uid: str, name: str) -> TransferSyntax:
    return TransferSyntax(
        uid=uid,
        name=name,
        is_implicit_vr=uid in _IMPLICIT,
        is_little_endian=uid != EXPLICIT_VR_BIG_ENDIAN,
        is_deflated=uid in _DEFLATED,
        is_encapsulated=uid not in _NATIVE,
    )


def _registry() -> Mapping[str, TransferSyntax]:
    names = {
        str(uid): str(entry[0])
        for uid, entry in UID_dictionary.items()
        if entry[1] == "Transfer Syntax" and uid not in _NO_STORED_ENCODING
    }
    names[GE_PRIVATE_IMPLICIT_VR] = "GE Private Implicit VR Big Endian Pixels"
    return MappingProxyType({uid: _transfer_syntax(uid, name) for uid, name in names.items()})


TRANSFER_SYNTAXES: Mapping[str, TransferSyntax] = _registry()
"""Every transfer syntax a data set can be stored in, by UID: the registered ones, retired ones too, and
GE's private one."""


class TransferSyntaxUnknown(ValueError):
    def __init__(self, uid: str) -> None:
        super().__init__(f"transfer syntax {uid[:64]} is not known")
        self.uid = uid


def transfer_syntax(uid: str) -> TransferSyntax:
    """Return the transfer syntax with this UID. Raises TransferSyntaxUnknown."""
    try:
        return TRANSFER_SYNTAXES[uid]
    except KeyError:
        raise TransferSyntaxUnknown(uid) from None
