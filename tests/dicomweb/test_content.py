import mmap
from pathlib import Path

import pytest

from dicomhub.dicomweb.retrieve.content import BLOCK_BYTES, ArchivedFileChanged, as_stored, blocks, map_file


@pytest.mark.parametrize("size_bytes", [0, 1, BLOCK_BYTES, BLOCK_BYTES + 1, 3 * BLOCK_BYTES])
def test_a_file_comes_in_blocks(tmp_path, size_bytes):
    path = tmp_path / "file"
    path.write_bytes(b"x" * size_bytes)
    found = list(as_stored(path, size_bytes=size_bytes))
    assert b"".join(found) == path.read_bytes()
    assert all(len(block) <= BLOCK_BYTES for block in found)


@pytest.mark.parametrize("announced_bytes", [5, 9, 11, 100])
def test_a_file_of_another_length_than_was_announced_is_not_begun(tmp_path, announced_bytes):
    path = tmp_path / "file"
    path.write_bytes(b"0123456789")
    with pytest.raises(ArchivedFileChanged):
        next(as_stored(path, size_bytes=announced_bytes))


def test_a_file_that_is_replaced_while_it_is_sent_goes_on_as_it_was(tmp_path):
    path, other = tmp_path / "file", tmp_path / "other"
    path.write_bytes(b"x" * 3 * BLOCK_BYTES)
    chunks = as_stored(path, size_bytes=3 * BLOCK_BYTES)
    first = next(chunks)
    other.write_bytes(b"y")
    other.replace(path)
    assert first + b"".join(chunks) == b"x" * 3 * BLOCK_BYTES


def test_pieces_of_any_size_become_blocks(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(bytes(range(256)) * 40_000)
    mapping = map_file(path)
    view = memoryview(mapping)
    pieces = [view[:10], b"", view[10 : 9 * BLOCK_BYTES], bytes(view[9 * BLOCK_BYTES : 20 * BLOCK_BYTES])]
    pieces.append(view[20 * BLOCK_BYTES :])
    found = list(blocks(pieces, mapping=mapping))
    assert b"".join(found) == path.read_bytes()
    assert max(map(len, found)) < 2 * BLOCK_BYTES


def test_a_mapped_file_is_unmapped_with_its_last_view(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"x" * mmap.PAGESIZE)
    view = memoryview(map_file(path))
    assert view[0] == ord("x")
    assert str(path) in maps()
    del view
    assert str(path) not in maps()


def maps():
    return Path("/proc/self/maps").read_text()
