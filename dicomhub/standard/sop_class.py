"""SOP classes that are stored. PS3.4 B.5, PS3.6 A."""

from collections.abc import Mapping
from types import MappingProxyType

from pydicom._uid_dict import UID_dictionary

VERIFICATION = "1.2.840.10008.1.1"

_STANDARD_ROOT = "1.2.840.10008."
# Named "... Storage" in PS3.6, yet not stored with C-STORE: a directory of media, and services about storage.
_NOT_STORED = {
    "1.2.840.10008.1.3.10",  # Media Storage Directory Storage
    "1.2.840.10008.1.20.1",  # Storage Commitment Push Model
    "1.2.840.10008.1.20.2",  # Storage Commitment Pull Model (retired)
}
# Non-patient objects (PS3.4 GG) belong to no study, so an archive of studies has no place for them.
_NON_PATIENT_OBJECTS = {
    "1.2.840.10008.5.1.4.38.1",  # Hanging Protocol
    "1.2.840.10008.5.1.4.39.1",  # Color Palette
    "1.2.840.10008.5.1.4.43.1",  # Generic Implant Template
    "1.2.840.10008.5.1.4.44.1",  # Implant Assembly Template
    "1.2.840.10008.5.1.4.45.1",  # Implant Template Group
    "1.2.840.10008.5.1.4.1.1.200.1",  # CT Defined Procedure Protocol
    "1.2.840.10008.5.1.4.1.1.200.3",  # Protocol Approval
    "1.2.840.10008.5.1.4.1.1.200.7",  # XA Defined Procedure Protocol
    "1.2.840.10008.5.1.4.1.1.201.1",  # Inventory
}
# In PS3.6 2024d, not yet in pydicom's dictionary.
_NEWER = {
    "1.2.840.10008.5.1.4.1.1.9.100.1": "Waveform Presentation State Storage",
    "1.2.840.10008.5.1.4.1.1.9.100.2": "Waveform Acquisition Presentation State Storage",
    "1.2.840.10008.5.1.4.1.1.66.7": "Label Map Segmentation Storage",
    "1.2.840.10008.5.1.4.1.1.66.8": "Height Map Segmentation Storage",
}


def _registry() -> Mapping[str, str]:
    left_out = _NOT_STORED | _NON_PATIENT_OBJECTS
    names = {
        str(uid): str(entry[0])
        for uid, entry in UID_dictionary.items()
        if entry[1] == "SOP Class" and "Storage" in str(entry[0]) and uid not in left_out
    }
    return MappingProxyType(_NEWER | names)


STORAGE_SOP_CLASSES: Mapping[str, str] = _registry()
"""Name of every storage SOP class of PS3.6, retired ones too, by UID."""


def is_private_sop_class(uid: str) -> bool:
    return not uid.startswith(_STANDARD_ROOT)
