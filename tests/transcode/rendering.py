"""Renditions made in this process: what a codec process does with an order, without the process."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tasks.transcode import work
from tasks.transcode.failure import CodecRefused
from tasks.transcode.making import DecoderFailed, Made, make_rendition, provers_of
from tasks.transcode.orders import Codecs, CodecsOrder, Outcome, Refusal, RenderOrder, SourceStamp
from tasks.transcode.pixel_description import read_pixel_description

EXPLICIT_VR_LITTLE_ENDIAN = "1.2.840.10008.1.2.1"
RLE = "1.2.840.10008.1.2.5"
JPEG_LS = "1.2.840.10008.1.2.4.80"
JPEG_LS_NEAR = "1.2.840.10008.1.2.4.81"
JPEG_2000 = "1.2.840.10008.1.2.4.90"
JPEG_2000_LOSSY = "1.2.840.10008.1.2.4.91"

STAMP = SourceStamp(digest="xxh3-128:00ff", size_bytes=1234, mtime_ns=1_700_000_000_000_000_001)


@dataclass(frozen=True, slots=True)
class Attempt:
    decoder: str
    answer: Made | Refusal


class InThisProcess:
    """A codec pool without processes."""

    @staticmethod
    def run(order: object, answer: type, **_limits: object) -> object:
        given = work.perform(order)
        if isinstance(given, Refusal):
            raise CodecRefused(given.outcome, given.reason)
        assert isinstance(given, answer)
        return given


@cache
def codecs() -> Codecs:
    answer = work.perform(CodecsOrder())
    assert isinstance(answer, Codecs)
    return answer


def attempt(
    source: Path,
    output: Path,
    target: str = EXPLICIT_VR_LITTLE_ENDIAN,
    *,
    decoder: str,
    near: int = 0,
    ratio: float = 0.0,
) -> Made | Refusal:
    output.touch()
    order = RenderOrder(
        source_path=str(source),
        output_path=str(output),
        target_transfer_syntax_uid=target,
        decoder=decoder,
        stamp=STAMP,
        near=near,
        ratio=ratio,
    )
    # Those that do not read the transfer syntax say so.
    provers = provers_of(decoder, [one.name for one in work.perform(CodecsOrder()).decoders], {})
    try:
        return make_rendition(InThisProcess(), order, provers, decoded_bytes=0, patience_seconds=None)
    except DecoderFailed as failed:
        return Refusal(outcome=failed.outcome, reason=failed.reason)


def attempts(source: Path, output: Path, target: str = EXPLICIT_VR_LITTLE_ENDIAN) -> list[Attempt]:
    """One decoder after the other, up to the first that does it."""
    made: list[Attempt] = []
    for decoder in codecs().decoders_of(read_pixel_description(source).transfer_syntax_uid):
        made.append(Attempt(decoder, attempt(source, output, target, decoder=decoder)))
        if isinstance(made[-1].answer, Made):
            break
    return made


def rendered(
    source: Path,
    output: Path,
    target: str = EXPLICIT_VR_LITTLE_ENDIAN,
    *,
    near: int = 0,
    ratio: float = 0.0,
) -> Path:
    """The rendition by the first decoder for it; fails where there is none."""
    decoder = codecs().decoders_of(read_pixel_description(source).transfer_syntax_uid)[0]
    answer = attempt(source, output, target, decoder=decoder, near=near, ratio=ratio)
    assert isinstance(answer, Made), answer
    return output


def refused(source: Path, output: Path, target: str = EXPLICIT_VR_LITTLE_ENDIAN, *, decoder: str) -> Outcome:
    answer = attempt(source, output, target, decoder=decoder)
    assert isinstance(answer, Refusal), answer
    assert answer.reason
    assert "\n" not in answer.reason
    return answer.outcome
