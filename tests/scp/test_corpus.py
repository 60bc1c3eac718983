"""The golden pairs: the parser finds what stands beside each stream, however the stream is cut."""

import pytest

from scp.upper_layer.events import PduInvalid
from tests.scp.corpus import ROOT, described, pairs, stream_of
from tests.scp.pdus import RELEASE_RQ, feed, parser

VALID, INVALID, PEERS = (pairs(kind) for kind in ("valid", "invalid", "peers"))
steps = pytest.mark.parametrize("step", [None, 1, 2, 7, 4096], ids=lambda step: f"step={step}")


def names(pair):
    return pair.name


def test_no_pair_is_missing_a_half():
    assert all(file.with_suffix(".events").exists() for file in ROOT.glob("*/*.pdus"))
    assert all(stream_of(file.with_suffix(".pdus")) for file in ROOT.glob("*/*.events"))
    assert len(VALID) >= 18
    assert len(INVALID) >= 17
    assert len(PEERS) >= 6


@steps
@pytest.mark.parametrize("pair", [*VALID, *PEERS], ids=names)
def test_a_valid_stream_gives_its_events_however_it_is_cut(pair, step):
    subject = parser()
    assert list(map(described, feed(subject, pair.stream, step=step))) == pair.events
    assert not subject.is_inside_pdu


@pytest.mark.parametrize("pair", [*VALID, *PEERS], ids=names)
def test_bytes_that_follow_wait_for_their_turn(pair):
    subject = parser()
    assert list(map(described, feed(subject, pair.stream + RELEASE_RQ[:7]))) == pair.events
    assert subject.is_inside_pdu
    assert list(map(described, feed(subject, RELEASE_RQ[7:]))) == ["ReleaseRequested"]


@steps
@pytest.mark.parametrize("pair", INVALID, ids=names)
def test_an_invalid_stream_is_found_out_and_nothing_behind_it_is_parsed(pair, step):
    subject = parser()
    events = feed(subject, pair.stream + RELEASE_RQ * 3, step=step)
    assert list(map(described, events)) == pair.events
    assert isinstance(events[-1], PduInvalid)
    assert not subject.is_inside_pdu


@pytest.mark.parametrize("pair", [*VALID, *PEERS], ids=names)
def test_a_stream_that_is_cut_short_is_inside_a_pdu_or_between_two(pair):
    for length in {1, 5, 6, 7, 11, 12, 13, len(pair.stream) - 1} & set(range(len(pair.stream))):
        subject = parser()
        events = feed(subject, pair.stream[:length])
        assert subject.is_inside_pdu or events or pair.events == ["ReleaseRequested"]
