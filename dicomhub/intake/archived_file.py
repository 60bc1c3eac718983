"""The record of an instance, made from its file, where the journal has no line of it."""

import os
from datetime import datetime

from dicomhub.intake.head import head_of_file
from dicomhub.intake.provenance import Provenance
from dicomhub.standard.part10 import HEADER_MAX_BYTES, read_file_meta
from dicomhub.standard.transfer_syntax import transfer_syntax
from dicomhub.storage.digest import digest_of_file
from tasks.messages import StoredInstance


def describe_file(
    descriptor: int, *, tenant: str, path: str, received_at: datetime, trace_id: str
) -> StoredInstance:
    """path: where it is or will be archived.

    Raises Part10Malformed, TransferSyntaxUnknown, DataSetMalformed.
    """
    meta = read_file_meta(os.pread(descriptor, HEADER_MAX_BYTES, 0))
    syntax = transfer_syntax(meta.transfer_syntax_uid)
    head = head_of_file(descriptor, data_set_offset=meta.data_set_offset, syntax=syntax)
    return Provenance(source="import", trace_id=trace_id).record_of(
        head,
        tenant=tenant,
        path=path,
        transfer_syntax_uid=meta.transfer_syntax_uid,
        size_bytes=os.fstat(descriptor).st_size,
        digest=digest_of_file(descriptor),
        received_at=received_at,
    )
