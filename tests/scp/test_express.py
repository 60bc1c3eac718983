"""The express lane stores what it takes as the receive lane would, and leaves everything else to it.

Each conversation is served twice, with the express lane and without; answers, files and journal are the same.
"""

import pytest

from dicomhub.intake.incoming_instance import UNWATCHED_BYTES
from scp.express.library import Library, LibraryUnusable, library_path
from scp.meters import ASSOCIATION_SECONDS, EXPRESS_INSTANCES, INSTANCE_BYTES, METERS, PLACES, Counter
from tests.fuzz.lanes import in_both_lanes, mutated_conversation, served
from tests.scp.conversations import BEGINNING, CONVERSATIONS, NEXT, message, series
from tests.scp.pdus import RELEASE_RQ

try:
    Library(library_path())
except LibraryUnusable as error:
    pytest.skip(f"the express lane is not built (make express): {error}", allow_module_level=True)

# Those of which the express lane has something to do, and how many instances.
IN_EXPRESS = {
    "a series": 7,
    "PDUs of a byte": 3,
    "large ones": 3,
    "a PDU each": 3,
    "group 2 further on": 0,
    "an echo in between": 4,
    "two series in turn": 0,
    "a series after a series": 5,
    "a sequence of undefined length": 3,
    "a UID of 64": 4,
    "a UID of 63": 4,
    "command and data set in one PDU": 4,
    "a command set in another order": 3,
    "implicit VR": 3,
    "a text with a quote": 3,
    "the last PDV empty": 4,
    "an empty PDV in the middle": 4,
}


def assert_same(express, receive):
    assert express.answers == receive.answers
    assert express.files == receive.files
    assert express.lines == receive.lines
    assert receive.express == 0


@pytest.mark.parametrize("step", [None, 7, 1000], ids=["whole", "by 7", "by 1000"])
@pytest.mark.parametrize("name", CONVERSATIONS)
def test_what_comes_of_a_conversation_is_the_same_in_both_lanes(tmp_path, name, step):
    stream = CONVERSATIONS[name]
    step = max(step, len(stream) // 500) if step else None  # each is a system call
    express, receive = in_both_lanes(tmp_path, stream, step=step)
    assert_same(express, receive)
    assert receive.lines, "a conversation stores something"
    if name in IN_EXPRESS:
        assert express.express == IN_EXPRESS[name]


@pytest.mark.parametrize("seed", range(100))
def test_what_comes_of_damaged_bytes_is_the_same_in_both_lanes(tmp_path, seed):
    assert_same(*in_both_lanes(tmp_path, *mutated_conversation(seed)))


@pytest.mark.parametrize("durability", ["power", "process"])
def test_both_lanes_count_the_same(tmp_path, durability):
    stream = series(9, size=16_000) + RELEASE_RQ
    express, receive = in_both_lanes(tmp_path, stream, SCP_DURABILITY=durability)
    assert express.express == 7
    for meter in METERS:
        first, words = PLACES[meter.name], meter.words
        mine, others = (counts[first : first + words] for counts in (express.counts, receive.counts))
        if meter is EXPRESS_INSTANCES:
            assert (mine, others) == ([7], [0])
        elif isinstance(meter, Counter) or meter is INSTANCE_BYTES:
            assert mine == others, meter.name
        else:  # how long it took
            assert sum(mine[:-1]) == sum(others[:-1]) == (1 if meter is ASSOCIATION_SECONDS else 9)


@pytest.mark.parametrize("has_express", [True, False])
def test_a_segment_is_cut_at_its_limit(tmp_path, has_express):
    got = served(tmp_path, series(9), has_express=has_express, BATCH_MAX_INSTANCES=4)
    assert len(got.lines) == 9
    assert bool(got.express) == has_express
    segments = (tmp_path / "store" / "journal").iterdir()
    assert sorted(path.read_text().count("\n") - 1 for path in segments) == [1, 4, 4]


@pytest.mark.parametrize("durability", ["power", "process"])
def test_a_large_instance_is_for_the_express_lane_too(tmp_path, durability):
    stream = (
        BEGINNING
        + message(NEXT, pixels=bytes(UNWATCHED_BYTES + 1024 * 1024), size=100_000)
        + message("1.2.3.4.78")
    )
    express, receive = in_both_lanes(tmp_path, stream + RELEASE_RQ, SCP_DURABILITY=durability)
    assert_same(express, receive)
    assert express.express == 4


def test_a_peer_that_takes_small_pdus_only_gets_such(tmp_path):
    express, receive = in_both_lanes(tmp_path, series(5), peer_max_pdu_bytes=50)
    assert_same(express, receive)
    assert express.express == 0
