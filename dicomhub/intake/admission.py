"""The admission snapshot: what the receiving side has to know of tenants and peers.

The tenants room writes it whenever an administrator saves; the receiving side reads it for every new
association. A file in between lets a store that cannot reach its database go on receiving.
"""

from dataclasses import dataclass, field
from ipaddress import ip_network
from typing import Final, Literal

import msgspec

from dicomhub.storage.filesystem import FilesystemStore
from dicomhub.storage.layout import ADMISSION_SNAPSHOT, is_tenant

DuplicatePolicy = Literal["replace", "reject"]
DEFAULT_TENANT = "default"
VERSION: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantAdmission:
    """A tenant, and what it wants done when a SOP Instance UID comes again with other bytes."""

    tenant: str
    duplicate_policy: DuplicatePolicy = "replace"


@dataclass(frozen=True, slots=True, kw_only=True)
class Restriction:
    """What is permitted: networks, 192.0.2.0/24 or 2001:db8::/32 say, and SOP Class UIDs. Empty: all."""

    networks: tuple[str, ...] = ()
    sop_class_uids: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for network in self.networks:
            ip_network(network)


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantAttribute:
    """The attribute of a data set that names its tenant: 8 hexadecimal digits, and the tenants by its text.

    is_unknown_refused: a text that names none is refused, and so is none at all where no AE title is
    assigned either. Otherwise the AE titles say whose it is.
    """

    tag: str
    private_creator: str = ""
    tenants: dict[str, str] = field(default_factory=dict)
    is_unknown_refused: bool = False

    def __post_init__(self) -> None:
        if len(self.tag) != 8:
            raise ValueError(f"not a tag: {self.tag!r}")
        int(self.tag, 16)


@dataclass(frozen=True, slots=True, kw_only=True)
class AdmissionSnapshot:
    """Tenants by name, and the tenant of each called and calling AE title that is assigned to one.

    Where titles are closed, only assigned ones may be used. An AE title's own restriction stands instead of
    the default one. Raises ValueError when something does not add up, which no later guess can put right.

    A field keeps its meaning for ever, and a new one has a default that says what was true before it: readers
    and writers of different ages work on one store. What an older reader must not overlook raises VERSION.
    """

    version: int = VERSION
    tenants: dict[str, TenantAdmission] = field(
        default_factory=lambda: {DEFAULT_TENANT: TenantAdmission(tenant=DEFAULT_TENANT)}
    )
    called_ae_titles: dict[str, str] = field(default_factory=dict)
    calling_ae_titles: dict[str, str] = field(default_factory=dict)
    are_called_titles_closed: bool = False
    are_calling_titles_closed: bool = False
    default_restriction: Restriction = Restriction()
    called_restrictions: dict[str, Restriction] = field(default_factory=dict)
    calling_restrictions: dict[str, Restriction] = field(default_factory=dict)
    tenant_attribute: TenantAttribute | None = None

    def __post_init__(self) -> None:
        if self.version > VERSION:
            raise ValueError(f"version {self.version} is newer than this reader")
        if any(not is_tenant(name) or name != tenant.tenant for name, tenant in self.tenants.items()):
            raise ValueError("a tenant's name is none")
        attribute = self.tenant_attribute
        values = attribute.tenants.values() if attribute is not None else ()
        for name in (*self.called_ae_titles.values(), *self.calling_ae_titles.values(), *values):
            if name not in self.tenants:
                raise ValueError(f"there is no tenant {name!r}")

    def tenant_of(self, *, called_ae_title: str, calling_ae_title: str) -> TenantAdmission:
        """The called AE title decides, then the calling one, then the default tenant."""
        assigned = self.assigned_tenant(called_ae_title=called_ae_title, calling_ae_title=calling_ae_title)
        return assigned or self.tenants.get(DEFAULT_TENANT, TenantAdmission(tenant=DEFAULT_TENANT))

    def assigned_tenant(self, *, called_ae_title: str, calling_ae_title: str) -> TenantAdmission | None:
        """None when neither AE title is assigned."""
        name = self.called_ae_titles.get(called_ae_title) or self.calling_ae_titles.get(calling_ae_title)
        return self.tenants[name] if name else None


def write_admission(store: FilesystemStore, snapshot: AdmissionSnapshot) -> None:
    store.write_document(ADMISSION_SNAPSHOT, msgspec.json.encode(snapshot))


def read_admission(store: FilesystemStore) -> AdmissionSnapshot:
    """The newest snapshot; before the first one was written, the default tenant alone.

    Raises msgspec.DecodeError when the file is damaged or does not add up: a receiver must not guess whose
    images these are.
    """
    try:
        data = store.read_document(ADMISSION_SNAPSHOT)
    except FileNotFoundError:
        return AdmissionSnapshot()
    return msgspec.json.decode(data, type=AdmissionSnapshot)
