"""What a codec process is asked for, and what it answers: plain values, and no codec.

A path in an order is absolute; an order is one instance or some frames of one.
"""

from dataclasses import dataclass
from enum import StrEnum

from tasks.transcode.picture_order import Picture, PictureOrder


class Outcome(StrEnum):
    """How an attempt at an instance ends. timeout and crashed are seen from outside of the process alone."""

    RENDERED = "rendered"
    UNSUPPORTED = "unsupported"  # this decoder, or encoder, is not made for such pixels; another one may be
    CORRUPT = "corrupt"
    MISMATCH = "mismatch"  # the rendition did not prove to be what the source is
    TIMEOUT = "timeout"
    CRASHED = "crashed"
    OUT_OF_MEMORY = "out_of_memory"
    TOO_LARGE = "too_large"  # native it would pass what 32 bits of length can say
    FAILED = "failed"  # anything else: the disk, a fault of ours


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceStamp:
    """Which bytes a rendition was made of: the archived file's digest, size and modification time."""

    digest: str
    size_bytes: int
    mtime_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderOrder:
    """Write the instance at source_path to output_path, in another transfer syntax.

    output_path names a file that the caller has made, and removes when the answer is not Rendered. One
    decoder an order: the caller tries the next. near is what .81 may differ by in each sample, ratio what
    .91 is compressed by: 1 to so many; both say nothing to other targets.
    """

    source_path: str
    output_path: str
    target_transfer_syntax_uid: str
    decoder: str
    stamp: SourceStamp
    near: int = 0
    ratio: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """Not proved yet. digests are those of the source's frames as the decoder has given them."""

    size_bytes: int
    digests: tuple[int, ...]
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ProofOrder:
    """Compare what came of an order with the source as the decoder `prover` gives it, "" with the digests."""

    rendered: RenderOrder
    digests: tuple[int, ...]
    prover: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proved:
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameFileOrder:
    """Write some frames, numbered from 1, to output_path, one behind the other and nothing else.

    Each is its codestream in the target transfer syntax, which loses nothing; in Explicit VR Little Endian
    its native bytes, in the colour space, subsampling and planar configuration that the source's data set
    says. output_path as in RenderOrder.
    """

    source_path: str
    output_path: str
    frame_numbers: tuple[int, ...]
    target_transfer_syntax_uid: str
    decoder: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameFile:
    """How many bytes each frame has taken."""

    lengths: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CodecsOrder:
    """Which codecs there are, a deployment's own included: they are known to a codec process alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CodecName:
    name: str
    transfer_syntax_uids: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Codecs:
    """In the order of preference: the first that reads a transfer syntax is tried first."""

    decoders: tuple[CodecName, ...]
    encoders: tuple[CodecName, ...]

    @property
    def decodable(self) -> frozenset[str]:
        return frozenset(uid for decoder in self.decoders for uid in decoder.transfer_syntax_uids)

    def decoders_of(self, transfer_syntax_uid: str) -> tuple[str, ...]:
        return tuple(one.name for one in self.decoders if transfer_syntax_uid in one.transfer_syntax_uids)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why there is no answer. Never Outcome.RENDERED."""

    outcome: Outcome
    reason: str


Order = RenderOrder | ProofOrder | FrameFileOrder | PictureOrder | CodecsOrder
Answer = Rendered | Proved | FrameFile | Picture | Codecs | Refusal
