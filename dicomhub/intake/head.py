"""What an archived file is named by, read from the first bytes of its data set."""

import os

from dicomhub.standard.data_set_head import DataSetHead, read_head
from dicomhub.standard.transfer_syntax import TransferSyntax
from dicomhub.storage.mapped import map_data_set

# Enough for the head of nearly every data set; those with long private sequences before group 0020 are
# mapped whole.
_FIRST_BYTES = 16 * 1024


def head_of_file(descriptor: int, *, data_set_offset: int, syntax: TransferSyntax) -> DataSetHead:
    """Read the head of the data set that starts at data_set_offset. Raises DataSetMalformed."""
    size_bytes = os.fstat(descriptor).st_size
    first = os.pread(descriptor, _FIRST_BYTES, data_set_offset)
    head = read_head(first, syntax, is_whole=data_set_offset + len(first) >= size_bytes)
    if head is not None:
        return head
    head = read_head(map_data_set(descriptor, data_set_offset), syntax, is_whole=True)
    assert head is not None, "a whole data set has a head or is malformed"
    return head
