"""Where things lie in the store. All paths are relative to the store's root, with forward slashes.

Every tenant and UID is checked here before it becomes part of a path; nothing else in dicomhub joins them.
"""

import re
from functools import lru_cache
from typing import NamedTuple

from dicomhub.standard.transfer_syntax import TRANSFER_SYNTAXES
from dicomhub.standard.uid import checked_uid

DELETED = "deleted"
INCOMING = "incoming"
JOURNAL = "journal"
METADATA = "metadata"
QUARANTINE = "quarantine"
RENDITIONS = "renditions"
VERSIONS = "versions"
ADMISSION_SNAPSHOT = "admission.json"

_TENANT = re.compile(r"[a-z0-9-]{1,64}", re.ASCII)
_DELETION = re.compile(r"[0-9A-Za-z-]{1,64}", re.ASCII)
# Names in the store's root that a tenant may not take.
RESERVED_TENANTS = frozenset({DELETED, INCOMING, JOURNAL, METADATA, QUARANTINE, RENDITIONS, VERSIONS})


class SeriesKey(NamedTuple):
    """What names a series everywhere: its UID alone is unique in its study only."""

    tenant: str
    study_instance_uid: str
    series_instance_uid: str


class TenantInvalid(ValueError):
    def __init__(self, tenant: str) -> None:
        super().__init__(f"not a tenant's name: {tenant[:80]!r}")
        self.tenant = tenant


def is_tenant(name: str) -> bool:
    return _TENANT.fullmatch(name) is not None and name not in RESERVED_TENANTS


def _tenant(name: str) -> str:
    if not is_tenant(name):
        raise TenantInvalid(name)
    return name


def study_directory(tenant: str, study_instance_uid: str) -> str:
    return f"{_tenant(tenant)}/{checked_uid('StudyInstanceUID', study_instance_uid)}"


@lru_cache(maxsize=16)  # instances come in series
def series_directory(tenant: str, study_instance_uid: str, series_instance_uid: str) -> str:
    study = study_directory(tenant, study_instance_uid)
    return f"{study}/{checked_uid('SeriesInstanceUID', series_instance_uid)}"


def instance_path(
    tenant: str, study_instance_uid: str, series_instance_uid: str, sop_instance_uid: str
) -> str:
    series = series_directory(tenant, study_instance_uid, series_instance_uid)
    return f"{series}/{checked_uid('SOPInstanceUID', sop_instance_uid)}.dcm"


def version_path(archived_path: str, digest: str) -> str:
    """Where the earlier bytes of a re-sent instance are kept, named by their digest."""
    stem = archived_path.removesuffix(".dcm")
    return f"{VERSIONS}/{stem}/{digest.replace(':', '-')}.dcm"


def deletion_directory(deletion_id: str) -> str:
    """Where what was deleted together is kept, below it each file as it lay in the store."""
    if _DELETION.fullmatch(deletion_id) is None:
        raise ValueError(f"not a deletion's id: {deletion_id[:80]!r}")
    return f"{DELETED}/{deletion_id}"


def study_metadata_path(tenant: str, study_instance_uid: str) -> str:
    return f"{METADATA}/{study_directory(tenant, study_instance_uid)}.json.gz"


def study_metadata_directory(tenant: str, study_instance_uid: str) -> str:
    return f"{METADATA}/{study_directory(tenant, study_instance_uid)}"


def series_metadata_path(tenant: str, study_instance_uid: str, series_instance_uid: str) -> str:
    return f"{METADATA}/{series_directory(tenant, study_instance_uid, series_instance_uid)}.json.gz"


def series_manifest_path(tenant: str, study_instance_uid: str, series_instance_uid: str) -> str:
    return f"{METADATA}/{series_directory(tenant, study_instance_uid, series_instance_uid)}.manifest.json.gz"


def rendition_path(archived_path: str, transfer_syntax_uid: str) -> str:
    """Where the rendition of an archived file in this transfer syntax is."""
    stem = archived_path.removesuffix(".dcm")
    return f"{RENDITIONS}/{stem}.{checked_uid('TransferSyntaxUID', transfer_syntax_uid)}.dcm"


def rendition_paths(archived_path: str) -> list[str]:
    """Every place where a rendition of an archived file may be.

    A pattern would not do: 1.2.*.dcm is also what the renditions of 1.2.3 are called.
    """
    return [rendition_path(archived_path, uid) for uid in TRANSFER_SYNTAXES]
