"""What an administrator writes into the rules of admission, and what it means."""

import re
from collections.abc import Mapping
from ipaddress import ip_interface, ip_network
from types import MappingProxyType

from django.core.exceptions import ValidationError
from pydicom._uid_dict import UID_dictionary

from dicomhub.standard.attributes import tag_of, vr_of
from dicomhub.standard.sop_class import STORAGE_SOP_CLASSES
from dicomhub.standard.uid import is_uid

_TAG_WITH_COMMA = re.compile(r"\(?([0-9A-Fa-f]{4}),([0-9A-Fa-f]{4})\)?", re.ASCII)
_TEXT_VRS = frozenset(
    ("AE", "AS", "CS", "DA", "DS", "IS", "LO", "LT", "PN", "SH", "ST", "UC", "UI", "UR", "UT")
)
_KEYWORDS: Mapping[str, str] = MappingProxyType(
    {str(UID_dictionary[uid][4]): uid for uid in STORAGE_SOP_CLASSES if uid in UID_dictionary}
)


def lines_of(text: str) -> list[str]:
    """The entries of a text with one a line; commas part them too, for that is how lists are pasted."""
    return [entry for entry in re.split(r"[\s,]+", text) if entry]


def networks_of(text: str) -> tuple[str, ...]:
    """Raises ValueError."""
    return tuple(str(ip_network(entry)) for entry in lines_of(text))


def sop_class_uids_of(text: str) -> tuple[str, ...]:
    """UIDs as they are, keywords by what they stand for. Raises ValueError."""
    return tuple(_sop_class_uid(entry) for entry in lines_of(text))


def _sop_class_uid(entry: str) -> str:
    uid = _KEYWORDS.get(entry, entry)
    if not is_uid(uid):
        raise ValueError(f"“{entry}” is neither a UID nor the keyword of a storage SOP class.")
    # One that no list has may be private; one that the standard knows as something else never comes.
    if uid in UID_dictionary and uid not in STORAGE_SOP_CLASSES:
        raise ValueError(f"“{entry}” is {UID_dictionary[uid][0]}, which is not stored.")
    return uid


def attribute_tag(text: str) -> int:
    """The tag that a keyword, gggg,eeee or ggggeeee names. Raises ValueError."""
    tag = tag_of(_TAG_WITH_COMMA.sub(r"\1\2", text.strip()))
    if tag is None:
        raise ValueError(f"“{text}” is neither a keyword nor a tag: InstitutionName, 00080080, (0029,1010).")
    return int(tag, 16)


def validate_networks(text: str) -> None:
    problems = []
    for entry in lines_of(text):
        try:
            ip_network(entry)
        except ValueError:
            problems.append(_network_problem(entry))
    if problems:
        raise ValidationError(problems)


def _network_problem(entry: str) -> str:
    try:
        network = ip_interface(entry).network
    except ValueError:
        return f"“{entry}” is neither an address nor a network."
    return f"“{entry}” is an address within {network}: write that, or the address alone."


def validate_sop_classes(text: str) -> None:
    problems = []
    for entry in lines_of(text):
        try:
            _sop_class_uid(entry)
        except ValueError as error:
            problems.append(str(error))
    if problems:
        raise ValidationError(problems)


def validate_tenant_attribute(text: str) -> None:
    try:
        tag = attribute_tag(text)
    except ValueError as error:
        raise ValidationError(str(error)) from error
    group, element = tag >> 16, tag & 0xFFFF
    if group < 8 or group == 0xFFFE:
        raise ValidationError("A data set has no attributes of that group.")
    if group & 1:
        if element < 0x1000:
            raise ValidationError("A private attribute has an element of 1000 or more.")
    elif vr_of(f"{tag:08X}") not in _TEXT_VRS:
        raise ValidationError("Only an attribute of the standard that is text can name a tenant.")
