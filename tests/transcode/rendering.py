"""Renditions made in this process: what a codec process does with an order, without the process."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tasks.transcode import work
from tasks.transcode.orders import Codecs, CodecsOrder, Outcome, Refusal, Rendered, RenderOrder, SourceStamp
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
    answer: Rendered | Refusal


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
) -> Rendered | Refusal:
    output.touch()
    answer = work.perform(
        RenderOrder(
            source_path=str(source),
            output_path=str(output),
            target_transfer_syntax_uid=target,
            decoder=decoder,
            prove=True,
            stamp=STAMP,
            near=near,
            ratio=ratio,
        )
    )
    assert isinstance(answer, Rendered | Refusal)
    return answer


def attempts(source: Path, output: Path, target: str = EXPLICIT_VR_LITTLE_ENDIAN) -> list[Attempt]:
    """One decoder after the other, up to the first that does it."""
    made: list[Attempt] = []
    for decoder in codecs().decoders_of(read_pixel_description(source).transfer_syntax_uid):
        made.append(Attempt(decoder, attempt(source, output, target, decoder=decoder)))
        if isinstance(made[-1].answer, Rendered):
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
    assert isinstance(answer, Rendered), answer
    return output


def refused(source: Path, output: Path, target: str = EXPLICIT_VR_LITTLE_ENDIAN, *, decoder: str) -> Outcome:
    answer = attempt(source, output, target, decoder=decoder)
    assert isinstance(answer, Refusal), answer
    assert answer.reason
    assert "\n" not in answer.reason
    return answer.outcome
