"""Where instances come from, and the record that the journal keeps of each."""

from dataclasses import dataclass
from datetime import datetime

from dicomhub.standard.data_set_head import DataSetHead
from tasks.messages import Source, StoredInstance


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """The same for all of an association, a request or an import."""

    source: Source
    calling_ae_title: str = ""
    called_ae_title: str = ""
    source_address: str = ""
    trace_id: str = ""

    def record_of(
        self,
        head: DataSetHead,
        *,
        tenant: str,
        path: str,
        transfer_syntax_uid: str,
        size_bytes: int,
        digest: str,
        received_at: datetime,
    ) -> StoredInstance:
        """path: where it is or will be archived."""
        return StoredInstance(
            tenant=tenant,
            patient_id=head.patient_id,
            study_instance_uid=head.study_instance_uid,
            series_instance_uid=head.series_instance_uid,
            sop_instance_uid=head.sop_instance_uid,
            sop_class_uid=head.sop_class_uid,
            transfer_syntax_uid=transfer_syntax_uid,
            path=path,
            size_bytes=size_bytes,
            digest=digest,
            source=self.source,
            calling_ae_title=self.calling_ae_title,
            called_ae_title=self.called_ae_title,
            source_address=self.source_address,
            received_at=received_at,
            trace_id=self.trace_id,
        )
