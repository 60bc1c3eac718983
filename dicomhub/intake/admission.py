"""The admission snapshot: what the receiving side has to know of tenants and peers.

The tenants room writes it whenever an administrator saves; the receiving side reads it for every new
association. A file in between lets a store that cannot reach its database go on receiving.
"""

from dataclasses import dataclass, field
from typing import Literal

import msgspec

from dicomhub.storage.filesystem import FilesystemStore
from dicomhub.storage.layout import ADMISSION_SNAPSHOT

DuplicatePolicy = Literal["replace", "reject"]
DEFAULT_TENANT = "default"


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantAdmission:
    """A tenant, and what it wants done when a SOP Instance UID comes again with other bytes."""

    tenant: str
    duplicate_policy: DuplicatePolicy = "replace"


@dataclass(frozen=True, slots=True, kw_only=True)
class AdmissionSnapshot:
    """Tenants by name, and the tenant of each called and calling AE title that is assigned to one."""

    tenants: dict[str, TenantAdmission] = field(
        default_factory=lambda: {DEFAULT_TENANT: TenantAdmission(tenant=DEFAULT_TENANT)}
    )
    called_ae_titles: dict[str, str] = field(default_factory=dict)
    calling_ae_titles: dict[str, str] = field(default_factory=dict)

    def tenant_of(self, *, called_ae_title: str, calling_ae_title: str) -> TenantAdmission:
        """The called AE title decides, then the calling one, then the default tenant."""
        name = self.called_ae_titles.get(called_ae_title) or self.calling_ae_titles.get(calling_ae_title)
        return self.tenants.get(name or DEFAULT_TENANT, TenantAdmission(tenant=DEFAULT_TENANT))


def write_admission(store: FilesystemStore, snapshot: AdmissionSnapshot) -> None:
    store.write_document(ADMISSION_SNAPSHOT, msgspec.json.encode(snapshot))


def read_admission(store: FilesystemStore) -> AdmissionSnapshot:
    """The newest snapshot; before the first one was written, the default tenant alone.

    Raises msgspec.DecodeError when the file is damaged: a receiver must not guess whose images these are.
    """
    try:
        data = store.read_document(ADMISSION_SNAPSHOT)
    except FileNotFoundError:
        return AdmissionSnapshot()
    return msgspec.json.decode(data, type=AdmissionSnapshot)
