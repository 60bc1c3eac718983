"""Some of the trips of docs/dicomweb/round-trips.md: a sample of each transfer syntax, and what is refused or cut short."""

import pytest

from dicomhub.standard.part10 import Part10Malformed, read_file_meta
from tests.dicomweb.round_trips import documented, round_trips
from tests.dicomweb.served import serving
from tests.support.samples import sample, sample_files

MAX_BYTES = 150_000
REFUSED = ("DICOMDIR", "MR_truncated.dcm")


def chosen():
    """The first small file of each transfer syntax."""
    found = {}
    for path in sample_files():
        try:
            meta = read_file_meta(path.read_bytes())
        except Part10Malformed:
            continue
        if path.name not in REFUSED and path.stat().st_size < MAX_BYTES:
            found.setdefault(meta.transfer_syntax_uid, path)
    return [*found.values(), *map(sample, REFUSED)]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("trips")
    with serving(folder / "home", log=folder / "web.log") as server:
        yield server


def test_the_documented_trips_are_what_happens(server):
    rows = documented().splitlines()
    made = list(round_trips(server, chosen()))
    assert len(made) == len(chosen())
    assert [row for row in made if row not in rows] == []
