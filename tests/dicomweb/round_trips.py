"""The table of docs/dicomweb/round-trips.md: every sample file stored by STOW-RS, and retrieved in every syntax.

`python -m tests.dicomweb.round_trips` makes the trips to a gunicorn of its own and writes it between its markers.
"""

import random
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
import pydicom
import requests
import rich.progress
from pydicom.pixels import pixel_array
from pydicom.uid import UID

from tests.dicomweb.served import Server, environment_of, serving
from tests.dicomweb.storing import failed, journalled, post
from tests.standard.reading import quietly
from tests.support.samples import sample_files
from tests.support.waiting import wait_until

DOCUMENT = Path(__file__).parents[2] / "docs" / "dicomweb" / "round-trips.md"
BEGIN, END = "<!-- table: begin -->\n", "<!-- table: end -->\n"
AS_STORED, EXPLICIT = "*", "1.2.840.10008.1.2.1"
DECODED = {
    "default": "",
    "Explicit VR": EXPLICIT,
    "JPEG-LS": "1.2.840.10008.1.2.4.80",
    "JPEG 2000": "1.2.840.10008.1.2.4.90",
    "RLE": "1.2.840.10008.1.2.5",
}
COLUMNS = ("File", "Stored in", "as stored", *DECODED, "last frame")
_ROOT = "1.2.840.10008.1.2"
_MOST_PIXELS = 10_000_000


@dataclass(frozen=True, slots=True)
class Sent:
    path: Path
    content: bytes
    failure_reasons: tuple[int, ...]

    @property
    def header(self) -> pydicom.Dataset:
        return _header(self.content)


def name_of(path: Path) -> str:
    """Below the folder of its sample set; the names of files alone are not unique."""
    folders = ("test_files", "charset_files", "data")
    start = max(number for number, part in enumerate(path.parts) if part in folders)
    return "/".join(path.parts[start + 1 :])


def round_trips(server: Server, paths: Sequence[Path]) -> Iterator[str]:
    """A row for each file."""
    sent = [_send(server, path, content) for path, content in _with_uids_of_their_own(paths)]
    taken = [one.header.SOPInstanceUID for one in sent if not one.failure_reasons]
    wait_until(lambda: set(taken) <= set(journalled(server)), what="all that is stored is in the journal")
    index = [sys.executable, "-m", "tests.dicomweb.index_journal"]
    subprocess.run(index, env=environment_of(server.home), check=True, stdout=subprocess.DEVNULL)
    for one in sent:
        with quietly():
            yield "| " + " | ".join(_cells(server, one)) + " |"


def _with_uids_of_their_own(paths: Iterable[Path]) -> Iterator[tuple[Path, bytes]]:
    """The samples share SOP Instance UIDs: a later one's is replaced by one of the same length, all else stays."""
    seen, chance = set(), random.Random(0)
    for path in paths:
        content = path.read_bytes()
        # The data set's: of some samples the header has another one.
        with quietly():
            header = pydicom.dcmread(BytesIO(content), stop_before_pixels=True, force=True)
            uid = str(header.get("SOPInstanceUID", "")).encode()
        if len(uid) > 10 and uid in seen:
            own = b"2.25." + str(chance.randrange(10 ** (len(uid) - 6), 10 ** (len(uid) - 5))).encode()
            content = content.replace(uid, own)
        seen.add(uid)
        yield path, content


def _send(server: Server, path: Path, content: bytes) -> Sent:
    response = post(server, content, Content_Type="application/dicom")
    reasons = tuple(reason for _, reason in failed(response))
    assert response.status_code == (409 if reasons else 200), (path, response.text)
    return Sent(path, content, reasons)


def _cells(server: Server, sent: Sent) -> list[str]:
    if sent.failure_reasons:
        return [name_of(sent.path), "", *(f"{reason:04X}" for reason in sent.failure_reasons), *[""] * 6]
    data_set = sent.header
    url = (
        f"{server.dicomweb}/studies/{data_set.StudyInstanceUID}/series/{data_set.SeriesInstanceUID}"
        f"/instances/{data_set.SOPInstanceUID}"
    )
    stored_in = UID(data_set.file_meta.TransferSyntaxUID)
    expected = _pixels(sent.content)
    responses = {uid: _instance(url, uid) for uid in _asked_for(data_set)}
    answers = [
        _outcome(responses[uid], expected, data_set, uid) if uid in responses else "too large"
        for uid in (AS_STORED, *DECODED.values())
    ]
    cells = [name_of(sent.path), stored_in.removeprefix(_ROOT) or "-", *answers]
    return [*cells, _frame(url, data_set, responses[EXPLICIT])]


