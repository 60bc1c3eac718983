"""The table of docs/transcoding.md: every compressed sample file in Explicit VR Little Endian, or why not.

`python -m tests.transcode.table` renders them and writes it between its markers.
"""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from dicomhub.standard.element import DataSetMalformed
from dicomhub.standard.part10 import Part10Malformed
from dicomhub.standard.transfer_syntax import transfer_syntax
from tasks.transcode.making import Made
from tasks.transcode.pixel_description import (
    PixelDescription,
    PixelDescriptionMissing,
    SourceDescription,
    read_pixel_description,
)
from tasks.transcode.plan import plan
from tasks.transcode.settings import TranscodeSettings
from tests.support.samples import sample_files
from tests.transcode.rendering import EXPLICIT_VR_LITTLE_ENDIAN, Attempt, attempts, codecs

DOCUMENT = Path(__file__).parents[2] / "docs" / "transcoding.md"
_ROOT = "1.2.840.10008.1.2"
# Of viewers that decode no codestream: every compressed instance needs a rendition.
_VIEWERS = TranscodeSettings(viewer_transfer_syntaxes=frozenset((EXPLICIT_VR_LITTLE_ENDIAN,)))
BEGIN, END = "<!-- table: begin -->\n", "<!-- table: end -->\n"


@dataclass(frozen=True, slots=True)
class Sample:
    path: Path
    source: SourceDescription
    pixels: PixelDescription


def compressed_samples() -> Iterator[Sample]:
    """Every sample file with encapsulated pixels."""
    for path in sample_files():
        try:
            source = read_pixel_description(path)
        except (Part10Malformed, DataSetMalformed, PixelDescriptionMissing):
            continue
        if source.pixels is not None and transfer_syntax(source.transfer_syntax_uid).is_encapsulated:
            yield Sample(path, source, source.pixels)


def row(sample: Sample, made: list[Attempt]) -> str:
    pixels = sample.pixels
    frames = f", {pixels.number_of_frames} frames" if pixels.number_of_frames > 1 else ""
    sign = " signed" if pixels.is_signed else ""
    shape = f"{pixels.columns} x {pixels.rows}, {pixels.bits_stored} bits{sign}{frames}"
    refusals = "; ".join(
        f"{one.decoder}: {one.answer.outcome}, {one.answer.reason}"
        for one in made
        if not isinstance(one.answer, Made)
    )
    planned = plan(sample.source, _VIEWERS, decodable=codecs().decodable)
    last = made[-1]
    outcome = "rendered" if isinstance(last.answer, Made) else "not rendered"
    decoder = last.decoder if isinstance(last.answer, Made) else ""
    proved_with = (last.answer.proved_with or "itself") if isinstance(last.answer, Made) else ""
    cells = (
        sample.path.name,
        sample.source.transfer_syntax_uid.removeprefix(_ROOT),
        pixels.photometric_interpretation,
        shape,
        f"{planned.action} in {planned.target.removeprefix(_ROOT)}",
        outcome,
        decoder,
        proved_with,
        refusals,
    )
    return "| " + " | ".join(cells) + " |"


def table(rows: list[str]) -> str:
    head = (
        "| File | 1.2.840.10008.1.2 | Photometric | Pixels | Plan | Outcome | Decoder | Proved with | Refused by |\n"
        "|---|---|---|---|---|---|---|---|---|\n"
    )
    return head + "".join(f"{line}\n" for line in rows)


def documented() -> str:
    """The table as the document has it."""
    return DOCUMENT.read_text("utf-8").partition(BEGIN)[2].partition(END)[0]


def _main() -> None:
    rows = []
    with tempfile.TemporaryDirectory() as directory:
        for sample in compressed_samples():
            rows.append(row(sample, attempts(sample.path, Path(directory) / "rendition.dcm")))
            print(rows[-1])
    before, _, rest = DOCUMENT.read_text("utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    DOCUMENT.write_text(before + BEGIN + table(rows) + END + after, "utf-8")


if __name__ == "__main__":
    _main()
