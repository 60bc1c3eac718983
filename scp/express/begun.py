"""What passes from the express lane to the receive lane in the middle of an instance."""

from dataclasses import dataclass

from dicomhub.storage.incoming import IncomingFile
from scp.dimse import Command


@dataclass(frozen=True, slots=True, kw_only=True)
class BegunInstance:
    """What the compiled half leaves to the receive lane. error is the errno of a failed write, or 0."""

    context_id: int
    command: Command
    file: IncomingFile
    data_set_offset: int
    is_whole: bool
    error: int
    begun_at: float
