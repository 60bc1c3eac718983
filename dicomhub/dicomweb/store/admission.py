"""What a request may store: the tenant's rules, the path's study, the number of instances."""

from dataclasses import dataclass

from dicomhub.intake.admission import AdmissionSnapshot, TenantAdmission
from dicomhub.intake.provenance import Provenance
from dicomhub.intake.refusal import SopClassNotPermitted, StudyDiffers
from dicomhub.standard.data_set_head import DataSetHead


class TooManyInstances(Exception):
    def __init__(self, max_instances: int) -> None:
        super().__init__(f"the body holds more than {max_instances} instances")


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreAdmission:
    """study_instance_uid is the path's, None for any; sop_class_uids are those permitted, empty for any."""

    tenant: TenantAdmission
    provenance: Provenance
    study_instance_uid: str | None
    sop_class_uids: frozenset[str]
    max_instances: int

    @classmethod
    def of(
        cls,
        snapshot: AdmissionSnapshot,
        *,
        tenant: str,
        provenance: Provenance,
        study_instance_uid: str | None,
        max_instances: int,
    ) -> "StoreAdmission":
        """Rules for AE titles and networks are for those who have AE titles: HTTP has its own."""
        return cls(
            tenant=snapshot.tenants.get(tenant, TenantAdmission(tenant=tenant)),
            provenance=provenance,
            study_instance_uid=study_instance_uid,
            sop_class_uids=frozenset(snapshot.default_restriction.sop_class_uids),
            max_instances=max_instances,
        )

    def check(self, head: DataSetHead) -> None:
        """Raises StudyDiffers, SopClassNotPermitted."""
        if self.study_instance_uid not in (None, head.study_instance_uid):
            raise StudyDiffers("the instance is of another study than the path names")
        if self.sop_class_uids and head.sop_class_uid not in self.sop_class_uids:
            raise SopClassNotPermitted("SOP class is not permitted")

    def check_number(self, number_of_instances: int) -> None:
        """Whether one more may come. Raises TooManyInstances."""
        if number_of_instances >= self.max_instances:
            raise TooManyInstances(self.max_instances)
