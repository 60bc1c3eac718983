"""The compiled half of the express lane: its fields, as in native/express.h, and where it is found.

It is built by `make`, into the virtual environment, and named by a digest of its sources: one of other
sources is not found, and without one the receive lane does all of the work.
"""

import ctypes
import hashlib
import sys
import sysconfig
from enum import IntEnum
from pathlib import Path
from typing import ClassVar

import xxhash._xxhash

SOURCES = Path(__file__).parent / "native"
FLAGS = ("-std=gnu11", "-O2", "-Wall", "-Wextra", "-fPIC", "-shared", "-fstack-protector-strong")
HEAD_BYTES = 16 * 1024
_COMMAND_BYTES, _FILE_HEADER_BYTES = 512, 1024
_RESPONSE_BYTES, _PATH_BYTES, _UID_BYTES = 1024, 4096, 64 + 8
_WANTED = 7


class Outcome(IntEnum):
    """What express_run returns, see express.h."""

    LATER = 0
    OTHER = 1
    CLOSED = 2
    UNSENT = 3
    HANDED_OVER = 4
    SILENT = 5
    HELD = 6


class LibraryUnusable(Exception):
    """There is none, or it is not what this code expects."""


class Span(ctypes.Structure):
    _fields_: ClassVar = [("bytes", ctypes.c_char_p), ("length", ctypes.c_int64)]


class Histogram(ctypes.Structure):
    _fields_: ClassVar = [
        ("bounds", ctypes.POINTER(ctypes.c_double)),
        ("number_of_bounds", ctypes.c_int64),
        ("counts", ctypes.c_void_p),
        ("sum", ctypes.c_void_p),
    ]


class Cursor(ctypes.Structure):
    _fields_: ClassVar = [
        (name, ctypes.c_int64) for name in ("at", "pdu_left", "pdv_left", "is_in_pdv", "control_header")
    ]


def _numbers(*names: str) -> list[tuple[str, type[ctypes.c_int64]]]:
    return [(name, ctypes.c_int64) for name in names]


class Express(ctypes.Structure):
    """struct express."""

    _fields_: ClassVar = [
        ("store_root", ctypes.c_char_p),
        ("incoming_prefix", ctypes.c_char_p),
        *_numbers("is_power_safe", "reserve_bytes", "unwatched_bytes"),
        ("digest", ctypes.c_void_p),
        ("digest_reset", ctypes.c_void_p),
        ("digest_update", ctypes.c_void_p),
        ("digest_value", ctypes.c_void_p),
        ("stored_responses", ctypes.c_void_p),
        ("newcomer", ctypes.c_void_p),
        ("instance_bytes", Histogram),
        ("archive_seconds", Histogram),
        ("store_seconds", Histogram),
        ("socket", ctypes.c_int64),
        ("buffer", ctypes.c_void_p),
        *_numbers("buffer_bytes", "least_pdu_bytes", "most_pdu_bytes", "context_id", "is_implicit_vr"),
        ("sop_class", Span),
        ("model_head", Span),
        ("head", Span * _WANTED),
        ("file_header", Span * 3),
        ("line", Span * 6),
        ("response", Span * 2),
        ("series_directory", ctypes.c_char_p),
        *_numbers("journal", "journal_bytes", "quota"),
        ("tick_at", ctypes.c_double),
        ("until", ctypes.c_double),
        ("cursor", Cursor),
        *_numbers("end", "received_bytes", "stored"),
        ("heard_at", ctypes.c_double),
        *_numbers(
            "is_journal_sound",
            "prepared",
            "file",
            "size_bytes",
            "unwatched_until_bytes",
            "data_set_offset",
            "is_whole",
            "error",
        ),
        ("begun_at", ctypes.c_double),
        *_numbers("message_id", "command_bytes", "response_bytes", "response_sent", "serial"),
        ("incoming", ctypes.c_char * _PATH_BYTES),
        ("uid", ctypes.c_char * _UID_BYTES),
        ("command", ctypes.c_ubyte * _COMMAND_BYTES),
        ("response_pdu", ctypes.c_ubyte * _RESPONSE_BYTES),
        ("header", ctypes.c_ubyte * _FILE_HEADER_BYTES),
        ("first", ctypes.c_ubyte * HEAD_BYTES),
    ]


# Their places, and the size of all, tell two definitions apart: see express_layout.
_COMPARED_FIELDS = (
    *("stored_responses", "context_id", "series_directory", "tick_at"),
    *("heard_at", "begun_at", "incoming"),
)


def library_path() -> Path:
    """Where the library of these sources is, or belongs. Raises OSError when they cannot be read."""
    digest = hashlib.sha256(repr(FLAGS).encode("ascii"))
    for source in sorted(SOURCES.glob("*.[ch]")):
        digest.update(source.read_bytes())
    return Path(sysconfig.get_path("platlib"), f"dicomhub-express-{digest.hexdigest()[:16]}.so")


class Library:
    """The functions of the compiled half, and those of the xxhash package that it calls."""

    def __init__(self, path: Path) -> None:
        """Load it. Raises LibraryUnusable."""
        try:
            native = ctypes.CDLL(str(path))
            hashing = ctypes.CDLL(xxhash._xxhash.__file__)  # noqa: SLF001 - the C functions of the package
            self.run = native.express_run
            self.set_model = native.express_set_model
            self.discard_prepared = native.express_discard_prepared
            layout = native.express_layout
            create_state = hashing.XXH3_createState
            self.hash_reset = _address(hashing.XXH3_128bits_reset)
            # Where there is one, the function that knows what this processor can do.
            update = getattr(hashing, "XXH3_128bits_update_dispatch", hashing.XXH3_128bits_update)
            self.hash_update = _address(update)
            self.hash_value = _address(hashing.XXH3_128bits_digest)
        except (OSError, AttributeError) as error:
            raise LibraryUnusable(str(error)) from error
        for function in (self.run, self.set_model):
            function.argtypes, function.restype = [ctypes.POINTER(Express)], ctypes.c_int64
        self.discard_prepared.argtypes, self.discard_prepared.restype = [ctypes.POINTER(Express)], None
        layout.argtypes, layout.restype = [ctypes.c_int64], ctypes.c_int64
        create_state.restype = ctypes.c_void_p
        self.new_hash_state = create_state
        places = [getattr(Express, name).offset for name in _COMPARED_FIELDS] + [ctypes.sizeof(Express)]
        if [layout(which) for which in range(len(places))] != places:
            raise LibraryUnusable(f"{path.name} has other fields than scp/express/library.py")


def _address(function: object) -> int:
    address = ctypes.cast(function, ctypes.c_void_p).value  # type: ignore[arg-type] # it is a function pointer
    assert address is not None, "it was found"
    return address


def is_platform_served() -> bool:
    """The express lane knows Linux only: TCP_QUICKACK, flock that closes with its descriptor, fdatasync."""
    return sys.platform == "linux"
