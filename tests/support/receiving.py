"""Bring a DICOM file in through the intake's door, as a receiver would: in pieces."""

from pathlib import Path

from dicomhub.intake.admission import DEFAULT_TENANT, DuplicatePolicy, TenantAdmission
from dicomhub.intake.door import Intake
from dicomhub.intake.incoming_instance import Archived, IncomingInstance
from dicomhub.intake.provenance import Provenance
from dicomhub.standard.part10 import read_file_meta

PROVENANCE = Provenance(source="dimse", calling_ae_title="SENDER", called_ae_title="DICOMHUB")


def data_set_of(path: Path) -> bytes:
    """The data set of a Part 10 file, without the header."""
    data = path.read_bytes()
    return data[read_file_meta(data).data_set_offset :]


def begin(
    intake: Intake,
    path: Path,
    *,
    tenant: str = DEFAULT_TENANT,
    duplicate_policy: DuplicatePolicy = "replace",
    **announced: str,
) -> IncomingInstance:
    meta = read_file_meta(path.read_bytes())
    values = {
        "sop_class_uid": meta.media_storage_sop_class_uid,
        "sop_instance_uid": meta.media_storage_sop_instance_uid,
        "transfer_syntax_uid": meta.transfer_syntax_uid,
    }
    return intake.receive(
        **(values | announced),
        admission=TenantAdmission(tenant=tenant, duplicate_policy=duplicate_policy),
        provenance=PROVENANCE,
    )


def receive(intake: Intake, path: Path, *, data_set: bytes | None = None, **how: str) -> Archived:
    """Archive a file; data_set replaces the bytes behind its header."""
    content = memoryview(data_set_of(path) if data_set is None else data_set)
    with begin(intake, path, **how) as incoming:
        for start in range(0, len(content), 16_378):
            incoming.write([content[start : start + 8_000], content[start + 8_000 : start + 16_378]])
        return incoming.archive()
