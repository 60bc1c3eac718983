"""Tell the receiving side of tenants and AE titles."""

from django.db import transaction

from dicomhub.intake.admission import (
    DEFAULT_TENANT,
    AdmissionSnapshot,
    Restriction,
    TenantAdmission,
    TenantAttribute,
    write_admission,
)
from dicomhub.log import logger
from dicomhub.storage.filesystem import FilesystemStore
from dicomhub.tenants.models import AdmissionPolicy, ApplicationEntity, Tenant, TenantValue
from dicomhub.tenants.models import Restriction as RestrictionRow
from dicomhub.tenants.validation import attribute_tag, networks_of, sop_class_uids_of

_log = logger()


def publish_admission(store: FilesystemStore) -> None:
    """Write the admission snapshot; the next association goes by it."""
    with transaction.atomic():
        # Read and written under the tenants' lock: of two administrators who save at once, the later one's
        # snapshot is the one that stays.
        tenants = list(Tenant.objects.select_for_update(no_key=True).order_by("name"))
        snapshot = _snapshot(tenants, list(ApplicationEntity.objects.all()), admission_policy())
        write_admission(store, snapshot)
    _log.info("admission_published", tenants=len(snapshot.tenants))


def ensure_default_tenant() -> None:
    Tenant.objects.get_or_create(name=DEFAULT_TENANT, defaults={"title": "Default tenant"})


def ensure_admission_policy() -> None:
    AdmissionPolicy.objects.get_or_create(pk=1)


def ensure_tenant(name: str) -> None:
    """Make the tenant's row when it is missing: what was archived for it belongs into the index."""
    _, is_new = Tenant.objects.get_or_create(name=name)
    if is_new:
        _log.warning("tenant_made_for_archived_instances", tenant=name)


def admission_policy() -> AdmissionPolicy:
    """The one there is; one that was never saved is open."""
    return AdmissionPolicy.objects.first() or AdmissionPolicy(pk=1)


def _snapshot(
    tenants: list[Tenant], entities: list[ApplicationEntity], policy: AdmissionPolicy
) -> AdmissionSnapshot:
    def of(role: ApplicationEntity.Role) -> list[ApplicationEntity]:
        return [entity for entity in entities if entity.role == role]

    called, calling = of(ApplicationEntity.Role.CALLED), of(ApplicationEntity.Role.CALLING)
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
        called_ae_titles=_tenants(called),
        calling_ae_titles=_tenants(calling),
        are_called_titles_closed=policy.called_ae_titles == AdmissionPolicy.Titles.CLOSED,
        are_calling_titles_closed=policy.calling_ae_titles == AdmissionPolicy.Titles.CLOSED,
        default_restriction=_restriction(policy),
        called_restrictions=_restrictions(called),
        calling_restrictions=_restrictions(calling),
        tenant_attribute=_tenant_attribute(policy),
    )


def _tenants(entities: list[ApplicationEntity]) -> dict[str, str]:
    return {entity.ae_title: entity.tenant_id for entity in entities}


def _restrictions(entities: list[ApplicationEntity]) -> dict[str, Restriction]:
    """Of those that have one."""
    restrictions = {entity.ae_title: _restriction(entity) for entity in entities}
    return {title: restriction for title, restriction in restrictions.items() if restriction != Restriction()}


def _restriction(row: RestrictionRow) -> Restriction:
    return Restriction(networks=networks_of(row.networks), sop_class_uids=sop_class_uids_of(row.sop_classes))


def _tenant_attribute(policy: AdmissionPolicy) -> TenantAttribute | None:
    if not policy.tenant_attribute:
        return None
    return TenantAttribute(
        tag=f"{attribute_tag(policy.tenant_attribute):08X}",
        private_creator=policy.private_creator.strip(),
        tenants={row.value.strip(): row.tenant_id for row in TenantValue.objects.all()},
        is_unknown_refused=policy.unknown_tenant_values == AdmissionPolicy.Unknown.REFUSE,
    )