def _frames(data_set: pydicom.Dataset) -> int:
    """1 as well where there is no number, or one that is none."""
    number = str(data_set.get("NumberOfFrames", None))
    return int(number) if number.isdecimal() else 1


def _asked_for(data_set: pydicom.Dataset) -> list[str]:
    """Large pixels are not compressed again: it takes minutes, and shows nothing more."""
    pixels = _frames(data_set) * data_set.get("Rows", 0) * data_set.get("Columns", 0)
    uids = [AS_STORED, *DECODED.values()]
    return uids if pixels <= _MOST_PIXELS else uids[:3]


def _header(content: bytes) -> pydicom.Dataset:
    return pydicom.dcmread(BytesIO(content), stop_before_pixels=True)


def _pixels(content: bytes) -> np.ndarray | None:
    """None: there are none, or pydicom cannot decode them. Colours are RGB."""
    try:
        return pixel_array(pydicom.dcmread(BytesIO(content)))
    except (AttributeError, KeyError, NotImplementedError, RuntimeError, ValueError):
        return None


def _instance(url: str, uid: str) -> requests.Response:
    accept = f"application/dicom; transfer-syntax={uid}" if uid else "application/dicom"
    return requests.get(url, headers={"Accept": accept}, timeout=300)


def _outcome(
    response: requests.Response, expected: np.ndarray | None, sent: pydicom.Dataset, uid: str
) -> str:
    if response.status_code != 200:
        return str(response.status_code)
    received = _header(response.content)
    assert uid in ("", AS_STORED, received.file_meta.TransferSyntaxUID)
    assert {element.tag for element in received} >= {element.tag for element in sent if _stays(element)}
    if expected is None:
        return "not compared" if "Rows" in sent else "no pixels"
    pixels = _pixels(response.content)
    assert pixels is not None
    difference = np.abs(pixels.astype("f8").reshape(expected.shape) - expected.astype("f8"))
    most = np.nanmax(difference)
    return "equal" if most == 0 else f"differs by {most:g}"


def _stays(element: pydicom.DataElement) -> bool:
    """All but group lengths, offset tables and sequences, some of which cannot go along (icons, signatures)."""
    return element.tag.element != 0 and element.tag.group != 0x7FE0 and element.VR != "SQ"


def _frame(url: str, sent: pydicom.Dataset, whole: requests.Response) -> str:
    """The last one, against the same bytes of the instance in Explicit VR Little Endian."""
    number = _frames(sent)
    accept = {"Accept": "application/octet-stream"}
    response = requests.get(f"{url}/frames/{number}", headers=accept, timeout=300)
    if response.status_code != 200:
        return str(response.status_code)
    assert whole.status_code == 200
    received = pydicom.dcmread(BytesIO(whole.content))
    keyword = next(
        name for name in ("PixelData", "FloatPixelData", "DoubleFloatPixelData") if name in received
    )
    if received.BitsAllocated == 1:
        return "bits"
    if received.PhotometricInterpretation != sent.PhotometricInterpretation:
        return "other colours"
    size = len(response.content)
    is_equal = response.content == received[keyword].value[(number - 1) * size : number * size]
    return "equal" if is_equal else "differs"


def table(rows: Iterable[str]) -> str:
    head = "| " + " | ".join(COLUMNS) + " |\n" + "|---" * len(COLUMNS) + "|\n"
    return head + "".join(f"{line}\n" for line in rows)


def documented() -> str:
    """The table as the document has it."""
    return DOCUMENT.read_text("utf-8").partition(BEGIN)[2].partition(END)[0]


def _main() -> None:
    with (
        tempfile.TemporaryDirectory(prefix="dicomhub-trips-") as folder,
        serving(Path(folder) / "home", log=Path(folder) / "web.log") as server,
    ):
        trips = round_trips(server, sample_files())
        rows = list(rich.progress.track(trips, total=len(sample_files()), description="samples"))
    before, _, rest = DOCUMENT.read_text("utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    DOCUMENT.write_text(before + BEGIN + table(rows) + END + after, "utf-8")


if __name__ == "__main__":
    _main()
