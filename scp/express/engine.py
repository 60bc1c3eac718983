"""The compiled half as one child has it: its memory, and what is the same for all associations."""

import ctypes
import os
import secrets
from functools import cache

from dicomhub.intake.door import Intake
from dicomhub.intake.incoming_instance import UNWATCHED_BYTES
from dicomhub.log import logger
from dicomhub.standard.status import Status
from scp.dimse import CommandField
from scp.express.library import Express, Histogram, Library, LibraryUnusable, library_path
from scp.meters import ARCHIVE_SECONDS, INSTANCE_BYTES, PLACES, RESPONSES, STORE_SECONDS, command_name
from scp.meters import Histogram as HistogramMeter
from scp.tally import Tally

NO_FILE = -1


@cache
def library() -> Library | None:
    """The compiled half, or None where there is none. Loaded once, before the fork, for all children."""
    try:
        return Library(library_path())
    except (LibraryUnusable, OSError) as error:
        logger().warning("express_lane_missing", reason=str(error))
        return None


class Engine:
    """state is struct express; library.run() works on it. Belongs to one child; make it after the fork."""

    def __init__(
        self,
        library: Library,
        *,
        intake: Intake,
        tally: Tally,
        newcomer: "memoryview[float]",
        buffer: bytearray,
        is_power_safe: bool,
    ) -> None:
        """Newcomer is the word of scp.precedence; while it is not 0 answers are left to Python."""
        self._library = library
        self._held: list[object] = [buffer]  # what the compiled half points at
        self.intake = intake
        self.state = state = Express()
        state.store_root = os.fsencode(intake.store.root)
        state.incoming_prefix = os.fsencode(intake.store.incoming / f"{os.getpid()}-{secrets.token_hex(8)}-")
        state.is_power_safe = is_power_safe
        state.reserve_bytes, state.unwatched_bytes = intake.reserve_bytes, UNWATCHED_BYTES
        state.digest = library.new_hash_state()
        state.digest_reset, state.digest_update = library.hash_reset, library.hash_update
        state.digest_value = library.hash_value
        state.instance_bytes = self._histogram(tally, INSTANCE_BYTES)
        state.archive_seconds = self._histogram(tally, ARCHIVE_SECONDS)
        state.store_seconds = self._histogram(tally, STORE_SECONDS)
        stored = RESPONSES.index[command_name(CommandField.C_STORE_RQ), f"{Status.SUCCESS:04X}"]
        state.stored_responses = self._address(tally.memory, PLACES[RESPONSES.name] + stored)
        state.newcomer = self._address(newcomer, 0)
        state.buffer = self._address(memoryview(buffer), 0)
        state.buffer_bytes = len(buffer)
        state.prepared = state.file = NO_FILE

    def run(self) -> int:
        outcome: int = self._library.run(self.state)
        return outcome

    def discard_prepared(self) -> None:
        """Remove the incoming file that was made for an instance that will not come."""
        self._library.discard_prepared(self.state)

    def set_model(self) -> bool:
        """Take over the model whose pieces are in the state. False: nothing can be compared with it."""
        return bool(self._library.set_model(self.state))

    def _histogram(self, tally: Tally, meter: HistogramMeter) -> Histogram:
        place = PLACES[meter.name]
        bounds = (ctypes.c_double * len(meter.bounds))(*meter.bounds)
        self._held.append(bounds)
        return Histogram(
            bounds=ctypes.cast(bounds, ctypes.POINTER(ctypes.c_double)),
            number_of_bounds=len(meter.bounds),
            counts=self._address(tally.memory, place),
            sum=self._address(tally.memory, place + len(meter.bounds) + 1),
        )

    def _address(self, memory: "memoryview[int] | memoryview[float]", word: int) -> int:
        held = ctypes.c_uint64.from_buffer(memory, word * ctypes.sizeof(ctypes.c_uint64))
        self._held.append(held)
        return ctypes.addressof(held)
