"""The tenant of an instance by an attribute of its data set, chosen when all of it is there."""

from collections.abc import Mapping
from dataclasses import dataclass

from dicomhub.intake.admission import AdmissionSnapshot, TenantAdmission
from dicomhub.intake.refusal import DataSetNotUnderstood, TenantUnknown
from dicomhub.standard.element import DataSetMalformed
from dicomhub.standard.selected_attribute import AttributeSelector, read_text
from dicomhub.standard.transfer_syntax import TransferSyntax
from dicomhub.storage.mapped import map_data_set


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantByAttribute:
    """For the instances of one association; a tenant that is None is a refusal."""

    selector: AttributeSelector
    tenants: Mapping[str, TenantAdmission]
    if_absent: TenantAdmission | None
    if_unknown: TenantAdmission | None

    @classmethod
    def of(
        cls, snapshot: AdmissionSnapshot, *, called_ae_title: str, calling_ae_title: str
    ) -> "TenantByAttribute | None":
        """None when no attribute is set up, and AE titles decide alone."""
        attribute = snapshot.tenant_attribute
        if attribute is None:
            return None
        titles = {"called_ae_title": called_ae_title, "calling_ae_title": calling_ae_title}
        otherwise = snapshot.tenant_of(**titles)
        return cls(
            selector=AttributeSelector(int(attribute.tag, 16), attribute.private_creator),
            tenants={value: snapshot.tenants[name] for value, name in attribute.tenants.items()},
            if_absent=snapshot.assigned_tenant(**titles) if attribute.is_unknown_refused else otherwise,
            if_unknown=None if attribute.is_unknown_refused else otherwise,
        )

    def tenant_of_file(
        self, descriptor: int, *, data_set_offset: int, syntax: TransferSyntax
    ) -> TenantAdmission:
        """Raises TenantUnknown, DataSetNotUnderstood, OSError."""
        try:
            text = read_text(map_data_set(descriptor, data_set_offset), syntax, self.selector)
        except DataSetMalformed as error:
            raise DataSetNotUnderstood(f"data set: {error}") from error
        return self.tenant_of(text)

    def tenant_of(self, text: str) -> TenantAdmission:
        """Raises TenantUnknown. The value itself is not told: it may be a patient's."""
        tenant = self.tenants.get(text, self.if_unknown) if text else self.if_absent
        if tenant is None:
            raise TenantUnknown(
                f"({self.selector.tag >> 16:04X},{self.selector.tag & 0xFFFF:04X}) "
                + ("names no tenant" if text else "is missing, and would name the tenant")
            )
        return tenant
