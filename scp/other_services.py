"""Which proposals send an association to the general lane."""

from collections.abc import Iterable

from pydicom._uid_dict import UID_dictionary

from dicomhub.standard.sop_class import STORAGE_SOP_CLASSES, VERIFICATION
from scp.upper_layer.request import ProposedContext

_STORAGE_BRANCH = "1.2.840.10008.5.1.4.1.1."


def _is_other_service(uid: str, name: str) -> bool:
    # Non-patient objects and a few retired classes are objects to be stored as well, only not here.
    is_stored_somewhere = uid.startswith(_STORAGE_BRANCH) or name.endswith("Storage")
    return not (uid in STORAGE_SOP_CLASSES or uid == VERIFICATION or is_stored_somewhere)


OTHER_SERVICES = frozenset(
    str(uid)
    for uid, (name, kind, *_) in UID_dictionary.items()
    if kind in {"SOP Class", "Meta SOP Class"} and _is_other_service(str(uid), str(name))
)
"""The standard's SOP classes that are neither stored nor Verification: queries, worklists, printing..."""


def proposes_other_services(contexts: Iterable[ProposedContext]) -> bool:
    return any(context.abstract_syntax in OTHER_SERVICES for context in contexts)
