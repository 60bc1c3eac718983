"""Frames however their fragments lie. PS3.5 A.4, PS3.3 C.7.6.3.1.8."""

from itertools import accumulate
from pathlib import Path
from struct import pack

import pytest

from tasks.transcode.fragments import FramesUnreadable
from tasks.transcode.source import open_source
from tests.support.samples import sample

ITEM, DELIMITER = b"\xfe\xff\x00\xe0", b"\xfe\xff\xdd\xe0\0\0\0\0"
SOURCE = sample("emri_small_jpeg_2k_lossless.dcm")


def _frames(path: Path) -> list[bytes]:
    source = open_source(path)
    return [bytes(source.frames.read(index)) for index in range(len(source.frames))]


FRAMES = _frames(SOURCE)


def _even(frame: bytes) -> bytes:
    return frame + b"\0" * (len(frame) % 2)


def _item(value: bytes) -> bytes:
    return ITEM + pack("<I", len(value)) + value


def _element(element: int, vr: bytes, value: bytes) -> bytes:
    return pack("<HH2s2xI", 0x7FE0, element, vr, len(value)) + value


def _rewritten(
    path: Path, fragments: list[list[bytes]], *, table: bytes = b"", extended: bool = False
) -> Path:
    """The sample with its frames in these fragments."""
    source = open_source(SOURCE)
    stored = SOURCE.read_bytes()
    head = stored[: source.meta.data_set_offset + source.element.offset]
    items = [[_item(part) for part in parts] for parts in fragments]
    tables = b""
    if extended:
        starts = [0, *accumulate(sum(map(len, parts)) for parts in items)][:-1]
        tables = _element(1, b"OV", pack(f"<{len(starts)}Q", *starts))
        tables += _element(2, b"OV", pack(f"<{len(FRAMES)}Q", *map(len, FRAMES)))
    header = pack("<HH2s2xI", 0x7FE0, 0x10, b"OB", 0xFFFFFFFF)
    body = b"".join(b"".join(parts) for parts in items)
    path.write_bytes(head + tables + header + _item(table) + body + DELIMITER)
    return path


def _table(fragments: list[list[bytes]]) -> bytes:
    starts = [0, *accumulate(sum(len(part) + 8 for part in parts) for parts in fragments)][:-1]
    return pack(f"<{len(starts)}I", *starts)


WHOLE = [[_even(frame)] for frame in FRAMES]
CUT = [[_even(frame)[:100], _even(frame)[100:1000], _even(frame)[1000:]] for frame in FRAMES]


@pytest.mark.parametrize("fragments", [WHOLE, CUT], ids=["one a frame", "three a frame"])
@pytest.mark.parametrize("kind", ["basic", "none", "wrong", "short"])
def test_every_frame_is_found(kind, fragments, tmp_path):
    table = {
        "basic": _table(fragments),
        "none": b"",
        "wrong": pack("<10I", *range(0, 50, 5)),
        "short": b"\0\0\0",
    }[kind]
    path = _rewritten(tmp_path / "fragments.dcm", fragments, table=table)
    assert [frame.rstrip(b"\0") for frame in _frames(path)] == [frame.rstrip(b"\0") for frame in FRAMES]


def test_an_extended_offset_table_knows_the_lengths(tmp_path):
    odd = [frame.rstrip(b"\0") for frame in FRAMES]
    assert any(len(frame) % 2 for frame in odd)
    path = _rewritten(tmp_path / "extended.dcm", WHOLE, extended=True)
    assert _frames(path) == FRAMES


def test_frames_that_nothing_tells_apart_are_refused(tmp_path):
    continued = [[b"\x01\x02" * 40, b"\x03\x04" * 20] for _ in FRAMES]
    with pytest.raises(FramesUnreadable, match="10 frames in 20 fragments"):
        open_source(_rewritten(tmp_path / "apart.dcm", continued))


def test_fewer_frames_than_said_are_refused(tmp_path):
    with pytest.raises(FramesUnreadable, match="10 frames in 9 fragments"):
        open_source(_rewritten(tmp_path / "fewer.dcm", WHOLE[:-1]))


def test_there_is_no_frame_behind_the_last():
    with pytest.raises(IndexError, match="no frame 11 of 10"):
        open_source(SOURCE).frames.read(10)
