"""Tell the receiving side of tenants and AE titles."""

from django.db import transaction

from dicomhub.intake.admission import (
    DEFAULT_TENANT,
    AdmissionSnapshot,
    TenantAdmission,
    write_admission,
)
from dicomhub.log import logger
from dicomhub.storage.filesystem import FilesystemStore
from dicomhub.tenants.models import ApplicationEntity, Tenant

_log = logger()


def publish_admission(store: FilesystemStore) -> None:
    """Write the admission snapshot; the next association goes by it."""
    with transaction.atomic():
        # Read and written under the tenants' lock: of two administrators who save at once, the later one's
        # snapshot is the one that stays.
        tenants = list(Tenant.objects.select_for_update(no_key=True).order_by("name"))
        snapshot = _snapshot(tenants, list(ApplicationEntity.objects.all()))
        write_admission(store, snapshot)
    _log.info("admission_published", tenants=len(snapshot.tenants))


def ensure_default_tenant() -> None:
    Tenant.objects.get_or_create(name=DEFAULT_TENANT, defaults={"title": "Default tenant"})


def ensure_tenant(name: str) -> None:
    """Make the tenant's row when it is missing: what was archived for it belongs into the index."""
    _, is_new = Tenant.objects.get_or_create(name=name)
    if is_new:
        _log.warning("tenant_made_for_archived_instances", tenant=name)


def _snapshot(tenants: list[Tenant], entities: list[ApplicationEntity]) -> AdmissionSnapshot:
    def assigned(role: ApplicationEntity.Role) -> dict[str, str]:
        return {entity.ae_title: entity.tenant_id for entity in entities if entity.role == role}

    return AdmissionSnapshot(
        tenants={
            tenant.name: TenantAdmission(
                tenant=tenant.name,
                duplicate_policy="reject"
                if tenant.duplicate_policy == Tenant.DuplicatePolicy.REJECT
                else "replace",
            )
            for tenant in tenants
        },
        called_ae_titles=assigned(ApplicationEntity.Role.CALLED),
        calling_ae_titles=assigned(ApplicationEntity.Role.CALLING),
    )
